/**
 * PayloadEncoder: writes a message as CBOR straight into an out-buffer, and refuses, naming its path, what would not arrive as it
 * is. Byte for byte what cbor-x writes with the options of `codec.ts`, except that -0 stays -0 and that a lone surrogate
 * becomes U+FFFD in short strings as it does in long ones; a fuzz test holds the two together.
 *
 * Why not cbor-x itself: it needs a walk before it (it writes class instances, maps and cycles without a word) and a copy after it (it
 * writes into an arena of its own, as large as the largest message so far). In one pass this is 2 to 4 times as fast as those three, and
 * about twice as fast as cbor-x alone (bench/codec.ts, `encode` rows); the cap of the out-buffer holds while it writes, and the runtimes of
 * a simulation share no state.
 */
import type { Address, Place } from '../address.ts';
import { OutBuffer } from '../bytes.ts';
import { BugError, errorMessage, RuntimeError } from '../errors.ts';
import { Ref } from '../ref.ts';
import { ARRAY_ITEMS_MAX, DEPTH_MAX, OBJECT_KEYS_MAX, REF_FIELDS_LONG, REF_FIELDS_SHORT, REF_HEAD } from './scan.ts';

/** The thread whose refs are written short. */
export interface Home {
  readonly place: Place;
  readonly boot: number;
}

const UINT = 0x00;
const NEGATIVE = 0x20;
const BYTES = 0x40;
const TEXT = 0x60;
const ARRAY = 0x80;
const MAP = 0xa0;
const FLOAT_64 = 0xfb;

/** From here on the call into the engine that writes UTF-8 beats the loop (bench/codec.ts, `encode` rows). */
const LOOP_CHARS_MAX = 64;
/** Same for `set` and bytes. */
const LOOP_BYTES_MAX = 48;
/** Longer strings are measured before they are written; shorter ones get room for the worst case. */
const MEASURED_CHARS = 1024;

/** Thrown when the cap is reached, and caught by `encode`. One for all: a full link must be cheap to find full. */
const FULL = new BugError('the out-buffer is full');
const IDLE = new OutBuffer(16, 16);

export class PayloadEncoder {
  readonly #home: Home;
  #out = IDLE;
  #bytes: Buffer = IDLE.bytes;
  #view: DataView = IDLE.view;
  #at = 0;
  #root: unknown = undefined;
  /** Key or index within the container of each depth, for error messages. */
  readonly #path: (string | number)[] = new Array<string | number>(DEPTH_MAX).fill(0);

  constructor(home: Home) {
    this.#home = home;
  }

  /**
   * Appends `message` to `out` as one CBOR item. Returns false, with `out.length` as before, when it doesn't fit below `out.maxBytes`.
   * Getters are called, once; keys that are symbols, properties of arrays beside their items, and the prototype `null` don't travel.
   * Errors: NOT_ENCODABLE, with `out.length` as before.
   */
  encode(message: unknown, out: OutBuffer): boolean {
    if (this.#out !== IDLE) throw notEncodable('message: has a getter that sends a message');
    const start = out.length;
    this.#out = out;
    this.#bytes = out.bytes;
    this.#view = out.view;
    this.#at = start;
    this.#root = message;
    try {
      this.#value(message, 0);
      out.length = this.#at;
      return true;
    } catch (error) {
      out.length = start;
      if (error === FULL) return false;
      throw error instanceof RuntimeError ? error : notEncodable(`message: a getter failed: ${errorMessage(error)}`, error);
    } finally {
      // Why: the buffer may be given away and the message collected before the next call.
      this.#out = IDLE;
      this.#bytes = IDLE.bytes;
      this.#view = IDLE.view;
      this.#root = undefined;
    }
  }

  #value(value: unknown, depth: number): void {
    switch (typeof value) {
      case 'string':
        this.#text(value);
        return;
      case 'number':
        this.#number(value);
        return;
      case 'boolean':
        this.#byte(value ? 0xf5 : 0xf4);
        return;
      case 'undefined':
        this.#byte(0xf7);
        return;
      case 'object':
        if (value === null) this.#byte(0xf6);
        else this.#object(value, depth);
        return;
      case 'bigint':
        this.#bigint(value, depth);
        return;
      default:
        throw this.#refuse(typeof value, depth);
    }
  }

  #object(value: object, depth: number): void {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) this.#map(value as Readonly<Record<string, unknown>>, depth);
    else if (Array.isArray(value) && prototype === Array.prototype) this.#array(value, depth);
    else if (value instanceof Ref) this.#ref(value.address);
    else if (value instanceof Uint8Array) this.#byteString(value);
    else throw this.#refuse(`instance of ${className(prototype)}`, depth);
  }

  #map(value: Readonly<Record<string, unknown>>, depth: number): void {
    if (depth === DEPTH_MAX) throw this.#tooDeep();
    const keys = Object.keys(value);
    const count = keys.length;
    if (count > OBJECT_KEYS_MAX) throw this.#refuse(`object of ${count} keys, at most ${OBJECT_KEYS_MAX}`, depth);
    this.#head(MAP, count);
    const path = this.#path;
    for (let i = 0; i < count; i++) {
      const key = keys[i]!;
      path[depth] = key;
      if (key === '__proto__') throw this.#refuse('key __proto__', depth + 1);
      this.#text(key);
      this.#value(value[key], depth + 1);
    }
  }

  #array(value: readonly unknown[], depth: number): void {
    if (depth === DEPTH_MAX) throw this.#tooDeep();
    const count = value.length;
    if (count > ARRAY_ITEMS_MAX) throw this.#refuse(`array of ${count} items, at most ${ARRAY_ITEMS_MAX}`, depth);
    this.#head(ARRAY, count);
    const path = this.#path;
    for (let i = 0; i < count; i++) {
      path[depth] = i;
      this.#value(value[i], depth + 1);
    }
  }

  #ref(address: Address): void {
    const { place, boot } = this.#home;
    const isOurs = address.shard === place.shard && address.boot === boot && address.node === place.node;
    if (this.#at + 4 > this.#bytes.length) this.#grow(4);
    this.#view.setUint32(this.#at, REF_HEAD | (isOurs ? REF_FIELDS_SHORT : REF_FIELDS_LONG));
    this.#at += 4;
    if (!isOurs) {
      this.#text(address.node);
      this.#head(UINT, address.shard);
      this.#number(address.boot);
    }
    this.#head(UINT, address.slot);
    this.#head(UINT, address.uid);
  }

  #number(value: number): void {
    if (value >>> 0 === value && (value !== 0 || !Object.is(value, -0))) this.#head(UINT, value);
    else if (value < 0 && value >= -0x1_0000_0000 && Math.floor(value) === value) this.#head(NEGATIVE, -1 - value);
    else {
      if (this.#at + 9 > this.#bytes.length) this.#grow(9);
      this.#bytes[this.#at] = FLOAT_64;
      this.#view.setFloat64(this.#at + 1, value);
      this.#at += 9;
    }
  }

  #bigint(value: bigint, depth: number): void {
    const isUnsigned = value >= 0n;
    if (isUnsigned ? BigInt.asUintN(64, value) !== value : BigInt.asIntN(64, value) !== value) {
      throw this.#refuse('bigint beyond 64 bits', depth);
    }
    if (this.#at + 9 > this.#bytes.length) this.#grow(9);
    this.#bytes[this.#at] = isUnsigned ? 0x1b : 0x3b;
    this.#view.setBigUint64(this.#at + 1, isUnsigned ? value : -1n - value);
    this.#at += 9;
  }

  #byteString(value: Uint8Array): void {
    const count = value.length;
    this.#head(BYTES, count);
    const at = this.#at;
    if (at + count > this.#bytes.length) this.#grow(count);
    const bytes = this.#bytes;
    if (count < LOOP_BYTES_MAX) for (let i = 0; i < count; i++) bytes[at + i] = value[i]!;
    else bytes.set(value, at);
    this.#at = at + count;
  }

  #text(text: string): void {
    const chars = text.length;
    if (chars >= LOOP_CHARS_MAX) {
      this.#encodedText(text);
      return;
    }
    const at = this.#at;
    const width = chars < 24 ? 1 : 2;
    const from = at + width;
    if (from + chars > this.#bytes.length) this.#grow(width + chars);
    const bytes = this.#bytes;
    for (let i = 0; i < chars; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) {
        this.#encodedText(text);
        return;
      }
      bytes[from + i] = code;
    }
    if (width === 1) bytes[at] = TEXT | chars;
    else {
      bytes[at] = TEXT | 24;
      bytes[at + 1] = chars;
    }
    this.#at = from + chars;
  }

  /** Any string, written by the engine: a lone surrogate becomes U+FFFD. */
  #encodedText(text: string): void {
    const chars = text.length;
    const worst = chars * 3 + 5;
    const out = this.#out;
    out.length = this.#at;
    if (chars >= MEASURED_CHARS || !out.ensure(worst)) {
      const count = Buffer.byteLength(text);
      this.#head(TEXT, count);
      if (this.#at + count > this.#bytes.length) this.#grow(count);
      this.#at += this.#bytes.write(text, this.#at, 'utf8');
      return;
    }
    this.#bytes = out.bytes;
    this.#view = out.view;
    const at = this.#at;
    const bytes = this.#bytes;
    // The head is as long as it would be for ASCII; where that was a wrong guess, the text is moved.
    const guess = at + headBytes(chars);
    const count = bytes.write(text, guess, 'utf8');
    const from = at + headBytes(count);
    if (from !== guess) bytes.copyWithin(from, guess, guess + count);
    this.#head(TEXT, count);
    this.#at = from + count;
  }

  #head(major: number, argument: number): void {
    const at = this.#at;
    const width = headBytes(argument);
    if (at + width > this.#bytes.length) this.#grow(width);
    const bytes = this.#bytes;
    if (width === 1) bytes[at] = major | argument;
    else if (width === 2) {
      bytes[at] = major | 24;
      bytes[at + 1] = argument;
    } else if (width === 3) {
      bytes[at] = major | 25;
      bytes[at + 1] = argument >> 8;
      bytes[at + 2] = argument;
    } else {
      bytes[at] = major | 26;
      this.#view.setUint32(at + 1, argument);
    }
    this.#at = at + width;
  }

  #byte(byte: number): void {
    if (this.#at >= this.#bytes.length) this.#grow(1);
    this.#bytes[this.#at++] = byte;
  }

  #grow(count: number): void {
    const out = this.#out;
    out.length = this.#at;
    if (!out.ensure(count)) throw FULL;
    this.#bytes = out.bytes;
    this.#view = out.view;
  }

  #refuse(what: string, depth: number): RuntimeError {
    return notEncodable(`${pathName(this.#path, depth)}: ${what}`);
  }

  /** Finds out whether the path to the container that is one too deep goes in a circle. */
  #tooDeep(): RuntimeError {
    const above: unknown[] = [];
    let value = this.#root;
    for (let depth = 0; depth <= DEPTH_MAX; depth++) {
      const first = above.indexOf(value);
      if (first >= 0) return this.#refuse(`cycle, the same as ${pathName(this.#path, first)}`, depth);
      above.push(value);
      if (depth < DEPTH_MAX) value = (value as Readonly<Record<string | number, unknown>>)[this.#path[depth]!];
    }
    return this.#refuse(`nested deeper than ${DEPTH_MAX}`, DEPTH_MAX);
  }
}

function headBytes(argument: number): number {
  return argument < 24 ? 1 : argument < 0x100 ? 2 : argument < 0x1_0000 ? 3 : 5;
}

const PLAIN_KEY = /^[A-Za-z_$][\w$]*$/;
const KEY_CHARS_SHOWN = 40;

/** `message.items[3]["odd key"]`: the first `depth` steps of a path. */
function pathName(path: readonly (string | number)[], depth: number): string {
  let name = 'message';
  for (const step of path.slice(0, depth)) {
    if (typeof step === 'number') name += `[${step}]`;
    else if (PLAIN_KEY.test(step) && step.length <= KEY_CHARS_SHOWN) name += `.${step}`;
    else name += `[${JSON.stringify(step.slice(0, KEY_CHARS_SHOWN))}]`;
  }
  return name;
}

function className(prototype: unknown): string {
  const { constructor: maker } = prototype as { readonly constructor?: unknown };
  return typeof maker === 'function' && typeof maker.name === 'string' && maker.name !== '' ? maker.name : 'a class';
}

function notEncodable(message: string, cause?: unknown): RuntimeError {
  return new RuntimeError('NOT_ENCODABLE', message, cause === undefined ? undefined : { cause });
}

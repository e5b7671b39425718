/**
 * Scanner: decides whether bytes from outside are one value as this runtime sends them, before anything is built from them.
 * CBOR as a whole is far more than that: tags that make regular expressions, dates and cycles, lengths without end, keys of every
 * type, and any depth. All that is refused here, so that the decoder behind never meets it.
 *
 * What passes: null, undefined, booleans; integers of any width, not below -2^63; floats of 16, 32, 64 bits; byte and text
 * strings of definite length; arrays; maps whose keys are texts other than `__proto__`; refs (tag 55212, see `codec.ts`). Text is not
 * checked to be UTF-8 (the decoder puts U+FFFD for what is not), nor are keys to differ (the last one counts).
 */
import { MAIN_SHARD, NODE_NAME_BYTES_MAX, SHARDS_MAX } from '../address.ts';
import { viewOf } from '../bytes.ts';
import type { RuntimeError } from '../errors.ts';
import { protocolError } from './frame.ts';

/** Arrays and objects within each other, the outermost included. A ref counts as none. */
export const DEPTH_MAX = 16;
export const ARRAY_ITEMS_MAX = 65_536;
export const OBJECT_KEYS_MAX = 4_096;

/** CBOR tag of a ref: `[slot, uid]` of the place that sent it, or `[node, shard, boot, slot, uid]`. */
export const REF_TAG = 0xd7ac;
/** The head of a ref in one word; the last byte's low bits are the number of fields. */
export const REF_HEAD = 0xd9_d7ac_80;
export const REF_FIELDS_SHORT = 2;
export const REF_FIELDS_LONG = 5;

const BYTES = 2;
const TEXT = 3;
const ARRAY = 4;
const MAP = 5;
const TAG = 6;
const SIMPLE = 7;
/** Additional information: the argument is in the next 1, 2, 4, 8 bytes. */
const NEXT_1 = 24;
const NEXT_4 = 26;
const NEXT_8 = 27;
/** `__proto__` as a text: length, and the word it begins with. */
const PROTO = Buffer.from('__proto__');

export class Scanner {
  /** Per open array or map: twice the items still to come, plus 1 for a map. */
  readonly #open = new Int32Array(DEPTH_MAX);
  readonly #float = viewOf(new Uint8Array(8));
  /** Where the item behind the ref field or length just read begins. */
  #next = 0;

  /**
   * Requires: 0 <= start, end <= bytes.length.
   * Errors: PROTOCOL, with the offset from `start`, what was found and what was expected.
   * Cost: one pass, no recursion, no allocation; strings are skipped, not read.
   */
  scan(bytes: Uint8Array, start: number, end: number): void {
    const open = this.#open;
    let at = start;
    let depth = 0;
    let left = 1;
    let inMap = false;
    for (;;) {
      while (left === 0) {
        if (depth === 0) {
          if (at !== end) throw refused(at - start, `${end - at} more bytes`, 'the end');
          return;
        }
        const outer = open[--depth]!;
        left = outer >> 1;
        inMap = (outer & 1) === 1;
      }
      left--;
      if (at >= end) throw refused(at - start, 'the end', 'an item');
      const first = bytes[at]!;
      const major = first >> 5;
      const info = first & 31;
      // Of what is left in a map, keys leave an odd number behind them.
      const isKey = inMap && (left & 1) === 1;
      if (isKey && major !== TEXT) throw refused(at - start, found(first), 'a text as key');
      if (major < BYTES) {
        if (info < NEXT_1) at++;
        else {
          if (info > NEXT_8) throw refused(at - start, found(first), 'an integer');
          const next = at + 1 + (1 << (info - NEXT_1));
          if (next > end) throw refused(at - start, `an integer cut off after ${end - at} bytes`, `${next - at} bytes`);
          if (info === NEXT_8 && major === 1 && bytes[at + 1]! > 127) throw refused(at - start, 'an integer below -2^63', 'one of 64 bits');
          at = next;
        }
      } else if (major < TAG) {
        let length = info;
        let next = at + 1;
        if (info >= NEXT_1) {
          length = this.#length(bytes, at, end, start);
          next = this.#next;
        }
        if (major <= TEXT) {
          if (length > end - next) throw refused(at - start, `a string of ${length} bytes`, `at most ${end - next}`);
          if (isKey && length === PROTO.length && isProto(bytes, next)) throw refused(at - start, 'the key __proto__', 'any other');
          at = next + length;
        } else {
          const items = major === MAP ? length * 2 : length;
          // Each item has a byte of its own, so what is still open outside counts too; that is found when they are reached.
          if (items > end - next) throw refused(at - start, `${items} items`, `at most ${end - next}`);
          if (length > (major === MAP ? OBJECT_KEYS_MAX : ARRAY_ITEMS_MAX)) throw tooMany(at - start, major, length);
          if (depth === DEPTH_MAX) throw refused(at - start, `depth ${DEPTH_MAX + 1}`, `at most ${DEPTH_MAX}`);
          open[depth++] = (left << 1) | (inMap ? 1 : 0);
          left = items;
          inMap = major === MAP;
          at = next;
        }
      } else if (major === SIMPLE) {
        if (info >= 20 && info <= 23) at++;
        else {
          if (info <= NEXT_1 || info > NEXT_8) throw refused(at - start, found(first), 'false, true, null, undefined or a float');
          const next = at + 1 + (1 << (info - NEXT_1));
          if (next > end) throw refused(at - start, `a float cut off after ${end - at} bytes`, `${next - at} bytes`);
          at = next;
        }
      } else at = this.#ref(bytes, at, end, start);
    }
  }

  /** The long form of a length: 1, 2 or 4 bytes. Sets #next. */
  #length(bytes: Uint8Array, at: number, end: number, start: number): number {
    const first = bytes[at]!;
    const info = first & 31;
    // Why not 8: no frame is that long, and cbor-x's native part refuses it behind a string in any case.
    if (info > NEXT_4) throw refused(at - start, found(first), 'a length of at most 4 bytes');
    const width = 1 << (info - NEXT_1);
    if (width > end - at - 1) throw refused(at - start, `a length cut off after ${end - at} bytes`, `${width + 1} bytes`);
    this.#next = at + 1 + width;
    let value = 0;
    for (let i = at + 1; i <= at + width; i++) value = value * 256 + bytes[i]!;
    return value;
  }

  /** Returns the offset behind the ref at `at`. Its tag and array are accepted in their shortest form only. */
  #ref(bytes: Uint8Array, at: number, end: number, start: number): number {
    const fields = at + 4 <= end ? bytes[at + 3]! & 31 : 0;
    const isRef = (bytes[at]! << 16) + (bytes[at + 1]! << 8) + bytes[at + 2]! === REF_HEAD >>> 8;
    if (at + 4 > end || !isRef || bytes[at + 3]! >> 5 !== ARRAY || (fields !== REF_FIELDS_SHORT && fields !== REF_FIELDS_LONG)) {
      const head = Buffer.from(bytes.subarray(at, Math.min(at + 4, end))).toString('hex');
      throw refused(at - start, `tag ${head}`, `tag ${REF_TAG} of an array of 2 or 5`);
    }
    this.#next = at + 4;
    if (fields === REF_FIELDS_LONG) {
      this.#node(bytes, end, start);
      const shardAt = this.#next;
      const shard = this.#u32(bytes, end, start, 'a shard');
      if (shard >= SHARDS_MAX && shard !== MAIN_SHARD)
        throw refused(shardAt - start, `shard ${shard}`, `0 to ${SHARDS_MAX - 1} or ${MAIN_SHARD}`);
      this.#boot(bytes, end, start);
    }
    this.#u32(bytes, end, start, 'a slot');
    this.#u32(bytes, end, start, 'a uid');
    return this.#next;
  }

  #node(bytes: Uint8Array, end: number, start: number): void {
    const at = this.#next;
    if (at >= end || bytes[at]! >> 5 !== TEXT) throw refused(at - start, at < end ? found(bytes[at]!) : 'the end', 'the name of a node');
    let length = bytes[at]! & 31;
    this.#next = at + 1;
    if (length >= NEXT_1) length = this.#length(bytes, at, end, start);
    const from = this.#next;
    if (length < 1 || length > NODE_NAME_BYTES_MAX || length > end - from)
      throw refused(at - start, `a node name of ${length} bytes`, '1 to 64');
    for (let i = from; i < from + length; i++) {
      if (!isNameByte(bytes[i]!)) throw refused(i - start, `byte ${bytes[i]} in a node name`, '[A-Za-z0-9._-]');
    }
    this.#next = from + length;
  }

  /** An unsigned integer of at most 4 bytes. */
  #u32(bytes: Uint8Array, end: number, start: number, what: string): number {
    const at = this.#next;
    if (at >= end || bytes[at]! > NEXT_4) throw refused(at - start, at < end ? found(bytes[at]!) : 'the end', `${what} of 32 bits`);
    if (bytes[at]! >= NEXT_1) return this.#length(bytes, at, end, start);
    this.#next = at + 1;
    return bytes[at]!;
  }

  /** Below 2^53, and beyond 32 bits a float of 64, which is how any such number travels. */
  #boot(bytes: Uint8Array, end: number, start: number): void {
    const at = this.#next;
    if (at >= end || bytes[at] !== 0xfb) {
      this.#u32(bytes, end, start, 'a boot: a float, or an integer');
      return;
    }
    if (at + 9 > end) throw refused(at - start, `a float cut off after ${end - at} bytes`, '9 bytes');
    for (let i = 0; i < 8; i++) this.#float.setUint8(i, bytes[at + 1 + i]!);
    const boot = this.#float.getFloat64(0);
    if (!Number.isSafeInteger(boot) || boot < 0) throw refused(at - start, `boot ${boot}`, 'an integer below 2^53');
    this.#next = at + 9;
  }
}

function isProto(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < PROTO.length; i++) if (bytes[at + i] !== PROTO[i]) return false;
  return true;
}

function isNameByte(b: number): boolean {
  // '-' '.' '0' to '9', 'A' to 'Z', '_', 'a' to 'z'
  return (b >= 0x30 && b <= 0x39) || (b >= 0x61 && b <= 0x7a) || (b >= 0x41 && b <= 0x5a) || b === 0x2d || b === 0x2e || b === 0x5f;
}

function tooMany(offset: number, major: number, length: number): RuntimeError {
  return major === MAP
    ? refused(offset, `a map of ${length} keys`, `at most ${OBJECT_KEYS_MAX}`)
    : refused(offset, `an array of ${length} items`, `at most ${ARRAY_ITEMS_MAX}`);
}

const MAJOR_NAMES: readonly string[] = ['integer', 'integer', 'bytes', 'text', 'array', 'map', 'tag', 'simple value'];

/** The first byte of an item, for people: `0x5f (bytes, info 31)`. */
function found(first: number): string {
  return `0x${first.toString(16).padStart(2, '0')} (${MAJOR_NAMES[first >> 5]}, info ${first & 31})`;
}

function refused(offset: number, what: string, expected: string): RuntimeError {
  return protocolError(`value at byte ${offset}: found ${what}, expected ${expected}`);
}

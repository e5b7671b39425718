/**
 * RespReader: takes the commands of one connection out of the chunks in which they come. Knows arrays of bulk strings, and inline commands as people type them.
 *
 * ```
 *   *2\r\n $3\r\nGET\r\n $3\r\nkey\r\n          arguments: offsets into `bytes`, valid until the next call of `next`
 *                  ^ ^        ^  ^
 * ```
 * Nothing is copied unless a command comes in several chunks: then it is put together in a buffer of the reader's own, which grows by what has come and
 * never by what was announced. Counts and lengths are checked where they are read, and no byte is looked at twice but those of a header (at most 22).
 * Source: [RESP, the protocol specification of Redis]; limits and inline quoting as in Redis networking.c and sds.c.
 */

export interface ReaderLimits {
  /** Arguments of a command, its name included. */
  argumentsMax: number;
  /** Bytes of one argument. */
  bulkBytesMax: number;
  /** Bytes of a command as it comes, headers included. */
  commandBytesMax: number;
}

/** What `next` found. */
export const COMMAND = 1;
/** The command is not all there yet. */
export const MORE = 2;
/** Bytes that are no command; `fault` says what was expected. The connection has to be closed: where the next command begins is not known. */
export const FAULT = 3;
export type Found = typeof COMMAND | typeof MORE | typeof FAULT;

const INLINE_BYTES_MAX = 65_536;
/** `*` or `$`, the digits, CR LF. */
const HEADER_BYTES_MAX = 22;
const OWN_BYTES_MIN = 4_096;
/** A larger buffer of its own is given back once its command is done. */
const OWN_BYTES_KEPT = 262_144;
const ARGUMENTS_KEPT = 1_024;

const CR = 13;
const LF = 10;
const STAR = 42;
const DOLLAR = 36;
const MINUS = 45;
/** Of `#header`: not all there yet; wrong. Numbers that are read are 0 or above, or NEGATIVE. */
const NOT_YET = -1;
const WRONG = -2;
const NEGATIVE = -3;

export class RespReader {
  readonly limits: ReaderLimits;
  /** Where the arguments lie. */
  bytes: Buffer = NOTHING;
  /** Arguments of the command found. */
  count = 0;
  fault = '';
  /** Argument i is `bytes[offsets[2 * i], offsets[2 * i + 1])`. */
  offsets = new Int32Array(32);
  #at = 0;
  #end = 0;
  /** Where the command begins that is being read, or was found. */
  #start = 0;
  /** Arguments that are still to come; 0: between commands. */
  #missing = 0;
  /** Length of the argument whose bytes come next; NOT_YET: its header does. */
  #bulkBytes = NOT_YET;
  /** How far an inline command was searched for its end. */
  #scanned = 0;
  /** `next` found a command, and has not been called again. */
  #isHeld = false;
  #own: Buffer = NOTHING;
  readonly #mutants: ReadonlySet<string> | undefined;

  constructor(limits: ReaderLimits, mutants?: ReadonlySet<string>) {
    this.limits = limits;
    this.#mutants = mutants;
  }

  /** Bytes that came and are not yet read, those of a command that was found and not yet left included. */
  get bufferedBytes(): number {
    return this.#end - (this.#isHeld || this.#missing > 0 ? this.#start : this.#at);
  }

  start(i: number): number {
    return this.offsets[2 * i]!;
  }

  end(i: number): number {
    return this.offsets[2 * i + 1]!;
  }

  /** Argument `i` as text, a byte a character. Cost: a string. */
  text(i: number): string {
    return this.bytes.toString('latin1', this.start(i), this.end(i));
  }

  /**
   * `chunk[from, to)` came in, and is the reader's from now on. May be called while a command is held; its arguments stay right, but may have moved.
   * Cost: nothing, or a copy of the chunk when an earlier one ended within a command.
   */
  feed(chunk: Buffer, from: number, to: number): void {
    const keep = this.bufferedBytes;
    if (keep === 0) {
      if (this.bytes === this.#own && this.#own.length > OWN_BYTES_KEPT) this.#own = NOTHING;
      this.#useBytes(chunk, from, to);
      return;
    }
    this.#makeRoom(keep, to - from);
    chunk.copy(this.#own, this.#end, from, to);
    this.#end += to - from;
  }

  /** The next command; arguments of the one before are no longer valid. */
  next(): Found {
    if (this.#isHeld) {
      this.#isHeld = false;
      this.count = 0;
      this.#start = this.#at;
      if (this.offsets.length > 2 * ARGUMENTS_KEPT) this.offsets = new Int32Array(32);
    }
    while (this.#missing === 0) {
      if (this.#at === this.#end) return this.#rest();
      if (this.bytes[this.#at] !== STAR) {
        const found = this.#nextInline();
        // An empty line says nothing.
        if (found === COMMAND && this.count === 0) continue;
        return found;
      }
      const found = this.#nextArray();
      if (found !== COMMAND) return found;
    }
    return this.#nextArguments();
  }

  /** Reads the header of an array. COMMAND: its arguments come next; an empty one was left out. */
  #nextArray(): Found {
    this.#start = this.#at;
    const { argumentsMax } = this.limits;
    const count = this.#header();
    if (count === NOT_YET) return MORE;
    if (count === WRONG || count > argumentsMax) return this.#fail(`invalid multibulk length: expected 0 to ${argumentsMax}`);
    if (count > 0) this.#missing = count;
    else this.#start = this.#at;
    return COMMAND;
  }

  #nextArguments(): Found {
    const { bytes, limits } = this;
    while (this.#missing > 0) {
      if (this.#bulkBytes === NOT_YET) {
        if (this.#at === this.#end) return MORE;
        if (bytes[this.#at] !== DOLLAR) return this.#fail(`expected '$', got ${nameOf(bytes[this.#at]!)}`);
        const length = this.#header();
        if (length === NOT_YET) return MORE;
        const isTooLong = length > limits.bulkBytesMax && !this.#mutants?.has('lengthNotChecked');
        if (length < 0 || isTooLong) return this.#fail(`invalid bulk length: expected 0 to ${limits.bulkBytesMax}`);
        if (this.#at + length + 2 - this.#start > limits.commandBytesMax)
          return this.#fail(`command too long: expected at most ${limits.commandBytesMax} bytes`);
        this.#bulkBytes = length;
      }
      const end = this.#at + this.#bulkBytes;
      if (end + 2 > this.#end) return MORE;
      if (bytes[end] !== CR || bytes[end + 1] !== LF) return this.#fail(`expected CR LF after ${this.#bulkBytes} bytes of an argument`);
      this.#add(this.#at, end);
      this.#at = end + 2;
      this.#bulkBytes = NOT_YET;
      this.#missing--;
    }
    this.#isHeld = true;
    return COMMAND;
  }

  /** The number of the header at `#at`, which it steps over; NOT_YET and WRONG leave it. */
  #header(): number {
    const { bytes } = this;
    let at = this.#at + 1;
    const end = Math.min(this.#end, this.#at + HEADER_BYTES_MAX);
    const isNegative = at < end && bytes[at] === MINUS;
    if (isNegative) at++;
    const first = at;
    let number = 0;
    for (; at < end; at++) {
      const digit = bytes[at]! - 48;
      if (digit < 0 || digit > 9) break;
      number = number * 10 + digit;
    }
    if (at === end) return end - this.#at < HEADER_BYTES_MAX ? NOT_YET : WRONG;
    // As Redis has it: no sign but a minus, no zeros in front.
    if (at === first || (bytes[first] === 48 && at > first + 1) || bytes[at] !== CR) return WRONG;
    if (at + 1 === this.#end) return NOT_YET;
    if (bytes[at + 1] !== LF) return WRONG;
    this.#at = at + 2;
    return isNegative ? NEGATIVE : number;
  }

  /** COMMAND with a count of 0: an empty line. */
  #nextInline(): Found {
    this.#start = this.#at;
    const from = Math.max(this.#at, this.#scanned);
    const searchEnd = Math.min(this.#end, this.#at + INLINE_BYTES_MAX);
    // `indexOf` of a view: what lies behind the end is of no chunk of ours.
    const found = this.bytes.subarray(from, searchEnd).indexOf(LF);
    if (found < 0) {
      if (searchEnd - this.#at === INLINE_BYTES_MAX)
        return this.#fail(`too big inline request: expected at most ${INLINE_BYTES_MAX} bytes`);
      this.#scanned = searchEnd;
      return MORE;
    }
    const line = from + found;
    const end = line > this.#at && this.bytes[line - 1] === CR ? line - 1 : line;
    const isBalanced = this.#split(this.#at, end);
    if (!isBalanced) return this.#fail('unbalanced quotes in request');
    if (this.count > this.limits.argumentsMax) return this.#fail(`too many arguments: expected at most ${this.limits.argumentsMax}`);
    this.#at = line + 1;
    this.#scanned = 0;
    if (this.count > 0) this.#isHeld = true;
    else this.#start = this.#at;
    return COMMAND;
  }

  /** Splits a line at its spaces. Quoted arguments are unquoted where they lie: that only makes them shorter. */
  #split(from: number, to: number): boolean {
    const { bytes } = this;
    let at = from;
    for (;;) {
      while (at < to && isSpace(bytes[at]!)) at++;
      if (at >= to) return true;
      const start = at;
      let write = at;
      let quote = 0;
      while (at < to) {
        const byte = bytes[at]!;
        if (quote === 0) {
          if (isSpace(byte)) break;
          if (byte === 34 || byte === 39) {
            quote = byte;
            at++;
            continue;
          }
        } else if (byte === quote) {
          at++;
          if (at < to && !isSpace(bytes[at]!)) return false;
          quote = 0;
          continue;
        } else if (byte === 92 && at + 1 < to) {
          const isHex = quote === 34 && bytes[at + 1] === 120 && at + 3 < to && isHexDigit(bytes[at + 2]!) && isHexDigit(bytes[at + 3]!);
          if (isHex) {
            bytes[write++] = hexDigit(bytes[at + 2]!) * 16 + hexDigit(bytes[at + 3]!);
            at += 4;
            continue;
          }
          if (quote === 34 || bytes[at + 1] === 39) {
            bytes[write++] = quote === 34 ? unescaped(bytes[at + 1]!) : 39;
            at += 2;
            continue;
          }
        }
        bytes[write++] = byte;
        at++;
      }
      if (quote !== 0) return false;
      this.#add(start, write);
    }
  }

  #add(start: number, end: number): void {
    const at = 2 * this.count++;
    if (at === this.offsets.length) {
      const grown = new Int32Array(2 * at);
      grown.set(this.offsets);
      this.offsets = grown;
    }
    this.offsets[at] = start;
    this.offsets[at + 1] = end;
  }

  /** Brings the last `keep` bytes into the own buffer, with room for `more` behind them. */
  #makeRoom(keep: number, more: number): void {
    const from = this.#end - keep;
    if (this.bytes === this.#own && this.#end + more <= this.#own.length) return;
    let to = this.#own;
    if (to.length < keep + more) to = Buffer.allocUnsafeSlow(Math.max(OWN_BYTES_MIN, 2 * (keep + more)));
    // Within one buffer too: `copy` takes care of the overlap.
    this.bytes.copy(to, 0, from, this.#end);
    this.#own = to;
    this.bytes = to;
    this.#start -= from;
    this.#at -= from;
    this.#end = keep;
    if (this.#scanned > 0) this.#scanned -= from;
    if (this.#mutants?.has('staleOffsets')) return;
    for (let i = 0; i < 2 * this.count; i++) this.offsets[i]! -= from;
  }

  /** All is read: the chunk is held no longer than it is needed. */
  #rest(): Found {
    if (this.bytes !== this.#own) this.#useBytes(NOTHING, 0, 0);
    return MORE;
  }

  #useBytes(bytes: Buffer, from: number, to: number): void {
    this.bytes = bytes;
    this.#start = from;
    this.#at = from;
    this.#end = to;
    this.#scanned = 0;
  }

  #fail(what: string): Found {
    this.fault = `Protocol error: ${what}`;
    return FAULT;
  }
}

function isSpace(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}

function isHexDigit(byte: number): boolean {
  const lower = byte | 32;
  return (byte >= 48 && byte <= 57) || (lower >= 97 && lower <= 102);
}

function hexDigit(byte: number): number {
  return byte <= 57 ? byte - 48 : (byte | 32) - 87;
}

/** What stands behind a backslash between double quotes. */
function unescaped(byte: number): number {
  switch (byte) {
    case 110:
      return LF;
    case 114:
      return CR;
    case 116:
      return 9;
    case 98:
      return 8;
    case 97:
      return 7;
    default:
      return byte;
  }
}

function nameOf(byte: number): string {
  return byte >= 33 && byte <= 126 ? `'${String.fromCharCode(byte)}'` : `byte ${byte}`;
}

const NOTHING = Buffer.alloc(0);

/**
 * Reads a data block where it lies. One view is used for many blocks: opening it costs a few loads and allocates nothing.
 * `check` must have passed once for the bytes; the rest then stays within them.
 */
import { u16At, u32At, u64At } from '../byte-reader.ts';
import { compareKeys, KEY_BYTES_MAX } from '../key.ts';
import { DELETE, PUT, type RecordKind } from '../record.ts';
import {
  BLOCK_BASE_SEQUENCE,
  BLOCK_COUNT,
  BLOCK_END_WIDTH,
  BLOCK_HEADER_BYTES,
  BLOCK_KIND_WIDTH,
  BLOCK_PREFIX_BYTES,
  BLOCK_SEQUENCE_WIDTH,
  BLOCK_SUFFIX_BYTES,
  BLOCK_SUFFIX_WIDTH,
  BLOCK_ZERO,
  SEQUENCE_WIDTH_MAX,
} from './table-format.ts';

/** Answers of `find` that are no entry number. */
export const NOT_HERE = -1;
/** The block ends with versions of the key that are too new: older ones may begin the next block. */
export const IN_NEXT = -2;

export class BlockView {
  bytes: Uint8Array = NOTHING;
  count = 0;
  prefixBytes = 0;
  /** Offset of what all keys begin with. */
  prefixStart = BLOCK_HEADER_BYTES;
  #sequenceWidth = 0;
  #endWidth = 2;
  #suffixWidth = 0;
  #suffixBytes = 0;
  #baseSequence = 0;
  /** Offsets of the columns; 0 for kinds: all are PUT. */
  #hashesAt = 0;
  #endsAt = 0;
  #suffixesAt = 0;
  #kindsAt = 0;
  #sequencesAt = 0;
  #dataAt = 0;

  /** The block that begins at `at`. */
  open(bytes: Uint8Array, at = 0): void {
    this.bytes = bytes;
    const count = u16At(bytes, at + BLOCK_COUNT);
    this.count = count;
    const prefixBytes = u32At(bytes, at + BLOCK_PREFIX_BYTES);
    this.prefixBytes = prefixBytes;
    this.prefixStart = at + BLOCK_HEADER_BYTES;
    this.#sequenceWidth = bytes[at + BLOCK_SEQUENCE_WIDTH]!;
    this.#endWidth = bytes[at + BLOCK_END_WIDTH]!;
    this.#suffixWidth = bytes[at + BLOCK_SUFFIX_WIDTH]!;
    this.#suffixBytes = u32At(bytes, at + BLOCK_SUFFIX_BYTES);
    this.#baseSequence = u64At(bytes, at + BLOCK_BASE_SEQUENCE);
    this.#hashesAt = at + BLOCK_HEADER_BYTES + prefixBytes;
    this.#endsAt = this.#hashesAt + count;
    this.#suffixesAt = this.#endsAt + count * this.#endWidth;
    const kindsAt = this.#suffixesAt + count * this.#suffixWidth;
    const kindWidth = bytes[at + BLOCK_KIND_WIDTH]!;
    this.#kindsAt = kindWidth === 0 ? 0 : kindsAt;
    this.#sequencesAt = kindsAt + count * kindWidth;
    this.#dataAt = this.#sequencesAt + count * this.#sequenceWidth;
  }

  /** Opens `bytes`, of which the block is the first `length`. Returns what is wrong with it, undefined when nothing is. Cost: O(count). */
  check(bytes: Uint8Array, length: number): string | undefined {
    if (length < BLOCK_HEADER_BYTES) return `${length} bytes, fewer than a header`;
    this.open(bytes);
    const { count } = this;
    if (count === 0) return 'no entries';
    if (this.#sequenceWidth > SEQUENCE_WIDTH_MAX) return `sequences of ${this.#sequenceWidth} bytes`;
    if (this.#endWidth !== 2 && this.#endWidth !== 4) return `ends of ${this.#endWidth} bytes`;
    if (this.#suffixWidth !== 0 && this.#suffixWidth !== 1 && this.#suffixWidth !== 4)
      return `suffix lengths of ${this.#suffixWidth} bytes`;
    if (bytes[BLOCK_KIND_WIDTH]! > 1) return `kinds of ${bytes[BLOCK_KIND_WIDTH]} bytes`;
    if (u16At(bytes, BLOCK_ZERO) !== 0) return 'something in the unused bytes of the header';
    if (this.#suffixWidth !== 0 && this.#suffixBytes !== 0) return 'a suffix length in the header and another per entry';
    if (this.prefixBytes > KEY_BYTES_MAX || this.#suffixBytes > KEY_BYTES_MAX) return 'a key that is too long';
    if (this.#dataAt > length) return `columns that end at ${this.#dataAt} of ${length}`;
    if (this.#baseSequence > Number.MAX_SAFE_INTEGER) return 'a sequence that is too large';
    let begin = 0;
    for (let i = 0; i < count; i++) {
      const suffix = this.suffixLength(i);
      const end = this.valueEnd(i) - this.#dataAt;
      if (end < begin + suffix || this.prefixBytes + suffix > KEY_BYTES_MAX) return `entry ${i} ending at ${end} of ${begin}`;
      if (this.#kindsAt !== 0 && bytes[this.#kindsAt + i] !== PUT && bytes[this.#kindsAt + i] !== DELETE)
        return `entry ${i} of an unknown kind`;
      if (this.sequence(i) > Number.MAX_SAFE_INTEGER) return 'a sequence that is too large';
      begin = end;
    }
    return this.#dataAt + begin === length ? undefined : `entries that end at ${this.#dataAt + begin} of ${length}`;
  }

  /** Entry numbers are 0 .. count-1. Offsets are into `bytes`. */
  suffixStart(i: number): number {
    return i === 0 ? this.#dataAt : this.valueEnd(i - 1);
  }

  suffixLength(i: number): number {
    const width = this.#suffixWidth;
    if (width === 0) return this.#suffixBytes;
    return width === 1 ? this.bytes[this.#suffixesAt + i]! : u32At(this.bytes, this.#suffixesAt + i * 4);
  }

  valueStart(i: number): number {
    return this.suffixStart(i) + this.suffixLength(i);
  }

  valueEnd(i: number): number {
    return this.#dataAt + (this.#endWidth === 2 ? u16At(this.bytes, this.#endsAt + i * 2) : u32At(this.bytes, this.#endsAt + i * 4));
  }

  kind(i: number): RecordKind {
    return this.#kindsAt === 0 ? PUT : (this.bytes[this.#kindsAt + i] as RecordKind);
  }

  sequence(i: number): number {
    const width = this.#sequenceWidth;
    const at = this.#sequencesAt + i * width;
    let value = 0;
    for (let j = width - 1; j >= 0; j--) value = value * 0x100 + this.bytes[at + j]!;
    return this.#baseSequence + value;
  }

  /**
   * Number of the newest entry of `key` with a sequence <= `maxSequence`, or NOT_HERE or IN_NEXT. Requires: `hash` is its hashKey; the entries before `from` are
   * known not to have the key.
   */
  find(key: Uint8Array, hash: number, maxSequence: number, from = 0): number {
    const { bytes, prefixBytes, prefixStart, count } = this;
    const suffix = key.length - prefixBytes;
    if (suffix < 0) return NOT_HERE;
    for (let i = 0; i < prefixBytes; i++) if (bytes[prefixStart + i] !== key[i]) return NOT_HERE;
    const wanted = hash & 0xff;
    const hashesEnd = this.#hashesAt + count;
    for (let at = this.#hashesAt + from; at < hashesEnd; at++) {
      if (bytes[at] !== wanted) continue;
      const i = at - this.#hashesAt;
      if (this.suffixLength(i) !== suffix || !this.#hasSuffix(i, key)) continue;
      if (this.sequence(i) <= maxSequence) return i;
      if (i === count - 1) return IN_NEXT;
    }
    return NOT_HERE;
  }

  /** Number of the first entry that has the key's hash and length, or NOT_HERE. Reads no key. */
  candidate(key: Uint8Array, hash: number): number {
    const { bytes, count } = this;
    const suffix = key.length - this.prefixBytes;
    const wanted = hash & 0xff;
    const hashesAt = this.#hashesAt;
    for (let i = 0; i < count; i++) if (bytes[hashesAt + i] === wanted && this.suffixLength(i) === suffix) return i;
    return NOT_HERE;
  }

  #hasSuffix(i: number, key: Uint8Array): boolean {
    const { bytes, prefixBytes } = this;
    const shift = this.suffixStart(i) - prefixBytes;
    for (let at = prefixBytes; at < key.length; at++) if (bytes[shift + at] !== key[at]) return false;
    return true;
  }

  /** Number of the first entry with a key >= `key[start, end)`; `count` when there is none. */
  lowerBound(key: Uint8Array, start: number, end: number): number {
    const { bytes, prefixBytes, prefixStart, count } = this;
    const head = end - start < prefixBytes ? end : start + prefixBytes;
    const order = compareKeys(key, start, head, bytes, prefixStart, prefixStart + prefixBytes);
    if (order !== 0) return order < 0 ? 0 : count;
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const suffixStart = this.suffixStart(middle);
      if (compareKeys(bytes, suffixStart, suffixStart + this.suffixLength(middle), key, head, end) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

const NOTHING = new Uint8Array(BLOCK_HEADER_BYTES);

/**
 * The index of a table: for each data block its length on disk and a separator, the shortest key that is >= its last key and, unless the next
 * block goes on with the same key, below the next block's first.
 *
 * In memory a search compares numbers: the first 6 bytes of each separator behind what all of them begin with, as one double. Bytes are
 * compared only where those are equal.
 */
import type { ByteReader } from '../byte-reader.ts';
import { ByteWriter } from '../byte-writer.ts';
import { compareKeys, KEY_BYTES_MAX } from '../key.ts';
import { TRAILER_BYTES } from './table-format.ts';

const HEAD_BYTES = 6;

export class IndexBuilder {
  readonly #lengths: number[] = [];
  readonly #separators: ByteWriter = new ByteWriter();
  readonly #ends: number[] = [];
  #prefixBytes = 0;

  get blocks(): number {
    return this.#lengths.length;
  }

  /** Bytes that `write` would give now, about. */
  get bytes(): number {
    return this.#separators.length + this.blocks * 4;
  }

  /** Requires: separators in order. */
  add(storedBytes: number, separator: Uint8Array, start: number, end: number): void {
    const { bytes } = this.#separators;
    let common = 0;
    if (this.blocks === 0) common = end - start;
    else while (common < this.#prefixBytes && common < end - start && bytes[common] === separator[start + common]) common++;
    this.#prefixBytes = common;
    this.#separators.put(separator, start, end);
    this.#ends.push(this.#separators.length);
    this.#lengths.push(storedBytes);
  }

  write(): ByteWriter {
    const out = new ByteWriter();
    const { bytes } = this.#separators;
    const prefixBytes = this.#prefixBytes;
    out.u32(this.blocks);
    out.u32(prefixBytes);
    out.put(bytes, 0, prefixBytes);
    for (const length of this.#lengths) out.varint(length);
    this.#ends.forEach((end, i) => {
      out.varint(end - (this.#ends[i - 1] ?? 0) - prefixBytes);
    });
    this.#ends.forEach((end, i) => {
      out.put(bytes, (this.#ends[i - 1] ?? 0) + prefixBytes, end);
    });
    return out;
  }
}

export class TableIndex {
  readonly count: number;
  /** Of block i: [offsets[i], offsets[i + 1]) of the file, trailer included. */
  readonly offsets: Float64Array;
  /** Of the longest block on disk. */
  readonly storedBytesMax: number;
  readonly #prefix: Uint8Array;
  readonly #suffixes: Uint8Array;
  /** Of separator i: suffixes[ends[i], ends[i + 1]). */
  readonly #ends: Uint32Array;
  readonly #heads: Float64Array;

  /** Errors: CORRUPTION. Allocates a small multiple of what is left to read. */
  constructor(reader: ByteReader, dataEnd: number) {
    const count = reader.u32();
    // Two varints at least per block.
    if (count * 2 > reader.left) throw reader.bad(`at most ${reader.left / 2} blocks`, `${count}`);
    this.count = count;
    const prefixBytes = reader.u32();
    if (prefixBytes > KEY_BYTES_MAX) throw reader.bad(`a prefix of at most ${KEY_BYTES_MAX} bytes`, `${prefixBytes}`);
    this.#prefix = reader.take(prefixBytes);
    this.offsets = new Float64Array(count + 1);
    let longest = 0;
    for (let i = 0; i < count; i++) {
      const length = reader.varint();
      if (length <= TRAILER_BYTES) throw reader.bad('the length of a block', `${length}`);
      if (length > longest) longest = length;
      this.offsets[i + 1] = this.offsets[i]! + length;
    }
    this.storedBytesMax = longest;
    if (this.offsets[count] !== dataEnd) throw reader.bad(`blocks of ${dataEnd} bytes in all`, `${this.offsets[count]}`);
    this.#ends = new Uint32Array(count + 1);
    for (let i = 0; i < count; i++) {
      const length = reader.varint();
      if (prefixBytes + length > KEY_BYTES_MAX)
        throw reader.bad(`a separator of at most ${KEY_BYTES_MAX} bytes`, `${prefixBytes + length}`);
      this.#ends[i + 1] = this.#ends[i]! + length;
    }
    this.#suffixes = reader.take(this.#ends[count]!);
    reader.ended();
    this.#heads = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const start = this.#ends[i]!;
      const end = this.#ends[i + 1]!;
      this.#heads[i] = headOf(this.#suffixes, start, end);
      if (i > 0 && compareKeys(this.#suffixes, this.#ends[i - 1]!, start, this.#suffixes, start, end) > 0) {
        throw reader.bad(`separator ${i} not below the one before`, 'a smaller one');
      }
    }
  }

  storedBytes(block: number): number {
    return this.offsets[block + 1]! - this.offsets[block]!;
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.#prefix.length + this.#suffixes.length + this.count * 20;
  }

  separator(block: number): Uint8Array {
    return Buffer.concat([this.#prefix, this.#suffixes.subarray(this.#ends[block], this.#ends[block + 1])]);
  }

  /** The first block whose separator is >= `key[start, end)`: the one that holds the key if there is one; `count` when there is none. */
  find(key: Uint8Array, start: number, end: number): number {
    const prefix = this.#prefix;
    const prefixBytes = prefix.length;
    for (let i = 0; i < prefixBytes; i++) {
      if (start + i >= end) return 0;
      const difference = key[start + i]! - prefix[i]!;
      if (difference !== 0) return difference < 0 ? 0 : this.count;
    }
    const suffixStart = start + prefixBytes;
    const head = headOf(key, suffixStart, end);
    const heads = this.#heads;
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (heads[middle]! < head) low = middle + 1;
      else high = middle;
    }
    if (low === this.count || heads[low] !== head) return low;
    return this.#findAmongEqual(low, key, suffixStart, end);
  }

  /** As `find`; the separators before `from` are below the key, and that one has its head. */
  #findAmongEqual(from: number, key: Uint8Array, start: number, end: number): number {
    const head = this.#heads[from]!;
    let low = from;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const below =
        this.#heads[middle] === head && compareKeys(this.#suffixes, this.#ends[middle]!, this.#ends[middle + 1]!, key, start, end) < 0;
      if (below) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The first bytes as a number that orders as they do, as far as they go. */
function headOf(bytes: Uint8Array, start: number, end: number): number {
  if (end - start >= HEAD_BYTES) {
    const high = (bytes[start]! << 16) | (bytes[start + 1]! << 8) | bytes[start + 2]!;
    const low = (bytes[start + 3]! << 16) | (bytes[start + 4]! << 8) | bytes[start + 5]!;
    return high * 0x100_0000 + low;
  }
  let head = 0;
  for (let i = 0; i < HEAD_BYTES; i++) head = head * 0x100 + (start + i < end ? bytes[start + i]! : 0);
  return head;
}

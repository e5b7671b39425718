/**
 * The index of a table: for each data block its length on disk and a separator, the shortest key that is >= its last key and, unless the next
 * block goes on with the same key, below the next block's first.
 */
import type { ByteReader } from '../byte-reader.ts';
import { ByteWriter } from '../byte-writer.ts';
import { compareKeys, KEY_BYTES_MAX } from '../key.ts';
import { SortedKeys } from '../sorted-keys.ts';
import { TRAILER_BYTES } from './table-format.ts';

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
  readonly #separators: SortedKeys;

  /** Errors: CORRUPTION. Allocates a small multiple of what is left to read. */
  constructor(reader: ByteReader, dataEnd: number) {
    const count = reader.u32();
    // Two varints at least per block.
    if (count * 2 > reader.left) throw reader.bad(`at most ${reader.left / 2} blocks`, `${count}`);
    this.count = count;
    const prefixBytes = reader.u32();
    if (prefixBytes > KEY_BYTES_MAX) throw reader.bad(`a prefix of at most ${KEY_BYTES_MAX} bytes`, `${prefixBytes}`);
    const prefix = reader.take(prefixBytes);
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
    const ends = new Uint32Array(count + 1);
    for (let i = 0; i < count; i++) {
      const length = reader.varint();
      if (prefixBytes + length > KEY_BYTES_MAX)
        throw reader.bad(`a separator of at most ${KEY_BYTES_MAX} bytes`, `${prefixBytes + length}`);
      ends[i + 1] = ends[i]! + length;
    }
    const suffixes = reader.take(ends[count]!);
    reader.ended();
    for (let i = 1; i < count; i++) {
      if (compareKeys(suffixes, ends[i - 1]!, ends[i]!, suffixes, ends[i]!, ends[i + 1]!) > 0) {
        throw reader.bad(`separator ${i} not below the one before`, 'a smaller one');
      }
    }
    this.#separators = new SortedKeys(prefix, suffixes, ends);
  }

  storedBytes(block: number): number {
    return this.offsets[block + 1]! - this.offsets[block]!;
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.#separators.bytes + this.offsets.byteLength;
  }

  separator(block: number): Uint8Array {
    const { prefix, suffixes, ends } = this.#separators;
    return Buffer.concat([prefix, suffixes.subarray(ends[block], ends[block + 1])]);
  }

  /** The first block whose separator is >= `key[start, end)`: the one that holds the key if there is one; `count` when there is none. */
  find(key: Uint8Array, start: number, end: number): number {
    return this.#separators.find(key, start, end);
  }
}

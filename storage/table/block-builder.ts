/**
 * Lays out one data block: columns of what lookups compare (hashes, ends, lengths, kinds, sequences), then suffixes and values.
 * The layout is in storage/FORMAT.md. Why columns and not LevelDB's restart points: a lookup reads 1 byte per entry and then one entry, a cursor finds
 * entry i at once in both directions, and 16 B keys need less room (bench:micro, "block seek").
 */
import { copyBytes } from '../../runtime/bytes.ts';
import { putU16, putU32, putU64 } from '../byte-writer.ts';
import { PUT, type RecordKind } from '../record.ts';
import {
  BLOCK_BASE_SEQUENCE,
  BLOCK_COUNT,
  BLOCK_END_WIDTH,
  BLOCK_ENTRIES_MAX,
  BLOCK_HEADER_BYTES,
  BLOCK_KIND_WIDTH,
  BLOCK_PREFIX_BYTES,
  BLOCK_SEQUENCE_WIDTH,
  BLOCK_SUFFIX_BYTES,
  BLOCK_SUFFIX_WIDTH,
  BLOCK_ZERO,
} from './table-format.ts';

/** Hash, end, and a guess at suffix length and sequence: bytes of an entry beside its key's suffix and its value. */
const ENTRY_OVERHEAD = 6;

export class BlockBuilder {
  count = 0;
  /** Length of what all keys begin with. */
  prefixBytes = 0;
  /** Key and value of each entry, one behind the other: what of a key goes to the block is known at its end, and then goes there together with the value. */
  #data: Buffer = Buffer.allocUnsafeSlow(8_192);
  #dataBytes = 0;
  /** Per entry: end of its key in #data, end of its value, hash, kind. */
  #rows: Uint32Array = new Uint32Array(4 * 64);
  #sequences: Float64Array = new Float64Array(64);

  /** Bytes of the block if it ended with one more entry of these lengths; an estimate, within a few bytes per entry. */
  bytesWith(keyBytes: number, valueBytes: number): number {
    const count = this.count + 1;
    return BLOCK_HEADER_BYTES + this.#dataBytes + keyBytes + valueBytes + count * ENTRY_OVERHEAD - this.count * this.prefixBytes;
  }

  get full(): boolean {
    return this.count === BLOCK_ENTRIES_MAX;
  }

  /** Copies both. Requires: in order, not `full`. */
  add(
    kind: RecordKind,
    sequence: number,
    hash: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    value: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    if (this.count * 4 === this.#rows.length) this.#growRows();
    this.prefixBytes = this.count === 0 ? keyEnd - keyStart : this.#commonPrefix(key, keyStart, keyEnd);
    const keyBytes = keyEnd - keyStart;
    const valueBytes = valueEnd - valueStart;
    const at = this.#dataBytes;
    const end = at + keyBytes + valueBytes;
    if (end > this.#data.length) this.#growData(end);
    // In a memtable the value lies behind its key.
    if (key === value && keyEnd === valueStart) copyBytes(key, keyStart, valueEnd, this.#data, at);
    else {
      copyBytes(key, keyStart, keyEnd, this.#data, at);
      copyBytes(value, valueStart, valueEnd, this.#data, at + keyBytes);
    }
    this.#dataBytes = end;
    const row = this.count * 4;
    this.#rows[row] = at + keyBytes;
    this.#rows[row + 1] = end;
    this.#rows[row + 2] = hash;
    this.#rows[row + 3] = kind;
    this.#sequences[this.count++] = sequence;
  }

  /** An upper bound of what `writeTo` writes. */
  get bytesMax(): number {
    return BLOCK_HEADER_BYTES + this.#dataBytes + this.count * 17;
  }

  /** Writes the block at `out[at]` and begins the next one. Requires: count > 0, room for `bytesMax`. Returns the offset behind it. */
  writeTo(out: Buffer, at: number): number {
    const { count, prefixBytes } = this;
    const rows = this.#rows;
    const sequences = this.#sequences;
    const suffixLength = rows[0]! - prefixBytes;
    const dataBytes = this.#dataBytes - count * prefixBytes;
    let equalSuffixes = true;
    let longest = suffixLength;
    let onlyPuts = true;
    let base = sequences[0]!;
    let largest = base;
    for (let i = 0, begin = 0; i < count; i++) {
      const suffix = rows[i * 4]! - begin - prefixBytes;
      begin = rows[i * 4 + 1]!;
      if (suffix !== suffixLength) equalSuffixes = false;
      if (suffix > longest) longest = suffix;
      if (rows[i * 4 + 3] !== PUT) onlyPuts = false;
      if (sequences[i]! < base) base = sequences[i]!;
      if (sequences[i]! > largest) largest = sequences[i]!;
    }
    const sequenceWidth = bytesOf(largest - base);
    const endWidth = dataBytes > 0xffff ? 4 : 2;
    const suffixWidth = equalSuffixes ? 0 : longest > 0xff ? 4 : 1;
    const kindWidth = onlyPuts ? 0 : 1;
    putU16(out, at + BLOCK_COUNT, count);
    out[at + BLOCK_SEQUENCE_WIDTH] = sequenceWidth;
    out[at + BLOCK_END_WIDTH] = endWidth;
    out[at + BLOCK_SUFFIX_WIDTH] = suffixWidth;
    out[at + BLOCK_KIND_WIDTH] = kindWidth;
    putU16(out, at + BLOCK_ZERO, 0);
    putU32(out, at + BLOCK_SUFFIX_BYTES, equalSuffixes ? suffixLength : 0);
    putU32(out, at + BLOCK_PREFIX_BYTES, prefixBytes);
    putU64(out, at + BLOCK_BASE_SEQUENCE, base);
    const data = this.#data;
    let to = at + BLOCK_HEADER_BYTES;
    copyBytes(data, 0, prefixBytes, out, to);
    to += prefixBytes;
    for (let i = 0; i < count; i++) out[to++] = rows[i * 4 + 2]!;
    for (let i = 0; i < count; i++) {
      const end = rows[i * 4 + 1]! - (i + 1) * prefixBytes;
      to = endWidth === 2 ? putU16(out, to, end) : putU32(out, to, end);
    }
    for (let i = 0, begin = 0; suffixWidth > 0 && i < count; i++) {
      const suffix = rows[i * 4]! - begin - prefixBytes;
      begin = rows[i * 4 + 1]!;
      if (suffixWidth === 1) out[to++] = suffix;
      else to = putU32(out, to, suffix);
    }
    for (let i = 0; kindWidth > 0 && i < count; i++) out[to++] = rows[i * 4 + 3]!;
    for (let i = 0; sequenceWidth > 0 && i < count; i++) to = putWidth(out, to, sequences[i]! - base, sequenceWidth);
    for (let i = 0, begin = prefixBytes; i < count; i++) {
      const end = rows[i * 4 + 1]!;
      copyBytes(data, begin, end, out, to);
      to += end - begin;
      begin = end + prefixBytes;
    }
    this.count = 0;
    this.#dataBytes = 0;
    return to;
  }

  /** Of all keys so far and this one: keys are in order, so of the first and this one. */
  #commonPrefix(key: Uint8Array, start: number, end: number): number {
    const length = Math.min(this.prefixBytes, end - start);
    const data = this.#data;
    let i = 0;
    while (i < length && data[i] === key[start + i]) i++;
    return i;
  }

  #growData(bytes: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(bytes, this.#data.length * 2));
    this.#data.copy(grown, 0, 0, this.#dataBytes);
    this.#data = grown;
  }

  #growRows(): void {
    const rows = new Uint32Array(this.#rows.length * 2);
    rows.set(this.#rows);
    this.#rows = rows;
    const sequences = new Float64Array(this.#sequences.length * 2);
    sequences.set(this.#sequences);
    this.#sequences = sequences;
  }
}

/** Bytes that a number of 0 .. 2^53-1 needs; 0 for 0. */
function bytesOf(value: number): number {
  let width = 0;
  for (let rest = value; rest > 0; rest = Math.floor(rest / 0x100)) width++;
  return width;
}

function putWidth(out: Uint8Array, at: number, value: number, width: number): number {
  let rest = value;
  for (let i = 0; i < width; i++) {
    out[at + i] = rest % 0x100;
    rest = Math.floor(rest / 0x100);
  }
  return at + width;
}

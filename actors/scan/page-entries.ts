/**
 * PageEntries: keys with their records, in the order of tokens, then of keys, as pages of a scan carry them. Numbers are little-endian.
 *
 * ```
 *  0  u32  token high      4  u32  token low
 *  8  u16  bytes of the key, from 1      10  u32  bytes of the record      14  key, record
 * ```
 */
import { copyBytes, type OutBuffer } from '../../runtime/bytes.ts';
import { u16At, u32At } from '../../storage/byte-reader.ts';
import { putU16, putU32 } from '../../storage/byte-writer.ts';
import { STORE_KEY_BYTES_MAX } from '../store/engine-key.ts';
import { checkRecord } from '../version/check-record.ts';
import type { RecordView } from '../version/record-view.ts';
import { compareKeys, type ScanPosition } from './scan-position.ts';

export const ENTRY_HEAD_BYTES = 14;

/** Reads entries one after the other where they lie. One is used for many pages. */
export class PageEntries {
  bytes: Uint8Array = NOTHING;
  /** Of the entry that `next` has found. */
  start = 0;
  high = 0;
  low = 0;
  keyStart = 0;
  keyEnd = 0;
  recordEnd = 0;
  /** Of all entries. */
  end = 0;
  #next = 0;

  /** Requires: `faultOfEntries` has passed for these bytes. */
  open(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.#next = start;
    this.end = end;
  }

  /** Moves on to the next entry. Returns false when there is none. */
  next(): boolean {
    const at = this.#next;
    if (at >= this.end) return false;
    const { bytes } = this;
    this.start = at;
    this.high = u32At(bytes, at);
    this.low = u32At(bytes, at + 4);
    this.keyStart = at + ENTRY_HEAD_BYTES;
    this.keyEnd = this.keyStart + u16At(bytes, at + 8);
    this.recordEnd = this.keyEnd + u32At(bytes, at + 10);
    this.#next = this.recordEnd;
    return true;
  }

  /** Behind this entry. The key is a copy. */
  position(): ScanPosition {
    return { high: this.high, low: this.low, key: this.key() };
  }

  /** A copy of the key. */
  key(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.bytes, this.keyStart, this.keyEnd);
  }

  record(into: RecordView): RecordView {
    into.open(this.bytes, this.keyEnd, this.recordEnd);
    return into;
  }

  /** Of this entry's key and another one's. */
  compare(other: PageEntries): number {
    const { high, low, bytes, keyStart, keyEnd } = this;
    return compareKeys(high, low, bytes, keyStart, keyEnd, other.high, other.low, other.bytes, other.keyStart, other.keyEnd);
  }

  /** Whether the entry's key is not behind a position that has a key. */
  isWithin({ high, low, key }: ScanPosition): boolean {
    return compareKeys(this.high, this.low, this.bytes, this.keyStart, this.keyEnd, high, low, key, 0, key.length) <= 0;
  }
}

/** Begins an entry behind what `out` has: head and key. The record follows, then `endEntry`. Returns false, and appends nothing, where there is no room for `recordBytes` too. */
export function beginEntry(
  out: OutBuffer,
  high: number,
  low: number,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  recordBytes: number,
): boolean {
  const keyBytes = keyEnd - keyStart;
  if (!out.ensure(ENTRY_HEAD_BYTES + keyBytes + recordBytes)) return false;
  const { bytes } = out;
  let at = putU32(bytes, out.length, high);
  at = putU32(bytes, at, low);
  at = putU16(bytes, at, keyBytes);
  at = putU32(bytes, at, recordBytes);
  copyBytes(key, keyStart, keyEnd, bytes, at);
  out.length = at + keyBytes;
  return true;
}

/** The record of the entry that began at `start` is all there is behind its key. */
export function endEntry(out: OutBuffer, start: number): void {
  const keyBytes = u16At(out.bytes, start + 8);
  putU32(out.bytes, start + 10, out.length - start - ENTRY_HEAD_BYTES - keyBytes);
}

/** Whether `bytes[start, end)` is entries in their order, each with a record. Returns what was expected and found. Cost: O(bytes), no value is read. */
export function faultOfEntries(bytes: Uint8Array, start: number, end: number): string | undefined {
  const before = new PageEntries();
  const entry = new PageEntries();
  let hasBefore = false;
  for (let at = start; at < end; at = entry.recordEnd) {
    if (end - at < ENTRY_HEAD_BYTES) return `expected an entry of ${ENTRY_HEAD_BYTES} bytes or more, found ${end - at}`;
    const keyBytes = u16At(bytes, at + 8);
    const recordBytes = u32At(bytes, at + 10);
    if (keyBytes < 1 || keyBytes > STORE_KEY_BYTES_MAX) return `expected a key of 1 to ${STORE_KEY_BYTES_MAX} bytes, found ${keyBytes}`;
    if (keyBytes + recordBytes > end - at - ENTRY_HEAD_BYTES)
      return `expected ${keyBytes} + ${recordBytes} bytes of key and record, found ${end - at - ENTRY_HEAD_BYTES}`;
    entry.open(bytes, at, end);
    entry.next();
    const wrong = checkRecord(bytes, entry.keyEnd, entry.recordEnd);
    if (wrong !== undefined) return `record: ${wrong}`;
    if (hasBefore && before.compare(entry) >= 0) return 'expected keys in the order of their tokens, each once';
    before.open(bytes, at, end);
    before.next();
    hasBefore = true;
  }
  return undefined;
}

const NOTHING = new Uint8Array(0);

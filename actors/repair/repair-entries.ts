/**
 * RepairEntries: keys with the digests of their records, and these, whole or without values (scan/strip-values.ts). Numbers are little-endian.
 *
 * ```
 *  0  u32  token high     4  u32  token low     8  8 bytes  digest of the whole record (version/digest.ts)
 * 16  u16  bytes of the key, from 1    18  u32  bytes of the record    22  key, record
 * ```
 */
import { copyBytes, type OutBuffer } from '../../runtime/bytes.ts';
import { u16At, u32At } from '../../storage/byte-reader.ts';
import { putU16, putU32 } from '../../storage/byte-writer.ts';
import { stripValues } from '../scan/strip-values.ts';
import { STORE_KEY_BYTES_MAX } from '../store/engine-key.ts';
import { checkRecord } from '../version/check-record.ts';
import type { RecordView } from '../version/record-view.ts';
import type { Digester } from './entry-hash.ts';
import type { Token } from './pairs.ts';

const HEAD_BYTES = 22;

/** A record where it lies. */
export interface RepairEntry extends Token {
  readonly digestHigh: number;
  readonly digestLow: number;
  readonly bytes: Uint8Array;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly recordEnd: number;
}

/** Appends an entry. `key[keyStart, end)`: the key. Returns false, and appends nothing, where there is no room. */
export function putEntry(
  out: OutBuffer,
  { high, low }: Token,
  key: Uint8Array,
  keyStart: number,
  record: RecordView,
  digest: Digester,
  isWhole: boolean,
): boolean {
  const keyBytes = key.length - keyStart;
  const { start, end } = record;
  if (!out.ensure(HEAD_BYTES + keyBytes + end - start)) return false;
  const { bytes, length } = out;
  let at = putU32(bytes, length, high);
  at = putU32(bytes, at, low);
  at = putU32(bytes, at, digest.low);
  at = putU32(bytes, at, digest.high);
  at = putU16(bytes, at, keyBytes) + 4;
  copyBytes(key, keyStart, key.length, bytes, at);
  out.length = at + keyBytes;
  const recordAt = out.length;
  if (isWhole) {
    copyBytes(record.bytes, start, end, bytes, recordAt);
    out.length += end - start;
  } else {
    stripValues(record, out);
  }
  putU32(bytes, length + 18, out.length - recordAt);
  return true;
}

/** The entries in `bytes[start, end)`, views of them; or what was expected and found. Cost: O(bytes), no value is read. */
export function readEntries(bytes: Uint8Array, start: number, end: number): readonly RepairEntry[] | string {
  const entries: RepairEntry[] = [];
  for (let at = start; at < end; ) {
    if (end - at < HEAD_BYTES) return `expected an entry of ${HEAD_BYTES} bytes or more, found ${end - at}`;
    const keyBytes = u16At(bytes, at + 16);
    const recordBytes = u32At(bytes, at + 18);
    if (keyBytes < 1 || keyBytes > STORE_KEY_BYTES_MAX) return `expected a key of 1 to ${STORE_KEY_BYTES_MAX} bytes, found ${keyBytes}`;
    if (keyBytes + recordBytes > end - at - HEAD_BYTES)
      return `expected ${keyBytes} + ${recordBytes} bytes of key and record, found ${end - at - HEAD_BYTES}`;
    const keyStart = at + HEAD_BYTES;
    const keyEnd = keyStart + keyBytes;
    const wrong = checkRecord(bytes, keyEnd, keyEnd + recordBytes);
    if (wrong !== undefined) return `record: ${wrong}`;
    const [high, low, digestLow, digestHigh] = [u32At(bytes, at), u32At(bytes, at + 4), u32At(bytes, at + 8), u32At(bytes, at + 12)];
    entries.push({ high, low, digestHigh, digestLow, bytes, keyStart, keyEnd, recordEnd: keyEnd + recordBytes });
    at = keyEnd + recordBytes;
  }
  return entries;
}

export function keyText({ bytes, keyStart, keyEnd }: RepairEntry): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + keyStart, keyEnd - keyStart).toString('latin1');
}

/**
 * A record: one change of one key, the same bytes in the memtable's arena and in the commit log, whose segment is that arena written out.
 *
 * ```
 *  0  u32  previous   byte offset, in the same arena, of the next older record of this key; 0: none
 *  4  u32  sequence   of the record, less the segment's base sequence
 *  8  u32  kind (bits 0-3) and key length in bytes (bits 4-31)
 * 12  u32  value length in bytes
 * 16  key, value, zeros to a multiple of 4 bytes
 * ```
 * Little-endian; records begin at multiples of 4 bytes. The value of RANGE_DELETE is the end of the range (exclusive), its key the beginning.
 */

export const PUT = 1;
export const DELETE = 2;
export const RANGE_DELETE = 3;
export type RecordKind = typeof PUT | typeof DELETE | typeof RANGE_DELETE;

export const RECORD_HEADER_BYTES = 16;
export const RECORD_ALIGNMENT = 4;

export function recordBytes(keyBytes: number, valueBytes: number): number {
  return (RECORD_HEADER_BYTES + keyBytes + valueBytes + RECORD_ALIGNMENT - 1) & ~(RECORD_ALIGNMENT - 1);
}

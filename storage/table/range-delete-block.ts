/** The block of a table that holds its range deletes, in the order they were added. */
import type { ByteReader } from '../byte-reader.ts';
import { ByteWriter } from '../byte-writer.ts';
import { compareWhole, KEY_BYTES_MAX } from '../key.ts';

/** Deletes what is in [start, end) with a smaller sequence. */
export interface RangeDelete {
  readonly start: Uint8Array;
  readonly end: Uint8Array;
  readonly sequence: number;
}

/** An entry: sequence, start and end, the latter two with their lengths before them. */
const ENTRY_BYTES_MIN = 3;

export function encodeRangeDeletes(ranges: readonly RangeDelete[]): ByteWriter {
  const out = new ByteWriter();
  out.varint(ranges.length);
  for (const { start, end, sequence } of ranges) {
    out.varint(sequence);
    out.sized(start);
    out.sized(end);
  }
  return out;
}

/** Views of what the reader reads. Errors: CORRUPTION. */
export function decodeRangeDeletes(reader: ByteReader): readonly RangeDelete[] {
  const count = reader.varint();
  if (count * ENTRY_BYTES_MIN > reader.left) throw reader.bad(`at most ${reader.left / ENTRY_BYTES_MIN} range deletes`, `${count}`);
  const ranges: RangeDelete[] = [];
  for (let i = 0; i < count; i++) {
    const sequence = reader.varint();
    const start = reader.sized(KEY_BYTES_MAX);
    const end = reader.sized(KEY_BYTES_MAX);
    if (compareWhole(start, end) >= 0) throw reader.bad('a range that ends behind its start', 'another');
    ranges.push({ start, end, sequence });
  }
  reader.ended();
  return ranges;
}

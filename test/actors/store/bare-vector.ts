import { ENTRY_BYTES, RECORD_ENTRIES, RECORD_HEADER_BYTES, RECORD_SIBLINGS } from '../../../actors/version/record-format.ts';

/** The version vector of a record, as a context: nothing, when there is no record. */
export function bareVector(record: Buffer): Buffer {
  if (record.length === 0) return record;
  const vector = Buffer.from(record.subarray(0, RECORD_HEADER_BYTES + record.readUInt16LE(RECORD_ENTRIES) * ENTRY_BYTES));
  vector.writeUInt16LE(0, RECORD_SIBLINGS);
  return vector;
}

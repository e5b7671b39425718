/** The shape of records, as record.ts lays them out, in a group whose checksum holds. */
import type { CorruptionPlace } from '../errors.ts';
import { KEY_BYTES_MAX } from '../key.ts';
import { DELETE, PUT, RANGE_DELETE, RECORD_HEADER_BYTES, recordBytes } from '../record.ts';
import type { Group } from './group.ts';
import { FIRST_GROUP, GROUP_HEADER_BYTES } from './log-format.ts';

/** Returns the first place that is wrong, if any. */
export function checkRecords(bytes: Buffer, group: Group, baseSequence: number, file: string): CorruptionPlace | undefined {
  let at = group.offset + GROUP_HEADER_BYTES;
  const wrong = (expected: string, found: string): CorruptionPlace => ({ file, offset: at, expected, found });
  if (group.count === 0) return wrong('records', 'none');
  const first = group.firstSequence - baseSequence;
  for (let i = 0; i < group.count; i++) {
    if (at + RECORD_HEADER_BYTES > group.end) return wrong(`${group.count} records`, `${i} up to the group's end`);
    const previous = bytes.readUInt32LE(at);
    if (previous !== 0 && (previous >= at || previous < FIRST_GROUP || (previous & 3) !== 0))
      return wrong('an earlier record of the key', `offset ${previous}`);
    const sequence = bytes.readUInt32LE(at + 4);
    if (sequence !== first + i) return wrong(`sequence ${first + i} over the base`, `${sequence}`);
    const word = bytes.readUInt32LE(at + 8);
    const kind = word & 15;
    const keyBytes = word >>> 4;
    const valueBytes = bytes.readUInt32LE(at + 12);
    if (kind !== PUT && kind !== DELETE && kind !== RANGE_DELETE) return wrong('a record of a known kind', `kind ${kind}`);
    if (keyBytes > KEY_BYTES_MAX) return wrong(`a key of at most ${KEY_BYTES_MAX} bytes`, `${keyBytes}`);
    // Before `recordBytes`, which reckons with 32 bits.
    const dataEnd = at + RECORD_HEADER_BYTES + keyBytes + valueBytes;
    if (dataEnd > group.end) return wrong(`a record that ends at ${group.end} at most`, `one up to ${dataEnd}`);
    if (kind === DELETE && valueBytes !== 0) return wrong('a deletion without value', `${valueBytes} bytes`);
    if (kind === RANGE_DELETE && valueBytes > KEY_BYTES_MAX)
      return wrong(`an end of range of at most ${KEY_BYTES_MAX} bytes`, `${valueBytes}`);
    const end = at + recordBytes(keyBytes, valueBytes);
    for (let pad = dataEnd; pad < end; pad++) if (bytes[pad] !== 0) return wrong('zeros behind the value', `${bytes[pad]}`);
    at = end;
  }
  return at === group.end ? undefined : wrong(`the group's end after ${group.count} records`, `${group.end - at} more bytes`);
}

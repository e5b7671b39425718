/** What a segment file holds, as lines for people. */
import { DELETE, RANGE_DELETE, RECORD_HEADER_BYTES, recordBytes } from '../record.ts';
import { GROUP_HEADER_BYTES } from './log-format.ts';
import { readSegment } from './segment-reader.ts';

const SHOWN_BYTES = 32;

/** Of the whole file `bytes`, named `file`. Throws as `readSegment`; damage further on is a line. */
export function* dumpSegment(bytes: Buffer, file: string): Generator<string, void, undefined> {
  const { header, opening, groups, synced, end } = readSegment(bytes, file);
  yield `segment ${header.number}  uid ${hex(header.uid)}  database ${hex(header.dbUid)}  ${header.fileBytes} bytes`;
  if (opening !== undefined) {
    const { previous } = opening;
    const before = previous === undefined ? 'none' : `${previous.number} up to ${previous.end}, on disk up to ${previous.synced}`;
    yield `base sequence ${opening.baseSequence}  segment before: ${before}`;
  }
  for (const group of groups) {
    yield `group at ${group.offset} up to ${group.end}  ${group.count} records from sequence ${group.firstSequence}  on disk before: ${group.synced}`;
    let at = group.offset + GROUP_HEADER_BYTES;
    for (let i = 0; i < group.count; i++) {
      const word = bytes.readUInt32LE(at + 8);
      const keyBytes = word >>> 4;
      const valueBytes = bytes.readUInt32LE(at + 12);
      const key = at + RECORD_HEADER_BYTES;
      const value = shown(bytes, key + keyBytes, valueBytes);
      const sequence = group.firstSequence + i;
      const kind = word & 15;
      const what = kind === DELETE ? 'delete' : kind === RANGE_DELETE ? `delete range up to ${value}, from` : 'put';
      yield `  ${at}  ${sequence}  ${what} ${shown(bytes, key, keyBytes)}${kind === DELETE || kind === RANGE_DELETE ? '' : ` = ${value}`}`;
      at += recordBytes(keyBytes, valueBytes);
    }
  }
  yield `on disk when written: ${synced} bytes`;
  switch (end.kind) {
    case 'cleanEnd':
      yield `ends at ${end.offset}: closed`;
      break;
    case 'tornTail':
      yield `ends at ${end.offset}: not closed${end.remains ? '; behind it remains of a write under way, of an earlier use, or of a damaged last group' : ''}`;
      break;
    case 'corruption':
      yield `CORRUPTION at ${end.place.offset}: expected ${end.place.expected}, found ${end.place.found}`;
      break;
  }
}

function shown(bytes: Buffer, at: number, length: number): string {
  const part = bytes.subarray(at, at + Math.min(length, SHOWN_BYTES));
  const text = part.every((byte) => byte >= 32 && byte < 127) ? JSON.stringify(part.toString('latin1')) : `0x${part.toString('hex')}`;
  return length > SHOWN_BYTES ? `${text}... (${length} bytes)` : text;
}

function hex(uid: Uint8Array): string {
  return Buffer.from(uid).toString('hex');
}

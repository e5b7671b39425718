/** A memtable told naively: a list of entries, sorted when asked. */
import type { Cursor } from '../../../storage/cursor.ts';
import { compareWhole } from '../../../storage/key.ts';
import type { RecordKind } from '../../../storage/record.ts';

export interface ModelEntry {
  readonly key: Uint8Array;
  readonly sequence: number;
  readonly kind: RecordKind;
  readonly value: Uint8Array;
}

export function compareEntries(a: ModelEntry, b: ModelEntry): number {
  return compareWhole(a.key, b.key) || b.sequence - a.sequence;
}

export function sorted(entries: readonly ModelEntry[]): readonly ModelEntry[] {
  return entries.toSorted(compareEntries);
}

/** The newest entry of the key up to a sequence. */
export function newest(entries: readonly ModelEntry[], key: Uint8Array, maxSequence: number): ModelEntry | undefined {
  return sorted(entries).find((entry) => entry.sequence <= maxSequence && compareWhole(entry.key, key) === 0);
}

/** What the cursor shows, as one string per entry; undefined: nothing. */
export function shown(cursor: Cursor): string | undefined {
  return cursor.valid ? told(entryOf(cursor)) : undefined;
}

export function entryOf(cursor: Cursor): ModelEntry {
  const { keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueEnd, sequence, kind } = cursor;
  return {
    key: new Uint8Array(keyBytes.subarray(keyStart, keyEnd)),
    sequence,
    kind,
    value: new Uint8Array(valueBytes.subarray(valueStart, valueEnd)),
  };
}

export function told({ key, sequence, kind, value }: ModelEntry): string {
  return `${hex(key)} ${sequence} ${kind} ${hex(value)}`;
}

export function allForward(cursor: Cursor): string[] {
  const entries: string[] = [];
  for (cursor.seekFirst(); cursor.valid; cursor.next()) entries.push(told(entryOf(cursor)));
  return entries;
}

export function allBackward(cursor: Cursor): string[] {
  const entries: string[] = [];
  for (cursor.seekLast(); cursor.valid; cursor.prev()) entries.push(told(entryOf(cursor)));
  return entries;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex');
}

/** What a manifest holds, as lines for people. */
import { readManifest } from './manifest-reader.ts';
import type { TableMeta } from './version-edit.ts';

/** Of the whole file `bytes`, named `file`. Throws as `readManifest`. */
export function* dumpManifest(bytes: Buffer, file: string): Generator<string, void, undefined> {
  const { header, edits, state, end } = readManifest(bytes, file);
  yield `manifest ${header.number}  uid ${hex(header.uid)}  database ${hex(header.dbUid)}  ${bytes.length} bytes`;
  for (const { kind, nextFileNumber, logNumber, lastSequence, removed, added, options } of edits) {
    yield `${kind}  next file number ${nextFileNumber}  log number ${logNumber}  last sequence ${lastSequence}`;
    for (const { level, number } of removed) yield `  - table ${number} of level ${level}`;
    for (const table of added) yield `  + ${shown(table)}`;
    if (options !== '') yield `  options ${options}`;
  }
  const remains = end.kind === 'torn' ? '; behind it remains of an edit under way, or of a damaged last one' : '';
  yield `ends at ${end.offset}: ${end.kind === 'closed' ? 'closed' : 'not closed'}${remains}`;
  for (const [level, tables] of state.levels.entries()) {
    if (tables.length === 0) continue;
    const total = tables.reduce((sum, table) => sum + table.bytes, 0);
    yield `level ${level} now: ${tables.length} tables, ${total} bytes: ${tables.map(({ number }) => number).join(' ')}`;
  }
}

function shown({ number, level, bytes, entries, rangeDeletes, smallest, largest, smallestSequence, largestSequence }: TableMeta): string {
  const ranges = rangeDeletes === 0 ? '' : `, ${rangeDeletes} range deletes`;
  const sequences = `sequences ${smallestSequence} to ${largestSequence}`;
  return `table ${number} of level ${level}: ${bytes} bytes, ${entries} entries${ranges}, keys ${hex(smallest)} to ${hex(largest)}, ${sequences}`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

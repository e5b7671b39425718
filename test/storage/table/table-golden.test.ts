/** Format version 1: files that were written once are read for ever, and the document says what is written. */
import { readFileSync } from 'node:fs';
import test from 'ava';
import { verifyTable } from '../../../storage/table/verify-table.ts';
import { exampleOf } from '../golden.ts';
import { MemoryFile } from '../helpers/memory-file.ts';
import { allOf, del, find, type Item, numbered, put, shardTable, syncTable, UID, type Written, writeTable } from '../helpers/tables.ts';

const RANGES = [
  { start: Buffer.from('key-00100'), end: Buffer.from('key-00200'), sequence: 1_000 },
  { start: Buffer.from('a'), end: Buffer.from('z'), sequence: 2 },
];

/** What the golden files hold: never changed. */
function goldenItems(): Item[] {
  return numbered(150, 30).flatMap((item, i) => {
    if (i % 10 === 3) return [del(item.key.toString(), 2 ** 33 + i), item];
    if (i % 50 === 7) return [put(item.key.toString(), 'long '.repeat(300), 500), item];
    return [item];
  });
}

function golden(name: string): Written {
  const bytes = readFileSync(`test/storage/golden/${name}`);
  const { properties } = writeTable([put('unused', '')]);
  return { file: new MemoryFile(`/${name}`, bytes), identity: { uid: UID, bytes: bytes.length }, properties };
}

const GOLDEN_OPTIONS = { blockBytes: 1_024, note: 'golden file of table format 1' };

const readsGolden = test.macro((t, name: string) => {
  const written = golden(name);
  const items = goldenItems();
  const table = syncTable(written);
  t.deepEqual(allOf(table.cursor()), items);
  t.is(Array.from(verifyTable(table)).length, table.properties.dataBlocks);
  t.is(table.properties.note, GOLDEN_OPTIONS.note);
  t.deepEqual(
    table.rangeDeletes.map(({ start, end, sequence }) => ({ start: Buffer.from(start), end: Buffer.from(end), sequence })),
    RANGES,
  );
  const shard = shardTable(written);
  for (const { key, sequence, value } of items) t.deepEqual(find(shard, key, sequence)?.value, value);
});
test('golden: table of version 1 is read, when stored as it is', readsGolden, 'table-1.sst');
test('golden: table of version 1 is read, when deflated', readsGolden, 'table-1-deflate.sst');
test('golden: the same bytes are written today, when nothing is compressed', (t) => {
  t.deepEqual(writeTable(goldenItems(), GOLDEN_OPTIONS, RANGES).file.bytes, golden('table-1.sst').file.bytes);
});

test('format document: its worked example is what is written, when encoded again', (t) => {
  const items = [put('cat', 'meow', 5), del('cow', 9), put('cow', 'moo', 7)];
  const written = writeTable(items, {}, [{ start: Buffer.from('d'), end: Buffer.from('f'), sequence: 6 }]);
  t.is(exampleOf('000001.sst').toString('hex'), written.file.bytes.toString('hex'));
});

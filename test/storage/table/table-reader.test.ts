import test from 'ava';
import { FileError } from '../../../runtime/files.ts';
import type { StorageError } from '../../../storage/errors.ts';
import { hashKey } from '../../../storage/hash.ts';
import { ABSENT, FOUND, LOOKUP_PENDING, Lookup } from '../../../storage/table/lookup.ts';
import { find, here, LATEST, moverOf, numbered, numberedKey, put, type ShardTable, shardTable, writeTable } from '../helpers/tables.ts';

interface Asked {
  readonly now: number;
  readonly lookup: Lookup;
  readonly answers: (readonly [number, StorageError | undefined])[];
}

function ask({ reader }: ShardTable, key: Buffer): Asked {
  const answers: Asked['answers'] = [];
  const lookup = new Lookup((outcome, error) => answers.push([outcome, error]));
  return { now: reader.get(key, hashKey(key, 0, key.length), LATEST, lookup), lookup, answers };
}

function valueText({ valueBytes, valueStart, valueEnd }: Lookup): string {
  return valueBytes.toString('latin1', valueStart, valueEnd);
}

const items = numbered(300);
const written = writeTable(items, { blockBytes: 600 });

test('table reader: one read serves all who wait for a block, when it is not in memory', (t) => {
  const table = shardTable(written, { inline: false });
  const before = table.file.reads;
  const asked = [0, 3, 6, 0].map((i) => ask(table, numberedKey(i)));
  let moved = 0;
  const cursor = table.reader.cursor(() => moved++);
  cursor.seekFirst();
  t.deepEqual(
    asked.map(({ now, answers }) => [now, answers.length]),
    Array(4).fill([LOOKUP_PENDING, 0]),
  );
  t.is(table.file.reads - before, 1);
  table.file.settle();
  t.deepEqual(
    asked.map(({ answers }) => answers),
    Array(4).fill([[FOUND, undefined]]),
  );
  t.deepEqual(
    asked.map(({ lookup }) => valueText(lookup)),
    [0, 1, 2, 0].map((i) => items[i]!.value.toString()),
  );
  t.is(moved, 1);
  t.deepEqual(here(cursor), items[0]);
  t.is(ask(table, numberedKey(3)).now, FOUND);
  t.is(table.file.reads - before, 1);
});

test('table reader: reads go inline, when the policy lets them', (t) => {
  const table = shardTable(written);
  const before = table.file.reads;
  t.is(ask(table, numberedKey(30)).now, FOUND);
  t.is(ask(table, numberedKey(30)).now, FOUND);
  t.is(table.file.reads - before, 0);
  t.is(table.file.inlineReads, 1);
});

test('table reader: a block that is being read is waited for, when inline reads are allowed meanwhile', (t) => {
  const table = shardTable(written, { inline: true });
  const { policy } = table;
  policy.tookInline(0, 1_000);
  const first = ask(table, numberedKey(30));
  t.is(first.now, LOOKUP_PENDING);
  const before = table.file.inlineReads;
  const second = ask(table, numberedKey(30));
  t.is(second.now, LOOKUP_PENDING);
  table.file.settle();
  t.deepEqual([first.answers, second.answers], [[[FOUND, undefined]], [[FOUND, undefined]]]);
  t.is(table.file.inlineReads, before);
});

test('table reader: absent keys read nothing, when the filter knows', (t) => {
  const table = shardTable(written);
  let reads = 0;
  for (let i = 0; i < 1_000; i++) {
    const { now } = ask(table, Buffer.from(`absent ${i}`));
    t.is(now, ABSENT);
    reads = table.file.inlineReads;
  }
  t.true(reads < 30, `${reads}`);
});

test('table reader: a value that was read for its lookup alone stays as it is, when others follow and blocks go', (t) => {
  const table = shardTable(written, { cacheBytes: 2_000, inline: false });
  const held = items.map(({ key }) => ask(table, key).lookup);
  table.file.settle();
  t.deepEqual(
    held.map((lookup) => [lookup.isLent, valueText(lookup)]),
    items.map(({ value }) => [false, value.toString()]),
  );
});

test('table reader: a value in memory that is used again is lent, until the next call', (t) => {
  for (const cacheBytes of [0, 64 * 1_024]) {
    const table = shardTable(written, { cacheBytes });
    for (let round = 0; round < 2; round++) {
      for (const { key, value } of items) {
        const { now, lookup } = ask(table, key);
        t.deepEqual([now, lookup.isLent, valueText(lookup)], [FOUND, true, value.toString()]);
      }
    }
    t.is(table.cache.stats().hits > 200, cacheBytes > 0);
  }
});

test('table reader: a value larger than the scratch is found, when nothing is cached', (t) => {
  const large = [put('a', 'x'.repeat(100_000)), put('b', 'y'.repeat(2_000_000)), put('c', 'z')];
  const table = shardTable(writeTable(large), { cacheBytes: 0 });
  for (const { key, value } of large) t.true(find(table, key)?.value.equals(value));
});

test('table reader: versions of one key are found, when they fill several blocks', (t) => {
  const versions = Array.from({ length: 100 }, (_, i) => put('k', `version ${100 - i}`, 100 - i));
  const table = shardTable(writeTable([put('j', 'before', 7), ...versions, put('l', 'behind', 8)], { blockBytes: 200 }));
  t.true(table.reader.properties.dataBlocks > 5);
  for (const max of [0, 1, 2, 50, 99, 100, LATEST]) {
    t.is(find(table, Buffer.from('k'), max)?.sequence, max === 0 ? undefined : Math.min(max, 100));
  }
  const go = moverOf(table);
  t.is(go((cursor) => cursor.seek(Buffer.from('k'), 0, 1))?.sequence, 100);
  t.is(go((cursor) => cursor.seekBefore(Buffer.from('l'), 0, 1))?.sequence, 1);
  t.is(go((cursor) => cursor.seekBefore(Buffer.from('k'), 0, 1))?.sequence, 7);
});

test('table reader: a cursor finds the key that it stands on, when that is the target of a seek into another block', (t) => {
  const mixed = ['aa-1', 'aa-2', 'ab-1', 'b', 'c-long-prefix-1', 'c-long-prefix-2'].map((key) => put(key, 'x'.repeat(60)));
  const go = moverOf(shardTable(writeTable(mixed, { blockBytes: 170 })));
  for (const { key } of mixed) {
    go((cursor) => cursor.seekFirst());
    go((cursor) => cursor.seek(key, 0, key.length));
    const found = go((cursor) => cursor.seekBefore(cursor.keyBytes, 0, cursor.keyEnd));
    t.is(found?.key.toString(), mixed[mixed.findIndex((each) => each.key === key) - 1]?.key.toString());
  }
});

test('table reader: failed reads are IO errors and leave no trace, when the file recovers', (t) => {
  for (const inline of [true, false]) {
    const table = shardTable(written, { inline });
    table.file.failing = new FileError('EIO', 'pread', '/tables/1.sst');
    t.throws(() => find(table, numberedKey(9)), { code: 'IO', message: /EIO/ });
    const go = moverOf(table);
    t.throws(() => go((cursor) => cursor.seekFirst()), { code: 'IO' });
    t.false(go.cursor.valid);
    table.file.failing = undefined;
    t.deepEqual(find(table, numberedKey(9))?.value, items[3]!.value);
    t.is(go.cursor.seekFirst(), 0);
    t.false(go.cursor.valid);
  }
});

test('table reader: a scan reads ahead in growing runs and past the cache, when it goes on', (t) => {
  const many = numbered(6_000, 100);
  const table = shardTable(writeTable(many, { blockBytes: 1_000 }), { inline: false });
  const blocks = table.reader.properties.dataBlocks;
  const before = table.file.reads;
  const go = moverOf(table);
  let count = 0;
  for (let at = go((cursor) => cursor.seekFirst()); at !== undefined; at = go((cursor) => cursor.next())) t.deepEqual(at, many[count++]);
  t.is(count, many.length);
  t.true(table.file.reads - before < blocks / 50, `${table.file.reads - before} reads of ${blocks} blocks`);
  t.is(table.cache.stats().blocks, 1);
});

test('table reader: a closed cursor hears no more of its read, when it was waiting', (t) => {
  const table = shardTable(written, { inline: false });
  const cursor = table.reader.cursor(() => t.fail());
  cursor.seekFirst();
  cursor.close();
  cursor.close();
  table.file.settle();
  t.false(cursor.valid);
});

test('table reader: its blocks go and later calls fail, when it is closed', (t) => {
  const table = shardTable(written);
  for (const { key } of items) find(table, key);
  t.true(table.cache.stats().blocks > 0);
  let closed = 0;
  table.reader.close((result) => {
    t.true(result.ok);
    closed++;
  });
  table.file.settle();
  t.is(closed, 1);
  t.true(table.file.closed);
  t.is(table.cache.stats().blocks, 0);
  t.throws(() => ask(table, numberedKey(3)), { code: 'CLOSED' });
});

test('table reader: a read under way is answered and not cached, when the table is closed under it', (t) => {
  const table = shardTable(written, { inline: false });
  const asked = ask(table, numberedKey(3));
  table.reader.close(() => undefined);
  table.file.settle();
  t.deepEqual(asked.answers, [[FOUND, undefined]]);
  t.is(table.cache.stats().blocks, 0);
});

test('table reader: the file is closed, when opening fails', (t) => {
  const broken = writeTable(items);
  broken.file.bytes[broken.file.bytes.length - 1]! ^= 1;
  const error = t.throws(() => shardTable(broken), { code: 'CORRUPTION' }) as StorageError;
  t.regex(error.message, /expected magic e4796e6163746f72, found e4796e6163746f73/);
});

test('table reader: offsets grow with keys up to the end of the data, when estimated', (t) => {
  const { reader } = shardTable(written);
  const offsets = [Buffer.alloc(0), ...items.map(({ key }) => key), Buffer.from('zzz')].map((key) => reader.approximateOffset(key));
  t.is(offsets[0], 0);
  t.deepEqual(
    offsets,
    [...offsets].sort((a, b) => a - b),
  );
  t.true((offsets.at(-1) as number) > 300 * 25);
});

test('table reader: a table of range deletes alone holds no key, when looked up or scanned', (t) => {
  const range = { start: Buffer.from('a'), end: Buffer.from('q'), sequence: 77 };
  const table = shardTable(writeTable([], {}, [range]));
  t.is(find(table, Buffer.from('b')), undefined);
  t.is(table.reader.locate(Buffer.from('b'), 123), -1);
  const go = moverOf(table);
  for (const each of ['seekFirst', 'seekLast'] as const)
    t.is(
      go((cursor) => cursor[each]()),
      undefined,
    );
  t.is(
    go((cursor) => cursor.seek(range.start, 0, 1)),
    undefined,
  );
  t.is(
    go((cursor) => cursor.seekBefore(range.end, 0, 1)),
    undefined,
  );
  t.is(table.reader.rangeDeletes[0]?.sequence, 77);
});

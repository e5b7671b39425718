import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { Store } from '../../../storage/embedded/store.ts';
import { boundsOf } from '../../../storage/engine/engine-iterator.ts';
import { KEY_BYTES_MAX, keyAfter } from '../../../storage/key.ts';
import { type Bytes, keyOf, placeSample, sampleContents, sampleDatabase, temporaryDir } from '../tools/sample-database.ts';

const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
let sample: Bytes;
test.before(async () => {
  sample = await sampleDatabase();
});

const LONGEST = Buffer.alloc(KEY_BYTES_MAX, 0xff);

test('bounds: the inclusive one counts, when a range has two at one end', (t) => {
  t.deepEqual(boundsOf({ gt: bytes('c'), gte: bytes('a') }), { lower: bytes('a'), upper: undefined });
  t.deepEqual(boundsOf({ lt: bytes('a'), lte: bytes('c') }), { lower: undefined, upper: bytes('c\0') });
  t.deepEqual(boundsOf({ gt: bytes('a'), lt: bytes('c') }), { lower: bytes('a\0'), upper: bytes('c') });
});

test('key: the next one is the least above it, when there is one', (t) => {
  t.deepEqual(keyAfter(bytes('a')), bytes('a\0'));
  const long = Uint8Array.from(LONGEST);
  long[2] = 7;
  t.deepEqual(keyAfter(long), Uint8Array.of(0xff, 0xff, 8));
  t.is(keyAfter(Uint8Array.from(LONGEST)), undefined);
});

test('getSync: has what get would wait for, when no read may go inline', async (t) => {
  const dir = join(temporaryDir(t), 'db');
  placeSample(sample, dir);
  const store = await Store.open(dir, { inlineReads: false, cacheBytes: 1 << 20 });
  t.teardown(() => store.close());
  const reads = [];
  for (let i = 0; i < 600; i += 60) {
    // Of the same block, before and after: the one that waits is not disturbed.
    reads.push([i, store.get(keyOf(i))] as const);
    t.is(store.getSync(keyOf(i))?.toString(), sampleContents().get(keyOf(i)));
  }
  t.true(reads.some(([, read]) => read instanceof Promise));
  for (const [i, read] of reads) t.is((await read)?.toString(), sampleContents().get(keyOf(i)));
  for (let i = 0; i < 600; i++) t.is(store.getSync(keyOf(i))?.toString(), sampleContents().get(keyOf(i)));
  t.is(store.getSync('absent'), undefined);
  t.deepEqual(store.getSync(keyOf(8)), Buffer.from(sampleContents().get(keyOf(8)) ?? ''));
  const { cacheBlocks = 0 } = store.stats();
  t.true(cacheBlocks > 0);
});

test('getSync: shows its snapshot, and fails when the store is closed', async (t) => {
  const store = await Store.open(join(temporaryDir(t), 'db'));
  await store.put('a', '1');
  const snapshot = store.snapshot();
  await store.put('a', '2');
  t.is(store.getSync('a', { snapshot })?.toString(), '1');
  snapshot.release();
  await store.close();
  t.throws(() => store.getSync('a'), { code: 'CLOSED' });
});

async function keysOf(store: Store, options: Parameters<Store['keys']>[0] = {}): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.keys(options)) keys.push(String(key));
  return keys;
}

type Range = NonNullable<Parameters<Store['clear']>[0]>;
const clears = test.macro(async (t, range: Range, isCleared: (key: string) => boolean) => {
  const dir = join(temporaryDir(t), 'db');
  placeSample(sample, dir);
  const store = await Store.open(dir);
  t.teardown(() => store.close());
  const before = store.snapshot();
  await store.clear(range);
  const expected = [...sampleContents().keys()].filter((key) => !isCleared(key)).sort();
  t.deepEqual(await keysOf(store), expected);
  await store.flush();
  t.deepEqual(await keysOf(store), expected);
  t.is((await keysOf(store, { snapshot: before })).length, sampleContents().size);
  await store.put(keyOf(1), 'again');
  t.is(store.getSync(keyOf(1))?.toString(), 'again');
});
test('clear: deletes all, when the range is open at both ends', clears, {}, () => true);
test('clear: deletes up to the last key, when the range has no end', clears, { gte: keyOf(400) }, (key: string) => key >= keyOf(400));
test('clear: keeps the bound, when it is exclusive', clears, { gt: keyOf(400) }, (key: string) => key > keyOf(400));
test('clear: deletes the bound, when it is inclusive', clears, { lte: keyOf(400) }, (key: string) => key <= keyOf(400));
test(
  'clear: deletes between, when both ends are given',
  clears,
  { gt: keyOf(10), lt: keyOf(20) },
  (key: string) => key > keyOf(10) && key < keyOf(20),
);
test('clear: deletes nothing, when the range is above all keys', clears, { gte: 'z' }, () => false);
test('clear: deletes nothing, when the range lies above the last key that can be', clears, { gt: LONGEST }, () => false);

test('clear: deletes the longest keys, when the range has no end', async (t) => {
  const store = await Store.open(join(temporaryDir(t), 'db'));
  t.teardown(() => store.close());
  await store.put(LONGEST, 'last');
  await store.put(LONGEST.subarray(1), 'last but one');
  await store.put('a', '1');
  await store.clear({ gt: 'a' });
  t.deepEqual(await keysOf(store), ['a']);
});

test('clear: deletes writes before it and not those after, when some of them still wait for a flush', async (t) => {
  const store = await Store.open(join(temporaryDir(t), 'db'), { memtableBytes: 128 * 1024, memtablesMax: 1, durability: 'none' });
  t.teardown(() => store.close());
  const value = Buffer.alloc(1_000);
  const writes = Array.from({ length: 1_000 }, (_, i) => store.put(keyOf(i), value));
  const { waitingWrites = 0 } = store.stats();
  t.true(waitingWrites > 0);
  writes.push(store.clear(), store.put('after', '1'));
  await Promise.all(writes);
  t.deepEqual(await keysOf(store), ['after']);
});

test('snapshot: an iterator outlives it, when it was opened before the release', async (t) => {
  const store = await Store.open(join(temporaryDir(t), 'db'));
  t.teardown(() => store.close());
  await store.put('a', '1');
  const snapshot = store.snapshot();
  await store.put('a', '2');
  const iterator = store.entries({ snapshot });
  snapshot.release();
  await store.put('a', '3');
  await store.compact();
  const [entry] = await iterator.nextMany(1);
  t.is(entry?.value.toString(), '1');
  await iterator.return?.();
});

test('compact: tables that it made obsolete take no space, when it is done', async (t) => {
  const dir = join(temporaryDir(t), 'db');
  const store = await Store.open(dir, { durability: 'none' });
  t.teardown(() => store.close());
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 200; i++) await store.put(keyOf(i), `${round}`);
    await store.flush();
  }
  await store.compact();
  const { tables = 0 } = store.stats();
  t.is(readdirSync(dir).filter((name) => name.endsWith('.sst')).length, tables);
  t.is(tables, 1);
});

test('close: tables that an open iterator kept are gone, when the store is closed', async (t) => {
  const dir = join(temporaryDir(t), 'db');
  const store = await Store.open(dir, { durability: 'none' });
  await store.put('a', '1');
  await store.flush();
  const entries = store.entries();
  await entries.next();
  await store.put('a', '2');
  await store.flush();
  await store.compact();
  t.is(readdirSync(dir).filter((name) => name.endsWith('.sst')).length, 2);
  await store.close();
  t.is(readdirSync(dir).filter((name) => name.endsWith('.sst')).length, 1);
});

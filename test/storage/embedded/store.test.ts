import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { type Operation, Store, WriteBatch } from '../../../storage/embedded/store.ts';
import { StorageError } from '../../../storage/errors.ts';
import { ModelDisk, type ModelOptions } from '../model-engine.ts';

const LATERS = ['none', 'all', 'everyOther'] as const;

test('store: get makes no promise, when the engine has the value in memory', async (t) => {
  const { store } = await opened();
  await store.put('a', Buffer.from([1, 0xff]));
  t.deepEqual(store.get('a'), Buffer.from([1, 0xff]));
  t.deepEqual(store.get(Buffer.from('a')), Buffer.from([1, 0xff]));
  t.is(store.get('b'), undefined);
  t.deepEqual(store.getMany(['b', 'a']), [undefined, Buffer.from([1, 0xff])]);
});

test('store: reads under way are answered each with its own value, when they wait for the disk', async (t) => {
  const { store } = await opened({ later: 'all' });
  await store.batch([
    { type: 'put', key: 'a', value: '1' },
    { type: 'put', key: 'b', value: '2' },
  ]);
  const reads = [store.get('a'), store.get('b'), store.get('c'), store.get('a')];
  t.true(reads.every((read) => read instanceof Promise));
  t.deepEqual((await Promise.all(reads as Promise<Buffer | undefined>[])).map(String), ['1', '2', 'undefined', '1']);
  t.deepEqual((await store.getMany(['c', 'b'])).map(String), ['undefined', '2']);
});

test('store: a value read is a copy, unless a view was asked for', async (t) => {
  const { disk, store } = await opened();
  await store.put('a', 'old');
  (store.get('a') as Buffer).fill(0);
  (store.getMany(['a']) as Buffer[])[0]?.fill(0);
  t.is(String(store.get('a')), 'old');
  const [stored] = disk.states.get('a') ?? [];
  for (const view of [store.get('a', { copy: false }), (store.getMany(['a'], { copy: false }) as Buffer[])[0]]) {
    t.deepEqual([String(view), (view as Buffer).byteOffset], ['old', stored?.value.byteOffset]);
    t.true((view as Buffer).buffer === stored?.value.buffer);
  }
});

test('store: a batch takes effect in its order, when given as an array or as a WriteBatch', async (t) => {
  const { store } = await opened();
  await store.batch([
    { type: 'put', key: 'a', value: '1' },
    { type: 'put', key: 'b', value: '2' },
    { type: 'deleteRange', start: 'a', end: 'b' },
    { type: 'put', key: 'c', value: '3' },
    { type: 'delete', key: 'c' },
  ]);
  t.deepEqual(await texts(store), ['b=2']);
  await store.batch(new WriteBatch().delete(Buffer.from('b')).put(Buffer.from('d'), Buffer.from('4')));
  t.deepEqual(await texts(store), ['d=4']);
  await t.throwsAsync(store.batch([{ type: 'drop', key: 'd' } as unknown as Operation]), { code: 'INVALID_ARGUMENT', message: /"drop"/ });
  t.deepEqual(await texts(store), ['d=4']);
});

test('store: durability goes to the engine, when a write names one', async (t) => {
  const { disk, store } = await opened();
  await store.put('a', '1');
  await store.put('a', '1', { durability: 'sync' });
  await store.delete('a', { durability: 'none' });
  await store.deleteRange('a', 'b', { durability: 'periodic' });
  await store.batch([], { durability: 'sync' });
  t.deepEqual(disk.openings[0]?.engine.durabilities, [undefined, 'sync', 'none', 'periodic', 'sync']);
});

test('store: a snapshot shows its moment until the end of its block, when the store has changed since', async (t) => {
  const { disk, store } = await opened();
  const engine = disk.openings[0]?.engine;
  await store.put('a', '1');
  {
    using snapshot = store.snapshot();
    await store.put('a', '2');
    await store.put('b', '3');
    t.is(String(await store.get('a', { snapshot })), '1');
    t.deepEqual((await store.getMany(['a', 'b'], { snapshot })).map(String), ['1', 'undefined']);
    t.deepEqual(await texts(store, { snapshot }), ['a=1']);
    t.is(engine?.snapshotCount, 1);
  }
  t.is(engine?.snapshotCount, 0);
});

interface Scan {
  readonly keys: readonly string[];
  readonly bounds: Readonly<Partial<Record<'gt' | 'gte' | 'lt' | 'lte', string>>>;
  readonly reverse: boolean;
  readonly limit: number;
}
const key = fc.string({ unit: fc.constantFrom('a', 'b', 'é'), maxLength: 3 });
const scan: fc.Arbitrary<Scan> = fc.record({
  keys: fc.uniqueArray(key, { maxLength: 60 }),
  bounds: fc.record({ gt: key, gte: key, lt: key, lte: key }, { requiredKeys: [] }),
  reverse: fc.boolean(),
  limit: fc.oneof(fc.nat(70), fc.constant(Infinity)),
});
for (const later of LATERS) {
  testProp(
    `store: entries, keys and values give what of a sorted list is in the range, when ${later} of the fetches wait`,
    [scan, fc.integer({ min: 1, max: 40 })],
    async (t, { keys, bounds, reverse, limit }, many) => {
      const { store } = await opened({ later });
      await store.batch(keys.map((k) => ({ type: 'put', key: k, value: `v${k}` })));
      const { gt, gte, lt, lte } = bounds;
      const expected = keys
        .map((k) => Buffer.from(k))
        .sort((a, b) => a.compare(b))
        .filter((k) => (gte !== undefined ? k.compare(Buffer.from(gte)) >= 0 : gt === undefined || k.compare(Buffer.from(gt)) > 0))
        .filter((k) => (lte !== undefined ? k.compare(Buffer.from(lte)) <= 0 : lt === undefined || k.compare(Buffer.from(lt)) < 0))
        .map(String);
      if (reverse) expected.reverse();
      expected.splice(limit);
      const options = { ...bounds, reverse, limit };
      t.deepEqual((await all(store.keys(options))).map(String), expected);
      t.deepEqual(
        (await all(store.values(options))).map(String),
        expected.map((k) => `v${k}`),
      );
      const iterator = store.entries(options);
      const found: string[] = [];
      for (let items = await iterator.nextMany(many); items.length > 0; items = await iterator.nextMany(many)) {
        t.true(items.length <= many);
        for (const { key: k, value } of items) found.push(`${String(k)}=${String(value)}`);
      }
      t.deepEqual(
        found,
        expected.map((k) => `${k}=v${k}`),
      );
    },
    { numRuns: 40 },
  );
}

test('store: a scan gives each entry once, when its calls do not wait for each other', async (t) => {
  for (const later of LATERS) {
    const { store } = await opened({ later });
    const names = Array.from({ length: 100 }, (_, i) => String(1_000 + i));
    await store.batch(names.map((name) => ({ type: 'put', key: name, value: '' })));
    const iterator = store.keys();
    const results = await Promise.all(Array.from({ length: 120 }, () => iterator.next()));
    t.deepEqual(
      results.filter((result) => !result.done).map(({ value }) => String(value)),
      names,
      later,
    );
  }
});

test('store: a scan lets go of the engine, when it ends, is left, or is closed', async (t) => {
  const { disk, store } = await opened({ later: 'everyOther' });
  const engine = disk.openings[0]?.engine;
  await store.batch(['a', 'b', 'c'].map((name) => ({ type: 'put', key: name, value: '' })));
  await all(store.keys());
  t.is(engine?.iterators.size, 0, 'at the end');
  await all(store.keys({ limit: 2 }));
  t.is(engine?.iterators.size, 0, 'at its limit');
  for await (const { key: first } of store) {
    t.is(engine?.iterators.size, 1);
    t.is(String(first), 'a');
    break;
  }
  t.is(engine?.iterators.size, 0, 'at a break');
  const iterator = store.values();
  await iterator[Symbol.asyncDispose]();
  t.is(engine?.iterators.size, 0, 'when disposed of');
  t.deepEqual(await iterator.next(), { done: true, value: undefined });
  t.deepEqual(await iterator.nextMany(1), []);
});

test('store: a scan rejects with the reason and lets go of the engine, when its signal aborts', async (t) => {
  for (const later of LATERS) {
    const { disk, store } = await opened({ later });
    await store.batch(['a', 'b'].map((name) => ({ type: 'put', key: name, value: '' })));
    const controller = new AbortController();
    const iterator = store.keys({ signal: controller.signal });
    await iterator.next();
    const reason = new Error('enough');
    controller.abort(reason);
    t.is(disk.openings[0]?.engine.iterators.size, 0);
    t.is(await t.throwsAsync(iterator.next()), reason);
    t.is(
      t.throws(() => store.keys({ signal: controller.signal })),
      reason,
    );
  }
});

test('store: a fetch under way rejects with the reason, when the signal aborts', async (t) => {
  const { store } = await opened({ later: 'all' });
  await store.put('a', '1');
  const controller = new AbortController();
  const iterator = store.keys({ signal: controller.signal });
  const next = iterator.next();
  controller.abort(new Error('enough'));
  await t.throwsAsync(next, { message: 'enough' });
  t.throws(() => iterator.nextMany(1), { message: 'enough' });
});

test('store: the package gives a class of this name, and a store of it keeps what it is given', async (t) => {
  const { Store: Shipped } = await import('dynactor/storage');
  t.is(Shipped.name, Store.name);
  const dir = mkdtempSync(join(tmpdir(), 'dynactor-store-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const store = await Shipped.open(join(dir, 'db'));
  await store.put('a', '1');
  t.is(String(await store.get('a')), '1');
  await store.close();
});

test('store: bad arguments are refused by name, when a call gets them', async (t) => {
  const { store } = await opened();
  const invalid = { instanceOf: StorageError, code: 'INVALID_ARGUMENT' };
  t.throws(() => store.get(1 as unknown as string), { ...invalid, message: /string or a Uint8Array, got number/ });
  t.throws(() => store.keys({ limit: -1 }), { ...invalid, message: /limit: .* -1/ });
  t.throws(() => store.keys().nextMany(0), { ...invalid, message: /count: .* 0/ });
  await t.throwsAsync(store.put('a', null as unknown as string), { ...invalid, message: /got null/ });
  await t.throwsAsync(Store.open(''), { ...invalid, message: /dir/ });
});

test('store: what was written is there, when closed by `await using` and opened again', async (t) => {
  const disk = new ModelDisk();
  {
    await using store = await Store.open('a', { openEngine: disk.open });
    await store.put('a', '1');
    await t.throwsAsync(Store.open('a', { openEngine: disk.open }), { code: 'LOCKED' });
  }
  await using again = await Store.open('a', { openEngine: disk.open, createIfMissing: false });
  t.is(String(await again.get('a')), '1');
  t.deepEqual(again.stats(), { entryCount: 1, entryBytes: 2 });
  t.is(again.approximateBytes('a', 'b'), 2);
  await again.flush();
  await again.compact({ gte: 'a' });
});

test('store: calls fail as CLOSED, when it is closed; closing twice is closing once', async (t) => {
  const { store } = await opened();
  const scanning = store.keys();
  const closing = store.close();
  t.is(store.close(), closing);
  await closing;
  t.throws(() => store.get('a'), { code: 'CLOSED' });
  t.throws(() => store.keys(), { code: 'CLOSED' });
  t.throws(() => store.snapshot(), { code: 'CLOSED' });
  await t.throwsAsync(store.put('a', '1'), { code: 'CLOSED' });
  await t.throwsAsync(store.flush(), { code: 'CLOSED' });
  await t.throwsAsync(scanning.next(), { code: 'CANCELLED' });
});

async function opened(model: ModelOptions = {}): Promise<{ disk: ModelDisk; store: Store }> {
  const disk = new ModelDisk(model);
  return { disk, store: await Store.open('a', { openEngine: disk.open }) };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function texts(store: Store, options: Parameters<Store['entries']>[0] = {}): Promise<string[]> {
  return (await all(store.entries(options))).map(({ key: k, value }) => `${String(k)}=${String(value)}`);
}

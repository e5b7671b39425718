import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { DynactorLevel } from '../../../storage/embedded/level.ts';
import type { Durability } from '../../../storage/engine/api.ts';
import { StorageError } from '../../../storage/errors.ts';
import { KEY_BYTES_MAX } from '../../../storage/key.ts';
import { ModelDisk, type ModelOptions } from '../model-engine.ts';
import { type Factory, runOfficialSuite } from './official-suite.ts';

/** What abstract-level 3.1 asserts of a database; later versions assert more. */
const ASSERTIONS_MIN = 4_700;

const official = test.macro(async (t, model: ModelOptions) => {
  const { passed, failed } = await runOfficialSuite(levels(model));
  t.deepEqual(failed, []);
  t.true(passed >= ASSERTIONS_MIN, `${passed} assertions passed`);
});

test.serial('level: the official suite passes, when the engine has all in memory', official, {});
test.serial('level: the official suite passes, when every read waits for the disk', official, { later: 'all' });

test.serial('level: the official suite finds bugs, when planted', async (t) => {
  const { failed } = await runOfficialSuite(levels({ mutants: new Set(['keepDeleted', 'dropSnapshots']) }));
  t.true(failed.includes('simple del(): not found'));
  t.true(failed.includes('get() changed entry from snapshot: should be strictly equal'));
});

test('level: the package gives a class of this name, and a database of it keeps what it is given', async (t) => {
  const { DynactorLevel: Shipped } = await import('dynactor/level');
  t.is(Shipped.name, DynactorLevel.name);
  const dir = mkdtempSync(join(tmpdir(), 'dynactor-level-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const level = new Shipped(join(dir, 'db'));
  await level.put('a', '1');
  t.is(await level.get('a'), '1');
  await level.close();
});

const WRITES: Readonly<Record<string, readonly [write: (level: DynactorLevel) => Promise<void>, expected: Durability | undefined]>> = {
  'put without options': [(level) => level.put('a', '1'), undefined],
  'put with sync': [(level) => level.put('a', '1', { sync: true }), 'sync'],
  'put with sync false': [(level) => level.put('a', '1', { sync: false }), undefined],
  'put with a durability': [(level) => level.put('a', '1', { sync: true, durability: 'none' }), 'none'],
  'del with sync': [(level) => level.del('a', { sync: true }), 'sync'],
  'batch with sync': [(level) => level.batch([{ type: 'del', key: 'a' }], { sync: true }), 'sync'],
  'chained batch with sync': [
    (level) =>
      level
        .batch()
        .del('a')
        .write({ sync: true } as object),
    'sync',
  ],
};
for (const [name, [write, expected]] of Object.entries(WRITES)) {
  test(`level: a write says how durable it has to be, when it is a ${name}`, async (t) => {
    const { disk, level } = await opened();
    await write(level);
    t.deepEqual(disk.openings[0]?.engine.durabilities, [expected]);
  });
}

test('level: a database is periodic and takes the options of the engine, when opened', async (t) => {
  const { disk } = await opened();
  t.deepEqual(disk.openings[0]?.options, { durability: 'periodic', createIfMissing: true, errorIfExists: false });
  const other = new DynactorLevel('b', { durability: 'sync', cacheBytes: 1_024, openEngine: disk.open, ...{ cacheSize: 1 } });
  await other.open();
  t.deepEqual(disk.openings[1]?.options, { durability: 'sync', cacheBytes: 1_024, createIfMissing: true, errorIfExists: false });
});

test('level: getSync has the value and disturbs no other read, when it is on disk', async (t) => {
  const { level } = await opened({ later: 'all' });
  await level.batch().put('a', '1').put('b', '2').write();
  const read = level.get('b');
  t.is(level.getSync('a'), '1');
  t.is(await read, '2');
});

test('level: a value is the own memory of who reads it, when read as bytes', async (t) => {
  const { level } = await opened();
  await level.put('a', 'old');
  for (const valueEncoding of ['buffer', 'view']) {
    const value = await level.get<string, Uint8Array>('a', { valueEncoding });
    value?.fill(0);
    const [many] = await level.getMany<string, Uint8Array>(['a'], { valueEncoding });
    many?.fill(0);
    level.getSync<string, Uint8Array>('a', { valueEncoding })?.fill(0);
  }
  t.is(await level.get('a'), 'old');
});

test('level: clear takes all, when the last key is as long as a key can be', async (t) => {
  const { disk, level } = await opened();
  const longest = Buffer.alloc(KEY_BYTES_MAX, 0xff);
  const keyEncoding = 'buffer';
  await level.put(longest, 'z', { keyEncoding });
  await level.put('a', '1');
  await level.clear();
  t.deepEqual(disk.states.get('a'), []);
  t.is(disk.openings[0]?.engine.durabilities.length, 3, 'by one write');
});

test('level: a failure has the ecosystem’s code and the engine’s error as cause, when a write is refused', async (t) => {
  const { level } = await opened();
  const key = 'x'.repeat(KEY_BYTES_MAX + 1);
  for (const write of [() => level.put(key, '1'), () => level.del(key), () => level.batch([{ type: 'put', key, value: '1' }])]) {
    const error = await t.throwsAsync(write, { code: 'LEVEL_INVALID_ARGUMENT', message: /65536/ });
    t.true(error?.cause instanceof StorageError);
  }
  t.throws(() => level.batch().put(key, '1'), { code: 'LEVEL_INVALID_ARGUMENT' });
  await t.throwsAsync(level.get(key), { code: 'LEVEL_INVALID_ARGUMENT' });
});

const name = fc.constantFrom('a', 'é', 'a long name, longer than what is written letter by letter', '');
const encoding = fc.constantFrom(undefined, 'utf8', 'json', 'hex', 'none such');
/** What programs may give: some of it is wrong. */
const operation = fc.record(
  {
    type: fc.constantFrom('put', 'put', 'put', 'del', 'get'),
    key: fc.oneof({ weight: 9, arbitrary: name }, { weight: 1, arbitrary: fc.constantFrom(null, undefined, 7) }),
    value: fc.oneof({ weight: 9, arbitrary: name }, { weight: 1, arbitrary: fc.constantFrom(null, undefined, 7) }),
    keyEncoding: encoding,
    valueEncoding: encoding,
    isOfSublevel: fc.boolean(),
  },
  { requiredKeys: ['type', 'key', 'value'] },
);
const operations = fc.oneof(fc.array(operation, { maxLength: 4 }), fc.constant('no array'));
const batchOptions = fc.constantFrom(
  undefined,
  null,
  {},
  { sync: true },
  { keyEncoding: 'json' },
  { type: 'del' },
  { valueEncoding: 'none such' },
);

testProp(
  'level: a batch does what AbstractLevel makes of it, whatever the operations and whoever listens',
  [operations, batchOptions],
  async (t, given, options) => {
    const seen: unknown[] = [];
    for (const isListening of [false, true]) {
      const { disk, level } = await opened();
      // A listener makes AbstractLevel look at each operation.
      if (isListening) level.on('write', () => undefined);
      const sublevel = level.sublevel('sub');
      const own =
        typeof given === 'string'
          ? given
          : given.map(({ isOfSublevel, ...each }) => ({ ...each, ...(isOfSublevel === true && { sublevel }) }));
      const code = await level.batch(own as never, options as never).then(
        () => 'ok',
        (error: unknown) => (error as { code?: string }).code ?? (error as Error).name,
      );
      await level.close();
      seen.push({ code, state: disk.states.get('a'), durabilities: disk.openings[0]?.engine.durabilities });
    }
    t.deepEqual(seen[0], seen[1]);
  },
);

test('level: a batch is whole, when an encoding writes a batch of its own', async (t) => {
  const { level } = await opened();
  const inner: Promise<void>[] = [];
  const valueEncoding = {
    name: 'writing',
    format: 'utf8' as const,
    encode: (text: string): string => {
      inner.push(level.batch([{ type: 'put', key: `inner ${text}`, value: 'inner' }]));
      return text;
    },
    decode: (text: string): string => text,
  };
  await level.batch(
    ['a', 'b'].map((key) => ({ type: 'put' as const, key, value: `value of ${key}`, valueEncoding })),
    {},
  );
  await Promise.all(inner);
  t.deepEqual(await level.iterator().all(), [
    ['a', 'value of a'],
    ['b', 'value of b'],
    ['inner value of a', 'inner'],
    ['inner value of b', 'inner'],
  ]);
});

test('level: a second opening fails as LEVEL_LOCKED, when the directory is open', async (t) => {
  const { disk } = await opened();
  const second = new DynactorLevel('a', { openEngine: disk.open });
  const error = await t.throwsAsync(second.open(), { code: 'LEVEL_DATABASE_NOT_OPEN' });
  t.like(error?.cause, { code: 'LEVEL_LOCKED' });
});

test('level: sizes and compaction take keys in any encoding, when called before it is open', async (t) => {
  const disk = new ModelDisk();
  disk.states.set('a', [{ key: Buffer.from('b'), value: Buffer.from('123') }]);
  const level = new DynactorLevel('a', { openEngine: disk.open });
  t.is(await level.approximateSize('a', 'c'), 4);
  t.is(await level.approximateSize(Buffer.from('c'), Buffer.from('d'), { keyEncoding: 'buffer' }), 0);
  await level.compactRange('a', 'c');
  await level.close();
  await t.throwsAsync(level.approximateSize('a', 'c'), { code: 'LEVEL_DATABASE_NOT_OPEN' });
});

test('level: nothing is held, when iterators and snapshots have been closed with the database', async (t) => {
  const { disk, level } = await opened();
  await level.put('a', '1');
  const iterators = [level.iterator(), level.keys(), level.values({ snapshot: level.snapshot() })];
  for (const iterator of iterators) await iterator.next();
  const engine = disk.openings[0]?.engine;
  t.deepEqual([engine?.iterators.size, engine?.snapshotCount], [3, 1]);
  await level.close();
  t.deepEqual([engine?.iterators.size, engine?.snapshotCount], [0, 0]);
});

async function opened(model: ModelOptions = {}): Promise<{ disk: ModelDisk; level: DynactorLevel }> {
  const disk = new ModelDisk(model);
  const level = new DynactorLevel('a', { openEngine: disk.open });
  await level.open();
  return { disk, level };
}

function levels(model: ModelOptions): Factory {
  let count = 0;
  const disk = new ModelDisk(model);
  return (options) => {
    return new DynactorLevel(`db${++count}`, { ...options, openEngine: disk.open }) as unknown as ReturnType<Factory>;
  };
}

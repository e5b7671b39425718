/** The edges of the engine: options, limits, states in which it refuses, and what goes on while it closes or is overloaded. */
import test from 'ava';
import { type Entry, LATER } from '../../../storage/engine/api.ts';
import { StorageError } from '../../../storage/errors.ts';
import { KEY_BYTES_MAX } from '../../../storage/key.ts';
import { WriteBatch } from '../../../storage/write-batch.ts';
import { VALUE_BYTES_MAX } from './model-script.ts';
import { isMerge, MEMTABLE_BYTES, Rig } from './rig.ts';

const KEY = Buffer.from('key');
const VALUE = Buffer.from('value');

const badOption = test.macro((t, options: Record<string, unknown>, message: RegExp) => {
  const error = new Rig().tryOpen(options);
  t.true(error instanceof StorageError);
  t.is((error as StorageError).code, 'INVALID_ARGUMENT');
  t.regex((error as StorageError).message, message);
});
test(
  'engine options: refused, naming what was expected and given, when a name is unknown',
  badOption,
  { cashBytes: 1 },
  /unknown option cashBytes/,
);
test(
  'engine options: refused, naming what was expected and given, when a number is too small',
  badOption,
  { memtableBytes: 1 },
  /memtableBytes: expected .* from 16384 .* got 1$/,
);
test(
  'engine options: refused, naming what was expected and given, when a number is no whole one',
  badOption,
  { periodMs: 1.5 },
  /periodMs: .* got 1.5$/,
);
test(
  'engine options: refused, naming what was expected and given, when a codec is unknown',
  badOption,
  { codec: 'gzip' },
  /codec: expected none, deflate, zstd, got gzip/,
);
test(
  'engine options: refused, naming what was expected and given, when a durability is unknown',
  badOption,
  { durability: 'maybe' },
  /durability: expected .* got maybe/,
);
test(
  'engine options: refused, naming what was expected and given, when a switch is no boolean',
  badOption,
  { inlineReads: 1 },
  /inlineReads: expected true or false, got 1/,
);
test(
  'engine options: refused, naming what was expected and given, when a value may be larger than a memtable',
  badOption,
  { valueBytesMax: 94_209 },
  /valueBytesMax: expected at most 94208/,
);

test('engine: a key, value, batch or range of the largest size is kept, and one byte more is refused', (t) => {
  const rig = new Rig().open({ valueBytesMax: VALUE_BYTES_MAX });
  const key = Buffer.alloc(KEY_BYTES_MAX, 'k');
  const value = Buffer.alloc(VALUE_BYTES_MAX, 'v');
  t.is(rig.put(key, value), undefined);
  t.deepEqual(rig.get(key), value);
  const longKey = Buffer.alloc(KEY_BYTES_MAX + 1);
  const longValue = Buffer.alloc(VALUE_BYTES_MAX + 1);
  t.is(rig.put(longKey, '')?.code, 'INVALID_ARGUMENT');
  t.is(rig.put('a', longValue)?.code, 'INVALID_ARGUMENT');
  t.is(rig.done((done) => rig.engine.delete(longKey, undefined, done))?.code, 'INVALID_ARGUMENT');
  t.is(rig.done((done) => rig.engine.deleteRange(KEY, longKey, undefined, done))?.code, 'INVALID_ARGUMENT');
  t.throws(() => rig.get(longKey), { code: 'INVALID_ARGUMENT' });
  t.throws(() => rig.engine.getMany([KEY, longKey], undefined, () => undefined), { code: 'INVALID_ARGUMENT' });
  // Each record has a header of 16 bytes; what is left of a memtable beside 4 KiB holds the batch.
  const batchOf = (bytes: number): WriteBatch =>
    new WriteBatch()
      .put(KEY, value)
      .put(KEY, value.subarray(40))
      .put(KEY, Buffer.alloc(bytes - 2 * VALUE_BYTES_MAX + 40 - 59));
  const most = MEMTABLE_BYTES - 4_096;
  t.is(batchOf(most).length, most);
  t.is(
    rig.done((done) => rig.engine.write(batchOf(most), 'none', done)),
    undefined,
  );
  t.is(rig.done((done) => rig.engine.write(batchOf(most + 4), 'none', done))?.code, 'INVALID_ARGUMENT');
  t.deepEqual(rig.keys(), ['key', key.toString()]);
});

test('engine: a write that is larger than a memtable is refused, whether there is room in the one in use or not', (t) => {
  const rig = new Rig().open();
  const key = Buffer.alloc(KEY_BYTES_MAX);
  const value = Buffer.alloc(VALUE_BYTES_MAX + 1);
  t.is(rig.put(key, value)?.code, 'INVALID_ARGUMENT');
  t.is(rig.put('a'), undefined);
  t.is(rig.put(key, value)?.code, 'INVALID_ARGUMENT');
  t.is(rig.put(key, value.subarray(1)), undefined);
});

test('engine: a range delete that no memtable holds is refused, and does not put memtables aside for ever', (t) => {
  const rig = new Rig().open();
  const error = rig.done((done) => rig.engine.deleteRange(Buffer.alloc(KEY_BYTES_MAX), Buffer.alloc(KEY_BYTES_MAX, 1), undefined, done));
  t.is(error?.code, 'INVALID_ARGUMENT');
  t.is(rig.put('a'), undefined);
});

test('engine: an unknown durability of a write is refused', (t) => {
  const rig = new Rig().open();
  const error = rig.done((done) => rig.engine.put(KEY, VALUE, 'maybe' as 'none', done));
  t.is(error?.code, 'INVALID_ARGUMENT');
});

test('engine: LOCKED, when the directory is open already; free again after close', (t) => {
  const rig = new Rig().open();
  t.is((rig.tryOpen() as StorageError).code, 'LOCKED');
  rig.close();
  rig.open();
  t.is(rig.close(), undefined);
});

test('engine: NOT_FOUND where there is no database and none may be made, EXISTS where there is one and it had to be new', (t) => {
  const rig = new Rig();
  t.is((rig.tryOpen({ createIfMissing: false }) as StorageError).code, 'NOT_FOUND');
  t.is((rig.tryOpen({ readOnly: true }) as StorageError).code, 'NOT_FOUND');
  rig.open({ errorIfExists: true }).close();
  t.is((rig.tryOpen({ errorIfExists: true }) as StorageError).code, 'EXISTS');
  t.is(rig.open({ createIfMissing: false }).close(), undefined);
});

test('engine: READ_ONLY of all that writes, and what the log held is read, when opened for reading only', (t) => {
  const rig = new Rig().open();
  rig.put('a', '1');
  rig.close();
  rig.open({ readOnly: true });
  const { engine } = rig;
  const codes = [
    rig.put('b'),
    rig.done((done) => engine.delete(KEY, undefined, done)),
    rig.done((done) => engine.deleteRange(KEY, VALUE, undefined, done)),
    rig.done((done) => engine.write(new WriteBatch().delete(KEY), undefined, done)),
    rig.flush(),
    rig.done((done) => engine.compact({}, done)),
    rig.done((done) => engine.checkpoint('/data/copy', done)),
  ].map((error) => error?.code);
  t.deepEqual(new Set(codes), new Set(['READ_ONLY']));
  t.deepEqual(rig.keys(), ['a']);
  t.is(rig.close(), undefined);
});

test('engine: CLOSED of all calls after close, which may be called twice', (t) => {
  const rig = new Rig().open();
  const { engine } = rig;
  rig.close();
  t.is(rig.close(), undefined);
  t.is(rig.put('a')?.code, 'CLOSED');
  t.is(rig.flush()?.code, 'CLOSED');
  t.is(rig.done((done) => engine.compact({}, done))?.code, 'CLOSED');
  t.is(rig.done((done) => engine.checkpoint('/data/copy', done))?.code, 'CLOSED');
  for (const call of [
    () => rig.get('a'),
    () => engine.getMany([], undefined, () => undefined),
    () => engine.iterator({}),
    () => engine.snapshot(),
  ])
    t.throws(call, { code: 'CLOSED' });
});

test('engine: each call is answered once and each acknowledged write is kept, when it is closed with work under way', (t) => {
  const rig = new Rig().open({ inlineReads: false, cacheBytes: 0 });
  for (let i = 0; i < 50; i++) rig.put(`old${i}`, Buffer.alloc(300));
  rig.flush();
  const { engine } = rig;
  const answers = new Map<string, (string | undefined)[]>();
  const answer =
    (name: string) =>
    (error?: StorageError): void =>
      void answers.set(name, [...(answers.get(name) ?? []), error?.code]);
  for (let i = 0; i < 20; i++) engine.put(Buffer.from(`new${i}`), VALUE, i % 2 === 0 ? 'sync' : 'periodic', answer(`put${i}`));
  const value = engine.get(Buffer.from('old7'), undefined, (result) => answer('get')(result.ok ? undefined : result.error));
  t.is(value, LATER);
  const iterator = engine.iterator({});
  t.is(
    iterator.next(10, 1_000, (result) => answer('next')(result.ok ? undefined : result.error)),
    LATER,
  );
  engine.flush(answer('flush'));
  engine.compact({}, answer('compact'));
  engine.checkpoint('/data/copy', answer('checkpoint'));
  t.is(rig.close(), undefined);
  rig.world.run(() => answers.size === 25);
  for (let i = 0; i < 20; i++) t.deepEqual(answers.get(`put${i}`), [undefined]);
  for (const [name, codes] of answers) {
    t.is(codes.length, 1, name);
    t.true([undefined, 'CANCELLED', 'CLOSED'].includes(codes[0]), `${name}: ${codes[0]}`);
  }
  t.deepEqual(rig.world.openFiles, []);
  rig.open();
  t.is(rig.keys().length, 70);
});

test('engine: OVERLOADED beyond waitingBytesMax, and all goes on when the flush that writers wait for has ended', (t) => {
  const rig = new Rig().open({ memtablesMax: 1, waitingBytesMax: 20_000 });
  rig.holds = () => true;
  const codes: (string | undefined)[] = [];
  const value = Buffer.alloc(5_000, 'v');
  for (let i = 0; i < 80; i++) rig.engine.put(Buffer.from(`key${i}`), value, 'none', (error) => codes.push(error?.code));
  t.true((rig.engine.stats().waitingBytes ?? 0) <= 20_000);
  rig.world.run(() => codes.includes('OVERLOADED'));
  rig.go();
  rig.world.run(() => codes.length === 80);
  const overloaded = codes.filter((code) => code === 'OVERLOADED').length;
  t.true(overloaded > 0 && codes.every((code) => code === undefined || code === 'OVERLOADED'));
  t.is(rig.keys().length, 80 - overloaded);
  t.is(rig.put('after'), undefined);
});

test('engine: a put says whether it can be read, before it is done', (t) => {
  const rig = new Rig().open({ memtablesMax: 1, waitingBytesMax: 20_000 });
  rig.holds = () => true;
  const value = Buffer.alloc(5_000, 'v');
  const failed = new Set<string>();
  const keys = Array.from({ length: 80 }, (_, i) => `key${i}`);
  const readable = keys.filter((key) => {
    const isReadable = rig.engine.put(Buffer.from(key), value, 'none', (error) => void (error !== undefined && failed.add(key)));
    t.is(rig.get(key) !== undefined, isReadable, key);
    return isReadable;
  });
  t.true(readable.length > 0 && readable.length < keys.length);
  rig.go();
  rig.flush();
  t.deepEqual(
    keys.filter((key) => rig.get(key) === undefined),
    keys.filter((key) => failed.has(key)),
  );
  rig.close();
  t.false(rig.engine.put(Buffer.from('k'), value, 'none', () => {}));
});

test('engine: memory stays within its bounds, when writers do not wait for acknowledgements', (t) => {
  const rig = new Rig().open({ memtablesMax: 2, waitingBytesMax: 100_000 });
  const value = Buffer.alloc(1_000);
  const written: string[] = [];
  let underWay = 0;
  for (let i = 0; i < 6_000; i++) {
    const key = `key${String(i).padStart(5, '0')}`;
    underWay++;
    rig.engine.put(Buffer.from(key), value, 'none', (error) => {
      underWay--;
      if (error === undefined) written.push(key);
      else if (error.code !== 'OVERLOADED') t.fail(error.message);
    });
    const { waitingBytes = 0, immutableMemtables = 0 } = rig.engine.stats();
    if (waitingBytes > 100_000 || immutableMemtables > 2) t.fail(`${waitingBytes} bytes wait, ${immutableMemtables} memtables`);
    // The world goes on a little now and then, as it does between turns of a loop.
    if (i % 100 === 0) for (let step = 0; step < 12; step++) rig.world.virtual.step();
  }
  rig.world.run(() => underWay === 0);
  t.true(written.length > 200 && written.length < 6_000, `${written.length} were written`);
  t.deepEqual(rig.keys(), written.sort());
});

test('engine: a flush that waits while merges are behind ends with them, when no write comes any more', (t) => {
  const rig = new Rig().open();
  rig.holds = isMerge;
  // Writers are stopped at 36 tables of level 0.
  while (rig.engine.stats().level0Tables !== 36) {
    rig.put('a');
    rig.put('z');
    rig.flush();
  }
  const codes: unknown[] = [];
  rig.engine.put(KEY, VALUE, 'none', (error) => codes.push(error?.code));
  rig.world.run(() => codes.length === 1);
  rig.engine.flush((error) => codes.push(error?.code));
  rig.go();
  rig.world.run(() => codes.length === 2);
  t.deepEqual(codes, [undefined, undefined]);
});

test('engine: a compaction ends, when a snapshot keeps the tombstones that it would remove', (t) => {
  const rig = new Rig().open();
  rig.put('a');
  rig.put('b');
  const snapshot = rig.engine.snapshot();
  rig.done((done) => rig.engine.deleteRange(Buffer.from('a'), Buffer.from('b'), undefined, done));
  t.is(
    rig.done((done) => rig.engine.compact({}, done)),
    undefined,
  );
  t.deepEqual(rig.keys(), ['b']);
  t.deepEqual(rig.keys({ snapshot }), ['a', 'b']);
  snapshot.release();
  rig.done((done) => rig.engine.compact({}, done));
  t.is(rig.engine.stats().tableEntries, 1);
});

test('engine: getMany fails with the error of one key, when its block is damaged', (t) => {
  const rig = new Rig().open({ inlineReads: false, cacheBytes: 0 });
  for (let i = 0; i < 50; i++) rig.put(`key${i}`, Buffer.alloc(100));
  rig.flush();
  const table = rig.world.disk.find('find', rig.dir);
  const name = table.kind === 'directory' ? [...table.now.keys()].find((each) => each.endsWith('.sst')) : undefined;
  rig.world.disk.flipBit(`${rig.dir}/${name}`, 40, 3);
  const keys = Array.from({ length: 50 }, (_, i) => Buffer.from(`key${i}`));
  t.throws(() => rig.value((done) => rig.engine.getMany(keys, undefined, done)), { code: 'CORRUPTION' });
  t.throws(() => rig.keys(), { code: 'CORRUPTION' });
  t.deepEqual(rig.get('key40'), Buffer.alloc(100));
});

test('engine: an iterator goes on with what it saw, when its snapshot is released and all is merged', (t) => {
  const rig = new Rig().open({ inlineReads: false, cacheBytes: 0 });
  for (let i = 0; i < 30; i++) rig.put(`key${i}`, Buffer.alloc(200));
  const snapshot = rig.engine.snapshot();
  const iterator = rig.engine.iterator({ snapshot, reverse: true });
  rig.done((done) => rig.engine.deleteRange(Buffer.from('k'), Buffer.from('l'), undefined, done));
  snapshot.release();
  rig.done((done) => rig.engine.compact({}, done));
  t.deepEqual(rig.keys(), []);
  t.is(rig.value<readonly Entry[]>((done) => iterator.next(100, 1 << 20, done)).length, 30);
  iterator.close();
});

/** What an iterator over a memtable gives that was flushed, and whose arena then is needed again. */
function readOverFlush(mutants: ReadonlySet<string>): string[] {
  const rig = new Rig().open({ mutants });
  for (let i = 0; i < 10; i++) rig.put(`key${i}`, 'old');
  const iterator = rig.engine.iterator({});
  rig.flush();
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 10; i++) rig.put(`key${i}`, 'new');
    rig.flush();
  }
  return rig.value<readonly Entry[]>((done) => iterator.next(100, 1 << 20, done)).map(({ value }) => Buffer.from(value).toString());
}

test('engine: an iterator keeps the memory of a memtable that is flushed, and it is not used again', (t) => {
  t.deepEqual(readOverFlush(new Set()), Array(10).fill('old'));
});

test('engine: memory that is used again under an iterator is found out (mutant arenaReusedTooEarly)', (t) => {
  t.notDeepEqual(readOverFlush(new Set(['arenaReusedTooEarly'])), Array(10).fill('old'));
});

test('engine: a database without records opens again and again, and again after a write', (t) => {
  const rig = new Rig();
  rig.open().close();
  rig.open().put('a');
  rig.close();
  rig.open().close();
  t.deepEqual(rig.open().keys(), ['a']);
});

test('engine: it opens, when a kill has left segments that were being made', (t) => {
  const rig = new Rig().open();
  rig.put('a');
  rig.world.kill();
  let made = 0;
  for (let i = 1; i < 9; i++) rig.world.doors.files.open(`${rig.dir}/00000${i}.log.new`, 'create', () => made++);
  rig.world.run(() => made === 8);
  t.deepEqual(rig.open().keys(), ['a']);
  t.is(rig.close(), undefined);
});

test('engine: no file stays open, when one of several tables is damaged', (t) => {
  const rig = new Rig().open();
  for (let i = 0; i < 3; i++) {
    rig.put(`key${i}`, Buffer.alloc(100));
    rig.flush();
  }
  rig.close();
  const directory = rig.world.disk.find('find', rig.dir);
  const names = directory.kind === 'directory' ? [...directory.now.keys()].filter((each) => each.endsWith('.sst')) : [];
  const path = `${rig.dir}/${names[1]}`;
  const stat = rig.world.disk.find('stat', path);
  rig.world.disk.flipBit(path, stat.kind === 'file' ? stat.now.length - 10 : 0, 1);
  t.is((rig.tryOpen() as StorageError).code, 'CORRUPTION');
  t.deepEqual(rig.world.openFiles, []);
  t.is((rig.tryOpen({ readOnly: true }) as StorageError).code, 'CORRUPTION');
  t.deepEqual(rig.world.openFiles, []);
});

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { FileError } from '../../../runtime/files.ts';
import { copyBytes } from '../../../storage/byte-reader.ts';
import { Codecs } from '../../../storage/codec.ts';
import { filterOf } from '../../../storage/compaction/filter.ts';
import { defineMergeJob, type MergeJobInput, type MergeJobOutcome, mergeJob } from '../../../storage/compaction/merge-job.ts';
import type { MergedTable } from '../../../storage/compaction/output-tables.ts';
import { tableName } from '../../../storage/manifest/file-names.ts';
import { Arena } from '../../../storage/memtable/arena.ts';
import { Memtable } from '../../../storage/memtable/memtable.ts';
import { DELETE, PUT, RANGE_DELETE, type RecordKind } from '../../../storage/record.ts';
import { openTableSync } from '../../../storage/table/sync-table.ts';
import { anySources, hex, type Source, visibleAt } from './arbitraries.ts';
import type { ListEntry } from './list-cursor.ts';
import { MemoryDoors } from './memory-files.ts';
import { spansOf } from './model-merge.ts';

const DIR = '/db';
const NOTHING = new Uint8Array(0);
const NEWEST = 1_000;

type Steps = Generator<undefined, MergeJobOutcome, undefined>;

/** Runs the job as the pool does: its input is a clone. */
function start(doors: MemoryDoors, input: Partial<MergeJobInput>, job = mergeJob): Steps {
  const whole: MergeJobInput = {
    dir: DIR,
    memtables: [],
    runs: [],
    places: places(1, 9),
    cuts: { targetBytes: 1 << 20, boundaries: [], grandparents: [], grandparentBytesMax: Number.POSITIVE_INFINITY },
    snapshots: [],
    older: [],
    unnumber: true,
    table: { blockBytes: 64 },
    ...input,
  };
  return job.run(structuredClone(whole), doors);
}

function finish(steps: Steps): MergeJobOutcome {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return structuredClone(step.value);
  }
}

function merged(outcome: MergeJobOutcome): Extract<MergeJobOutcome, { kind: 'merged' }> {
  if (outcome.kind === 'failed') throw new Error(outcome.message);
  return outcome;
}

function places(from: number, count: number): MergeJobInput['places'] {
  return Array.from({ length: count }, (_, i) => ({ number: from + i, uid: new Uint8Array(16).fill(from + i) }));
}

function memtableOf({ entries, rangeDeletes }: Source): MergeJobInput['memtables'][number] {
  const memtable = new Memtable(new Arena(1 << 16), 0);
  memtable.reserve(4);
  const ranges = rangeDeletes.map(({ start: key, end: value, sequence }) => ({ key, value, sequence, kind: RANGE_DELETE as RecordKind }));
  for (const { kind, sequence, key, value } of [...entries, ...ranges].sort((a, b) => a.sequence - b.sequence))
    memtable.add(kind, sequence, key, value);
  return memtable.snapshot();
}

function readTable(doors: MemoryDoors, { number, uid, bytes }: MergedTable): Source {
  const table = openTableSync(doors.files.open(`${DIR}/${tableName(number)}`, 'read'), { uid, bytes }, new Codecs());
  const cursor = table.cursor();
  const entries: ListEntry[] = [];
  for (cursor.seekFirst(); cursor.valid; cursor.next()) {
    const { keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueEnd, sequence, kind } = cursor;
    entries.push({ key: copyBytes(keyBytes, keyStart, keyEnd), value: copyBytes(valueBytes, valueStart, valueEnd), sequence, kind });
  }
  return { entries, rangeDeletes: table.rangeDeletes };
}

/** Every source as a table of its own, newest first, written by the job from a memtable. */
function flushAll(doors: MemoryDoors, sources: readonly Source[]): MergedTable[] {
  return sources.flatMap((source, i) => {
    const input = {
      memtables: [memtableOf(source)],
      places: places(10 + i, 1),
      unnumber: false,
      snapshots: Array.from({ length: 130 }, (_, at) => at),
      older: [WHOLE],
    };
    return merged(finish(start(doors, input))).tables;
  });
}

const WHOLE = { smallest: NOTHING, largest: new Uint8Array(4).fill(255) };

testProp(
  'merge job: readers see in the tables what was in memtables and tables before, when it has flushed and merged',
  [anySources, fc.nat(3), fc.uniqueArray(fc.nat(130), { maxLength: 3 }), fc.integer({ min: 1, max: 400 })],
  (t, sources, olderCount, drawn, targetBytes) => {
    const doors = new MemoryDoors();
    const snapshots = drawn.sort((a, b) => a - b);
    const older = sources.slice(Math.max(0, sources.length - olderCount));
    const newer = sources.slice(0, sources.length - older.length);
    const [young, ...others] = newer;
    const runs = flushAll(doors, others).map((table) => [table]);
    const before = doors.files.files.size;
    const result = merged(
      finish(
        start(doors, {
          memtables: young === undefined ? [] : [memtableOf(young)],
          runs,
          snapshots,
          older: older.flatMap(spansOf),
          cuts: { targetBytes, boundaries: [], grandparents: [], grandparentBytesMax: Number.POSITIVE_INFINITY },
        }),
      ),
    );
    const after = [...result.tables.map((table) => readTable(doors, table)), ...older];
    for (const at of [...snapshots, NEWEST]) t.deepEqual(visibleAt(after, at), visibleAt(sources, at));
    t.is(doors.files.files.size, before + result.tables.length);
    for (const [i, { number, uid }] of result.tables.entries()) {
      const path = `${DIR}/${tableName(number)}`;
      t.is(number, i + 1);
      t.is(uid[0], i + 1);
      t.deepEqual(doors.files.synced.get(path), doors.files.files.get(path));
    }
    t.is(doors.files.syncedDirs.at(-1), DIR);
  },
  { numRuns: 60 },
);

const many = (count: number): Source => ({
  entries: Array.from({ length: count }, (_, i) => ({
    key: Buffer.from(String(i).padStart(6, '0')),
    sequence: i + 1,
    kind: PUT,
    value: Buffer.alloc(1_000),
  })),
  rangeDeletes: [],
});

function bigInput(doors: MemoryDoors): Partial<MergeJobInput> {
  const memtable = new Memtable(new Arena(4 << 20), 0);
  memtable.reserve(4);
  for (const { key, value, sequence } of many(2_000).entries) memtable.add(PUT, sequence, key, value);
  const [table] = merged(finish(start(doors, { memtables: [memtable.snapshot()], places: places(20, 1) }))).tables;
  return {
    runs: [[table!]],
    cuts: { targetBytes: 500_000, boundaries: [], grandparents: [], grandparentBytesMax: Number.POSITIVE_INFINITY },
  };
}

test('merge job: leaves no file and none open, when it is cancelled at any of its yields', (t) => {
  const doors = new MemoryDoors();
  const input = bigInput(doors);
  const before = doors.files.readdir(DIR);
  let yields = 0;
  for (let done = false; !done; yields++) {
    const open = doors.files.openCount;
    const steps = start(doors, input);
    let step = steps.next();
    for (let i = 0; i < yields && step.done !== true; i++) step = steps.next();
    done = step.done === true;
    if (done) break;
    steps.return(undefined as never);
    t.deepEqual(doors.files.readdir(DIR), before);
    t.is(doors.files.openCount, open);
  }
  t.true(yields >= 8, `${yields} yields`);
});

test('merge job: says what failed and leaves no file, when any of its calls fails', (t) => {
  const doors = new MemoryDoors();
  const input = bigInput(doors);
  const before = doors.files.readdir(DIR);
  let calls = 0;
  for (let failAt = 0; ; failAt++) {
    calls = 0;
    doors.files.before = (operation, path) => {
      if (operation !== 'unlink' && calls++ === failAt) throw new FileError('ENOSPC', operation, path);
    };
    const outcome = finish(start(doors, input));
    doors.files.before = () => undefined;
    if (outcome.kind === 'merged') break;
    t.like(outcome, { code: 'IO', systemCode: 'ENOSPC' });
    t.deepEqual(doors.files.readdir(DIR), before);
    t.is(doors.files.openCount, 0);
  }
  t.true(calls > 10);
});

test('merge job: reports where an input is damaged and leaves no file, when a byte of it is wrong', (t) => {
  const doors = new MemoryDoors();
  const input = bigInput(doors);
  const path = `${DIR}/${tableName(20)}`;
  doors.files.files.get(path)![5_000]! ^= 1;
  const outcome = finish(start(doors, input));
  t.like(outcome, { kind: 'failed', code: 'CORRUPTION', place: { file: path } });
  t.deepEqual(doors.files.readdir(DIR), [tableName(20)]);
});

test('merge job: a merge gives way to other threads as it goes on, a flush does not', (t) => {
  for (const throttle of [new Int32Array(new SharedArrayBuffer(4)), undefined]) {
    const doors = new MemoryDoors();
    const { readBytes } = merged(finish(start(doors, { ...bigInput(doors), throttle })));
    if (throttle === undefined) t.is(doors.gaveWay, 0);
    else
      t.true(readBytes > 500_000 && doors.gaveWay >= Math.floor(readBytes / (256 << 10)), `${doors.gaveWay} times in ${readBytes} bytes`);
  }
});

test('merge job: keeps to the rate of its cell, and to a new one from then on', (t) => {
  const doors = new MemoryDoors();
  const throttle = new Int32Array(new SharedArrayBuffer(4));
  const input = { ...bigInput(doors), throttle };
  throttle[0] = 1_000;
  finish(start(doors, input));
  const expectedMs = (2_000 * 1_006) / 1_024;
  t.true(Math.abs(doors.nowMs - expectedMs) < 150, `${doors.nowMs} ms, expected ${expectedMs}`);
  t.true(Math.max(...doors.pauses) <= 50);

  const steps = start(doors, { ...input, places: places(30, 9) });
  const from = doors.nowMs;
  while (doors.nowMs - from < 500) steps.next();
  throttle[0] = 0;
  const freed = doors.nowMs;
  finish(steps);
  t.is(doors.nowMs, freed);
});

test('merge job: applies the filter that its module defines, and fails, when it has none of the name', (t) => {
  const doors = new MemoryDoors();
  const source: Source = {
    entries: ['a', 'b', 'c'].map((key, i) => ({ key: Buffer.from(key), sequence: i + 1, kind: PUT, value: Buffer.from(key) })),
    rangeDeletes: [],
  };
  const job = defineMergeJob('test.merge', {
    filters: {
      below: (argument) => ({ keeps: (bytes, from) => bytes[from]! < (argument as number) }),
    },
    codecs: [],
  });
  const input = { memtables: [memtableOf(source)], filter: { name: 'below', argument: 'c'.charCodeAt(0) } };
  const [table] = merged(finish(start(doors, input, job))).tables;
  t.deepEqual(
    readTable(doors, table!).entries.map(({ key }) => hex(key)),
    ['61', '62'],
  );
  t.like(finish(start(doors, input)), { kind: 'failed', code: 'INVALID_ARGUMENT' });
  t.throws(() => filterOf({}, { name: 'toString', argument: 0 }), { message: /\(none\)/ });
});

test('merge job: makes no table, when nothing is left', (t) => {
  const doors = new MemoryDoors();
  const source: Source = { entries: [{ key: NOTHING, sequence: 1, kind: DELETE, value: NOTHING }], rangeDeletes: [] };
  t.like(merged(finish(start(doors, { memtables: [memtableOf(source)] }))), { tables: [], read: 1, written: 0 });
  t.deepEqual(doors.files.readdir(DIR), []);
});

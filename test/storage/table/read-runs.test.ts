import test from 'ava';
import type { Clock, Timers } from '../../../runtime/doors.ts';
import { FileError } from '../../../runtime/files.ts';
import { hashKey } from '../../../storage/hash.ts';
import { FOUND, LOOKUP_PENDING, Lookup } from '../../../storage/table/lookup.ts';
import { here, LATEST, numbered, numberedKey, type ShardTable, shardTable, writeTable } from '../helpers/tables.ts';

/** Each look at it moves it on, so that some five reads use up the time of a run. */
const STEP_MS = 0.19;

class Turns implements Clock, Timers {
  #nowMs = 0;
  readonly #tasks: (() => void)[] = [];

  now(): number {
    this.#nowMs += STEP_MS;
    return this.#nowMs;
  }

  wall(): number {
    return this.#nowMs;
  }

  soon(task: () => void): void {
    this.#tasks.push(task);
  }

  after(): () => void {
    return () => undefined;
  }

  /** One turn of the loop. False: there was nothing to do. */
  turn(): boolean {
    const tasks = this.#tasks.splice(0);
    for (const task of tasks) task();
    return tasks.length > 0;
  }
}

const OPENING_READS = 2;

const items = numbered(300);
const written = writeTable(items, { blockBytes: 600 });

interface World {
  readonly turns: Turns;
  readonly table: ShardTable;
  /** Numbers of the items that were found later, in that order. */
  readonly found: number[];
  /** Of these: whether the value was lent. */
  readonly lent: Set<boolean>;
  readonly errors: string[];
}

function world(cacheBytes: number): World {
  const turns = new Turns();
  return { turns, table: shardTable(written, { cacheBytes, clock: turns, timers: turns }), found: [], lent: new Set(), errors: [] };
}

/** True: found at once. `then` runs when it is found later. */
function ask({ table, found, lent, errors }: World, i: number, then?: () => void): boolean {
  const key = numberedKey(i * 3);
  const lookup = new Lookup((outcome, error) => {
    if (error !== undefined) errors.push(error.code);
    else if (outcome === FOUND && lookup.valueBytes.subarray(lookup.valueStart, lookup.valueEnd).equals(items[i]!.value)) found.push(i);
    if (outcome === FOUND) lent.add(lookup.isLent);
    then?.();
  });
  return table.reader.get(key, hashKey(key, 0, key.length), LATEST, lookup) !== LOOKUP_PENDING;
}

function steps(from: number, count: number, by: number): number[] {
  return Array.from({ length: count }, (_, i) => from + i * by);
}

test('read runs: reads go inline in later runs, in the order of asking, when the time of a run is used up', (t) => {
  const it = world(0);
  // Each in a block of its own.
  const later = steps(0, 15, 20).filter((i) => !ask(it, i));
  t.true(later.length > 3, `${later.length} later`);
  t.is(it.found.length, 0);
  it.turns.turn();
  t.true(it.found.length > 0 && it.found.length < later.length, `${it.found.length} of ${later.length} in one run`);
  while (it.turns.turn());
  t.deepEqual(it.found, later);
  t.deepEqual(it.lent, new Set([true]));
  t.is(it.table.file.reads, OPENING_READS);
  t.is(it.table.file.inlineReads, 15);
});

test('read runs: one read serves all who wait for a block, when it waits for the next run', (t) => {
  const it = world(0);
  while (ask(it, 0));
  const before = it.table.file.inlineReads;
  const [first, second] = [ask(it, 150), ask(it, 151)];
  const cursor = it.table.reader.cursor(() => undefined);
  cursor.seek(numberedKey(450), 0, 9);
  t.deepEqual([first, second], [false, false]);
  while (it.turns.turn());
  t.deepEqual(it.found, [0, 150, 151]);
  t.is(it.table.file.inlineReads - before, 2);
  t.deepEqual(here(cursor), items[150]);
});

test('read runs: each gets its own value, when the first of two who wait for a block reads another within its callback', (t) => {
  const it = world(0);
  while (ask(it, 0));
  ask(it, 150, () => ask(it, 290));
  ask(it, 151);
  while (it.turns.turn());
  t.deepEqual(
    it.found.toSorted((a, b) => a - b).filter((i) => i !== 290),
    [0, 150, 151],
  );
});

test('read runs: a cursor keeps its block, when it alone waited for it and another block is read behind it', (t) => {
  const it = world(0);
  while (ask(it, 0));
  const cursor = it.table.reader.cursor(() => undefined);
  cursor.seek(numberedKey(450), 0, 9);
  ask(it, 290);
  while (it.turns.turn());
  t.deepEqual(it.found, [0, 290]);
  t.deepEqual(here(cursor), items[150]);
});

test('read runs: a failed read is an IO error and one behind it goes on, when the file recovers', (t) => {
  const it = world(0);
  while (ask(it, 0));
  it.table.file.failing = new FileError('EIO', 'pread', '/tables/1.sst');
  ask(it, 100, () => {
    it.table.file.failing = undefined;
  });
  ask(it, 200);
  while (it.turns.turn());
  t.deepEqual(it.errors, ['IO', 'IO']);
  t.deepEqual(it.found, [200]);
});

test('read runs: reads that wait for the next run are answered, when the table is closed before it', (t) => {
  const it = world(1 << 20);
  const later = steps(0, 15, 20).filter((i) => !ask(it, i));
  t.true(later.length > 3);
  it.table.reader.close(() => it.found.push(-1));
  it.table.file.settle();
  t.deepEqual(it.found.slice(-1 - later.length), [...later, -1]);
  const answered = it.found.length;
  while (it.turns.turn());
  t.is(it.found.length, answered);
  t.is(it.table.cache.stats().blocks, 0);
  t.deepEqual(it.errors, []);
});

test('read runs: reads that wait go to the threads of the file system, when reads have become slow', (t) => {
  const it = world(0);
  while (ask(it, 0));
  ask(it, 100);
  it.table.policy.tookInline(0, 1_000);
  it.turns.turn();
  t.deepEqual(it.found, []);
  it.table.file.settle();
  t.deepEqual(it.found, [0, 100]);
});

/**
 * Prints what merging costs: the tournament against a binary heap over the same cursors, and the merge job over tables in memory.
 * Run: `node dist/test/storage/compaction/merge-speed.js`.
 */
import { Codecs } from '../../../storage/codec.ts';
import { type MergeJobInput, type MergeJobOutcome, mergeJob } from '../../../storage/compaction/merge-job.ts';
import type { MergedTable } from '../../../storage/compaction/output-tables.ts';
import type { Cursor } from '../../../storage/cursor.ts';
import { compareKeys } from '../../../storage/key.ts';
import { tableName } from '../../../storage/manifest/file-names.ts';
import { Arena } from '../../../storage/memtable/arena.ts';
import { Memtable } from '../../../storage/memtable/memtable.ts';
import { MergingCursor } from '../../../storage/merging-cursor.ts';
import { RangeDeletes } from '../../../storage/range-deletes.ts';
import { PUT } from '../../../storage/record.ts';
import { openTableSync } from '../../../storage/table/sync-table.ts';
import { VisibleCursor } from '../../../storage/visible-cursor.ts';
import { MemoryDoors } from './memory-files.ts';

const ENTRIES = 400_000;
const ROUNDS = 5;
const VERSIONS = 4;

/** Entries in random order, dealt out to `count` memtables. */
function memtables(count: number): Memtable[] {
  const tables = Array.from({ length: count }, () => new Memtable(new Arena(Math.ceil(((ENTRIES / count) * 160) / 4096) * 4096 + 4096), 0));
  for (const table of tables) table.reserve(4);
  const value = Buffer.alloc(100, 1);
  const key = Buffer.alloc(16);
  let state = 1;
  for (let i = 0; i < ENTRIES; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    key.write(String(state).padStart(16, '0'));
    tables[i % count]!.add(PUT, i + 1, key, value);
  }
  return tables;
}

/** A full one in which each key was written four times, with values as the store has them. */
function overwritten(): Memtable {
  const table = new Memtable(new Arena(ENTRIES * 272 + 4096), 0);
  table.reserve(4);
  const value = Buffer.alloc(220, 1);
  const key = Buffer.alloc(28);
  for (let i = 0; i < ENTRIES; i++) {
    key.write(String(Math.imul(i % (ENTRIES / VERSIONS), 2_654_435_761) >>> 0).padStart(28, '0'));
    table.add(PUT, i + 1, key, value);
  }
  return table;
}

/** The peer: a binary heap of the cursors themselves, forward only. */
function heapWalk(cursors: readonly Cursor[]): number {
  const heap: Cursor[] = [];
  const before = (a: Cursor, b: Cursor): boolean => {
    const order = compareKeys(a.keyBytes, a.keyStart, a.keyEnd, b.keyBytes, b.keyStart, b.keyEnd);
    return order < 0 || (order === 0 && a.sequence > b.sequence);
  };
  const sink = (from: number): void => {
    const cursor = heap[from]!;
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, cursor)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = cursor;
  };
  for (const cursor of cursors) {
    cursor.seekFirst();
    if (cursor.valid) heap.push(cursor);
  }
  for (let i = heap.length >>> 1; i >= 0; i--) if (i < heap.length) sink(i);
  let sum = 0;
  while (heap.length > 0) {
    const top = heap[0]!;
    sum += top.keyEnd - top.keyStart;
    top.next();
    if (!top.valid) {
      const last = heap.pop()!;
      if (heap.length === 0) break;
      heap[0] = last;
    }
    sink(0);
  }
  return sum;
}

function walk(cursor: Cursor): number {
  let sum = 0;
  for (cursor.seekFirst(); cursor.valid; cursor.next()) sum += cursor.keyEnd - cursor.keyStart;
  return sum;
}

function walkBack(cursor: Cursor): number {
  let sum = 0;
  for (cursor.seekLast(); cursor.valid; cursor.prev()) sum += cursor.keyEnd - cursor.keyStart;
  return sum;
}

/** Processor time of the quickest round in ms; the works take turns, so that a noisy machine is noisy for all. */
function fastest(works: readonly (() => unknown)[]): number[] {
  const best = works.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [i, work] of works.entries()) {
      const from = process.cpuUsage();
      work();
      const { user, system } = process.cpuUsage(from);
      best[i] = Math.min(best[i]!, (user + system) / 1e3);
    }
  }
  return best;
}

function perEntry(ms: number): string {
  return `${((ms * 1e6) / ENTRIES).toFixed(0)} ns`.padStart(7);
}

function finish(steps: Generator<undefined, MergeJobOutcome, undefined>): readonly MergedTable[] {
  for (;;) {
    const step = steps.next();
    if (step.done !== true) continue;
    if (step.value.kind === 'failed') throw new Error(step.value.message);
    return step.value.tables;
  }
}

/** Cursors over as many tables, whose entries lie in order, so that the walk is not all cache misses. */
function tablesOf(count: number): () => Cursor[] {
  const doors = new MemoryDoors();
  const tables = memtables(count).map((memtable, i) => {
    const place = { number: i + 1, uid: new Uint8Array(16).fill(i + 1) };
    const cuts = { targetBytes: 1 << 30, boundaries: [], grandparents: [], grandparentBytesMax: Number.POSITIVE_INFINITY };
    const input = {
      dir: '/db',
      memtables: [memtable.snapshot()],
      runs: [],
      places: [place],
      cuts,
      snapshots: [],
      older: [],
      unnumber: false,
      table: {},
    };
    const [table] = finish(mergeJob.run(input, doors));
    return openTableSync(doors.files.open(`/db/${tableName(table!.number)}`, 'read'), table!, new Codecs());
  });
  return () => tables.map((table) => table.cursor());
}

for (const count of [1, 2, 4, 8, 16]) {
  const cursors = tablesOf(count);
  const visible = (): Cursor =>
    new VisibleCursor({
      open: () => new MergingCursor(cursors),
      rangeDeletes: RangeDeletes.none,
      sequence: ENTRIES,
      onReady: () => undefined,
    });
  const [heap, tree, back, seen, seenBack] = fastest([
    () => heapWalk(cursors()),
    () => walk(new MergingCursor(cursors)),
    () => walkBack(new MergingCursor(cursors)),
    () => walk(visible()),
    () => walkBack(visible()),
  ]) as [number, number, number, number, number];
  console.log(
    `${String(count).padStart(2)} sources: heap ${perEntry(heap)}, tournament ${perEntry(tree)} (${(heap / tree).toFixed(2)} x), ` +
      `back ${perEntry(back)}; visible ${perEntry(seen)}, back ${perEntry(seenBack)}`,
  );
}

for (const count of [1, 4, 8]) {
  const doors = new MemoryDoors();
  let number = 1;
  const run = (input: Pick<MergeJobInput, 'memtables' | 'runs'>): readonly MergedTable[] => {
    const places = Array.from({ length: 9 }, () => ({ number: ++number, uid: new Uint8Array(16).fill(number) }));
    const cuts = { targetBytes: 16 << 20, boundaries: [], grandparents: [], grandparentBytesMax: Number.POSITIVE_INFINITY };
    return finish(mergeJob.run({ dir: '/db', places, cuts, snapshots: [], older: [], unnumber: true, table: {}, ...input }, doors));
  };
  const snapshots = memtables(count).map((table) => table.snapshot());
  let runs: MergeJobInput['runs'] = [];
  const [flush, merge] = fastest([
    () => {
      runs = snapshots.map((snapshot) => run({ memtables: [snapshot], runs: [] }));
    },
    () => run({ memtables: [], runs }),
  ]) as [number, number];
  const rate = (ms: number): string => `${((ENTRIES * 116) / 1e6 / (ms / 1e3)).toFixed(0)} MB/s`;
  console.log(
    `job: flush of ${count} memtables ${perEntry(flush)} ${rate(flush)}, merge of ${count} tables ${perEntry(merge)} ${rate(merge)}`,
  );
}

{
  const doors = new MemoryDoors();
  let number = 1;
  const memtables = [overwritten().snapshot()];
  const flushed = (snapshots: readonly number[]): void => {
    const places = [{ number: ++number, uid: new Uint8Array(16).fill(number) }];
    const cuts = { targetBytes: 1 << 30, boundaries: [], grandparents: [], grandparentBytesMax: Number.POSITIVE_INFINITY };
    const [table] = finish(
      mergeJob.run({ dir: '/db', memtables, runs: [], places, cuts, snapshots, older: [], unnumber: false, table: {} }, doors),
    );
    doors.files.unlink(`/db/${tableName(table!.number)}`);
  };
  const [alone, read] = fastest([() => flushed([]), () => flushed([0])]) as [number, number];
  console.log(`job: flush of keys written ${VERSIONS} times each, by record ${perEntry(alone)}, with a snapshot open ${perEntry(read)}`);
}

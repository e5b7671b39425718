import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { Codecs } from '../../../storage/codec.ts';
import { type MergeJobInput, mergeJob } from '../../../storage/compaction/merge-job.ts';
import { type PlannedTable, planMerge } from '../../../storage/compaction/merge-plan.ts';
import { choose, PICKER_DEFAULTS } from '../../../storage/compaction/picker.ts';
import { compareWhole } from '../../../storage/key.ts';
import { tableName } from '../../../storage/manifest/file-names.ts';
import { Arena } from '../../../storage/memtable/arena.ts';
import { Memtable } from '../../../storage/memtable/memtable.ts';
import { MergingCursor } from '../../../storage/merging-cursor.ts';
import { RangeDeletes } from '../../../storage/range-deletes.ts';
import { DELETE, PUT, RANGE_DELETE } from '../../../storage/record.ts';
import { RunCursor } from '../../../storage/run-cursor.ts';
import { openTableSync, type SyncTable } from '../../../storage/table/sync-table.ts';
import { VisibleCursor } from '../../../storage/visible-cursor.ts';
import { anyChange, type Change, hex, sourcesOf, visibleAt } from './arbitraries.ts';
import { MemoryDoors } from './memory-files.ts';

const DIR = '/db';
const NOTHING = new Uint8Array(0);
const EVERYTHING = { smallest: NOTHING, largest: new Uint8Array(8).fill(255) };

/** A store of files in memory, in which picker, plan and job are the real ones. */
class FileStore {
  readonly doors = new MemoryDoors();
  readonly levels: PlannedTable[][] = [[], [], [], []];
  #number = 0;
  #sequence = 0;

  flush(changes: readonly Change[]): void {
    const memtable = new Memtable(new Arena(1 << 16), 0);
    memtable.reserve(4);
    for (const change of changes) {
      this.#sequence++;
      if (change.type === 'put') memtable.add(PUT, this.#sequence, change.key, change.value);
      else if (change.type === 'delete') memtable.add(DELETE, this.#sequence, change.key, NOTHING);
      else memtable.add(RANGE_DELETE, this.#sequence, change.start, change.end);
    }
    const cuts = { targetBytes: 1 << 30, boundaries: [], grandparents: [], grandparentBytesMax: 1 << 30 };
    this.#run(0, { memtables: [memtable.snapshot()], runs: [], cuts, older: [EVERYTHING], unnumber: false }, 1);
  }

  settle(): void {
    const options = { ...PICKER_DEFAULTS, baseBytes: 1_500, ratio: 3, level0Tables: 2, tierTables: 2, grandparentBytesMax: 9_000 };
    for (;;) {
      const state = { levels: this.levels, running: [] };
      const choice = choose(state, {
        ...options,
        oldestSnapshot: Number.POSITIVE_INFINITY,
        rangeDeletes: RangeDeletes.none,
        filterDrops: undefined,
      });
      if (choice.kind === 'none') return;
      if (choice.kind === 'move') {
        this.#remove(choice.table.number);
        this.#add(choice.to, [choice.table as PlannedTable]);
      } else if (choice.kind === 'merge') {
        const { placeCount, ...plan } = planMerge(state, choice, { targetBytes: 600, boundaries: [], grandparentBytesMax: 5_000 });
        for (const { number } of choice.inputs.flatMap(({ tables }) => tables)) this.#remove(number);
        this.#run(choice.outputLevel, { memtables: [], ...plan }, placeCount);
      }
    }
  }

  rows(sequence: number): [string, string][] {
    const open = (table: PlannedTable): SyncTable =>
      openTableSync(this.doors.files.open(`${DIR}/${tableName(table.number)}`, 'read'), table, new Codecs());
    const [level0, ...deep] = this.levels.map((level) => level.map(open));
    const cursor = new VisibleCursor({
      open: () =>
        new MergingCursor(() => [
          ...level0!.map((table) => table.cursor()),
          ...deep.map((tables, i) => new RunCursor({ spans: this.levels[i + 1]!, open: (index) => tables[index]!.cursor() })),
        ]),
      rangeDeletes: RangeDeletes.merge([level0!, ...deep].flatMap((tables) => tables.map((table) => RangeDeletes.of(table.rangeDeletes)))),
      sequence,
      onReady: () => undefined,
    });
    const rows: [string, string][] = [];
    for (cursor.seekFirst(); cursor.valid; cursor.next()) {
      rows.push([hex(cursor.keyBytes, cursor.keyStart, cursor.keyEnd), hex(cursor.valueBytes, cursor.valueStart, cursor.valueEnd)]);
    }
    return rows;
  }

  #run(level: number, input: Omit<MergeJobInput, 'dir' | 'places' | 'snapshots' | 'table'>, count: number): void {
    const places = Array.from({ length: count }, () => ({ number: ++this.#number, uid: new Uint8Array(16).fill(this.#number) }));
    const steps = mergeJob.run(structuredClone({ dir: DIR, places, snapshots: [], table: { blockBytes: 100 }, ...input }), this.doors);
    let step = steps.next();
    while (step.done !== true) step = steps.next();
    if (step.value.kind === 'failed') throw new Error(step.value.message);
    this.#add(level, step.value.tables);
  }

  #remove(number: number): void {
    for (const level of this.levels) {
      const at = level.findIndex((table) => table.number === number);
      if (at >= 0) level.splice(at, 1);
    }
  }

  #add(level: number, tables: readonly PlannedTable[]): void {
    const all = this.levels[level]!;
    all.push(...tables);
    if (level === 0) all.sort((a, b) => b.largestSequence - a.largestSequence);
    else all.sort((a, b) => compareWhole(a.smallest, b.smallest) || compareWhole(a.largest, b.largest));
  }
}

testProp(
  'merge plan: a store of files shows what was written, when picker and job have worked on it',
  [fc.array(fc.array(anyChange, { minLength: 5, maxLength: 40, size: 'max' }), { minLength: 2, maxLength: 8, size: 'max' })],
  (t, parts) => {
    const store = new FileStore();
    const history: Change[] = [];
    for (const changes of parts) {
      history.push(...changes);
      store.flush(changes);
      store.settle();
    }
    t.deepEqual(store.rows(history.length), visibleAt(sourcesOf([history]), history.length));
  },
  { numRuns: 25 },
);

test('merge plan: tables get below level 0, when much is written', (t) => {
  const store = new FileStore();
  const history: Change[] = [];
  for (const changes of fc.sample(fc.array(anyChange, { minLength: 40, maxLength: 40 }), { seed: 1, numRuns: 8 })) {
    history.push(...changes);
    store.flush(changes);
    store.settle();
  }
  t.deepEqual(store.rows(history.length), visibleAt(sourcesOf([history]), history.length));
  t.true(store.levels.slice(1).some((level) => level.length > 0));
});

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { choiceSpan, inputTables, type MergeChoice, olderTables } from '../../../storage/compaction/choice.ts';
import { type KeySpan, spanOf } from '../../../storage/compaction/key-ranges.ts';
import { compactionDebt, levelTargets } from '../../../storage/compaction/level-targets.ts';
import type { LevelTable, RunningMerge } from '../../../storage/compaction/levels.ts';
import { choose, chooseManual, PICKER_DEFAULTS, type PickerOptions } from '../../../storage/compaction/picker.ts';
import { compareWhole } from '../../../storage/key.ts';
import { RangeDeletes } from '../../../storage/range-deletes.ts';
import { PUT } from '../../../storage/record.ts';
import { anyChange, anyKey, type Change, covers, hex, type Source, sourcesOf, visibleAt } from './arbitraries.ts';
import { ENTRY_BYTES, mergeSources } from './model-merge.ts';
import { PolicyModel } from './policy-model.ts';

const LEVELS = 4;

interface ModelTable extends LevelTable {
  readonly source: Source;
}

interface Under {
  readonly choice: MergeChoice;
  readonly outputs: readonly Source[];
  readonly running: RunningMerge;
}

/** A whole store in memory: merges take their inputs when they begin, and change the levels when they end, in any order. */
class ModelStore {
  levels: ModelTable[][] = Array.from({ length: LEVELS }, () => []);
  readonly under: Under[] = [];
  readonly snapshots: number[] = [];
  readonly history: Change[] = [];
  readonly kinds = new Set<string>();
  readonly #options: Partial<PickerOptions>;
  readonly #seesRunning: boolean;
  #number = 1;

  constructor(options: Partial<PickerOptions> = {}, seesRunning = true) {
    this.#options = options;
    this.#seesRunning = seesRunning;
  }

  get sequence(): number {
    return this.history.length;
  }

  flush(changes: readonly Change[]): void {
    const from = this.sequence;
    this.history.push(...changes);
    const [all] = sourcesOf([this.history]);
    const source = {
      entries: all!.entries.filter(({ sequence }) => sequence > from),
      rangeDeletes: all!.rangeDeletes.filter(({ sequence }) => sequence > from),
    };
    const { outputs } = mergeSources([source], { snapshots: this.snapshots, older: [EVERYWHERE], unnumber: false });
    this.#add(0, outputs);
  }

  /** Lets the picker choose and begins what it chose. Returns false when that is nothing. */
  begin(manual?: KeySpan): boolean {
    const state = { levels: this.levels, running: this.#seesRunning ? this.under.map(({ running }) => running) : [] };
    const choice =
      manual === undefined
        ? choose(state, {
            ...PICKER_DEFAULTS,
            baseBytes: 12 * ENTRY_BYTES,
            ratio: 3,
            level0Tables: 2,
            tierTables: 2,
            grandparentBytesMax: 40 * ENTRY_BYTES,
            oldestSnapshot: Math.min(Number.POSITIVE_INFINITY, ...this.snapshots),
            rangeDeletes: RangeDeletes.of(this.levels.flat().flatMap(({ source }) => source.rangeDeletes)),
            filterDrops: undefined,
            ...this.#options,
          })
        : chooseManual(state, manual);
    this.kinds.add(choice.kind === 'merge' ? choice.reason : choice.kind);
    if (choice.kind === 'none') return false;
    if (choice.kind === 'move') {
      const table = choice.table as ModelTable;
      this.#remove(choice.from, [table]);
      this.#put(choice.to, [table]);
    } else if (choice.kind === 'drop') {
      for (const { level, table } of choice.tables) this.#remove(level, [table]);
    } else this.#beginMerge(choice);
    return true;
  }

  end(index: number): void {
    const [ended] = this.under.splice(index, 1);
    if (ended === undefined) return;
    for (const { level, tables } of ended.choice.inputs) this.#remove(level, tables);
    this.#add(ended.choice.outputLevel, ended.outputs);
  }

  settle(): void {
    for (let i = 0; i < 200; i++) {
      while (this.under.length > 0) this.end(0);
      if (!this.begin()) return;
    }
    throw new Error('the picker never comes to rest');
  }

  /** As the engine reads: the first source from the top that has the key decides. */
  get(key: Uint8Array, at: number): string | undefined {
    let deleted = 0;
    for (const { source } of this.levels.flat()) {
      for (const range of source.rangeDeletes) if (range.sequence <= at && covers(range, key)) deleted = Math.max(deleted, range.sequence);
      const entry = source.entries.find((candidate) => candidate.sequence <= at && compareWhole(candidate.key, key) === 0);
      if (entry !== undefined) return entry.kind === PUT && entry.sequence >= deleted ? hex(entry.value) : undefined;
    }
    return undefined;
  }

  /** Throws where a reader sees another thing than what was written. */
  check(): void {
    const [all] = sourcesOf([this.history]);
    for (const at of [...this.snapshots, this.sequence]) {
      const expected = new Map(visibleAt([all!], at));
      for (const key of new Set(all!.entries.map((entry) => hex(entry.key)))) {
        const found = this.get(Buffer.from(key, 'hex'), at);
        if (found !== expected.get(key)) throw new Error(`${key} at ${at}: expected ${expected.get(key)}, found ${found}`);
      }
    }
    for (const [level, tables] of this.levels.entries()) {
      for (let i = 1; level > 0 && i < tables.length; i++) {
        const [before, after] = [tables[i - 1]!, tables[i]!];
        const order = compareWhole(before.largest, after.smallest);
        if (order > 0 || (order === 0 && before.rangeDeletes === 0)) throw new Error(`level ${level} overlaps`);
      }
    }
  }

  #beginMerge(choice: MergeChoice): void {
    const older = olderTables({ levels: this.levels, running: [] }, choice);
    const { outputs } = mergeSources(
      choice.inputs.flatMap(({ tables }) => tables.map((table) => (table as ModelTable).source)),
      {
        snapshots: [...this.snapshots],
        older,
        unnumber: choice.outputLevel > 0,
        targetBytes: choice.outputLevel === 0 ? Number.POSITIVE_INFINITY : 4 * ENTRY_BYTES,
      },
    );
    const tables = inputTables(choice).map(({ number }) => number);
    this.under.push({ choice, outputs, running: { tables, outputLevel: choice.outputLevel, span: choiceSpan(choice) } });
  }

  #remove(level: number, tables: readonly LevelTable[]): void {
    const numbers = new Set(tables.map(({ number }) => number));
    const kept = this.levels[level]!.filter(({ number }) => !numbers.has(number));
    if (kept.length + numbers.size !== this.levels[level]!.length) throw new Error('a table is gone already');
    this.levels[level] = kept;
  }

  #add(level: number, sources: readonly Source[]): void {
    this.#put(
      level,
      sources.map((source) => tableOf(this.#number++, source)),
    );
  }

  #put(level: number, tables: readonly ModelTable[]): void {
    const all = [...this.levels[level]!, ...tables];
    this.levels[level] =
      level === 0
        ? all.sort((a, b) => b.largestSequence - a.largestSequence || b.number - a.number)
        : all.sort((a, b) => compareWhole(a.smallest, b.smallest) || compareWhole(a.largest, b.largest));
  }
}

const EVERYWHERE: KeySpan = { smallest: new Uint8Array(0), largest: new Uint8Array(8).fill(255) };

function tableOf(number: number, source: Source): ModelTable {
  const { entries, rangeDeletes } = source;
  const spans = [
    ...entries.map(({ key }) => ({ smallest: key, largest: key })),
    ...rangeDeletes.map(({ start, end }) => ({ smallest: start, largest: end })),
  ];
  return {
    ...spanOf(spans),
    number,
    source,
    bytes: entries.length * ENTRY_BYTES + 1,
    entries: entries.length,
    deletes: entries.filter(({ kind }) => kind !== PUT).length,
    rangeDeletes: rangeDeletes.length,
    largestSequence: Math.max(0, ...entries.map(({ sequence }) => sequence), ...rangeDeletes.map(({ sequence }) => sequence)),
  };
}

const anySpan = anyKey.map((key) => ({ smallest: key, largest: key }));
const anyStep = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant('flush' as const), changes: fc.array(anyChange, { minLength: 1, maxLength: 12 }) }),
  },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('begin' as const) }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('end' as const), index: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('snapshot' as const, 'release' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('manual' as const), one: anySpan, other: anySpan }) },
);
const anySteps = fc.array(anyStep, { maxLength: 40, size: 'max' });
type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never;

function run(store: ModelStore, steps: readonly Step[]): void {
  for (const step of steps) {
    if (step.type === 'flush') store.flush(step.changes);
    else if (step.type === 'begin') store.begin();
    else if (step.type === 'end') store.end(Math.min(step.index, store.under.length - 1));
    else if (step.type === 'snapshot') store.snapshots.push(store.sequence);
    else if (step.type === 'release') store.snapshots.shift();
    else if (step.type === 'manual') store.begin(spanOf([step.one, step.other]));
    store.check();
  }
}

testProp(
  'picker: readers see what was written at every moment, whatever it chooses and in whatever order the merges end',
  [anySteps],
  (t, steps) => {
    const store = new ModelStore();
    run(store, steps);
    store.settle();
    t.notThrows(() => store.check());
  },
  { numRuns: 40 },
);

test('picker: the check finds it, when merges under way are not seen', (t) => {
  const property = fc.property(anySteps, (steps) => run(new ModelStore({}, false), steps));
  const { failed, errorInstance } = fc.check(property, { seed: 1, numRuns: 500 });
  t.true(failed);
  t.regex(String(errorInstance), /expected|gone already|overlaps/);
});

test('picker: all its kinds of choices are taken, when random steps are run', (t) => {
  const kinds = new Set<string>();
  for (const steps of fc.sample(anySteps, { seed: 3, numRuns: 150 })) {
    const store = new ModelStore();
    run(store, steps);
    for (const kind of store.kinds) kinds.add(kind);
  }
  t.deepEqual([...kinds].sort(), ['drop', 'manual', 'move', 'none', 'released', 'size', 'tier', 'tombstones']);
});

testProp(
  'picker: a manual merge of everything leaves each visible key once and nothing else',
  [fc.array(fc.array(anyChange), { maxLength: 6 })],
  (t, parts) => {
    const store = new ModelStore();
    for (const changes of parts) if (changes.length > 0) store.flush(changes);
    store.settle();
    for (let i = 0; i < 5 && store.begin(EVERYWHERE); i++) store.end(0);
    t.notThrows(() => store.check());
    const left = store.levels.flat();
    t.is(
      left.reduce((sum, { entries }) => sum + entries, 0),
      visibleAt(sourcesOf([store.history]), store.sequence).length,
    );
    t.is(left.length, store.levels[LEVELS - 1]!.length);
  },
  { numRuns: 40 },
);

const MIB = 2 ** 20;
const table = (number: number, bytes: number, smallest: string, largest: string): LevelTable => ({
  number,
  bytes,
  smallest: Buffer.from(smallest),
  largest: Buffer.from(largest),
  entries: 1_000,
  deletes: 0,
  rangeDeletes: 0,
  largestSequence: 1_000 - number,
});
const options: PickerOptions = {
  ...PICKER_DEFAULTS,
  grandparentBytesMax: 320 * MIB,
  oldestSnapshot: Number.POSITIVE_INFINITY,
  rangeDeletes: RangeDeletes.none,
  filterDrops: undefined,
};

test('picker: targets go up from the last level by the ratio, when it is larger than the base may be', (t) => {
  const levels = [[], [], [], [], [], [], [table(1, 20_000 * MIB, 'a', 'z')]];
  const { base, bytes } = levelTargets({ levels, running: [] }, PICKER_DEFAULTS);
  t.is(base, 4);
  t.deepEqual(
    bytes.map((size) => size / MIB),
    [0, 0, 0, 0, 200, 2_000, Number.POSITIVE_INFINITY],
  );
  t.is(levelTargets({ levels: [[], [], []], running: [] }, PICKER_DEFAULTS).base, 2);
});

test('picker: a table whole inside a range delete is dropped, when every snapshot sees the delete', (t) => {
  const levels = [[], [table(1, MIB, 'b', 'c'), table(2, MIB, 'd', 'f')]];
  const rangeDeletes = RangeDeletes.of([{ start: Buffer.from('a'), end: Buffer.from('f'), sequence: 2_000 }]);
  const state = { levels, running: [] };
  t.like(choose(state, { ...options, rangeDeletes }), { kind: 'drop', tables: [{ level: 1, table: { number: 1 } }] });
  t.is(choose(state, { ...options, rangeDeletes, oldestSnapshot: 1_999 }).kind, 'none');
  t.is(choose({ levels, running: [{ tables: [1], outputLevel: 1, span: levels[1]![0]! }] }, { ...options, rangeDeletes }).kind, 'none');
});

test('picker: a table of the last level is dropped, when the filter removes all of it and there is no snapshot', (t) => {
  const state = { levels: [[], [table(1, MIB, 'b', 'c')], [table(2, MIB, 'b', 'c')]], running: [] };
  const filtered = { ...options, filterDrops: () => true };
  t.like(choose(state, filtered), { kind: 'drop', tables: [{ level: 2, table: { number: 2 } }] });
  t.not(choose(state, { ...filtered, oldestSnapshot: 5_000 }).kind, 'drop');
});

test('picker: two merges of one level run side by side, when they have nothing in common', (t) => {
  const levels = [
    [],
    [table(1, 900 * MIB, 'a', 'f'), table(2, 900 * MIB, 'g', 'k')],
    [table(3, 9 * MIB, 'a', 'e'), table(4, 9 * MIB, 'h', 'k')],
  ];
  const small = { ...options, baseBytes: MIB };
  const first = choose({ levels, running: [] }, small);
  t.is(first.kind, 'merge');
  const under = first as MergeChoice;
  const running = [{ tables: inputTables(under).map(({ number }) => number), outputLevel: under.outputLevel, span: choiceSpan(under) }];
  const second = choose({ levels, running }, small) as MergeChoice;
  t.is(second.kind, 'merge');
  t.deepEqual(
    [...running[0]!.tables, ...inputTables(second).map(({ number }) => number)].sort((a, b) => a - b),
    [1, 2, 3, 4],
  );
});

test('picker: there is debt when a level is too large, and none before', (t) => {
  const level0 = Array.from({ length: 3 }, (_, i) => table(i, MIB, 'a', 'z'));
  const state = (more: LevelTable[]) => ({ levels: [[...level0, ...more], [], [table(9, 100 * MIB, 'a', 'z')]], running: [] });
  t.is(compactionDebt(state([]), options), 0);
  t.is(compactionDebt(state([table(8, MIB, 'a', 'z')]), options), 104 * MIB);
});

test('picker: young tiers write less than merging every table down, when 100 M entries are written', (t) => {
  const setup = { keys: 100e6, entryBytes: 116, memtableBytes: 32 * MIB, tableBytes: 64 * MIB };
  const [tiers, none] = [{}, { tierTables: 0 }].map((drawn) => {
    const model = new PolicyModel({ ...setup, options: drawn });
    model.write(100e6);
    return model;
  });
  t.true(tiers!.writeAmplification < 0.9 * none!.writeAmplification, `${tiers!.writeAmplification} ${none!.writeAmplification}`);
  t.true(tiers!.spaceAmplification < 1.15, `${tiers!.spaceAmplification}`);
  t.true(tiers!.runs < 8, `${tiers!.runs}`);
});

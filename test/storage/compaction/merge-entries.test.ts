import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import type { MergeFilter } from '../../../storage/compaction/filter.ts';
import { compareWhole } from '../../../storage/key.ts';
import { DELETE, PUT } from '../../../storage/record.ts';
import { anyKey, anySources, type Change, hex, type Source, sourcesOf, visibleAt } from './arbitraries.ts';
import { ENTRY_BYTES, type ModelMergeOptions, mergeSources, spansOf } from './model-merge.ts';

const NEWEST = 1_000;
const anySnapshots = fc.uniqueArray(fc.integer({ min: 0, max: 130 }), { maxLength: 4 }).map((list) => list.sort((a, b) => a - b));
const anyCase = fc.record({
  sources: anySources,
  from: fc.nat(5),
  count: fc.nat(6),
  snapshots: anySnapshots,
  unnumber: fc.boolean(),
  tablesMax: fc.integer({ min: 1, max: 9 }),
  targetBytes: fc.integer({ min: 1, max: 8 * ENTRY_BYTES }),
  boundaries: fc.array(anyKey).map((keys) => keys.sort(compareWhole)),
});
type Case = typeof anyCase extends fc.Arbitrary<infer T> ? T : never;

interface Merged {
  readonly before: readonly Source[];
  readonly after: readonly Source[];
  readonly outputs: readonly Source[];
  readonly inputs: readonly Source[];
}

/** Some neighbouring sources of a history are merged, and take their old place. */
function merged({ sources, from, count, ...options }: Case, more: ModelMergeOptions = {}): Merged {
  const inputs = sources.slice(from, from + count);
  const older = sources.slice(from + count);
  const { outputs } = mergeSources(inputs, { ...options, older: older.flatMap(spansOf), ...more });
  return { before: sources, after: [...sources.slice(0, from), ...outputs, ...older], outputs, inputs };
}

/** Throws where a reader sees another thing than before. */
function checkEquivalence(snapshots: readonly number[], { before, after }: Merged): void {
  for (const at of [...snapshots, NEWEST]) {
    const was = JSON.stringify(visibleAt(before, at));
    const is = JSON.stringify(visibleAt(after, at));
    if (was !== is) throw new Error(`at ${at}: expected ${was}, found ${is}`);
  }
}

/** Throws unless what the outputs say lies in stretches of keys that don't overlap, in order. */
function checkStretches({ outputs }: Merged): void {
  for (const [i, { entries, rangeDeletes }] of outputs.entries()) {
    const upper = outputs[i + 1]?.entries[0]?.key;
    const lower = i === 0 ? undefined : entries[0]?.key;
    for (const { key } of entries) if (upper !== undefined && compareWhole(key, upper) >= 0) throw new Error(`output ${i}: ${hex(key)}`);
    for (const { start, end } of rangeDeletes) {
      if (lower !== undefined && compareWhole(start, lower) < 0) throw new Error(`output ${i}: range from ${hex(start)}`);
      if (upper !== undefined && compareWhole(end, upper) > 0) throw new Error(`output ${i}: range to ${hex(end)}`);
    }
  }
}

testProp('merge: every snapshot and the newest read see after it what they saw before', [anyCase], (t, drawn) => {
  const result = merged(drawn);
  t.notThrows(() => checkEquivalence(drawn.snapshots, result));
  t.notThrows(() => checkStretches(result));
  t.true(result.outputs.length <= drawn.tablesMax);
});

for (const mutant of ['dropTombstoneEarly', 'forgetSnapshot', 'rangeDeleteNotClipped']) {
  test(`merge: the planted bug ${mutant} is found, when random merges are checked`, (t) => {
    const property = fc.property(anyCase, (drawn) => {
      const result = merged(drawn, { mutants: new Set([mutant]) });
      checkEquivalence(drawn.snapshots, result);
      checkStretches(result);
    });
    const { failed, errorInstance } = fc.check(property, { seed: 1, numRuns: 2_000 });
    t.true(failed);
    t.regex(String(errorInstance), mutant === 'rangeDeleteNotClipped' ? /range (from|to)/ : /expected .* found/);
  });
}

testProp(
  'merge: nothing but one version of each visible key is left, when all is merged and no snapshot is held',
  [anySources],
  (t, sources) => {
    const { outputs } = mergeSources(sources, {});
    t.deepEqual(
      outputs.flatMap(({ entries }) => entries.map(({ key, value }) => [hex(key), hex(value)])),
      visibleAt(sources, NEWEST),
    );
    t.true(outputs.every(({ entries, rangeDeletes }) => rangeDeletes.length === 0 && entries.every(({ sequence }) => sequence === 0)));
  },
);

testProp('merge: of each key no more versions are kept than there are readers', [anyCase], (t, drawn) => {
  const { outputs } = merged(drawn);
  const kept = new Map<string, number>();
  for (const { entries } of outputs) for (const { key } of entries) kept.set(hex(key), (kept.get(hex(key)) ?? 0) + 1);
  t.true(Math.max(0, ...kept.values()) <= drawn.snapshots.length + 1);
});

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const put = (key: string, value = ''): Change => ({ type: 'put', key: Buffer.from(key), value: Buffer.from(value) });
const del = (key: string): Change => ({ type: 'delete', key: Buffer.from(key) });
const deleteRange = (start: string, end: string): Change => ({ type: 'deleteRange', start: Buffer.from(start), end: Buffer.from(end) });
const span = (smallest: string, largest = smallest) => ({ smallest: Buffer.from(smallest), largest: Buffer.from(largest) });

function left(changes: readonly Change[], options: ModelMergeOptions): string[] {
  const { outputs } = mergeSources(sourcesOf([changes]), options);
  return outputs.flatMap(({ entries, rangeDeletes }) => [
    ...entries.map(({ key, kind, sequence }) => `${kind === PUT ? '+' : kind === DELETE ? '-' : '?'}${text(key)}@${sequence}`),
    ...rangeDeletes.map(({ start, end, sequence }) => `[${text(start)},${text(end)})@${sequence}`),
  ]);
}

const keeps = test.macro((t, changes: readonly Change[], options: ModelMergeOptions, expected: readonly string[]) => {
  t.deepEqual(left(changes, options), expected);
});

test('merge: a tombstone goes, when nothing older can hold the key', keeps, [put('a'), del('a'), del('b')], {}, []);
test('merge: a tombstone stays, when older data spans the key', keeps, [put('a'), del('a'), del('x')], { older: [span('a', 'c')] }, [
  '-a@2',
]);
test('merge: a tombstone stays, when a snapshot still sees what it deletes', keeps, [put('a'), del('a')], { snapshots: [1] }, [
  '-a@2',
  '+a@0',
]);
test('merge: a tombstone goes, when the only snapshot sees it', keeps, [put('a'), del('a')], { snapshots: [2] }, []);
test(
  'merge: versions go, when no snapshot lies between them and the next newer',
  keeps,
  [put('a'), put('a'), put('a'), put('a')],
  { snapshots: [2] },
  ['+a@4', '+a@0'],
);
test('merge: sequences stay, when older data spans the key', keeps, [put('a'), put('d')], { older: [span('a', 'c')] }, ['+a@1', '+d@0']);
test('merge: sequences stay, when tables are ordered by them', keeps, [put('a')], { unnumber: false }, ['+a@1']);
test(
  'merge: a range delete takes what it covers and goes, when nothing older lies in its range',
  keeps,
  [put('a'), put('b'), put('c'), deleteRange('b', 'c'), put('b')],
  { older: [span('c')] },
  ['+a@0', '+b@0', '+c@3'],
);
test(
  'merge: a range delete stays and the entry above it keeps its sequence, when something older lies in its range',
  keeps,
  [put('c'), deleteRange('b', 'd'), put('b')],
  { older: [span('c')] },
  ['+b@3', '[b,d)@2'],
);
test('merge: a range delete alone makes a table, when no entry is left', keeps, [put('a'), deleteRange('a', 'b')], { older: [span('a')] }, [
  '[a,b)@2',
]);
test(
  'merge: a range delete that a newer one hides goes, when no snapshot lies between',
  keeps,
  [deleteRange('a', 'c'), deleteRange('b', 'd'), deleteRange('b', 'c')],
  { older: [span('a', 'z')], snapshots: [1] },
  ['[a,b)@1', '[b,c)@3', '[b,c)@1', '[c,d)@2'],
);
test('merge: a table ends between keys and range deletes are cut there, when it is full', (t) => {
  const { outputs } = mergeSources(sourcesOf([[put('a'), put('a'), put('b'), put('c'), deleteRange('a', 'z')].reverse()]), {
    targetBytes: ENTRY_BYTES,
    snapshots: [1, 2, 3, 4, 5],
    older: [span('a', 'z')],
  });
  t.deepEqual(
    outputs.map(({ entries, rangeDeletes }) => [
      entries.map(({ key, sequence }) => `${text(key)}@${sequence}`).join(' '),
      rangeDeletes.map(({ start, end }) => `${text(start)}-${text(end)}`).join(' '),
    ]),
    [
      ['a@5 a@4', 'a-b'],
      ['b@3', 'b-c'],
      ['c@2', 'c-z'],
    ],
  );
});

const noX: MergeFilter = { keeps: (keyBytes, keyStart) => keyBytes[keyStart] !== 0x78 };
test('merge: the filter removes entries, when nothing older can come to light', keeps, [put('x'), put('y')], { filter: noX }, ['+y@0']);
test(
  'merge: the filter leaves a tombstone, when something older could come to light',
  keeps,
  [put('x'), put('y')],
  { filter: noX, older: [span('x')] },
  ['-x@1', '+y@0'],
);
test('merge: the filter leaves an entry alone, when a snapshot needs it', keeps, [put('x'), put('x')], { filter: noX, snapshots: [1] }, [
  '-x@2',
  '+x@0',
]);

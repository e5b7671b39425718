import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { DirtyMarks } from '../../../actors/repair/dirty-marks.ts';
import { entryHigh, entryLow } from '../../../actors/repair/entry-hash.ts';
import { leafBitsOf, leafOf, leafStart, levelsOf } from '../../../actors/repair/leaves.ts';
import { MerkleTree } from '../../../actors/repair/merkle-tree.ts';
import { partitionOf } from '../../../actors/ring/token.ts';

interface Entry {
  readonly high: number;
  readonly low: number;
  readonly digest: number;
}

/** A partition as a list of entries; its tree is a nest of lists of what is in them. */
class NaivePartition {
  readonly entries = new Map<string, Entry>();

  put(entry: Entry): void {
    this.entries.set(`${entry.high} ${entry.low}`, entry);
  }

  of(leaf: number, partitions: number): readonly string[] {
    const found = [...this.entries.values()].filter(({ high }) => leafOf(high, partitions) === leaf);
    return found.map(({ high, low, digest }) => `${high} ${low} ${digest}`).sort();
  }
}

/** Reads the dirty leaves, in whatever order. */
function refresh(tree: MerkleTree, naive: NaivePartition, partitions: number): void {
  let from = 0;
  for (let run = tree.takeDirty(from, 7); run !== null; run = tree.takeDirty(from, 7)) {
    from = run.to;
    for (let leaf = run.from; leaf < run.to; leaf++) {
      let [low, high] = [0, 0];
      for (const entry of naive.entries.values()) {
        if (leafOf(entry.high, partitions) !== leaf) continue;
        low = (low + entryLow(entry.low, entry.digest)) | 0;
        high = (high + entryHigh(entry.high, entry.digest)) | 0;
      }
      tree.setLeaf(leaf, low, high);
    }
  }
}

const PARTITIONS = 16_384;
const PARTITION = 5;
const LEAVES = 2 ** leafBitsOf(PARTITIONS);
const FIRST = leafStart(PARTITION, 0, PARTITIONS);
const token = fc.record({
  high: fc.integer({ min: 0, max: leafStart(PARTITION, LEAVES, PARTITIONS) - FIRST - 1 }).map((offset) => FIRST + offset),
  low: fc.integer({ min: 0, max: 3 }),
  digest: fc.integer({ min: 0, max: 5 }),
});
const writes = fc.array(fc.array(token, { maxLength: 6 }), { maxLength: 6 });

for (const [partitions, bits] of [
  [8, 12],
  [256, 12],
  [512, 11],
  [16_384, 6],
] as const)
  test(`leaves: ${partitions} partitions have 2^${bits} leaves each, that cover all tokens once`, (t) => {
    t.is(leafBitsOf(partitions), bits);
    t.deepEqual(levelsOf(bits).slice(0, 1), [0]);
    t.is(levelsOf(bits).at(-1), bits);
    t.is(leafStart(0, 0, partitions), 0);
    t.is(leafStart(partitions - 1, 2 ** bits, partitions), 2 ** 32);
    for (const partition of [0, 1, partitions - 1]) {
      t.is(leafStart(partition, 2 ** bits, partitions), leafStart(partition + 1, 0, partitions));
      for (const leaf of [0, 1, 2 ** bits - 1]) {
        const start = leafStart(partition, leaf, partitions);
        const last = leafStart(partition, leaf + 1, partitions) - 1;
        t.deepEqual(
          [start, last].map((high) => [partitionOf(high, partitions), leafOf(high, partitions)]),
          [
            [partition, leaf],
            [partition, leaf],
          ],
        );
      }
    }
  });

test('merkle tree: a leaf that was written is dirty, alone, when its keyspace has trees', (t) => {
  const marks = new DirtyMarks();
  marks.mark(1, FIRST);
  const tree = new MerkleTree(leafBitsOf(PARTITIONS), marks.of(1, PARTITION, PARTITIONS));
  t.deepEqual(tree.takeDirty(0, LEAVES), { from: 0, to: LEAVES });
  t.is(tree.takeDirty(0, LEAVES), null);
  marks.mark(2, FIRST);
  marks.mark(1, leafStart(PARTITION, LEAVES, PARTITIONS));
  marks.mark(1, leafStart(PARTITION, 0, PARTITIONS) - 1);
  t.is(tree.takeDirty(0, LEAVES), null);
  for (const leaf of [0, 33, LEAVES - 1]) marks.mark(1, leafStart(PARTITION, leaf, PARTITIONS));
  t.deepEqual(tree.takeDirty(0, LEAVES), { from: 0, to: 1 });
  t.deepEqual(tree.takeDirty(1, LEAVES), { from: 33, to: 34 });
  t.deepEqual(tree.takeDirty(34, LEAVES), { from: LEAVES - 1, to: LEAVES });
  t.is(tree.takeDirty(0, LEAVES), null);
  marks.markAll();
  t.true(tree.isDirty(7));
  marks.forget(1);
  t.deepEqual(tree.takeDirty(0, LEAVES), { from: 0, to: LEAVES });
  marks.mark(1, FIRST);
  t.is(tree.takeDirty(0, LEAVES), null);
});

function differing(a: MerkleTree, b: MerkleTree): readonly number[] {
  let nodes = [0];
  for (let level = 0; level < a.levelCount; level++) {
    nodes = nodes.filter((node) => a.low(level, node) !== b.low(level, node) || a.high(level, node) !== b.high(level, node));
    if (level === a.levelCount - 1) return nodes;
    const children = a.childrenOf(level);
    nodes = nodes.flatMap((node) => Array.from({ length: children }, (_, i) => node * children + i));
  }
  return nodes;
}

function run(rounds: readonly (readonly Entry[])[], mutants: readonly string[] = []): { tree: MerkleTree; naive: NaivePartition } {
  const marks = new DirtyMarks(new Set(mutants));
  const tree = new MerkleTree(leafBitsOf(PARTITIONS), marks.of(1, PARTITION, PARTITIONS));
  const naive = new NaivePartition();
  for (const round of rounds) {
    refresh(tree, naive, PARTITIONS);
    for (const entry of round) {
      marks.mark(1, entry.high);
      naive.put(entry);
    }
    // Reads inner nodes that the next writes make stale.
    tree.low(0, 0);
  }
  refresh(tree, naive, PARTITIONS);
  return { tree, naive };
}

/** What the walk finds is what differs, and a tree kept up to date is one made anew [A12]. */
function isAsNaive(a: readonly (readonly Entry[])[], b: readonly (readonly Entry[])[], mutants: readonly string[] = []): boolean {
  const [one, other] = [run(a, mutants), run(b, mutants)];
  const wanted = [...Array(LEAVES).keys()].filter(
    (leaf) => one.naive.of(leaf, PARTITIONS).join() !== other.naive.of(leaf, PARTITIONS).join(),
  );
  const fresh = new MerkleTree(leafBitsOf(PARTITIONS), new Uint32Array(LEAVES / 32));
  refresh(fresh, one.naive, PARTITIONS);
  return differing(one.tree, other.tree).join() === wanted.join() && differing(one.tree, fresh).length === 0;
}

testProp(
  'merkle tree: two of them differ in the leaves where what is in them does, however it came there [A12]',
  [writes, writes],
  (t, a, b) => {
    t.true(isAsNaive(a, b));
  },
  { numRuns: 200 },
);

test('merkle tree: the planted bug dirtyMarkLost is found', (t) => {
  const check = fc.check(
    fc.property(writes, writes, (a, b) => isAsNaive(a, b, ['dirtyMarkLost'])),
    { numRuns: 200, seed: 1 },
  );
  t.true(check.failed);
});

import test from 'ava';
import { DirtyMarks } from '../../../actors/repair/dirty-marks.ts';
import { Forest } from '../../../actors/repair/forest.ts';
import { leafBitsOf, leafStart } from '../../../actors/repair/leaves.ts';
import { RangeReads } from '../../../actors/repair/range-reads.ts';
import type { Entry } from '../../../storage/engine/api.ts';

const PARTITIONS = 256;

/** Makes the trees of all partitions of so many empty keyspaces fresh, again and again. Returns how many ranges were read, by round. */
function rounds(keyspaces: number, treesMax?: number): number[] {
  let ranges = 0;
  const iterator = { next: () => [], seek: () => undefined, close: () => undefined };
  const replicas = {
    isStalled: false,
    iterator: () => {
      ranges++;
      return iterator;
    },
  };
  const reads = new RangeReads(
    () => replicas,
    () => undefined,
  );
  const clock = { now: () => 0, wall: () => 0 };
  const forest = new Forest({ reads, marks: new DirtyMarks(), clock, ...(treesMax === undefined ? {} : { treesMax }) });
  return [1, 2].map(() => {
    ranges = 0;
    for (let keyspace = 1; keyspace <= keyspaces; keyspace++)
      for (let partition = 0; partition < PARTITIONS; partition++) {
        let isFresh = false;
        forest.fresh(keyspace, partition, PARTITIONS, 0, () => {
          isFresh = true;
        });
        while (!isFresh) reads.slice();
      }
    return ranges;
  });
}

test('forest: a round over all partitions of four keyspaces finds the trees of the one before, and reads nothing again', (t) => {
  t.deepEqual(rounds(4), [4 * PARTITIONS * 4, 0]);
});

test('forest: with fewer trees than a round goes over, all is read in each', (t) => {
  t.deepEqual(rounds(2, 300), [2 * PARTITIONS * 4, 2 * PARTITIONS * 4]);
});

/** How many ranges are read again of a tree whose runs of 1,024 leaves hold so many keys, when every 64th leaf was written. */
function rangesAgain(keysOfRun: number): number {
  let ranges = 0;
  const entry: Entry = { key: Buffer.alloc(16), value: Buffer.alloc(0) };
  const replicas = {
    isStalled: false,
    iterator: () => {
      ranges++;
      let left = keysOfRun;
      return {
        next: (most: number) => {
          const count = Math.min(most, left);
          left -= count;
          return Array.from({ length: count }, () => entry);
        },
        seek: () => undefined,
        close: () => undefined,
      };
    },
  };
  const reads = new RangeReads(
    () => replicas,
    () => undefined,
  );
  const marks = new DirtyMarks();
  const forest = new Forest({ reads, marks, clock: { now: () => 0, wall: () => 0 } });
  const pass = (): number => {
    ranges = 0;
    let isFresh = false;
    forest.fresh(1, 0, PARTITIONS, 0, () => {
      isFresh = true;
    });
    while (!isFresh) reads.slice();
    return ranges;
  };
  pass();
  for (let leaf = 0; leaf < 2 ** leafBitsOf(PARTITIONS); leaf += 64) marks.mark(1, leafStart(0, leaf, PARTITIONS));
  return pass();
}

test('forest: leaves that were written here and there are read one by one, when many keys lie between, and else in one go', (t) => {
  t.is(rangesAgain(1_024), 64);
  t.is(rangesAgain(512), 64);
  t.is(rangesAgain(128), 4);
  t.is(rangesAgain(0), 4);
});

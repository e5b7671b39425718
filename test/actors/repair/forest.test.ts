import test from 'ava';
import { DirtyMarks } from '../../../actors/repair/dirty-marks.ts';
import { Forest } from '../../../actors/repair/forest.ts';
import { RangeReads } from '../../../actors/repair/range-reads.ts';
import { partitionOf } from '../../../actors/ring/token.ts';
import { recordOf, siblingOf } from '../scan/scan-cluster.ts';
import { encodeNaive } from '../version/naive-record.ts';
import { RepairPair } from './repair-pair.ts';

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
    () => 0,
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

test('forest: of a tree that is fresh all hashes are made, and all who wait for it are told when its reading began', (t) => {
  const pair = new RepairPair({ partitions: PARTITIONS });
  const { a } = pair;
  pair.put(a, 'key', encodeNaive(recordOf(siblingOf('a', 1, 'value'))));
  const partition = partitionOf(pair.tokenOf('key')[0], PARTITIONS);
  pair.nowMs = 100;
  const told: number[] = [];
  let hashed = -1;
  a.forest.fresh(pair.keyspaceId, partition, PARTITIONS, 0, (_fault, _tree, sinceMs) => {
    told.push(sinceMs);
    pair.nowMs += 50;
  });
  a.forest.fresh(pair.keyspaceId, partition, PARTITIONS, 0, (_fault, tree, sinceMs) => {
    told.push(sinceMs);
    hashed = tree!.settle();
  });
  while (told.length < 2) {
    pair.nowMs++;
    a.reads.slice();
  }
  t.deepEqual([told, hashed], [[100, 100], 0]);
});

import test from 'ava';
import { partitionBitsOf } from '../../../actors/repair/leaves.ts';
import { changedHash, ROOTED, ROOTS, RootsAsk, readRooted } from '../../../actors/repair/repair-frames.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { recordOf, siblingOf } from '../scan/scan-cluster.ts';
import { encodeNaive } from '../version/naive-record.ts';
import { RepairPair } from './repair-pair.ts';

const PARTITIONS = 256;
const SLICE_MS = 10;

/** Side b is asked for the roots of all partitions by one that has nothing; each slice of its reading takes SLICE_MS. */
function askRoots(pair: RepairPair) {
  const { b, ring, keyspaceId } = pair;
  const partitions = [...ring.owners.keys()];
  const ask = new RootsAsk();
  ask.keyspace = keyspaceId;
  ask.generation = ring.generation;
  ask.partitionBits = partitionBitsOf(PARTITIONS);
  ask.changed = changedHash(ring, partitions);
  ask.roots = partitions.map((partition) => ({ partition, low: 0, high: 0 }));
  const out = new OutBuffer(64, 65_536);
  ask.write(out);
  let rooted: Uint8Array | undefined;
  pair.onFrame = (operation, bytes) => {
    if (operation === ROOTED) rooted = bytes;
  };
  b.server.receive(ROOTS, out.bytes, 0, out.length);
  const atOnce = b.forest.count;
  while (rooted === undefined && b.reads.count > 0) {
    pair.nowMs += SLICE_MS;
    b.reads.slice();
  }
  const answer = rooted === undefined ? 'none' : readRooted(rooted, 0, rooted.length, ask.roots);
  return { atOnce, trees: b.forest.count, answer };
}

test('repair server: trees that are asked for at once are made one after the other', (t) => {
  const { atOnce, trees, answer } = askRoots(new RepairPair({ partitions: PARTITIONS }));
  t.deepEqual([atOnce, trees], [1, PARTITIONS]);
  t.not(typeof answer, 'string');
});

test('repair server: what trees say is said to be as old as the first of them', (t) => {
  const pair = new RepairPair({ partitions: PARTITIONS });
  pair.put(pair.b, 'key', encodeNaive(recordOf(siblingOf('a', 1, 'value'))));
  const { answer } = askRoots(pair);
  if (typeof answer === 'string') return t.fail(answer);
  t.true(pair.nowMs > SLICE_MS * 10);
  t.is(answer.ageMs, pair.nowMs);
});

test('repair server: a tree that somebody else had begun to make fresh is as old as that', (t) => {
  const pair = new RepairPair({ partitions: PARTITIONS });
  pair.b.forest.fresh(pair.keyspaceId, 0, PARTITIONS, 0, () => {});
  pair.nowMs += 100;
  const { answer } = askRoots(pair);
  t.deepEqual(typeof answer === 'string' ? answer : answer.ageMs, pair.nowMs);
});

test('repair server: trees that were fresh already are made fresh again, and are of now', (t) => {
  const pair = new RepairPair({ partitions: PARTITIONS });
  askRoots(pair);
  const { answer } = askRoots(pair);
  t.deepEqual(typeof answer === 'string' ? answer : answer.ageMs, 0);
});

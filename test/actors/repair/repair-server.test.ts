import test from 'ava';
import { partitionBitsOf } from '../../../actors/repair/leaves.ts';
import { changedHash, ROOTED, ROOTS, type Root, RootsAsk, readRooted } from '../../../actors/repair/repair-frames.ts';
import { statusOfAnswer } from '../../../actors/store/data-frames.ts';
import { OK, STORAGE_FAILED } from '../../../actors/store/store-request.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { recordOf, siblingOf } from '../scan/scan-cluster.ts';
import { encodeNaive } from '../version/naive-record.ts';
import { RepairPair } from './repair-pair.ts';

const PARTITIONS = 256;
const SLICE_MS = 10;

function answerOf(bytes: Uint8Array, roots: readonly Root[]): ReturnType<typeof readRooted> {
  const status = statusOfAnswer(bytes, 0, bytes.length);
  return status === OK ? readRooted(bytes, 0, bytes.length, roots) : `status ${status}`;
}

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
    for (const then of b.store.later.splice(0)) then();
  }
  const answer = rooted === undefined ? 'none' : answerOf(rooted, ask.roots);
  return { atOnce, trees: b.forest.count, answer };
}

test('repair server: of trees that are asked for at once a few at a time are made', (t) => {
  const pair = new RepairPair({ partitions: PARTITIONS });
  const { atOnce, trees, answer } = askRoots(pair);
  t.deepEqual([atOnce, trees], [4, PARTITIONS]);
  // Zero is the root of none, not even of one without keys.
  t.deepEqual(typeof answer === 'string' ? answer : answer.differing.toSorted((a, b) => a - b), [...pair.ring.owners.keys()]);
});

test('repair server: what can not be read is said once, and the same question is answered when it can', (t) => {
  const pair = new RepairPair({ partitions: PARTITIONS });
  pair.put(pair.b, 'key', encodeNaive(recordOf(siblingOf('a', 1, 'value'))));
  pair.b.store.damaged = 'key';
  t.is(askRoots(pair).answer, `status ${STORAGE_FAILED}`);
  pair.b.store.damaged = undefined;
  for (let i = 0; i < 40; i++) t.not(typeof askRoots(pair).answer, 'string');
});

test('repair server: what trees say is said to be as old as the first of them', (t) => {
  const pair = new RepairPair({ partitions: PARTITIONS });
  const { answer } = askRoots(pair);
  if (typeof answer === 'string') return t.fail(answer);
  t.true(pair.nowMs > SLICE_MS * 10);
  t.is(answer.ageMs, pair.nowMs);
});

test('bug: a tree that somebody else had begun to make fresh was said to be younger than it was', (t) => {
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

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { LATENCY_BOUNDS_MS, LATENCY_BUCKETS, latencyBucket } from '../../../actors/store/latency-buckets.ts';
import { PeerTimes } from '../../../actors/store/peer-times.ts';
import { Topology } from '../../../actors/store/topology.ts';
import { RingWorld } from '../ring/ring-world.ts';

testProp(
  'latency buckets: a time lies between the bound of its bucket and that of the one before',
  [fc.double({ min: 0, max: 1e5, noNaN: true })],
  (t, ms) => {
    const bucket = latencyBucket(ms);
    t.true(bucket >= 0 && bucket < LATENCY_BUCKETS);
    t.true(ms <= (LATENCY_BOUNDS_MS[bucket] ?? Number.POSITIVE_INFINITY) && ms > (LATENCY_BOUNDS_MS[bucket - 1] ?? -1));
  },
);

const WORLD = new RingWorld(3);
const TOPOLOGY = new Topology(WORLD.ring, 'n1');

function timesOf(ms: readonly number[], member = 1): PeerTimes {
  const times = new PeerTimes(20);
  times.use(TOPOLOGY);
  for (const [i, it] of ms.entries()) times.answered(member, it, i);
  return times;
}

function repeated(count: number, msOf: (i: number) => number): number[] {
  return Array.from({ length: count }, (_, i) => msOf(i));
}

test('peer times: the p95 of who has hardly answered is the one that was given', (t) => {
  t.is(timesOf(repeated(15, () => 1)).p95Ms(1), 20);
});

test('peer times: 95 of 100 answers are no later than the p95, and 5 may be', (t) => {
  // 4 of 100 are late, then 7.
  t.is(timesOf(repeated(400, (i) => (i % 25 === 0 ? 50 : 1))).p95Ms(1), LATENCY_BOUNDS_MS[latencyBucket(1)]!);
  t.is(timesOf(repeated(400, (i) => (i % 14 === 0 ? 50 : 1))).p95Ms(1), LATENCY_BOUNDS_MS[latencyBucket(50)]!);
});

test('peer times: what a peer was like long ago is forgotten', (t) => {
  t.is(timesOf(repeated(6_000, (i) => (i < 2_000 ? 50 : 1))).p95Ms(1), LATENCY_BOUNDS_MS[latencyBucket(1)]!);
});

/** Peer 1 answers after `ms`, peer 2 after 1 ms. */
function withQuick(ms: number): PeerTimes {
  const times = timesOf(repeated(100, () => ms));
  for (let i = 0; i < 100; i++) times.answered(2, 1, i);
  return times;
}

test('peer times: a peer is slow when another is four times faster, at once when it is late twice', (t) => {
  const times = withQuick(1);
  t.false(times.isSlow(1, 2));
  times.late(1, 5, 100);
  times.late(1, 5, 101);
  t.true(times.isSlow(1, 2));
  t.false(times.isSlow(2, 2));
  t.false(withQuick(500).isSlow(1, -1));
});

test('bug: a moment in which the quick peer was late made the slow one look as good, and reads waited for that', (t) => {
  const times = withQuick(200);
  for (let i = 0; i < 50; i++) times.late(2, 20, 100);
  t.true(times.averageMs(2) < times.averageMs(1));
  t.true(times.isSlow(1, 2));
  t.false(times.isSlow(2, 2));
  for (let i = 0; i < 4; i++) times.answered(2, 20, 101);
  t.true(times.isSlow(1, 2));
});

test('bug: of several reads that waited for a peer that was dead the last to become late made it look recovered', (t) => {
  const times = withQuick(1);
  // One that takes 5 ms at present: the dead one is slow when it is feared to take more than four times that.
  for (let i = 0; i < 100; i++) times.answered(2, 5, 100);
  for (const ms of [2, 4, 8, 16, 32, 64, 100]) times.late(1, ms, 100 + ms);
  t.true(times.isSlow(1, 2));
  times.late(1, 2, 201);
  t.true(times.isSlow(1, 2));
});

test('peer times: who is slow is given a probe when it was not heard of for a second, and no other one for a second', (t) => {
  const times = withQuick(400);
  let probes = 0;
  for (let ms = 100; ms < 10_100; ms++) if (times.takeProbe(1, ms, ms)) probes++;
  t.is(probes, 9);
  t.true(times.isProbing && times.isSlow(1, 2));
});

test('peer times: who answers a probe in good time is slow no more, and an answer to something else says nothing', (t) => {
  const times = withQuick(400);
  t.true(times.takeProbe(1, 77, 2_000));
  times.probeAnswered(78, 2_001);
  t.true(times.isProbing && times.isSlow(1, 2));
  times.probeAnswered(77, 2_002);
  t.false(times.isProbing || times.isSlow(1, 2));
});

test('peer times: the first answer of who was only probed is taken as it is', (t) => {
  const times = timesOf([], 1);
  t.true(times.takeProbe(1, 77, 2_000));
  times.probeAnswered(77, 2_008);
  t.is(times.averageMs(1), 8);
});

test('peer times: what is known goes with the member, when a ring has others in their places', (t) => {
  const ring = { ...WORLD.ring, members: [...WORLD.ring.members].reverse() };
  const times = timesOf(
    repeated(64, () => 30),
    0,
  );
  for (let i = 0; i < 64; i++) times.answered(1, 3, i);
  times.use(new Topology(ring, 'n1'));
  const [quick, slow] = [LATENCY_BOUNDS_MS[latencyBucket(3)]!, LATENCY_BOUNDS_MS[latencyBucket(30)]!];
  t.deepEqual([times.p95Ms(0), times.p95Ms(1), times.p95Ms(2)], [20, quick, slow]);
  t.deepEqual([times.averageMs(0), times.averageMs(1), times.averageMs(2)], [0, 3, 30]);
  t.true(times.isSlow(2, 1));
});

import test from 'ava';
import { Log2Histogram, quantiles } from '../../runtime/metrics.ts';
import { ask, Driver } from '../helpers/driver.ts';
import { World } from '../helpers/world.ts';

test('histogram: values fall into powers of two of microseconds', (t) => {
  const histogram = new Log2Histogram();
  for (const us of [0, 0.5, 1, 1.9, 2, 3, 4, 1000, 2 ** 30, 2 ** 31, 2 ** 40]) histogram.addMs(us / 1000);
  const counts = [...histogram.counts];
  t.deepEqual(counts.slice(0, 4), [2, 2, 2, 1]);
  t.is(counts[10], 1);
  t.deepEqual(counts.slice(30), [0, 3]);
});

test('histogram: quantiles are upper bounds of buckets', (t) => {
  const histogram = new Log2Histogram();
  t.deepEqual(quantiles(histogram), { p50: 0, p99: 0, max: 0 });
  for (let i = 0; i < 99; i++) histogram.addMs(0.003);
  histogram.addMs(100);
  t.deepEqual(quantiles(histogram), { p50: 0.004, p99: 0.004, max: 131.072 });
});

test('stats: count what a shard and its actors did', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const [busy, failing, gone] = [new Driver(runtime, { name: 'busy' }), new Driver(runtime, { name: 'failing' }), new Driver(runtime)];
  for (let i = 0; i < 5; i++) busy.ref.tell(i);
  gone.ref.tell(1);
  failing.post(() => {
    throw new Error('boom');
  });
  world.settle();
  runtime.stop(gone.ref);
  ask(runtime, busy.ref, () => 1);
  busy.ref.tell('queued');
  const stats = runtime.stats();
  t.like(stats, { node: 'a', shard: 0, boot: 1, actors: 2, handled: 7, backlog: 2, pendingAsks: 1, restarts: 1, spawned: 3, framesIn: 0 });
  t.deepEqual(
    stats.busiest.map(({ name, state, queued, queuedMax, handled, refused, restarts }) => [
      name,
      state,
      queued,
      queuedMax,
      handled,
      refused,
      restarts,
    ]),
    [
      ['busy', 'active', 2, 5, 5, 0, 0],
      ['failing', 'active', 0, 1, 1, 0, 1],
    ],
  );
  t.is(stats.deadLetters.failed, 1);
});

test('stats: show the twenty busiest actors, the first started first among equals', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const drivers = Array.from({ length: 50 }, (_, i) => new Driver(runtime, { name: `a${i}` }));
  drivers.forEach(({ ref }, i) => {
    for (let k = 0; k < (i * 7) % 25; k++) ref.tell(k);
  });
  world.settle();
  const expected = drivers
    .map(({ messages }, i) => ({ name: `a${i}`, handled: messages.length }))
    .sort((a, b) => b.handled - a.handled)
    .slice(0, 20);
  t.deepEqual(
    runtime.stats().busiest.map(({ name, handled }) => ({ name, handled })),
    expected,
  );
});

test('stats: each state of an actor has its name', (t) => {
  const world = new World();
  const { runtime } = world.shard({ tuning: { supervision: { backoff: { minMs: 100 } } } });
  const [active, draining, suspended] = [new Driver(runtime), new Driver(runtime, { throughput: 1 }), new Driver(runtime)];
  world.settle();
  world.turn(suspended, () => {
    throw new Error('boom');
  });
  draining.ref.tell(1);
  runtime.stop(draining.ref, { drain: true });
  new Driver(runtime);
  t.deepEqual(
    runtime
      .stats()
      .busiest.map(({ state }) => state)
      .sort(),
    ['active', 'draining', 'new', 'suspended'],
  );
  t.is(active.starts, 1);
});

test('bug: the queue wait of a message that came after an idle time was that time', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const actor = new Driver(runtime);
  world.settle();
  world.clock.ms = 100_000;
  actor.ref.tell(1);
  world.clock.ms += 3;
  world.settle();
  t.is(runtime.stats().queueWaitMs.max, 4.096);
});

test('stats: each actor has its turns, its waits and turn times, and the letters that did not reach it', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const slow = new Driver(runtime, {
    mailbox: { capacity: 1 },
    throughput: 1,
    receive: () => {
      world.clock.ms += 2;
    },
  });
  world.settle();
  const before = runtime.stats().busiest[0]!;
  t.like(before, { deadLetters: 0, waitMs: { mean: 0, max: 0 } });
  for (let i = 0; i < 40; i++) {
    slow.ref.tell(i);
    slow.ref.tell('too many');
    world.clock.ms += 3;
    world.settle();
  }
  const { turns, deadLetters, waitMs, turnMs } = runtime.stats().busiest[0]!;
  t.is(turns - before.turns, 40);
  t.is(deadLetters, 40);
  t.is(waitMs.max, 3);
  t.true(waitMs.mean > 2 && waitMs.mean <= 3, String(waitMs.mean));
  // One turn in sixteen of a run is measured, and here a run has one.
  t.deepEqual(turnMs, { mean: 0, max: 0 });
});

test('stats: the length of a turn is measured, once in sixteen turns of a run', (t) => {
  const world = new World();
  const { runtime } = world.shard({ tuning: { sliceMs: 1000 } });
  const slow = new Driver(runtime, {
    throughput: 1,
    receive: () => {
      world.clock.ms += 2;
    },
  });
  world.settle();
  for (let i = 0; i < 64; i++) slow.ref.tell(i);
  world.settle();
  t.deepEqual(runtime.stats().busiest[0]!.turnMs, { mean: 2, max: 2 });
});

test('stats: an actor that was only started keeps no times, however late it was started', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  for (let i = 0; i < 40; i++) new Driver(runtime);
  world.clock.ms += 100;
  world.settle();
  t.true(runtime.actors.all().every(({ times, turns }) => times === null && turns === 0));
});

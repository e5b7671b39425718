import test from 'ava';
import { defineJob } from '../../../runtime/jobs.ts';
import type { Ref } from '../../../runtime/ref.ts';
import type { LinkQuality } from '../../../runtime/simulation/conditions.ts';
import { type PlanItem, Simulation, type SimulationOptions } from '../../../runtime/simulation/testing.ts';
import { type CounterMessage, counter, Diary, listener, talker, ticker } from './ping-actors.ts';

const TWO = [
  { name: 'a', shards: 1 },
  { name: 'b', shards: 2 },
];
const LIMITS = {
  handshakeTimeoutMs: 400,
  holdMs: 400,
  pingIntervalMs: 150,
  peerTimeoutMs: 450,
  unreachableMs: 1000,
  backoff: { minMs: 20, maxMs: 100, factor: 2, jitterRatio: 0.5 },
};

interface Pair {
  readonly sim: Simulation;
  readonly diary: Diary;
  /** Refs to the listener, one per life of b/0. */
  readonly listeners: Ref<number>[];
}

/** A talker on a/0 that tells a listener on b/0 a number each 10 ms. */
function makePair(plan: readonly PlanItem[] = [], options: Partial<SimulationOptions> = {}): Pair {
  const diary = new Diary();
  const listeners: Ref<number>[] = [];
  const sim: Simulation = new Simulation({
    seed: 1,
    nodes: TWO,
    plan,
    network: { limits: LIMITS },
    startShard: (start) => {
      if (start.node === 'b' && start.shard === 0) listeners.push(start.spawn(listener, [diary, () => sim.now, null]));
    },
    ...options,
  });
  sim.node('a').shard(0).spawn(talker, [listeners[0]!, 10]);
  return { sim, diary, listeners };
}

function watchFrom(pair: Pair, name: string, shard: number): Diary {
  const diary = new Diary();
  pair.sim
    .node(name)
    .shard(shard)
    .spawn(listener, [diary, () => pair.sim.now, pair.listeners[0]!]);
  return diary;
}

function isRising(values: readonly number[]): boolean {
  return values.every((value, i) => i === 0 || value > values[i - 1]!);
}

test('simulation: the same seed gives the same hash, another seed another', (t) => {
  const run = (seed: number): string => {
    const { sim } = makePair([], { seed });
    sim.run(500);
    return sim.finalDigest();
  };
  t.is(run(1), run(1));
  t.not(run(1), run(2));
});

test('simulation: actors of different nodes talk, and time passes as it must', (t) => {
  const { sim, diary } = makePair();
  t.true(sim.run(1000));
  t.is(sim.now, 1000);
  t.deepEqual(
    diary.values,
    Array.from({ length: diary.values.length }, (_, i) => i),
  );
  t.true(diary.values.length >= 97 && diary.values.length <= 100);
  t.true(diary.heard.every(({ atMs, value }) => atMs > (value + 1) * 10));
});

test('simulation: actors of different nodes talk over the real TCP transport, in bytes', (t) => {
  const quality: Partial<LinkQuality> = { chunkBytesMax: 7, retransmitRatio: 0.05, retransmitMs: 50 };
  const { sim, diary } = makePair([], { network: { fidelity: 'bytes', quality, limits: LIMITS } });
  t.true(sim.run(2000));
  t.true(diary.values.length > 150);
  t.deepEqual(
    diary.values,
    Array.from({ length: diary.values.length }, (_, i) => i),
  );
});

test('simulation: a test asks an actor and finds the answer in the holder', (t) => {
  const sim = new Simulation({ seed: 1, nodes: TWO });
  const ref = sim.node('b').shard(1).spawn(counter, []);
  t.true(sim.tell(ref, { type: 'add', value: 5 }));
  const holder = sim.ask<CounterMessage, number>(ref, (replyTo) => ({ type: 'get', replyTo }), { timeoutMs: 100 });
  t.is(holder.answer, undefined);
  sim.run(10);
  t.deepEqual(holder.answer, { ok: true, value: 5 });
});

test('simulation: an actor that throws is a failure of the run and ends it, unless the test says it may', (t) => {
  const build = (mayThrow: boolean): Simulation => {
    const sim = new Simulation({ seed: 1, nodes: TWO, mayThrow: (actor) => mayThrow && actor === 'counter' });
    sim.tell(sim.node('a').shard(0).spawn(counter, []), { type: 'boom' });
    return sim;
  };
  const failing = build(false);
  t.false(failing.run(1000));
  t.is(failing.failures[0]?.what, 'actor failed: counter');
  t.true(failing.now < 1);
  t.throws(() => failing.throwIfFailed(), { message: /^seed 1, .*boom/s });
  t.true(build(true).run(1000));
});

test('simulation: a check that does not hold ends the run, or is counted when it is to go on', (t) => {
  for (const goOn of [false, true]) {
    const { sim } = makePair([], { goOn });
    sim.check(true, 'never');
    sim.check(false, 'too bad', () => 'details');
    t.deepEqual(sim.failures, [{ what: 'too bad', detail: 'details', atMs: 0 }]);
    sim.run(100);
    t.is(sim.now, goOn ? 100 : 0);
  }
});

test('simulation: a turn keeps its thread busy for what it charges', (t) => {
  const sim = new Simulation({ seed: 1, nodes: TWO });
  const ref = sim.node('a').shard(0).spawn(counter, []);
  sim.tell(ref, { type: 'slow', us: 50_000 });
  sim.run(1);
  const holder = sim.ask<CounterMessage, number>(ref, (replyTo) => ({ type: 'get', replyTo }), { timeoutMs: 1000 });
  sim.run(49);
  t.is(holder.answer, undefined);
  sim.run(51);
  t.deepEqual(holder.answer, { ok: true, value: 0 });
});

test('simulation: a ref that did not come by a message is caught, when another thread uses it', (t) => {
  const { sim, listeners } = makePair();
  const stolen = listeners[0]!;
  sim
    .node('a')
    .shard(0)
    .spawn(ticker, [10, () => stolen.tell(0)]);
  t.false(sim.run(1000));
  t.regex(sim.failures[0]?.detail ?? '', /b\/0 was reached directly by an actor of another thread/);
});

for (const fidelity of ['frames', 'bytes'] as const) {
  const network = { fidelity, limits: LIMITS };

  test(`simulation in ${fidelity}: a cut stops messages, and when it heals order is kept`, (t) => {
    const { sim, diary } = makePair([{ kind: 'cut', atMs: 200, from: ['a'], to: ['b'], forMs: 300, oneWay: false }], { network });
    t.true(sim.run(2000));
    t.true(isRising(diary.values));
    t.deepEqual(
      diary.heard.filter(({ atMs }) => atMs > 210 && atMs < 500),
      [],
    );
    t.true(diary.heard.at(-1)!.atMs > 1980);
  });

  test(`simulation in ${fidelity}: a long silence breaks the connection, and then the place is unreachable`, (t) => {
    const pair = makePair([{ kind: 'cut', atMs: 200, from: ['b'], to: ['a'], forMs: 3000, oneWay: true }], { network });
    const watcher = watchFrom(pair, 'a', 0);
    t.true(pair.sim.run(1000));
    t.deepEqual(watcher.signals, []);
    t.true(pair.sim.run(3000));
    t.deepEqual(
      watcher.signals.map((signal) => 'reason' in signal && signal.reason),
      ['unreachable'],
    );
    t.true(pair.sim.run(6000));
    t.true(pair.diary.heard.at(-1)!.atMs > 5900, 'it talks again when all is well');
    t.true(isRising(pair.diary.values));
  });

  test(`simulation in ${fidelity}: a reset loses what is under way, and the connection comes back`, (t) => {
    const plan: PlanItem[] = [1, 2, 3, 4].map((i) => ({ kind: 'reset', atMs: i * 200 + 0.3, a: 'a', b: 'b' }));
    const { sim, diary } = makePair(plan, { network });
    t.true(sim.run(2000));
    t.true(isRising(diary.values));
    t.true(diary.heard.at(-1)!.atMs > 1980);
  });

  test(`simulation in ${fidelity}: a crashed process is gone with its heap, and its next life is another`, (t) => {
    const pair = makePair([{ kind: 'crash', atMs: 200, node: 'b', forMs: 300, silent: false }], { network });
    const watcher = watchFrom(pair, 'a', 0);
    t.true(pair.sim.run(3000));
    t.is(pair.listeners.length, 2);
    t.is(pair.sim.node('b').shard(0).boot, 2);
    t.true(pair.diary.heard.at(-1)!.atMs < 200, 'messages for the first life reach no other');
    t.deepEqual(
      watcher.signals.map((signal) => 'reason' in signal && signal.reason),
      ['shardDown'],
    );
  });

  test(`simulation in ${fidelity}: a machine without power is noticed by its silence`, (t) => {
    const pair = makePair([{ kind: 'crash', atMs: 200, node: 'b', forMs: 60_000, silent: true }], { network });
    const watcher = watchFrom(pair, 'a', 0);
    t.true(pair.sim.run(600));
    t.deepEqual(watcher.signals, []);
    t.true(pair.sim.run(4000));
    t.deepEqual(
      watcher.signals.map((signal) => 'reason' in signal && signal.reason),
      ['unreachable'],
    );
  });

  test(`simulation in ${fidelity}: a paused node does at once all that has piled up`, (t) => {
    const { sim, diary } = makePair([{ kind: 'pause', atMs: 200, node: 'b', forMs: 100 }], { network });
    t.true(sim.run(1000));
    t.deepEqual(
      diary.values,
      Array.from({ length: diary.values.length }, (_, i) => i),
    );
    t.deepEqual(
      diary.heard.filter(({ atMs }) => atMs > 201 && atMs < 300),
      [],
    );
    t.true(diary.heard.filter(({ atMs }) => atMs >= 300 && atMs < 301).length >= 8);
  });
}

test('simulation: a dead worker thread is noticed at once by its own node, and starts again alone', (t) => {
  const pair = makePair([{ kind: 'killShard', atMs: 200, node: 'b', shard: 0, forMs: 100 }]);
  const neighbour = watchFrom(pair, 'b', 1);
  t.true(pair.sim.run(205));
  t.deepEqual(
    neighbour.signals.map((signal) => 'reason' in signal && signal.reason),
    ['shardDown'],
  );
  t.false(pair.sim.node('b').shard(0).isUp);
  t.true(pair.sim.node('b').shard(1).isUp);
  t.true(pair.sim.run(1000));
  t.is(pair.listeners.length, 2);
});

test('simulation: a clogged way holds all and lets it go in order at once', (t) => {
  const { sim, diary } = makePair([{ kind: 'clog', atMs: 200, from: 'a', to: 'b', forMs: 200 }]);
  t.true(sim.run(1000));
  t.deepEqual(
    diary.values,
    Array.from({ length: diary.values.length }, (_, i) => i),
  );
  t.true(diary.heard.filter(({ atMs }) => atMs >= 400 && atMs < 500).length >= 25);
});

test('simulation: frames are lost, doubled and overtaken, when the quality of the way says so', (t) => {
  const of = (quality: Partial<LinkQuality>): number[] => {
    const { sim, diary } = makePair([], { network: { quality: { delay: { kind: 'constant', ms: 20 }, ...quality } } });
    t.true(sim.run(4000));
    return diary.values;
  };
  const lost = of({ lossRatio: 0.3 });
  t.true(isRising(lost) && lost.length > 200 && lost.length < 340, `${lost.length}`);
  const doubled = of({ duplicateRatio: 0.3 });
  t.true(new Set(doubled).size > 390 && doubled.length > 450, `${doubled.length}`);
  const overtaken = of({ reorderRatio: 0.3 });
  t.false(isRising(overtaken));
  t.is(new Set(overtaken).size, overtaken.length);
});

test('simulation: frames are overtaken on a narrow way too, where their delays are no whole microseconds', (t) => {
  const quality: Partial<LinkQuality> = { delay: { kind: 'constant', ms: 1 }, reorderRatio: 0.5, bandwidthKBps: 7 };
  const { sim, diary } = makePair([], { network: { quality } });
  t.true(sim.run(1000), sim.failures[0]?.detail);
  t.true(diary.values.length > 50);
});

test('simulation: a degraded way is slow for a while', (t) => {
  const slow: PlanItem = { kind: 'degrade', atMs: 200, from: 'a', to: 'b', forMs: 200, quality: { delay: { kind: 'constant', ms: 500 } } };
  const { sim, diary } = makePair([slow]);
  t.true(sim.run(3000));
  t.deepEqual(
    diary.heard.filter(({ atMs }) => atMs > 220 && atMs < 700),
    [],
  );
  t.true(isRising(diary.values) && diary.heard.at(-1)!.atMs > 2980);
});

test('simulation: the wall clock jumps and drift moves timers, when the plan says so', (t) => {
  const noted: { readonly atMs: number; readonly now: number; readonly wall: number }[] = [];
  const plan: PlanItem[] = [
    { kind: 'jump', atMs: 150, node: 'a', byMs: -60_000 },
    { kind: 'drift', atMs: 300, node: 'a', ppm: 100_000, forMs: 1000 },
  ];
  const sim: Simulation = new Simulation({ seed: 1, nodes: TWO, plan });
  sim
    .node('a')
    .shard(0)
    .spawn(ticker, [100, (now, wall) => noted.push({ atMs: sim.now, now, wall })]);
  sim.run(1300);
  t.true(noted[1]!.wall < noted[0]!.wall);
  t.true(noted.every((note, i) => i === 0 || Math.abs(note.now - noted[i - 1]!.now - 100) < 0.1));
  const [before, after] = [noted[1]!.atMs - noted[0]!.atMs, noted[6]!.atMs - noted[5]!.atMs];
  t.true(Math.abs(before - 100) < 0.1 && Math.abs(after - 100 / 1.1) < 0.1, `${before} ${after}`);
});

test('simulation: a plan for a node that does not exist fails by name', (t) => {
  const { sim } = makePair([{ kind: 'pause', atMs: 1, node: 'z', forMs: 1 }]);
  t.throws(() => sim.run(10), { message: /no node is named z; there are a, b/ });
});

test('simulation: a node can be crashed and started by the test itself', (t) => {
  const { sim, listeners } = makePair();
  sim.run(100);
  sim.crash('b');
  t.throws(() => sim.node('b').shard(0).runtime, { message: /b\/0 is not running/ });
  sim.run(200);
  sim.restart('b');
  sim.killShard('a', 0);
  sim.run(300);
  sim.restartShard('a', 0);
  sim.run(400);
  t.is(listeners.length, 2);
  t.is(sim.node('a').shard(0).boot, 2);
  t.deepEqual(sim.failures, []);
});

test('simulation: files outlive a process, and power as far as they were synced', (t) => {
  const sim = new Simulation({ seed: 1, nodes: [{ name: 'a', shards: 1 }] });
  const { files } = sim.doors('a', 0);
  files.open('/kept', 'create', (opened) => {
    if (!opened.ok) return t.fail(opened.error.message);
    opened.value.pwrite([Buffer.from('synced')], 0, () => {
      opened.value.datasync(() => files.syncDir('/', () => opened.value.pwrite([Buffer.from('!')], 6, () => {})));
    });
  });
  sim.run(100);
  const size = (): number => {
    let found = -1;
    sim.doors('a', 0).files.stat('/kept', (result) => {
      found = result.ok ? result.value.size : -1;
    });
    sim.run(sim.now + 100);
    return found;
  };
  t.is(size(), 7);
  sim.crash('a', 'reset');
  sim.restart('a');
  t.is(size(), 7);
  sim.crash('a', 'silent');
  sim.restart('a');
  t.is(size(), 6);
});

test('simulation: jobs run on the virtual clock, and end with their process', (t) => {
  const double = defineJob('double', function* (input: number) {
    yield;
    return input * 2;
  });
  const sim = new Simulation({ seed: 1, nodes: [{ name: 'a', shards: 1 }], jobs: new Map([[double.name, double]]) });
  const outcomes: unknown[] = [];
  sim.doors('a', 0).jobs.run('double', 21, { timeoutMs: 1000 }, (outcome) => outcomes.push(outcome));
  t.deepEqual(outcomes, []);
  sim.run(100);
  t.deepEqual(outcomes, [{ ok: true, value: 42 }]);
  sim.doors('a', 0).jobs.run('double', 1, { timeoutMs: 1000 }, (outcome) => outcomes.push(outcome));
  sim.crash('a');
  sim.run(5000);
  t.is(outcomes.length, 1);
});

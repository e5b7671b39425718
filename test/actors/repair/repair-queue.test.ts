import test from 'ava';
import { Pace, restAfter } from '../../../actors/repair/pace.ts';
import { type AsksDoor, PeerAsks } from '../../../actors/repair/peer-asks.ts';
import { Pulses } from '../../../actors/repair/pulses.ts';
import { RepairHistory } from '../../../actors/repair/repair-history.ts';
import { outcomeOf, RepairQueue } from '../../../actors/repair/repair-queue.ts';
import { beginAnswer, writeRefusal } from '../../../actors/store/data-frames.ts';
import { OK, OVERLOADED, STALE_RING, TIMED_OUT } from '../../../actors/store/store-request.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';

const PEER = { id: 'p', shard: 0 };
const OTHER = { id: 'q', shard: 0 };

test('repair queue: a partition is compared once however often it is asked for, and all jobs hear of it', (t) => {
  const queue = new RepairQueue();
  const [first, second] = [queue.begin('1')!, queue.begin('2')!];
  t.is(queue.begin('1'), undefined);
  for (const job of [first, second, undefined]) queue.add({ keyspace: 1, partition: 3, peer: PEER, direction: 'pushPull' }, job);
  queue.add({ keyspace: 1, partition: 1, peer: PEER, direction: 'pushPull' }, first);
  queue.add({ keyspace: 1, partition: 2, peer: OTHER, direction: 'pushPull' });
  queue.add({ keyspace: 1, partition: 2, peer: PEER, direction: 'dryRun' });
  t.is(queue.waiting, 4);
  const taken = queue.take(10);
  t.deepEqual(
    taken.map(({ partition, peer }) => [partition, peer.id]),
    [
      [1, 'p'],
      [3, 'p'],
    ],
  );
  queue.ended(taken[1]!, { ...outcomeOf(undefined), pushed: 4 }, true);
  t.like(first.progress(), { state: 'running', total: 2, done: 1, pushed: 4 });
  t.like(second.progress(), { state: 'done', total: 1, done: 1, pushed: 4 });
  queue.ended(taken[0]!, outcomeOf('why'), false);
  t.like(queue.job('1')?.progress(), { state: 'done', done: 2, incomplete: 1, fault: 'why' });
});

test('repair queue: what waits of a cancelled job is left out, unless others wait for it', (t) => {
  const queue = new RepairQueue();
  const [first, second] = [queue.begin('1')!, queue.begin('2')!];
  queue.add({ keyspace: 1, partition: 1, peer: PEER, direction: 'pushPull' }, first);
  queue.add({ keyspace: 1, partition: 2, peer: PEER, direction: 'pushPull' }, first);
  queue.add({ keyspace: 1, partition: 2, peer: PEER, direction: 'pushPull' }, second);
  queue.cancel(first);
  t.is(first.state, 'cancelled');
  t.deepEqual(
    queue.take(10).map(({ partition, jobs }) => [partition, jobs.length]),
    [[2, 1]],
  );
  t.deepEqual(queue.take(10), []);
});

test('repair queue: a job of which there is nothing to do is done, and old ones are forgotten', (t) => {
  const queue = new RepairQueue();
  queue.added(queue.begin('first')!);
  t.is(queue.job('first')?.state, 'done');
  for (let i = 0; i < 64; i++) queue.begin(`${i}`);
  t.is(queue.job('first'), undefined);
  t.not(queue.job('63'), undefined);
});

test('repair history: counts pairs, and says how long ago the exchange began that is longest ago', (t) => {
  const history = new RepairHistory();
  const about = { keyspace: 1, partition: 2 };
  t.deepEqual(history.figures(900), { completePairs: 0, longestAgoMs: 0 });
  history.completed({ ...about, peer: 'p' }, 500);
  history.completed({ ...about, peer: 'q' }, 700);
  // Of an exchange that began before the last one, and ended behind it.
  history.completed({ ...about, peer: 'q' }, 400);
  t.deepEqual(history.figures(900), { completePairs: 2, longestAgoMs: 400 });
  history.keep(new Set([1]), new Set(['q']));
  t.deepEqual(history.figures(900), { completePairs: 1, longestAgoMs: 200 });
  history.clear();
  t.is(history.figures(900).completePairs, 0);
});

test('repair pace: waits twice as long when its timer comes late, and half as long when not', (t) => {
  const pace = new Pace();
  const waits = [6, 6, 5, 0, 0, ...Array<number>(9).fill(100)].map((lateMs) => {
    pace.observe(lateMs);
    return pace.waitMs;
  });
  t.deepEqual(waits, [2, 4, 2, 1, 1, 2, 4, 8, 16, 32, 64, 128, 128, 128]);
});

test('repair pace: rests three times as long as it worked, up to the longest wait', (t) => {
  t.deepEqual(
    [0, 0.2, 2, 40, 1_000].map((tookMs) => restAfter(tookMs)),
    [0, 0.2 * 3, 6, 120, 128],
  );
});

test('pulses: come as far apart as their pace says, and as the slice before has worked, from its end on', (t) => {
  let now = 0;
  const waits: number[] = [];
  const pulses = new Pulses({ now: () => now, wall: () => now }, (waitMs) => waits.push(waitMs));
  /** In time, when the last wait is over. */
  const come = (tookMs: number, hasMore: boolean): void => {
    now += waits.at(-1)!;
    pulses.came(() => {
      now += tookMs;
      return hasMore;
    });
  };
  pulses.begin();
  pulses.begin();
  t.deepEqual(waits, [1]);
  come(2, true);
  come(0, true);
  t.deepEqual(waits, [1, 6, 1]);
  come(5, false);
  t.deepEqual(waits, [1, 6, 1]);
  now += 10;
  pulses.begin();
  t.deepEqual(waits, [1, 6, 1, 5]);
  come(2, false);
  now += 100;
  pulses.begin();
  t.deepEqual(waits, [1, 6, 1, 5, 1]);
});

function asking(firstId = 0): { readonly asks: PeerAsks; readonly sent: number[]; readonly heard: number[]; now: number } {
  const world = { sent: [] as number[], heard: [] as number[], now: 0 };
  const door: AsksDoor = {
    firstId,
    send: (_peer, _slot, _operation, _bytes, _length, id) => world.sent.push(id) > 0,
    nowMs: () => world.now,
  };
  return Object.assign(world, { asks: new PeerAsks(door) });
}

test('peer asks: asks again when nothing comes, six times, and says then that the time is up', (t) => {
  const world = asking();
  world.asks.ask(
    PEER,
    1,
    2,
    3,
    () => {},
    (status) => world.heard.push(status),
  );
  for (let i = 0; i < 20; i++) {
    world.now += 1_000;
    world.asks.tick();
  }
  t.deepEqual(world.sent, Array<number>(6).fill(1));
  t.deepEqual(world.heard, [TIMED_OUT]);
  t.is(world.asks.count, 0);
});

test('peer asks: waits long for a peer that says it has no time, and hears each answer once', (t) => {
  const world = asking();
  world.asks.ask(
    PEER,
    1,
    2,
    3,
    () => {},
    (status) => world.heard.push(status),
  );
  const out = new OutBuffer(16, 1_024);
  const answer = (status: number, operation = 3): boolean => {
    if (status === OK) beginAnswer(out, OK);
    else writeRefusal(out, status, 'why');
    return world.asks.onAnswer(operation, out.bytes, 0, out.length, 1);
  };
  t.false(answer(OK, 4));
  for (let i = 0; i < 50; i++) {
    t.true(answer(OVERLOADED));
    world.now += 1_000;
    world.asks.tick();
  }
  t.is(world.sent.length, 51);
  t.true(answer(OK));
  t.false(answer(OK));
  t.deepEqual(world.heard, [OK]);
  world.asks.ask(
    PEER,
    1,
    2,
    3,
    () => {},
    (status) => world.heard.push(status),
  );
  writeRefusal(out, STALE_RING, 'why');
  t.true(world.asks.onAnswer(3, out.bytes, 0, out.length, 2));
  t.deepEqual(world.heard, [OK, STALE_RING]);
});

test('bug: an answer to what was asked before a restart was taken for the answer to another question', (t) => {
  const before = asking(7);
  before.asks.ask(
    PEER,
    10,
    1,
    2,
    () => {},
    () => {},
  );
  const after = asking(0x1234_5678);
  after.asks.ask(
    PEER,
    10,
    1,
    2,
    () => {},
    () => t.fail('heard'),
  );
  t.false(after.asks.onAnswer(2, Buffer.alloc(8), 0, 8, before.sent[0]!));
  t.is(after.asks.count, 1);
});

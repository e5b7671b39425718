import test from 'ava';
import type { OverflowPolicy } from '../../runtime/actor.ts';
import { BACKGROUND, CONTROL, type Lane, REQUEST, RESPONSE, SYSTEM } from '../../runtime/lanes.ts';
import type { LocalRef } from '../../runtime/local-ref.ts';
import { ask, Driver } from '../helpers/driver.ts';
import { World } from '../helpers/world.ts';

function setUp(overflow: OverflowPolicy, capacity = 2) {
  const world = new World();
  const { runtime } = world.shard();
  return { world, runtime, target: new Driver(runtime, { mailbox: { capacity, overflow } }), sender: new Driver(runtime) };
}

test('mailbox: messages arrive in the order they were told, when all are in one lane', (t) => {
  const { world, target } = setUp('reject', 100);
  const sent = Array.from({ length: 100 }, (_, i) => i);
  for (const i of sent) t.true(target.ref.tell(i));
  world.settle();
  t.deepEqual(target.messages, sent);
});

test('mailbox: an empty one begins at the first place of its queues again, after the turn and not within it', (t) => {
  const { world, target } = setUp('reject', 100);
  const { cell } = target.ref as unknown as LocalRef<unknown>;
  const within: number[] = [];
  for (const lane of [RESPONSE, REQUEST] as const) target.ref.tell(() => within.push(cell.ring(lane).head), { lane });
  world.settle();
  t.deepEqual(within, [1, 1]);
  t.deepEqual([cell.ring(RESPONSE).head, cell.ring(REQUEST).head], [0, 0]);
});

test('mailbox: higher lanes overtake, when several wait', (t) => {
  const { world, target } = setUp('reject', 100);
  for (const lane of [BACKGROUND, REQUEST, RESPONSE, CONTROL, BACKGROUND, CONTROL] as const) target.ref.tell(lane, { lane });
  world.settle();
  t.deepEqual(target.messages, [CONTROL, CONTROL, RESPONSE, REQUEST, BACKGROUND, BACKGROUND]);
});

test('mailbox: a message in a higher lane interrupts the plain ones, when it comes within a turn', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const target: Driver = new Driver(runtime, { receive: (message) => message === 1 && target.ref.tell('control', { lane: CONTROL }) });
  for (const i of [1, 2, 3]) target.ref.tell(i);
  world.settle();
  t.deepEqual(target.messages, [1, 'control', 2, 3]);
});

for (const [policy, kept, told, dropped] of [
  ['reject', [1, 2], 'rejected overloaded', 'overflow'],
  ['dropOldest', [2, 3], undefined, 'overflow'],
  ['dropNewest', [1, 2], undefined, 'overflow'],
  ['credit', [1, 2], 'ready', undefined],
] as const) {
  test(`mailbox: keeps ${kept.join()} of three, when full under the policy ${policy}`, (t) => {
    const { world, runtime, target, sender } = setUp(policy);
    const results: boolean[] = [];
    world.turn(sender, () => {
      for (const i of [1, 2, 3]) results.push(target.ref.tell(i));
    });
    t.deepEqual(results, [true, true, policy === 'dropOldest']);
    t.deepEqual(target.messages, kept);
    t.deepEqual(sender.news, told === undefined ? [] : [told]);
    t.is(runtime.deadLetters.counts().overflow, dropped === undefined ? 0 : 1);
    t.is(runtime.stats().busiest.find(({ refused }) => refused === 1)?.queuedMax, 2);
  });

  test(`mailbox: an ask that finds it full fails at once, or takes the place of another, under the policy ${policy}`, (t) => {
    const { world, runtime, target } = setUp(policy);
    const first = ask(runtime, target.ref, () => 'first');
    target.ref.tell('second');
    const third = ask(runtime, target.ref, () => 'third');
    t.deepEqual(first.outcomes, policy === 'dropOldest' ? ['OVERLOADED'] : []);
    t.deepEqual(third.outcomes, policy === 'dropOldest' ? [] : ['OVERLOADED']);
    world.advance(2000);
    t.deepEqual(first.outcomes, policy === 'dropOldest' ? ['OVERLOADED'] : ['DEADLINE_EXCEEDED']);
    t.is(third.outcomes.length, 1);
  });
}

test('mailbox: capacity is of all lanes together', (t) => {
  const { target } = setUp('reject', 2);
  t.true(target.ref.tell(1, { lane: CONTROL }));
  t.true(target.ref.tell(2, { lane: BACKGROUND }));
  t.false(target.ref.tell(3, { lane: RESPONSE }));
});

test('mailbox: drops the oldest of the same lane, and the new one where that lane is empty', (t) => {
  const { world, target } = setUp('dropOldest', 2);
  target.ref.tell('a', { lane: CONTROL });
  target.ref.tell('b');
  t.true(target.ref.tell('c'));
  t.false(target.ref.tell('d', { lane: BACKGROUND }));
  world.settle();
  t.deepEqual(target.messages, ['a', 'c']);
});

test('mailbox: a tick or an outcome is never what makes room, when the oldest is dropped', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const slow = new Driver(runtime, { mailbox: { capacity: 2, overflow: 'dropOldest' } });
  const gone = new Driver(runtime);
  world.settle();
  runtime.stop(gone.ref);
  world.turn(slow, (context) => {
    context.every('tick', 10, 'tick');
    context.ask(
      gone.ref,
      () => 'question',
      { timeoutMs: 50 },
      () => 'outcome',
    );
    for (const i of [1, 2, 3, 4]) slow.ref.tell(i, { lane: RESPONSE });
  });
  world.advance(5);
  world.clock.ms = 10;
  // The tick is queued by the run that comes, and the mailbox filled before its turn.
  runtime.pick = null;
  world.turn(slow, () => {
    for (const i of [5, 6, 7]) slow.ref.tell(i);
  });
  world.advance(10);
  t.true(slow.messages.includes('outcome'));
  t.is(slow.messages.filter((message) => message === 'tick').length, 2);
});

test('bug: a periodic timer went silent for ever, when its queued tick was dropped for a newer message', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const target = new Driver(runtime, { mailbox: { capacity: 1, overflow: 'dropOldest' } });
  const flooder = new Driver(runtime);
  world.settle();
  world.turn(target, (context) => context.every('tick', 10, 'tick'));
  world.turn(flooder, (context) => context.after('flood', 9.5, 'flood'));
  for (let i = 0; i < 5; i++) {
    world.clock.ms += 10;
    // Queued before the run in which the tick is due, and more in the same run, after it.
    flooder.post(() => {
      target.ref.tell('flood');
      target.ref.tell('flood');
    });
    world.settle();
  }
  t.is(target.messages.filter((message) => message === 'tick').length, 5);
});

test('mailbox: refuses, when the actor has stopped', (t) => {
  const { world, runtime, target, sender } = setUp('reject');
  world.settle();
  runtime.stop(target.ref);
  world.turn(sender, () => t.false(target.ref.tell(1)));
  t.deepEqual(sender.news, ['rejected noSuchActor']);
  t.is(runtime.deadLetters.counts().stopped, 1);
});

test('mailbox: the lane of the system is refused, when a caller names it', (t) => {
  const { runtime, target } = setUp('reject');
  for (const lane of [SYSTEM, 5, -1, 1.5, Number.NaN, 'request'] as unknown as Lane[]) {
    t.throws(() => target.ref.tell({ type: 'ready' }, { lane }), { code: 'INVALID_ARGUMENT', message: /lane/ });
    t.throws(() => target.ref.tellBytes(1, Buffer.alloc(1), 0, 1, 0, lane), { code: 'INVALID_ARGUMENT', message: /lane/ });
    t.throws(() => runtime.ask(target.ref, () => 1, { timeoutMs: 1, lane }, { answered: () => {}, failed: () => {} }), {
      code: 'INVALID_ARGUMENT',
    });
  }
  t.is(runtime.backlog, 0);
});

for (const timeoutMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31 + 1, '5'] as unknown as number[]) {
  test(`mailbox: a timeout of ${timeoutMs} is refused`, (t) => {
    const { target } = setUp('reject');
    t.throws(() => target.ref.tell(1, { timeoutMs }), { code: 'INVALID_ARGUMENT', message: /timeoutMs/ });
  });
}

test('mailbox: work whose deadline has passed is dropped, when its turn comes', (t) => {
  const { world, runtime, target } = setUp('reject', 10);
  target.ref.tell('late', { timeoutMs: 5 });
  target.ref.tell('in time', { timeoutMs: 50 });
  target.ref.tell('no deadline');
  world.clock.ms = 5;
  world.settle();
  t.deepEqual(target.messages, ['in time', 'no deadline']);
  t.is(runtime.deadLetters.counts().expired, 1);
  t.is(runtime.backlog, 0);
});

test('mailbox: a turn ends after `throughput` messages, when others are ready', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const order: string[] = [];
  const [a, b] = ['a', 'b'].map((name) => new Driver(runtime, { throughput: 3, receive: () => order.push(name) })) as [Driver, Driver];
  for (let i = 0; i < 5; i++) a.ref.tell(i);
  for (let i = 0; i < 5; i++) b.ref.tell(i);
  world.settle();
  t.is(order.join(''), 'aaabbbaabb');
});

test('mailbox: a turn ends with the time slice, when the actor is slow', (t) => {
  const world = new World();
  const shard = world.shard({ tuning: { sliceMs: 2 } });
  const slow = new Driver(shard.runtime, {
    receive: () => {
      world.clock.ms += 1;
    },
  });
  for (let i = 0; i < 60; i++) slow.ref.tell(i);
  world.run(shard);
  // The clock is first read after eight messages.
  t.is(slow.messages.length, 8);
  t.true(shard.loop.isAwake);
  world.settle();
  t.is(slow.messages.length, 60);
});

test('mailbox: a turn ends with the time slice, when the actor becomes slow in a long row of messages', (t) => {
  const world = new World();
  const shard = world.shard({ tuning: { sliceMs: 2 } });
  const actor: Driver = new Driver(shard.runtime, {
    throughput: 10_000,
    receive: () => {
      if (actor.messages.length > 20) world.clock.ms += 1;
    },
  });
  for (let i = 0; i < 500; i++) actor.ref.tell(i);
  world.run(shard);
  t.is(actor.messages.length, 8 + 64);
});

test('mailbox: an actor that is ready in a higher lane runs first', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const order: string[] = [];
  const make = (name: string): Driver => new Driver(runtime, { receive: () => order.push(name) });
  const [low, middle, high] = [make('low'), make('middle'), make('high')];
  world.settle();
  low.ref.tell(1, { lane: BACKGROUND });
  middle.ref.tell(1);
  high.ref.tell(1, { lane: CONTROL });
  world.settle();
  t.deepEqual(order, ['high', 'middle', 'low']);
});

test('mailbox: the memory of a long queue is given back, when it has been idle since', (t) => {
  const world = new World();
  const { runtime } = world.shard({ tuning: { mailboxCapacity: 4096 } });
  const target = new Driver(runtime);
  const [cell] = runtime.actors.all();
  const rush = (): void => {
    for (let i = 0; i < 2000; i++) target.ref.tell(i, { lane: i % 2 === 0 ? REQUEST : BACKGROUND });
    target.ref.tell('timed', { timeoutMs: 5 });
    world.settle();
  };
  rush();
  t.true(cell!.requests.items.length >= 1000);
  world.advance(4000);
  rush();
  world.advance(5000);
  t.true(cell!.requests.items.length >= 1000, 'it was used since');
  world.advance(5000);
  t.deepEqual([cell!.requests.items.length, cell!.requests.rows, cell!.usedRing(BACKGROUND)?.items.length], [0, null, 0]);
  rush();
  t.is(target.messages.length, 3 * 2001);
});

test('mailbox: nothing runs for the sake of memory, when all long queues were given back or have ended', (t) => {
  const world = new World();
  const { runtime, loop } = world.shard();
  const [target, ended] = [new Driver(runtime), new Driver(runtime)];
  for (const { ref } of [target, ended]) for (let i = 0; i < 200; i++) ref.tell(i);
  world.settle();
  runtime.stop(ended.ref);
  t.true(loop.wakeAtMs < Number.POSITIVE_INFINITY);
  world.advance(20_000);
  t.is(loop.wakeAtMs, Number.POSITIVE_INFINITY);
});

import test from 'ava';
import type { SupervisionOptions, SupervisionScope } from '../../runtime/supervision.ts';
import { ask, Driver, type DriverOptions } from '../helpers/driver.ts';
import { type Shard, World } from '../helpers/world.ts';

function boom(): never {
  throw new Error('boom');
}

/** A parent with three children, which report in `order` what happens to them. */
function family(supervision: SupervisionOptions, options: DriverOptions = {}) {
  const world = new World();
  const shard = world.shard();
  const order: string[] = [];
  const parent = new Driver(shard.runtime, { supervision });
  const children: Driver[] = [];
  world.turn(parent, (context) => {
    for (const name of ['a', 'b', 'c']) {
      children.push(
        new Driver(context, {
          ...options,
          name,
          create: (inner) => {
            order.push(`${name} start`);
            options.create?.(inner);
          },
          stopped: (reason) => order.push(`${name} ${reason}`),
        }),
      );
    }
  });
  order.length = 0;
  const [a, b, c] = children as [Driver, Driver, Driver];
  return { world, shard, runtime: shard.runtime, parent, a, b, c, order };
}

function failures({ log }: Shard): unknown[] {
  return log.lines
    .filter(({ event }) => event === 'actor failed')
    .map(({ fields }) => `${String(fields.actor)} ${String(fields.directive)}`);
}

test('supervise: keeps the instance and drops the message, on resume', (t) => {
  const { world, runtime, b, order, shard } = family({ decide: () => 'resume' });
  b.post(boom);
  b.ref.tell('next');
  world.settle();
  t.deepEqual([b.messages, b.starts, order], [['next'], 1, []]);
  t.deepEqual(failures(shard), ['b resume']);
  t.is(runtime.deadLetters.counts().failed, 1);
});

test('supervise: makes a new instance and keeps the mailbox, on restart', (t) => {
  const { world, runtime, b, order, shard } = family({});
  b.post(boom);
  b.ref.tell('next');
  world.settle();
  t.deepEqual([b.messages, order], [['next'], ['b restart', 'b start']]);
  t.deepEqual(failures(shard), ['b restart']);
  t.is(runtime.stats().restarts, 1);
});

test('supervise: ends the actor, on stop', (t) => {
  const { world, runtime, parent, b, order } = family({ decide: () => 'stop' });
  world.turn(parent, (context) => context.watch(b.ref));
  b.post(boom);
  b.ref.tell('next');
  world.settle();
  t.deepEqual([b.messages, order, parent.news], [[], ['b failed'], ['terminated failed']]);
  t.is(runtime.deadLetters.counts().stopped, 1);
});

for (const [scope, expected] of [
  ['one', ['b restart', 'b start']],
  ['all', ['c restart', 'b restart', 'a restart', 'a start', 'b start', 'c start']],
  ['rest', ['c restart', 'b restart', 'b start', 'c start']],
] as const) {
  test(`supervise: restarts ${expected.length / 2} of three children, for the scope ${scope}`, (t) => {
    const { world, b, order } = family({ scope });
    world.turn(b, boom);
    t.deepEqual(order, expected);
  });

  test(`supervise: stops the same children, the last first, for the scope ${scope}`, (t) => {
    const { world, runtime, b, order } = family({ scope, decide: () => 'stop' });
    world.turn(b, boom);
    t.deepEqual(
      order,
      expected.filter((what) => what.endsWith('restart')).map((what) => what.replace('restart', 'failed')),
    );
    t.is(runtime.actors.count, 4 - order.length);
  });
}

test('supervise: siblings keep their mailbox, when they are restarted along', (t) => {
  const { world, a, b } = family({ scope: 'all' });
  b.post(() => {
    a.ref.tell('kept');
    boom();
  });
  world.settle();
  t.deepEqual(a.messages, ['kept']);
});

test('supervise: the decision can depend on the error', (t) => {
  const { world, b, order } = family({ decide: (error) => ((error as Error).message === 'boom' ? 'resume' : 'stop') });
  world.turn(b, boom);
  t.deepEqual(order, []);
  world.turn(b, () => {
    throw new RangeError('other');
  });
  t.deepEqual(order, ['b failed']);
});

test('escalate: the parent fails with the same error, and its own parent decides', (t) => {
  const world = new World();
  const shard = world.shard();
  const errors: unknown[] = [];
  const root = new Driver(shard.runtime, {
    supervision: {
      decide: (error) => {
        errors.push(error);
        return 'restart';
      },
    },
  });
  let parent: Driver | undefined;
  let child: Driver | undefined;
  world.turn(root, (context) => {
    parent = new Driver(context, { name: 'parent', supervision: { decide: () => 'escalate' } });
    parent.post((inner) => {
      child = new Driver(inner, { name: 'child' });
    });
  });
  world.turn(child!, boom);
  t.deepEqual(errors.map(String), ['Error: boom']);
  t.deepEqual([parent!.stops, child!.stops], [['restart'], ['stopped']]);
  t.deepEqual(failures(shard), ['child escalate', 'parent restart']);
  t.is(shard.runtime.actors.count, 2);
});

test('escalate: siblings of the parent are restarted too, when the scope of the grandparent is all', (t) => {
  const { world, a, b, order } = family({ scope: 'all' }, { supervision: { decide: () => 'escalate' } });
  let child: Driver | undefined;
  world.turn(b, (context) => {
    child = new Driver(context);
  });
  child!.post(() => {
    a.ref.tell('kept');
    boom();
  });
  world.settle();
  t.deepEqual(order, ['c restart', 'b restart', 'a restart', 'a start', 'b start', 'c start']);
  t.deepEqual([child!.stops, a.messages], [['stopped'], ['kept']]);
});

test('escalate: stops an actor without a parent', (t) => {
  const world = new World();
  const { runtime } = world.shard({ tuning: { supervision: { decide: () => 'escalate' } } });
  const root = new Driver(runtime);
  world.turn(root, boom);
  t.deepEqual([root.stops, runtime.actors.count], [['failed'], 0]);
});

test('bug: a child whose failure its resumed parent was to bear stayed suspended for ever', (t) => {
  const { world, b, order } = family({ decide: () => 'resume' }, { supervision: { decide: () => 'escalate' } });
  let child: Driver | undefined;
  world.turn(b, (context) => {
    child = new Driver(context);
  });
  child!.post(boom);
  child!.ref.tell('next');
  world.settle();
  t.deepEqual([order, child!.messages, child!.starts], [[], ['next'], 1]);
});

test('bug: a child whose factory fails is restarted within its limit, when its parent escalates and is resumed', (t) => {
  const { world, runtime, b } = family({ decide: () => 'resume' }, { supervision: { decide: () => 'escalate', restartsMax: 3 } });
  let child: Driver | undefined;
  world.turn(b, (context) => {
    child = new Driver(context, { create: boom });
  });
  t.is(child!.starts, 4);
  t.is(runtime.actors.count, 4);
});

for (const [directive, what] of [
  ['restrat', 'unknown'],
  [undefined, 'missing'],
  [Object.create(null), 'not even printable'],
] as const) {
  test(`bug: a directive that is ${what} was taken for escalate`, (t) => {
    const { world, shard, b, order, parent } = family({ decide: () => directive as 'stop' });
    world.turn(b, boom);
    t.deepEqual([order, parent.stops], [['b failed'], []]);
    t.true(shard.log.lines.some(({ event }) => event.startsWith('supervision: decide')));
  });
}

test('supervise: stops the actor, when `decide` throws', (t) => {
  const { world, shard, b, order, parent } = family({ decide: boom });
  world.turn(b, boom);
  t.deepEqual([order, parent.stops], [['b failed'], []]);
  t.true(shard.log.lines.some(({ event, fields }) => event.includes('decide threw') && fields.error === 'boom'));
});

test('supervise: a failing factory is a failure like any other, and resume then means restart', (t) => {
  const world = new World();
  const { runtime } = world.shard({ tuning: { supervision: { decide: () => 'resume', restartsMax: 2 } } });
  const target = new Driver(runtime, { create: boom });
  target.ref.tell(1);
  world.settle();
  t.deepEqual([target.starts, target.stops, runtime.actors.count], [3, [], 0]);
  t.is(runtime.deadLetters.counts().failed, 0);
  t.is(runtime.deadLetters.counts().stopped, 1);
});

test('supervise: children and timers of the factory go, when it then fails', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  let starts = 0;
  const target = new Driver(runtime, {
    create: (context) => {
      new Driver(context, { name: 'child' });
      context.after('t', 10, 'tick');
      if (++starts < 3) boom();
    },
  });
  world.advance(100);
  t.deepEqual(target.messages, ['tick']);
  t.is(runtime.actors.count, 2);
});

test('supervise: a failure in `signal` is a failure like any other, and no message is lost to it', (t) => {
  const { world, runtime, a, b } = family({}, { signal: boom });
  world.turn(b, (context) => context.watch(a.ref));
  world.turn(a, (context) => context.stop(context.self));
  t.deepEqual([b.stops, b.starts, runtime.deadLetters.counts().failed], [['restart'], 2, 0]);
});

test('supervise: a failure of what makes the message of an outcome is a failure of the actor', (t) => {
  const { world, a, b } = family({});
  world.turn(b, (context) => context.ask(a.ref, () => 1, { timeoutMs: 5 }, boom));
  world.advance(10);
  t.is(b.starts, 2);
});

test('supervise: an ask fails with ACTOR_FAILED at once, when its target throws', (t) => {
  const { world, runtime, b } = family({});
  const asked = ask(runtime, b.ref, () => boom);
  world.settle();
  t.deepEqual(asked.outcomes, ['ACTOR_FAILED']);
});

test('supervise: whoever sent a binary message that failed is told', (t) => {
  const { world, a, b } = family({}, { receiveBytes: boom });
  world.turn(a, () => b.ref.tellBytes(1, Buffer.alloc(1), 0, 1));
  t.deepEqual(a.news, ['rejected failed']);
});

test('supervise: more restarts than the limit within the window stop the actor', (t) => {
  const { world, b, order } = family({ restartsMax: 2, windowMs: 1000 });
  for (let i = 0; i < 2; i++) world.turn(b, boom);
  t.deepEqual(order, ['b restart', 'b start', 'b restart', 'b start']);
  world.turn(b, boom);
  t.is(order.at(-1), 'b failed');
});

test('supervise: restarts that left the window count no longer', (t) => {
  const { world, b } = family({ restartsMax: 2, windowMs: 1000 });
  for (let i = 0; i < 10; i++) {
    world.turn(b, boom);
    world.advance(500);
  }
  t.is(b.starts, 11);
});

test('supervise: the first failure stops, when the limit is 0', (t) => {
  const { world, b, order } = family({ restartsMax: 0 });
  world.turn(b, boom);
  t.deepEqual(order, ['b failed']);
});

test('backoff: each restart within the window waits longer, up to the maximum', (t) => {
  const { world, b } = family({ backoff: { minMs: 10, maxMs: 50, jitterRatio: 0 } });
  const delays: number[] = [];
  for (let i = 0; i < 4; i++) {
    const { starts } = b;
    world.turn(b, boom);
    const since = world.clock.ms;
    while (b.starts === starts) world.advance(1);
    delays.push(world.clock.ms - since);
  }
  t.deepEqual(delays, [10, 20, 40, 50]);
});

test('backoff: messages wait for the restart, and siblings restarted along wait as long', (t) => {
  const { world, a, b, order } = family({ scope: 'all', backoff: { minMs: 10, jitterRatio: 0 } });
  world.turn(b, boom);
  t.true(a.ref.tell(1) && b.ref.tell(2));
  world.advance(9);
  t.deepEqual(order, ['c restart', 'b restart', 'a restart']);
  t.deepEqual([a.messages, b.messages], [[], []]);
  world.advance(1);
  t.deepEqual([a.messages, b.messages], [[1], [2]]);
});

test('backoff: jitter takes off up to its share', (t) => {
  const delays = new Set<number>();
  for (let seed = 1; seed <= 10; seed++) {
    const world = new World();
    const { runtime, loop } = world.shard({ seed, tuning: { supervision: { backoff: { minMs: 100, jitterRatio: 0.5 } } } });
    const target = new Driver(runtime);
    world.turn(target, boom);
    delays.add(loop.wakeAtMs);
    t.true(loop.wakeAtMs >= 50 && loop.wakeAtMs <= 100);
  }
  t.true(delays.size > 5);
});

test('backoff: an actor that is stopped while it waits stays stopped', (t) => {
  const { world, runtime, parent, b } = family({ backoff: { minMs: 10 } });
  world.turn(b, boom);
  b.ref.tell(1);
  world.turn(parent, (context) => context.stop(b.ref));
  world.advance(100);
  t.deepEqual([b.starts, b.messages, b.stops], [1, [], ['restart']]);
  t.is(runtime.actors.count, 3);
  t.is(runtime.backlog, 0);
});

test('backoff: an actor that is drained while it waits ends at once', (t) => {
  const { world, runtime, parent, b } = family({ backoff: { minMs: 10 } });
  world.turn(b, boom);
  b.ref.tell(1);
  world.turn(parent, (context) => context.stop(b.ref, { drain: true }));
  t.is(runtime.actors.count, 3);
  t.is(runtime.deadLetters.counts().stopped, 1);
});

test('backoff: a watch asked for in the wait is answered, when the actor then ends', (t) => {
  const { world, runtime, parent, b } = family({ backoff: { minMs: 10 } });
  const watcher = new Driver(runtime);
  world.turn(b, boom);
  world.turn(watcher, (context) => context.watch(b.ref));
  t.deepEqual(watcher.news, []);
  world.turn(parent, (context) => context.stop(b.ref));
  t.deepEqual(watcher.news, ['terminated stopped']);
});

test('backoff: signals come to the new instance, when they arrived in the wait', (t) => {
  const { world, a, b } = family({ backoff: { minMs: 10 } });
  world.turn(b, (context) => context.watch(a.ref));
  world.turn(b, boom);
  world.turn(a, (context) => context.stop(context.self));
  t.deepEqual(b.news, []);
  world.advance(20);
  t.deepEqual(b.news, ['terminated stopped']);
});

test('drain: an actor that fails meanwhile is restarted, and drains on', (t) => {
  const { world, runtime, parent, b } = family({ backoff: { minMs: 10 } });
  parent.post((context) => {
    b.ref.tell(1);
    b.post(boom);
    b.ref.tell(2);
    context.stop(b.ref, { drain: true });
  });
  world.advance(100);
  t.deepEqual([b.messages, b.starts, b.stops], [[1, 2], 2, ['restart', 'stopped']]);
  t.is(runtime.actors.count, 3);
});

test('drain: an actor whose last message fails is not made again', (t) => {
  const { world, runtime, parent, b } = family({});
  parent.post((context) => {
    b.post(boom);
    context.stop(b.ref, { drain: true });
  });
  world.settle();
  t.deepEqual([b.starts, b.stops], [1, ['restart']]);
  t.is(runtime.actors.count, 3);
});

test('drain: an actor that fails and is resumed drains on', (t) => {
  const { world, runtime, parent, b } = family({ decide: () => 'resume' });
  parent.post((context) => {
    b.post(boom);
    b.ref.tell(1);
    context.stop(b.ref, { drain: true });
  });
  world.settle();
  t.deepEqual([b.messages, b.stops, runtime.actors.count], [[1], ['stopped'], 3]);
});

test('supervise: an actor that asked to stop, and then fails, stops', (t) => {
  const { world, runtime, b } = family({});
  b.post((context) => {
    context.stop(context.self);
    boom();
  });
  b.ref.tell(1);
  world.settle();
  t.deepEqual([b.messages, b.starts, runtime.actors.count], [[], 1, 3]);
});

test('supervise: what a restarted actor had spawned is stopped, and what it watched is still watched', (t) => {
  const { world, runtime, a, b } = family({});
  let child: Driver | undefined;
  world.turn(b, (context) => {
    child = new Driver(context);
    context.watch(a.ref);
  });
  world.turn(b, boom);
  t.deepEqual(child!.stops, ['stopped']);
  world.turn(a, (context) => context.stop(context.self));
  t.deepEqual(b.news, ['terminated stopped']);
  t.is(runtime.actors.count, 3);
});

test('supervise: outcomes that an earlier instance asked for are dropped, also when they are queued already', (t) => {
  const { world, shard, a, b } = family({});
  world.turn(b, (context) => {
    context.ask(
      a.ref,
      () => 1,
      { timeoutMs: 50 },
      () => 'late',
    );
    context.job({ name: 'job' }, 1, { timeoutMs: 50 }, () => 'job');
  });
  b.post(boom);
  shard.jobs.started[0]?.done({ ok: true, value: 1 });
  world.advance(100);
  t.deepEqual([b.starts, b.messages], [2, []]);
});

test('bug: a plain message that failed stayed in the backlog, and its lane ready', (t) => {
  const { world, runtime, b } = family({ decide: () => 'resume' });
  for (let i = 0; i < 5; i++) b.post(boom);
  world.settle();
  t.is(runtime.backlog, 0);
  // A lane that is marked ready and empty would be a bug of its own at the next message with a deadline.
  b.post(boom);
  b.ref.tell('low', { lane: 4 });
  b.ref.tell('late', { timeoutMs: 100 });
  world.settle();
  t.deepEqual([...b.messages].map(String).sort(), ['late', 'low']);
  t.is(runtime.backlog, 0);
});

test('bug: one lost message counted at each level that a failure was escalated to', (t) => {
  const { world, runtime, b } = family({}, { supervision: { decide: () => 'escalate' } });
  let child: Driver | undefined;
  world.turn(b, (context) => {
    child = new Driver(context);
  });
  const threw: string[] = [];
  runtime.onFailure = (cell) => threw.push(cell.name);
  world.turn(child!, boom);
  t.is(runtime.deadLetters.counts().failed, 1);
  t.deepEqual(threw, ['driver']);
});

test('supervise: an actor that fails in every turn does not stall the others', (t) => {
  const { world, a, b } = family({ decide: () => 'resume' });
  for (let i = 0; i < 100; i++) b.post(boom);
  a.ref.tell(1);
  world.settle();
  t.deepEqual(a.messages, [1]);
});

for (const scope of ['one', 'all', 'rest'] as SupervisionScope[]) {
  test(`supervise: an actor without a parent is judged alone, for the scope ${scope}`, (t) => {
    const world = new World();
    const { runtime } = world.shard({ tuning: { supervision: { scope } } });
    const drivers = [1, 2, 3].map(() => new Driver(runtime));
    world.settle();
    world.turn(drivers[1]!, boom);
    t.deepEqual(
      drivers.map(({ starts }) => starts),
      [1, 2, 1],
    );
  });
}

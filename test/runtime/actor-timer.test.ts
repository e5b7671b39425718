import test from 'ava';
import { Driver, type DriverOptions, type Step } from '../helpers/driver.ts';
import { World } from '../helpers/world.ts';

function setUp(options: DriverOptions = {}) {
  const world = new World();
  const { runtime, loop } = world.shard();
  const times: [unknown, number][] = [];
  const actor = new Driver(runtime, {
    ...options,
    receive: (message, context) => {
      times.push([message, world.clock.ms]);
      options.receive?.(message, context);
    },
  });
  world.settle();
  return { world, runtime, loop, actor, times };
}

test('timer: tells its message once, when it is due', (t) => {
  const { world, actor, times, loop } = setUp();
  world.turn(actor, (context) => context.after('t', 10, 'tick'));
  t.is(loop.wakeAtMs, 10);
  world.advance(9);
  t.deepEqual(times, []);
  world.advance(1000);
  t.deepEqual(times, [['tick', 10]]);
  t.is(loop.wakeAtMs, Number.POSITIVE_INFINITY);
});

test("timer: ticks of a periodic one don't drift", (t) => {
  const { world, actor, times } = setUp();
  world.turn(actor, (context) => context.every('t', 10, 'tick'));
  world.clock.ms = 13;
  world.advance(20);
  t.deepEqual(
    times.map(([, at]) => at),
    [13, 20, 30],
  );
});

test('timer: periods that passed altogether are skipped, when the thread stood still', (t) => {
  const { world, actor, times } = setUp();
  world.turn(actor, (context) => context.every('t', 10, 'tick'));
  world.clock.ms = 95;
  world.advance(15);
  t.deepEqual(
    times.map(([, at]) => at),
    [95, 105],
  );
});

test('timer: a tick that finds the last one still queued is skipped', (t) => {
  const world = new World();
  const shard = world.shard({ tuning: { turnsPerRun: 1 } });
  const actor = new Driver(shard.runtime);
  world.turn(actor, (context) => context.every('t', 10, 'tick'));
  const hog: Driver = new Driver(shard.runtime, { receive: () => world.clock.ms < 45 && hog.ref.tell('again', { lane: 1 }) });
  world.settle();
  hog.ref.tell('again', { lane: 1 });
  for (world.clock.ms = 10; world.clock.ms < 45; world.clock.ms += 5) world.run(shard);
  world.settle();
  t.is(actor.messages.length, 1);
});

test('timer: another under the same key replaces it', (t) => {
  const { world, actor, times } = setUp();
  world.turn(actor, (context) => {
    context.after('t', 10, 'first');
    context.after('t', 20, 'second');
    context.after('other', 15, 'other');
  });
  world.advance(100);
  t.deepEqual(times, [
    ['other', 15],
    ['second', 20],
  ]);
});

test('timer: what it has queued is dropped too, when it is replaced or cancelled', (t) => {
  const { world, actor, times } = setUp();
  world.turn(actor, (context) => {
    context.after('replaced', 10, 'replaced');
    context.after('cancelled', 10, 'cancelled');
    context.every('periodic', 10, 'periodic');
  });
  // All are due in the run in which this step comes first, since it is in a higher lane.
  world.clock.ms = 10;
  actor.ref.tell(
    ((context) => {
      context.after('replaced', 5, 'new');
      context.cancel('cancelled');
      context.cancel('periodic');
      context.cancel('never set');
    }) satisfies Step,
    { lane: 1 },
  );
  world.advance(100);
  t.deepEqual(times, [['new', 15]]);
});

test('timer: its message can set it again', (t) => {
  const { world, actor, times } = setUp({ receive: (_message, context) => context.after('t', 10, 'again') });
  world.turn(actor, (context) => context.after('t', 10, 'first'));
  world.advance(30);
  t.deepEqual(times, [
    ['first', 10],
    ['again', 20],
    ['again', 30],
  ]);
});

test('timer: keys are numbers or strings, and 1 is not "1"', (t) => {
  const { world, actor, times } = setUp();
  world.turn(actor, (context) => {
    context.after(1, 10, 'number');
    context.after('1', 10, 'string');
  });
  world.advance(10);
  t.is(times.length, 2);
});

test('timer: counts from the moment it is set, when the turn has been long', (t) => {
  const { world, actor, times } = setUp();
  world.turn(actor, (context) => {
    world.clock.ms += 50;
    context.after('t', 10, 'tick');
  });
  world.advance(9);
  t.deepEqual(times, []);
  world.advance(1);
  t.deepEqual(times, [['tick', 60]]);
});

test('timer: at 0 ms it comes at once, and behind what is queued', (t) => {
  const { world, actor, times } = setUp();
  world.turn(actor, (context) => {
    context.after('t', 0, 'tick');
    context.self.tell('queued');
  });
  t.deepEqual(times, [
    ['queued', 0],
    ['tick', 0],
  ]);
});

test('timer: tells nothing, when its actor has stopped or was restarted', (t) => {
  const { world, runtime, actor, times } = setUp();
  const other = new Driver(runtime);
  for (const one of [actor, other]) {
    world.turn(one, (context) => {
      context.after('a', 10, 'once');
      context.every('b', 10, 'every');
    });
  }
  world.turn(actor, () => {
    throw new Error('boom');
  });
  runtime.stop(other.ref);
  world.advance(100);
  t.deepEqual([times, other.messages], [[], []]);
});

test('timer: a queued tick of an actor that stops is a dead letter, and a cancelled one is not', (t) => {
  const { world, runtime, actor } = setUp();
  world.turn(actor, (context) => context.after('a', 10, 'tick'));
  world.clock.ms = 10;
  actor.ref.tell(
    ((context) => {
      context.cancel('a');
      context.stop(context.self);
    }) satisfies Step,
    { lane: 1 },
  );
  world.settle();
  t.is(runtime.deadLetters.counts().stopped, 0);
  t.is(runtime.backlog, 0);
});

test('timer: keeps going, when its actor fails and is resumed', (t) => {
  const world = new World();
  const { runtime } = world.shard({ tuning: { supervision: { decide: () => 'resume' } } });
  const actor = new Driver(runtime);
  world.turn(actor, (context) => context.every('t', 10, 'tick'));
  world.turn(actor, () => {
    throw new Error('boom');
  });
  world.advance(30);
  t.is(actor.messages.length, 3);
});

for (const ms of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
  test(`timer: a time of ${ms} is refused`, (t) => {
    const { world, actor } = setUp();
    world.turn(actor, (context) => {
      t.throws(() => context.after('t', ms, 1), { code: 'INVALID_ARGUMENT' });
      t.throws(() => context.every('t', ms, 1), { code: 'INVALID_ARGUMENT' });
    });
  });
}

test('timer: a period of 0 is refused', (t) => {
  const { world, actor } = setUp();
  world.turn(actor, (context) => t.throws(() => context.every('t', 0, 1), { code: 'INVALID_ARGUMENT' }));
});

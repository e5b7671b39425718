import test from 'ava';
import { ask, type Context, Driver } from '../helpers/driver.ts';
import { World } from '../helpers/world.ts';

function setUp() {
  const world = new World();
  const shard = world.shard();
  return { world, shard, runtime: shard.runtime };
}

function collect(into: string[], name: string) {
  return { name, stopped: (reason: string) => into.push(`${name} ${reason}`) };
}

test('stop: what is queued becomes dead letters and asks among it fail, when an actor stops at once', (t) => {
  const { world, runtime } = setUp();
  const target = new Driver(runtime);
  world.settle();
  target.ref.tell(1);
  target.ref.tellBytes(7, Buffer.alloc(4), 0, 4);
  const asked = ask(runtime, target.ref, () => 'question');
  runtime.stop(target.ref);
  world.settle();
  t.deepEqual(target.messages, []);
  t.deepEqual(target.stops, ['stopped']);
  t.deepEqual(asked.outcomes, ['NO_SUCH_ACTOR']);
  t.is(runtime.deadLetters.counts().stopped, 3);
  t.is(runtime.backlog, 0);
  t.is(runtime.actors.count, 0);
});

test('stop: children end before their parent, the last started first', (t) => {
  const { world, runtime } = setUp();
  const order: string[] = [];
  const root = new Driver(runtime, collect(order, 'root'));
  world.turn(root, (context) => {
    new Driver(context, collect(order, 'first'));
    const second = new Driver(context, collect(order, 'second'));
    second.post((inner) => void new Driver(inner, collect(order, 'grandchild')));
  });
  runtime.stop(root.ref);
  t.deepEqual(order, ['grandchild stopped', 'second stopped', 'first stopped', 'root stopped']);
  t.is(runtime.actors.count, 0);
});

test('stop: an actor that stops itself handles its message to the end, and none after', (t) => {
  const { world, runtime } = setUp();
  let isDone = false;
  const target = new Driver(runtime, {
    receive: (message, context) => {
      if (message !== 'stop') return;
      context.stop(context.self);
      isDone = context.self.tell('more');
    },
  });
  for (const message of ['before', 'stop', 'after']) target.ref.tell(message);
  world.settle();
  t.true(isDone);
  t.deepEqual(target.messages, ['before', 'stop']);
  t.is(runtime.deadLetters.counts().stopped, 2);
});

test('stop: an actor that stops itself in its factory handles nothing', (t) => {
  const { world, runtime } = setUp();
  const target = new Driver(runtime, { create: (context) => context.stop(context.self) });
  target.ref.tell(1);
  world.settle();
  t.deepEqual([target.messages, target.stops], [[], ['stopped']]);
});

test('stop: a parent stops its child, and nobody else may', (t) => {
  const { world, runtime } = setUp();
  const [parent, stranger] = [new Driver(runtime), new Driver(runtime)];
  let child: Driver | undefined;
  world.turn(parent, (context) => {
    child = new Driver(context);
    t.throws(() => context.stop(stranger.ref), { code: 'INVALID_ARGUMENT' });
  });
  world.turn(stranger, (context) => t.throws(() => context.stop(child!.ref), { code: 'INVALID_ARGUMENT' }));
  world.turn(parent, (context) => context.stop(child!.ref));
  t.deepEqual(child?.stops, ['stopped']);
  t.deepEqual(stranger.stops, []);
});

test('stop: the turn of the parent goes on, when it has stopped a child', (t) => {
  const { world, runtime } = setUp();
  const parent = new Driver(runtime);
  world.turn(parent, (context) => {
    const child = new Driver(context);
    child.post((inner) => inner.watch(inner.self));
    context.after('t', 5, 'tick');
  });
  world.turn(parent, (context) => {
    const children = runtime.actors.all().filter((cell) => cell.parent !== null);
    context.stop(children[0]!.ref);
    context.after('t', 5, 'later');
  });
  world.advance(10);
  t.deepEqual([parent.messages, parent.starts], [['later'], 1]);
});

test('stop: does nothing, when the child is gone already', (t) => {
  const { world, runtime } = setUp();
  const parent = new Driver(runtime);
  world.turn(parent, (context) => {
    const child = new Driver(context);
    context.stop(child.ref);
    context.stop(child.ref);
    context.stop(runtime.refTo(child.ref.address));
  });
  t.is(parent.starts, 1);
});

test('stop: an actor is not made at all, when it is stopped before its first turn', (t) => {
  const { world, runtime } = setUp();
  const target = new Driver(runtime);
  target.ref.tell(1);
  runtime.stop(target.ref);
  world.settle();
  t.is(target.starts, 0);
  t.is(runtime.deadLetters.counts().stopped, 1);
});

test('stop: the slot is used again under another uid, and old refs mean nobody', (t) => {
  const { world, runtime } = setUp();
  const first = new Driver(runtime);
  world.settle();
  runtime.stop(first.ref);
  const second = new Driver(runtime);
  t.is(second.ref.address.slot, first.ref.address.slot);
  t.not(second.ref.address.uid, first.ref.address.uid);
  t.false(first.ref.tell(1));
  t.false((runtime.refTo(first.ref.address) as typeof first.ref).tell(1));
  world.settle();
  t.deepEqual(second.messages, []);
});

test('stop: `stopped` is called once and its failure is only logged, when it throws', (t) => {
  const { world, shard, runtime } = setUp();
  const target = new Driver(runtime, {
    stopped: () => {
      throw new Error('in stopped');
    },
  });
  world.settle();
  runtime.stop(target.ref);
  runtime.stop(target.ref);
  world.settle();
  t.is(target.stops.length, 1);
  t.is(runtime.actors.count, 0);
  t.deepEqual(
    shard.log.lines.map(({ event, fields }) => [event, fields.error]),
    [['actor threw while it was stopped', 'in stopped']],
  );
});

test('stop: what an actor tells while it is stopped goes out as from itself, and to itself nowhere', (t) => {
  const { world, runtime } = setUp();
  const other = new Driver(runtime);
  const full = new Driver(runtime, { mailbox: { capacity: 1 } });
  const parent = new Driver(runtime);
  let toSelf: boolean | undefined;
  let child: Driver | undefined;
  world.turn(parent, (context) => {
    child = new Driver(context, {
      stopped: (_reason, inner) => {
        other.ref.tell('farewell');
        full.ref.tell(1);
        full.ref.tell(2);
        toSelf = inner.self.tell('to self');
      },
    });
  });
  world.turn(parent, (context) => context.stop(child!.ref));
  t.deepEqual(other.messages, ['farewell']);
  t.deepEqual(full.messages, [1]);
  t.deepEqual(parent.news, []);
  t.false(toSelf);
});

test('stop: an actor cannot be used as a parent or set timers, while it is stopped', (t) => {
  const { world, runtime } = setUp();
  const errors: unknown[] = [];
  const target = new Driver(runtime, {
    stopped: (_reason, context) => {
      for (const call of [
        () => new Driver(context),
        () => context.after('t', 1, 1),
        () => context.watch(context.self),
        () => context.stash(),
      ]) {
        errors.push(t.throws(call)?.message.includes('outside its turn'));
      }
    },
  });
  world.settle();
  runtime.stop(target.ref);
  t.deepEqual(errors, [true, true, true, true]);
  t.is(runtime.actors.count, 0);
});

test('bug: an ancestor stopped from within the turn of its descendant ended it in the midst of its code', (t) => {
  const { world, runtime } = setUp();
  const parent = new Driver(runtime);
  const order: string[] = [];
  world.turn(parent, (context) => {
    const child = new Driver(context, { stopped: () => order.push('stopped') });
    child.post(() => {
      runtime.stop(parent.ref);
      order.push('end of the turn');
    });
  });
  t.deepEqual(order, ['end of the turn', 'stopped']);
  t.is(runtime.actors.count, 0);
});

test('stop: all actors end, the last started first, when the shard stops', (t) => {
  const { world, runtime } = setUp();
  const order: string[] = [];
  const early = new Driver(runtime);
  const drivers = ['a', 'b'].map((name) => new Driver(runtime, collect(order, name)));
  world.settle();
  runtime.stop(early.ref);
  // In the slot of `early`, below the others.
  drivers.push(new Driver(runtime, collect(order, 'c')));
  world.settle();
  const asked = ask(runtime, drivers[0]!.ref, () => 1);
  runtime.stopAll();
  t.deepEqual(order, ['c stopped', 'b stopped', 'a stopped']);
  t.deepEqual(asked.outcomes, ['NO_SUCH_ACTOR']);
  t.throws(() => new Driver(runtime), { code: 'STOPPED' });
  t.deepEqual(ask(runtime, drivers[0]!.ref, () => 1).outcomes, ['STOPPED']);
});

test('stop: asks that wait for an answer fail with STOPPED, when the shard stops', (t) => {
  const { world, runtime } = setUp();
  const silent = new Driver(runtime);
  const asked = ask(runtime, silent.ref, () => 1);
  world.settle();
  runtime.stopAll();
  t.deepEqual(asked.outcomes, ['STOPPED']);
  t.is(runtime.asks.size, 0);
});

test('drain: handles what is queued and refuses the rest', (t) => {
  const { world, runtime } = setUp();
  const target = new Driver(runtime, { throughput: 1 });
  const sender = new Driver(runtime);
  world.settle();
  for (const i of [1, 2, 3]) target.ref.tell(i);
  runtime.stop(target.ref, { drain: true });
  sender.post(() => t.false(target.ref.tell(4)));
  world.settle();
  t.deepEqual(target.messages, [1, 2, 3]);
  t.deepEqual(target.stops, ['stopped']);
  t.deepEqual(sender.news, ['rejected stopped']);
  t.is(runtime.actors.count, 1);
});

test('drain: ends at once, when nothing is queued', (t) => {
  const { world, runtime } = setUp();
  const target = new Driver(runtime);
  world.settle();
  runtime.stop(target.ref, { drain: true });
  t.deepEqual(target.stops, ['stopped']);
});

test('drain: an actor that was never made is made, when it has messages, and not when it has none', (t) => {
  const { world, runtime } = setUp();
  const [busy, idle] = [new Driver(runtime), new Driver(runtime)];
  busy.ref.tell(1);
  for (const { ref } of [busy, idle]) runtime.stop(ref, { drain: true });
  world.settle();
  t.deepEqual([busy.starts, busy.messages, busy.stops], [1, [1], ['stopped']]);
  t.deepEqual([idle.starts, idle.stops], [0, []]);
});

test('bug: an actor that drained itself in its factory lived on in a released slot', (t) => {
  const { world, runtime } = setUp();
  const target = new Driver(runtime, { create: (context) => context.stop(context.self, { drain: true }) });
  world.settle();
  t.deepEqual([target.starts, target.stops, runtime.actors.count], [1, ['stopped'], 0]);
  t.false(target.ref.tell(1));
  const watcher = new Driver(runtime);
  world.turn(watcher, (context) => context.watch(target.ref));
  t.deepEqual(watcher.news, ['terminated noSuchActor']);
});

test('drain: an actor drains itself, when it asks for it in its turn', (t) => {
  const { world, runtime } = setUp();
  const target = new Driver(runtime);
  target.post((context) => context.stop(context.self, { drain: true }));
  target.ref.tell(1);
  world.settle();
  t.deepEqual([target.messages, target.stops], [[1], ['stopped']]);
});

test('drain: outcomes and news that are under way are still taken, while an actor drains', (t) => {
  const { world, runtime } = setUp();
  const echo = new Driver(runtime, { receive: (message) => (message as { replyTo: { tell(m: string): void } }).replyTo.tell('answer') });
  const target: Driver = new Driver(runtime, { throughput: 1 });
  target.post((context) => {
    const watched = new Driver(context);
    context.watch(watched.ref);
    context.ask<unknown, string>(
      echo.ref,
      (replyTo) => ({ replyTo }),
      { timeoutMs: 100 },
      (answer) => answer,
    );
    context.stop(context.self, { drain: true });
    context.stop(watched.ref);
  });
  for (const i of [1, 2, 3, 4]) target.ref.tell(i);
  world.settle();
  t.deepEqual(target.news, ['terminated stopped']);
  t.true(target.messages.some((message) => (message as { ok?: boolean }).ok === true));
  t.is(runtime.actors.count, 1);
});

test('drain: is cut short, when the actor is then stopped at once', (t) => {
  const { world, runtime } = setUp();
  const target = new Driver(runtime, { throughput: 1 });
  world.settle();
  for (const i of [1, 2, 3]) target.ref.tell(i);
  runtime.stop(target.ref, { drain: true });
  runtime.stop(target.ref);
  world.settle();
  t.deepEqual([target.messages, target.stops], [[], ['stopped']]);
});

test('drain: a timer that is due meanwhile is handled, and one that is not ends with the actor', (t) => {
  const { world, runtime } = setUp();
  const target: Driver = new Driver(runtime, { throughput: 1 });
  world.turn(target, (context) => {
    context.after('soon', 0, 'soon');
    context.after('late', 100, 'late');
    for (const i of [1, 2]) target.ref.tell(i);
    context.stop(context.self, { drain: true });
  });
  world.advance(1000);
  t.deepEqual(
    target.messages.filter((message) => message === 'late'),
    [],
  );
  t.is(runtime.actors.count, 0);
});

test('spawn: a tree has a limited depth, since it is stopped by recursion', (t) => {
  const { world, runtime } = setUp();
  let levels = 0;
  let refusal: unknown;
  const grow = (context: Context): void => {
    levels++;
    try {
      new Driver(context, { create: grow });
    } catch (error) {
      refusal = error;
    }
  };
  const root = new Driver(runtime, { create: grow });
  world.settle();
  t.is(levels, 1000);
  t.like(refusal, { code: 'OVERLOADED' });
  runtime.stop(root.ref);
  t.is(runtime.actors.count, 0);
});

test('spawn: is refused and leaves no trace, when there are too many actors', (t) => {
  const world = new World();
  const { runtime } = world.shard({ tuning: { actorsMax: 17 } });
  const only = new Driver(runtime);
  t.throws(() => new Driver(runtime), { code: 'OVERLOADED' });
  runtime.stop(only.ref);
  t.notThrows(() => new Driver(runtime));
});

test('bug: a refused spawn lost its slot for ever', (t) => {
  const world = new World();
  const { runtime } = world.shard({ tuning: { actorsMax: 17 } });
  for (let i = 0; i < 5; i++) t.throws(() => new Driver(runtime, { throughput: 0 }), { code: 'INVALID_ARGUMENT' });
  t.notThrows(() => new Driver(runtime));
});

test('spawn: what is told, asked and watched in the factory counts as any other', (t) => {
  const { world, runtime } = setUp();
  const other = new Driver(runtime, {
    receive: (message) => typeof message === 'object' && (message as { replyTo: { tell(answer: string): void } }).replyTo.tell('answer'),
  });
  const actor = new Driver(runtime, {
    create: (context) => {
      context.self.tell('to itself');
      other.ref.tell('to another');
      context.ask<unknown, string>(
        other.ref,
        (replyTo) => ({ replyTo }),
        { timeoutMs: 100 },
        (answer) => answer.ok && answer.value,
      );
      context.watch(other.ref);
      new Driver(context).ref.tell('to a child');
    },
  });
  actor.ref.tell('queued before');
  world.settle();
  t.deepEqual(actor.messages, ['queued before', 'to itself', 'answer']);
  runtime.stop(other.ref);
  world.settle();
  t.deepEqual(actor.news, ['terminated stopped']);
  t.is(runtime.actors.count, 2);
});

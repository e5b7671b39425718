import test from 'ava';
import { Driver } from '../helpers/driver.ts';
import { World } from '../helpers/world.ts';

function setUp() {
  const world = new World();
  const { runtime } = world.shard();
  const [watcher, target] = [new Driver(runtime), new Driver(runtime)];
  world.settle();
  return { world, runtime, watcher, target };
}

test('watch: tells once of the end, however often it was asked for', (t) => {
  const { world, runtime, watcher, target } = setUp();
  world.turn(watcher, (context) => {
    context.watch(target.ref);
    context.watch(target.ref);
    context.watch(runtime.refTo(target.ref.address));
  });
  runtime.stop(target.ref);
  world.settle();
  t.deepEqual(watcher.signals, [{ type: 'terminated', ref: target.ref, reason: 'stopped' }]);
});

test('watch: tells at once, when the actor is already gone', (t) => {
  const { world, runtime, watcher, target } = setUp();
  runtime.stop(target.ref);
  world.turn(watcher, (context) => {
    context.watch(target.ref);
    context.watch(runtime.refTo(target.ref.address));
  });
  t.deepEqual(watcher.news, ['terminated noSuchActor']);
});

test('watch: tells of an actor that was never made', (t) => {
  const { world, runtime, watcher } = setUp();
  const target = new Driver(runtime);
  watcher.post((context) => context.watch(target.ref));
  world.turn(watcher, () => runtime.stop(target.ref));
  t.deepEqual(watcher.news, ['terminated stopped']);
});

test('watch: tells all who asked', (t) => {
  const { world, runtime, target } = setUp();
  const watchers = Array.from({ length: 100 }, () => new Driver(runtime));
  for (const watcher of watchers) world.turn(watcher, (context) => context.watch(target.ref));
  runtime.stop(target.ref);
  world.settle();
  t.true(watchers.every(({ news }) => news.join() === 'terminated stopped'));
});

test('watch: tells nothing, when it was given up before', (t) => {
  const { world, runtime, watcher, target } = setUp();
  world.turn(watcher, (context) => {
    context.watch(target.ref);
    context.unwatch(target.ref);
    context.unwatch(target.ref);
  });
  runtime.stop(target.ref);
  world.settle();
  t.deepEqual(watcher.news, []);
});

test('watch: tells nothing, when it is given up with the news queued already', (t) => {
  const { world, watcher } = setUp();
  world.turn(watcher, (context) => {
    const child = new Driver(context);
    context.watch(child.ref);
    context.stop(child.ref);
    context.unwatch(child.ref);
  });
  t.deepEqual(watcher.news, []);
});

test('watch: exactly one news per watch, when it is given up and asked for again with the news queued', (t) => {
  const { world, watcher, runtime, target } = setUp();
  runtime.stop(target.ref);
  world.turn(watcher, (context) => {
    for (let i = 0; i < 10; i++) {
      context.watch(target.ref);
      context.unwatch(target.ref);
    }
    context.watch(target.ref);
  });
  t.deepEqual(watcher.news, ['terminated noSuchActor']);
  world.turn(watcher, (context) => context.watch(target.ref));
  t.is(watcher.news.length, 2);
});

test('watch: the news of a watch that was given up is not that of the next one', (t) => {
  const { world, watcher } = setUp();
  world.turn(watcher, (context) => {
    const child = new Driver(context);
    context.watch(child.ref);
    context.stop(child.ref);
    context.unwatch(child.ref);
    context.watch(child.ref);
  });
  t.deepEqual(watcher.news, ['terminated noSuchActor']);
});

test('watch: news of ends is never dropped, and news of refusals is bounded by the capacity', (t) => {
  const { world, runtime } = setUp();
  const small = new Driver(runtime, { mailbox: { capacity: 3 } });
  const gone = new Driver(runtime);
  world.settle();
  runtime.stop(gone.ref);
  world.turn(small, (context) => {
    for (let i = 0; i < 10; i++) gone.ref.tell(i);
    for (let i = 0; i < 10; i++) {
      const child = new Driver(context);
      context.watch(child.ref);
      context.stop(child.ref);
    }
  });
  t.is(small.news.filter((news) => news === 'rejected noSuchActor').length, 3);
  t.is(small.news.filter((news) => news === 'terminated stopped').length, 10);
});

test('watch: can be asked for again, when the news has come', (t) => {
  const { world, runtime, watcher, target } = setUp();
  world.turn(watcher, (context) => context.watch(target.ref));
  runtime.stop(target.ref);
  world.turn(watcher, (context) => context.watch(target.ref));
  t.deepEqual(watcher.news, ['terminated stopped', 'terminated noSuchActor']);
});

test('watch: survives a restart of the watched actor', (t) => {
  const { world, runtime, watcher, target } = setUp();
  world.turn(watcher, (context) => context.watch(target.ref));
  world.turn(target, () => {
    throw new Error('boom');
  });
  t.deepEqual(watcher.news, []);
  runtime.stop(target.ref);
  world.settle();
  t.deepEqual(watcher.news, ['terminated stopped']);
});

test('watch: a parent learns of its children, and an actor never of itself', (t) => {
  const { world, watcher, target } = setUp();
  world.turn(watcher, (context) => {
    const child = new Driver(context, { create: (inner) => inner.stop(inner.self) });
    context.watch(child.ref);
  });
  t.deepEqual(watcher.news, ['terminated stopped']);
  world.turn(target, (context) => {
    context.watch(context.self);
    context.stop(context.self);
  });
  t.deepEqual(target.news, []);
});

test('watch: a reply address is nobody', (t) => {
  const { world, runtime, watcher, target } = setUp();
  runtime.ask(
    target.ref,
    (replyTo) => {
      watcher.post((context) => context.watch(replyTo));
      return 1;
    },
    { timeoutMs: 10 },
    { answered: () => {}, failed: () => {} },
  );
  world.settle();
  t.deepEqual(watcher.news, ['terminated noSuchActor']);
});

test('watch: leaves no trace at the watched, when the watcher ends', (t) => {
  const { world, runtime, target } = setUp();
  for (let i = 0; i < 10; i++) {
    const watcher = new Driver(runtime);
    world.turn(watcher, (context) => context.watch(target.ref));
    runtime.stop(watcher.ref);
  }
  const cell = runtime.actors.all().find(({ ref }) => ref.toString() === target.ref.toString());
  t.is(cell?.rare?.watchers?.size, 0);
});

test('watch: leaves no trace at the watcher, when the watched has ended', (t) => {
  const { world, runtime, watcher } = setUp();
  for (let i = 0; i < 10; i++) {
    const target = new Driver(runtime);
    world.turn(watcher, (context) => context.watch(target.ref));
    runtime.stop(target.ref);
    world.settle();
  }
  const cell = runtime.actors.all().find(({ ref }) => ref.toString() === watcher.ref.toString());
  t.is(cell?.rare?.watching?.size, 0);
  t.is(watcher.news.length, 10);
});

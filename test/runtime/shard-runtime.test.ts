import test from 'ava';
import { Driver } from '../helpers/driver.ts';
import { World } from '../helpers/world.ts';

test('shard: wakes its loop once for all that becomes ready, and not within a run', (t) => {
  const world = new World();
  const shard = world.shard();
  const actor: Driver = new Driver(shard.runtime, { receive: (message) => message === 1 && actor.ref.tell(2) });
  for (let i = 0; i < 5; i++) actor.ref.tell(1);
  t.is(shard.loop.wakes, 1);
  world.settle();
  t.is(shard.loop.wakes, 1);
  actor.ref.tell(3);
  t.is(shard.loop.wakes, 2);
});

test('shard: a run ends after `turnsPerRun` turns, and asks for the next', (t) => {
  const world = new World();
  const shard = world.shard({ tuning: { turnsPerRun: 2 } });
  const drivers = Array.from({ length: 5 }, () => new Driver(shard.runtime));
  const started = (): number => drivers.filter(({ starts }) => starts > 0).length;
  world.run(shard);
  t.is(started(), 2);
  t.true(shard.loop.isAwake);
  world.settle();
  t.is(started(), 5);
});

test('shard: a run ends with its slice, when many actors are ready', (t) => {
  const world = new World();
  const shard = world.shard({ tuning: { sliceMs: 5 } });
  const create = (): void => {
    world.clock.ms += 1;
  };
  const drivers = Array.from({ length: 100 }, () => new Driver(shard.runtime, { create }));
  world.run(shard);
  const started = drivers.filter(({ starts }) => starts > 0).length;
  t.true(started >= 5 && started <= 16, String(started));
});

test('shard: timers and deadlines due at once are handled in one run', (t) => {
  const world = new World();
  const shard = world.shard();
  const actor = new Driver(shard.runtime);
  world.turn(actor, (context) => {
    for (let i = 0; i < 10; i++) context.after(i, 10, i);
  });
  const { runs } = shard.runtime.metrics;
  world.advance(10);
  t.is(actor.messages.length, 10);
  t.is(shard.runtime.metrics.runs, runs + 1);
});

test('shard: tasks run in time, for parts that are no actors', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const done: number[] = [];
  runtime.tasks.after(5, () => done.push(world.clock.ms));
  runtime.tasks.cancel(runtime.tasks.after(3, () => done.push(-1)));
  world.advance(10);
  t.deepEqual(done, [5]);
});

test('shard: who runs next can be picked, within a lane', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const order: number[] = [];
  const drivers = [0, 1, 2].map((i) => new Driver(runtime, { receive: () => order.push(i) }));
  world.settle();
  runtime.pick = (count) => count - 1;
  for (const { ref } of drivers) ref.tell(1);
  world.settle();
  t.deepEqual(order, [2, 1, 0]);
});

test('shard: well-known actors are found under any boot', (t) => {
  const world = new World();
  const { runtime } = world.shard({ boot: 7 });
  const definition = { kind: 'dynactor:actor', name: 'known', create: () => ({ receive: () => {} }), defaults: {} } as const;
  const ref = runtime.spawnWellKnown<unknown>(3, definition);
  t.is(runtime.wellKnown(3, runtime.place), ref);
  t.throws(() => runtime.spawnWellKnown(3, definition), { name: 'BugError' });
  for (const slot of [0, 16, -1]) t.throws(() => runtime.spawnWellKnown(slot, definition), { name: 'BugError' });
  runtime.stop(ref);
  t.notThrows(() => runtime.spawnWellKnown(3, definition));
});

test('shard: an address of another boot is nobody', (t) => {
  const world = new World();
  const { runtime } = world.shard({ boot: 7 });
  const actor = new Driver(runtime);
  t.is(runtime.refTo(actor.ref.address), actor.ref);
  const old = runtime.refTo({ ...actor.ref.address, boot: 6 }) as typeof actor.ref;
  t.false(old.tell(1));
  t.false(old.tellBytes(1, Buffer.alloc(1), 0, 1));
  t.is(old.toString(), `a/0#${old.address.slot}.${old.address.uid}@6`);
});

test('shard: only actors of its node can be stopped by it', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const other = world.shard({ shard: 1 });
  t.throws(() => runtime.stop(new Driver(other.runtime).ref), { code: 'INVALID_ARGUMENT' });
  t.throws(() => runtime.stop(runtime.refTo({ node: 'b', shard: 0, boot: 1, slot: 20, uid: 1 })), { code: 'INVALID_ARGUMENT' });
});

test("shard: stopping all within an actor's turn is a bug", (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const actor = new Driver(runtime);
  world.turn(actor, () => t.throws(() => runtime.stopAll(), { name: 'BugError' }));
  t.is(runtime.actors.count, 1);
});

test('shard: what an actor threw is reported once, with the actor', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const failures: unknown[] = [];
  runtime.onFailure = (cell, error) => failures.push([cell.name, (error as Error).message]);
  world.turn(new Driver(runtime, { name: 'x' }), () => {
    throw new Error('boom');
  });
  t.deepEqual(failures, [['x', 'boom']]);
});

import test from 'ava';
import { Driver } from '../helpers/driver.ts';
import { World } from '../helpers/world.ts';

test('shard timers: what a turn asks for soon runs behind the turns of the same run, once, and what that asks for in the next', (t) => {
  const world = new World();
  const shard = world.shard();
  const order: string[] = [];
  const [a, b] = [new Driver(shard.runtime), new Driver(shard.runtime)];
  a.post(({ timers }) => {
    timers.soon(() => {
      order.push('soon');
      timers.soon(() => order.push('later'));
    });
    order.push('a');
  });
  b.post(() => order.push('b'));
  world.run(shard);
  t.deepEqual(order, ['a', 'b', 'soon']);
  t.true(shard.loop.isAwake);
  world.settle();
  t.deepEqual(order, ['a', 'b', 'soon', 'later']);
});

test('shard timers: asked outside of any run, they wake the loop', (t) => {
  const world = new World();
  const shard = world.shard();
  let runs = 0;
  shard.runtime.timers.soon(() => runs++);
  t.is(runs, 0);
  t.is(shard.loop.wakes, 1);
  world.settle();
  t.is(runs, 1);
});

test('shard timers: the earlier runs first, and what was cancelled not at all', (t) => {
  const world = new World();
  const { timers } = world.shard().runtime;
  const order: string[] = [];
  timers.after(60, () => order.push('late'));
  const cancel = timers.after(20, () => order.push('cancelled'));
  timers.after(1, () => {
    order.push('early');
    cancel();
  });
  timers.after(Number.POSITIVE_INFINITY, () => order.push('never'))();
  world.advance(59);
  t.deepEqual(order, ['early']);
  world.advance(1_000);
  t.deepEqual(order, ['early', 'late']);
});

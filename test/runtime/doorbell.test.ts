import test from 'ava';
import { RuntimeError } from '../../runtime/errors.ts';
import { TaskTimers } from '../../runtime/task-timers.ts';
import { type Context, Driver, type DriverOptions } from '../helpers/driver.ts';
import { World } from '../helpers/world.ts';

/** An actor that hangs up a doorbell at each start. */
function setUp(options: DriverOptions = {}): { readonly world: World; readonly actor: Driver; readonly bells: (() => void)[] } {
  const world = new World();
  const { runtime } = world.shard();
  const bells: (() => void)[] = [];
  const actor = new Driver(runtime, { ...options, create: (context) => bells.push(context.doorbell('rung')) });
  world.settle();
  return { world, actor, bells };
}

test('doorbell: rung many times it brings one message, and again after that one was handled', (t) => {
  const { world, actor, bells } = setUp();
  for (let i = 0; i < 5; i++) bells[0]!();
  t.deepEqual(actor.messages, []);
  world.settle();
  t.deepEqual(actor.messages, ['rung']);
  bells[0]!();
  world.settle();
  t.deepEqual(actor.messages, ['rung', 'rung']);
});

test('doorbell: what rings while the message is handled brings another', (t) => {
  let left = 3;
  const { world, actor, bells } = setUp({ receive: () => left-- > 0 && bells[0]!() });
  bells[0]!();
  world.settle();
  t.is(actor.messages.length, 4);
});

test('doorbell: it is heard, when the mailbox is full', (t) => {
  const { world, actor, bells } = setUp({ mailbox: { capacity: 1 } });
  t.true(actor.ref.tell('first'));
  t.false(actor.ref.tell('refused'));
  bells[0]!();
  world.settle();
  t.deepEqual(new Set(actor.messages), new Set(['first', 'rung']));
  t.is(actor.messages.length, 2);
});

test('doorbell: two of one actor ring apart', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const bells: (() => void)[] = [];
  const actor = new Driver(runtime, { create: (context) => bells.push(context.doorbell('a'), context.doorbell('b')) });
  world.settle();
  for (const bell of bells) bell();
  world.settle();
  t.deepEqual(actor.messages, ['a', 'b']);
});

test('doorbell: nothing comes, when the actor has stopped', (t) => {
  const { world, actor, bells } = setUp();
  bells[0]!();
  world.turn(actor, (context: Context) => context.stop(context.self));
  bells[0]!();
  world.settle();
  t.deepEqual([actor.messages, actor.stops], [['rung'], ['stopped']]);
});

test('doorbell: that of an earlier instance is dead, when the actor was started again', (t) => {
  const { world, actor, bells } = setUp();
  world.turn(actor, () => {
    bells[0]!();
    throw new RuntimeError('STOPPED', 'boom');
  });
  bells[0]!();
  world.settle();
  t.deepEqual([actor.starts, actor.messages], [2, []]);
  bells[1]!();
  world.settle();
  t.deepEqual(actor.messages, ['rung']);
});

test('timers of tasks: tasks run in their order and not within the call, but not what was cancelled', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  const timers = new TaskTimers(runtime.tasks);
  const order: string[] = [];
  timers.after(60, () => order.push('late'));
  const cancel = timers.after(20, () => order.push('cancelled'));
  timers.after(Infinity, () => order.push('never'));
  timers.soon(() => {
    order.push('soon');
    timers.soon(() => order.push('again'));
    cancel();
  });
  t.deepEqual(order, []);
  world.settle();
  t.deepEqual(order, ['soon', 'again']);
  world.advance(100);
  t.deepEqual(order, ['soon', 'again', 'late']);
});

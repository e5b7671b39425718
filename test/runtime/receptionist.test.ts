import test from 'ava';
import { MAIN_SHARD, RECEPTIONIST_SLOT } from '../../runtime/address.ts';
import { CONTROL_CLASS } from '../../runtime/lanes.ts';
import { receptionist } from '../../runtime/receptionist.ts';
import { type Listing, type ReceptionistMessage, serviceKey } from '../../runtime/receptionist-protocol.ts';
import type { Ref } from '../../runtime/ref.ts';
import { ask, Driver } from '../helpers/driver.ts';
import { type Shard, World } from '../helpers/world.ts';

const KEY = serviceKey<unknown>('service');

function setUp() {
  const world = new World();
  const main = world.shard({ shard: MAIN_SHARD });
  const shard = world.shard({ shard: 0, seed: 2 });
  world.network.connect(main.runtime, shard.runtime);
  const desk = main.runtime.spawnWellKnown(RECEPTIONIST_SLOT, receptionist);
  const subscriber = new Driver(shard.runtime);
  world.settle();
  return { world, main, shard, desk, subscriber };
}

/** The uids that the last listing has, in a message `{ uids }` that the subscriber makes of it. */
function subscribe(world: World, driver: Driver): void {
  world.turn(driver, (context) => context.subscribe(KEY, (refs) => refs.map(({ address }) => address.uid)));
}

function find(world: World, { runtime }: Shard, key = 'service'): number[] {
  const asked = ask(runtime, runtime.wellKnown(RECEPTIONIST_SLOT), (replyTo) => ({ type: 'find', key, replyTo }));
  world.settle();
  return (asked.outcomes[0] as Listing).refs.map(({ address }) => address.uid);
}

test('receptionist: lists what was registered, in any thread', (t) => {
  const { world, main, shard } = setUp();
  const [here, there] = [new Driver(main.runtime), new Driver(shard.runtime)];
  world.settle();
  for (const driver of [here, there, here]) world.turn(driver, (context) => context.register(KEY, context.self));
  for (const from of [main, shard]) t.deepEqual(find(world, from), [here.ref.address.uid, there.ref.address.uid]);
  t.deepEqual(find(world, main, 'unknown'), []);
});

test('receptionist: what has ended disappears, under all its keys', (t) => {
  const { world, main, shard } = setUp();
  const service = new Driver(shard.runtime);
  world.turn(service, (context) => {
    context.register(KEY, context.self);
    context.register(serviceKey<unknown>('other'), context.self);
  });
  t.deepEqual([find(world, main).length, find(world, main, 'other').length], [1, 1]);
  shard.runtime.stop(service.ref);
  world.settle();
  t.deepEqual([find(world, main), find(world, main, 'other')], [[], []]);
});

test('receptionist: subscribers get the listing now and at each change', (t) => {
  const { world, main, subscriber } = setUp();
  subscribe(world, subscriber);
  const services = [new Driver(main.runtime), new Driver(main.runtime)];
  for (const service of services) world.turn(service, (context) => context.register(KEY, context.self));
  main.runtime.stop(services[0]!.ref);
  world.settle();
  const [first, second] = services.map(({ ref }) => ref.address.uid);
  t.deepEqual(subscriber.messages, [[], [first], [first, second], [second]]);
});

test('receptionist: a subscriber that ended gets nothing more, and its key is forgotten when it was the last', (t) => {
  const { world, main, shard, subscriber } = setUp();
  subscribe(world, subscriber);
  shard.runtime.stop(subscriber.ref);
  world.settle();
  const desk = main.runtime.actors.all()[0]!;
  t.deepEqual([desk.rare?.watching?.size, shard.runtime.actors.count], [0, 0]);
});

test('receptionist: refs that were ended already are listed only until that is known', (t) => {
  const { world, main, shard } = setUp();
  const service = new Driver(shard.runtime);
  world.turn(service, (context) => {
    context.register(KEY, context.self);
    context.stop(context.self);
  });
  world.settle();
  t.deepEqual(find(world, main), []);
});

test('bug: the receptionist forgot everything, when it was sent what it does not understand', (t) => {
  const { world, main, desk } = setUp();
  const service = new Driver(main.runtime);
  world.turn(service, (context) => context.register(KEY, context.self));
  for (const message of [
    null,
    7,
    {},
    { type: 'register', key: 'service', ref: null },
    { type: 'register', key: 5, ref: service.ref },
    { type: 'register', key: 'x'.repeat(257), ref: service.ref },
    { type: 'find', key: 'service', replyTo: { tell: 1 } },
    { type: 'subscribe', key: 'service' },
    { type: 'explode', key: 'service' },
  ]) {
    desk.tell(message as unknown as ReceptionistMessage);
  }
  world.settle();
  t.deepEqual(find(world, main), [service.ref.address.uid]);
  t.is(main.log.lines.filter(({ event }) => event === 'receptionist: message refused').length, 9);
  t.is(main.runtime.metrics.restarts, 0);
});

test('receptionist: a key takes a limited number of refs', (t) => {
  const { world, main } = setUp();
  const registrar = new Driver(main.runtime);
  world.turn(registrar, (context) => {
    for (let i = 0; i < 4097; i++) context.register(KEY, new Driver(context).ref);
  });
  world.settle();
  t.is(find(world, main).length, 4096);
  t.true(main.log.lines.some(({ event }) => event === 'receptionist is full'));
});

test('bug: a subscriber missed a listing for ever, when the link to it was full', (t) => {
  const { world, main, shard, subscriber } = setUp();
  subscribe(world, subscriber);
  const link = world.network.link(main.runtime, shard.runtime, CONTROL_CLASS);
  link.isStalled = true;
  const sink = new Driver(shard.runtime);
  const filler = new Driver(main.runtime);
  world.turn(filler, () => {
    const ref = main.runtime.refTo(sink.ref.address) as Ref<unknown>;
    while (ref.tell('x'.repeat(10_000), { lane: 1 }));
    while (ref.tell('x', { lane: 1 }));
  });
  const service = new Driver(main.runtime);
  world.turn(service, (context) => context.register(KEY, context.self));
  t.deepEqual(subscriber.messages, [[]]);
  link.isStalled = false;
  link.flush();
  world.advance(500);
  t.deepEqual(subscriber.messages, [[], [service.ref.address.uid]]);
});

test('bug: a subscriber missed a listing for ever, when its mailbox was full', (t) => {
  const { world, main, shard } = setUp();
  const small = new Driver(shard.runtime, { mailbox: { capacity: 1 } });
  subscribe(world, small);
  const service = new Driver(main.runtime);
  // Suspended with a full mailbox, as one that waits to be restarted.
  world.turn(service, (context) => context.register(KEY, context.self));
  const before = small.messages.length;
  shard.runtime.pick = null;
  const cell = shard.runtime.actors.all().find(({ ref }) => ref === (small.ref as unknown))!;
  cell.limit = 0;
  main.runtime.stop(service.ref);
  world.advance(1000);
  t.is(small.messages.length, before);
  cell.limit = 1;
  world.advance(200);
  t.deepEqual(small.messages.at(-1), []);
});

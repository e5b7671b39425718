import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import type { Cell } from '../../runtime/cell.ts';
import { BULK_CLASS, CONTROL } from '../../runtime/lanes.ts';
import type { Ref } from '../../runtime/ref.ts';
import type { ShardRuntime } from '../../runtime/shard-runtime.ts';
import { SIGNAL_CREDIT_REQUEST } from '../../runtime/wire/frame.ts';
import { Driver, type DriverOptions } from '../helpers/driver.ts';
import { type Shard, World } from '../helpers/world.ts';

/** Sends all of `total` messages to `ref`, as fast as it may. */
class Pump extends Driver {
  next = 0;
  target: Ref<unknown> | undefined;
  readonly #name: string;
  readonly #total: number;

  constructor(runtime: ShardRuntime, name: string, total: number) {
    super(runtime, { name, signal: (signal) => signal.type === 'ready' && this.pump() });
    this.#name = name;
    this.#total = total;
  }

  pump(): void {
    while (this.next < this.#total && this.target?.tell(`${this.#name}${this.next}`) === true) this.next++;
  }
}

function cellOf(shard: Shard, driver: Driver): Cell {
  const cell = shard.runtime.actors.all().find(({ ref }) => ref === (driver.ref as unknown));
  if (cell === undefined) throw new Error('no such actor');
  return cell;
}

function setUp(capacity: number, options: DriverOptions = {}) {
  const world = new World();
  const home = world.shard({ tuning: { turnsPerRun: 1 } });
  const away = world.shard({ shard: 1, seed: 2 });
  world.network.connect(home.runtime, away.runtime);
  const target = new Driver(home.runtime, { throughput: 1, ...options, mailbox: { capacity, overflow: 'credit' } });
  world.settle();
  return { world, home, away, target, far: (shard: Shard) => shard.runtime.refTo(target.ref.address) as Ref<unknown> };
}

function start(shard: Shard, name: string, target: Ref<unknown>, total: number): Pump {
  const pump = new Pump(shard.runtime, name, total);
  pump.target = target;
  pump.post(() => pump.pump());
  return pump;
}

test('credit: a local sender is refused when it is full, and called when there is room', (t) => {
  const { world, home, target } = setUp(3);
  const pump = start(home, 'a', target.ref, 20);
  world.settle();
  t.deepEqual(
    target.messages,
    Array.from({ length: 20 }, (_, i) => `a${i}`),
  );
  t.is(cellOf(home, target).depthMax, 3);
  t.true(pump.news.every((news) => news === 'ready'));
  t.is(home.runtime.deadLetters.counts().overflow, 0);
});

test('credit: code outside of actors is refused, and nothing is noted', (t) => {
  const { home, target } = setUp(1);
  t.true(target.ref.tell(1));
  t.false(target.ref.tell(2));
  t.is(cellOf(home, target).creditWaiters, null);
});

test('credit: a remote sender asks before it sends, and then all arrives in order', (t) => {
  const { world, home, away, target, far } = setUp(3);
  const pump = start(away, 'a', far(away), 50);
  world.advance(100);
  t.deepEqual(
    target.messages,
    Array.from({ length: 50 }, (_, i) => `a${i}`),
  );
  t.true(cellOf(home, target).depthMax <= 3);
  t.deepEqual(new Set(pump.news), new Set(['ready']));
});

test('credit: messages of the control lane take credit like all others, and go by the same connection', (t) => {
  const { world, home, away, target, far } = setUp(4);
  const sender = new Driver(away.runtime);
  world.turn(sender, () => t.false(far(away).tell(1)));
  world.network.link(away.runtime, home.runtime, BULK_CLASS).isStalled = true;
  world.turn(sender, () => t.true(far(away).tell('control', { lane: CONTROL })));
  t.deepEqual(target.messages, []);
  world.network.link(away.runtime, home.runtime, BULK_CLASS).isStalled = false;
  world.network.link(away.runtime, home.runtime, BULK_CLASS).flush();
  world.settle();
  t.deepEqual(target.messages, ['control']);
});

test('credit: what was granted and is not used goes back', (t) => {
  const { world, home, away, target, far } = setUp(8);
  start(away, 'a', far(away), 1);
  world.settle();
  t.true(cellOf(home, target).limit < 8);
  world.advance(5000);
  t.is(cellOf(home, target).limit, 8);
  const peer = [...home.runtime.peers.all()][0]!;
  t.deepEqual([peer.granted.size, peer.asked.size, [...away.runtime.peers.all()][0]!.windows.size], [0, 0, 0]);
});

test('credit: a grant for a window that is given up already goes back at once', (t) => {
  const { world, home, away, target, far } = setUp(1);
  // Suspends the target before it can grant.
  home.loop.isAwake = false;
  target.ref.tell('fills it');
  const sender = new Driver(away.runtime);
  sender.post(() => far(away).tell('asks'));
  world.run(away);
  world.network.deliver();
  t.is([...home.runtime.peers.all()][0]!.asked.size, 1);
  [...away.runtime.peers.all()][0]!.windows.clear();
  world.settle();
  t.deepEqual([cellOf(home, target).limit, [...home.runtime.peers.all()][0]!.granted.size], [1, 0]);
});

test('credit: a message that was granted is taken, when outcomes have filled the mailbox meanwhile', (t) => {
  const { world, home, away, target, far } = setUp(2);
  const sender = new Driver(away.runtime);
  world.turn(sender, () => t.false(far(away).tell('asks')));
  t.is(cellOf(home, target).limit, 1);
  sender.post(() => t.true(far(away).tell('granted')));
  world.run(away);
  const nobody = home.runtime.refTo({ ...target.ref.address, uid: 7 }) as Ref<unknown>;
  target.post((context) => {
    for (let i = 0; i < 5; i++)
      context.ask(
        nobody,
        () => 1,
        { timeoutMs: 10 },
        () => 'outcome',
      );
  });
  world.run(home);
  t.is(cellOf(home, target).queued, 5);
  world.network.deliver();
  world.settle();
  t.deepEqual(target.messages.filter((message) => message === 'granted').length, 1);
  t.deepEqual(sender.news, ['ready']);
});

test('bug: senders waited for ever for an actor that ended before it could grant', (t) => {
  const { world, home, away, target, far } = setUp(1, { receive: () => {} });
  target.ref.tell('fills it');
  const remote = start(away, 'r', far(away), 5);
  const local = start(home, 'l', target.ref, 5);
  for (const shard of [away, home]) world.run(shard);
  while (world.network.deliver()) world.run(away);
  home.runtime.stop(target.ref);
  world.advance(100);
  t.true(local.news.includes('rejected noSuchActor'), local.news.join());
  t.true(remote.news.includes('rejected noSuchActor'), remote.news.join());
});

test('credit: senders to an actor that has already ended are told', (t) => {
  const { world, home, away, target, far } = setUp(1);
  const ref = far(away);
  home.runtime.stop(target.ref);
  const pump = start(away, 'r', ref, 1);
  world.settle();
  t.deepEqual(pump.news, ['ready', 'rejected noSuchActor']);
  world.advance(5000);
  t.is([...away.runtime.peers.all()][0]!.windows.size, 0);
});

test('credit: leaves no trace of an actor, when it ends', (t) => {
  const { world, home, away, target, far } = setUp(4);
  start(away, 'r', far(away), 1);
  world.settle();
  home.runtime.stop(target.ref);
  world.settle();
  const peer = [...home.runtime.peers.all()][0]!;
  t.deepEqual([peer.granted.size, peer.asked.size], [0, 0]);
});

test('bug: a sender that ended stayed on the lists of those it had waited for', (t) => {
  const { world, home, away, target, far } = setUp(1);
  target.ref.tell('fills it');
  const senders = [new Driver(home.runtime), new Driver(away.runtime)];
  const refs = [target.ref, far(away)];
  senders.forEach(({ ref }, i) => {
    ref.tell((context: { stop(ref: unknown): void; self: unknown }) => {
      refs[i]!.tell(1);
      context.stop(context.self);
    });
  });
  // Not the target: it must not grant before.
  world.run(away);
  world.run(home);
  world.run(home);
  t.is([...away.runtime.peers.all()][0]!.windows.all()[0]?.waiters.isEmpty, true);
  t.true(cellOf(home, target).creditWaiters?.isEmpty ?? true);
});

test('credit: both ends forget it, when the connection breaks, and begin anew', (t) => {
  const { world, home, away, target, far } = setUp(4);
  const pump = start(away, 'r', far(away), 1000);
  for (let i = 0; i < 10; i++) {
    world.run(home);
    world.run(away);
    world.network.deliver();
    world.network.cut(home.runtime, away.runtime, { andOut: true });
    t.is(cellOf(home, target).limit, 4);
    world.network.connect(home.runtime, away.runtime);
    world.advance(20);
  }
  world.advance(100);
  t.is(pump.next, 1000);
  t.true(cellOf(home, target).depthMax <= 4);
  const sent = target.messages.map((message) => Number(String(message).slice(1)));
  t.deepEqual(
    sent,
    [...sent].sort((a, b) => a - b),
  );
});

test('bug: whoever waits for room was not called, when another place that held it went down', (t) => {
  const world = new World();
  const [home, a, b] = [world.shard(), world.shard({ shard: 1 }), world.shard({ shard: 2 })];
  for (const { runtime } of [a, b]) world.network.connect(home.runtime, runtime);
  const target = new Driver(home.runtime, { mailbox: { capacity: 1, overflow: 'credit' } });
  world.settle();
  const refOf = ({ runtime }: Shard): Ref<unknown> => runtime.refTo(target.ref.address) as Ref<unknown>;
  const holder = new Driver(a.runtime);
  world.turn(holder, () => refOf(a).tell('asks, and then does not send'));
  const remote = start(b, 'r', refOf(b), 1);
  const local = start(home, 'l', target.ref, 1);
  world.settle();
  t.deepEqual([holder.news, remote.news, local.news], [['ready'], [], []]);
  world.network.cut(home.runtime, a.runtime);
  // The one that gets the room asks for more, and gives it back when it is idle.
  world.advance(5000);
  t.deepEqual(target.messages, ['r0', 'l0']);
});

test('bug: a request for credit that found the link full was never made again', (t) => {
  const world = new World();
  world.network.outMaxBytes = 72;
  const [home, away] = [world.shard(), world.shard({ shard: 1 })];
  world.network.connect(home.runtime, away.runtime);
  const [target, other] = [new Driver(home.runtime, { mailbox: { capacity: 4, overflow: 'credit' } }), new Driver(home.runtime)];
  world.settle();
  const link = world.network.link(away.runtime, home.runtime, BULK_CLASS);
  link.isStalled = true;
  const filler = new Driver(away.runtime);
  world.turn(filler, () => {
    const ref = away.runtime.refTo(other.ref.address) as Ref<unknown>;
    while (ref.tell(1));
  });
  const pump = start(away, 'r', away.runtime.refTo(target.ref.address) as Ref<unknown>, 10);
  world.settle();
  t.deepEqual(target.messages, []);
  link.isStalled = false;
  link.flush();
  world.advance(100);
  t.is(pump.next, 10);
  t.is(target.messages.length, 10);
});

test('bug: a grant that found the link full was never made again', (t) => {
  const world = new World();
  world.network.outMaxBytes = 72;
  const [home, away] = [world.shard(), world.shard({ shard: 1 })];
  world.network.connect(home.runtime, away.runtime);
  const target = new Driver(home.runtime, { mailbox: { capacity: 4, overflow: 'credit' } });
  const other = new Driver(away.runtime);
  world.settle();
  const link = world.network.link(home.runtime, away.runtime, BULK_CLASS);
  link.isStalled = true;
  world.turn(new Driver(home.runtime), () => {
    const ref = home.runtime.refTo(other.ref.address) as Ref<unknown>;
    while (ref.tell(1));
  });
  const pump = start(away, 'r', away.runtime.refTo(target.ref.address) as Ref<unknown>, 10);
  world.settle();
  link.isStalled = false;
  link.flush();
  world.advance(100);
  t.is(pump.next, 10);
  t.is(target.messages.length, 10);
});

test('bug: credit was lost with each message that did not fit into the link', (t) => {
  const world = new World();
  world.network.outMaxBytes = 200;
  const [home, away] = [world.shard(), world.shard({ shard: 1 })];
  world.network.connect(home.runtime, away.runtime);
  const target = new Driver(home.runtime, { mailbox: { capacity: 8, overflow: 'credit' } });
  world.settle();
  const ref = away.runtime.refTo(target.ref.address) as Ref<unknown>;
  const sender = new Driver(away.runtime);
  world.turn(sender, () => ref.tell('asks'));
  const window = [...away.runtime.peers.all()][0]!.windows.all()[0]!;
  const { available } = window;
  t.true(available > 0);
  world.turn(sender, () => {
    t.true(ref.tell('x'.repeat(50)));
    for (let i = 0; i < 5; i++) t.false(ref.tell('x'.repeat(100)));
    t.throws(() => ref.tell({ code: () => {} }), { code: 'NOT_ENCODABLE' });
    t.false(ref.tellBytes(1, Buffer.alloc(150), 0, 150));
    t.is(window.available, available - 1);
  });
});

test('credit: a message without credit is refused, when the mailbox is full', (t) => {
  const { world, home, away, target, far } = setUp(1);
  const sender = new Driver(away.runtime);
  world.turn(sender, () => far(away).tell('asks'));
  sender.post(() => {
    t.true(far(away).tell(1));
    const [window] = [...away.runtime.peers.all()][0]!.windows.all();
    window!.available = 2;
    t.true(far(away).tell(2));
    t.true(far(away).tellBytes(3, Buffer.alloc(1), 0, 1));
  });
  world.run(away);
  world.network.deliver();
  world.settle();
  t.deepEqual([target.messages, target.bytes], [[1], []]);
  t.deepEqual(sender.news, ['ready', 'rejected overloaded', 'rejected overloaded']);
  t.is(home.runtime.deadLetters.counts().overflow, 2);
});

test('credit: a request for nothing is ignored', (t) => {
  const { world, home, away, target } = setUp(2);
  const { slot, uid } = target.ref.address;
  away.runtime.peers.get('a', 0).signal(SIGNAL_CREDIT_REQUEST, slot, uid, 0, 0, 0, BULK_CLASS);
  world.settle();
  const [peer] = home.runtime.peers.all();
  t.deepEqual([peer!.granted.size, peer!.asked.size, cellOf(home, target).creditRequests], [0, 0, null]);
});

test('credit: a grant that waited for room in the link is void, when the connection breaks first', (t) => {
  const world = new World();
  world.network.outMaxBytes = 72;
  const [home, away] = [world.shard(), world.shard({ shard: 1 })];
  world.network.connect(home.runtime, away.runtime);
  const target = new Driver(home.runtime, { mailbox: { capacity: 4, overflow: 'credit' } });
  const other = new Driver(away.runtime);
  world.settle();
  world.network.link(home.runtime, away.runtime, BULK_CLASS).isStalled = true;
  world.turn(new Driver(home.runtime), () => {
    const ref = home.runtime.refTo(other.ref.address) as Ref<unknown>;
    while (ref.tell(1));
  });
  const sender = new Driver(away.runtime);
  world.turn(sender, () => (away.runtime.refTo(target.ref.address) as Ref<unknown>).tell(1));
  t.true(cellOf(home, target).limit < 4);
  world.network.cut(home.runtime, away.runtime, { andOut: true });
  world.network.link(home.runtime, away.runtime, BULK_CLASS).isStalled = false;
  world.network.connect(home.runtime, away.runtime);
  world.settle();
  const [window] = [...away.runtime.peers.all()][0]!.windows.all();
  t.is(window?.available, 0);
  t.is(cellOf(home, target).limit, 4);
});

const sizes = fc.record({
  capacity: fc.integer({ min: 1, max: 12 }),
  locals: fc.array(fc.integer({ min: 1, max: 25 }), { maxLength: 3 }),
  remotes: fc.array(fc.integer({ min: 1, max: 25 }), { maxLength: 4 }),
  throughput: fc.integer({ min: 1, max: 4 }),
  cuts: fc.array(fc.integer({ min: 0, max: 80 }), { maxLength: 2 }),
});

testProp(
  'credit: nothing is refused for good, lost or reordered, and the bound holds, for any number of senders',
  [sizes],
  (t, { capacity, locals, remotes, throughput, cuts }) => {
    const world = new World();
    const home = world.shard({ tuning: { turnsPerRun: 1 } });
    const places = remotes.map((_, i) => world.shard({ shard: i + 1, seed: i + 2 }));
    for (const { runtime } of places) world.network.connect(home.runtime, runtime);
    const target: Driver = new Driver(home.runtime, { throughput, mailbox: { capacity, overflow: 'credit' } });
    world.settle();
    const pumps = [
      ...locals.map((total, i) => start(home, `l${i}:`, target.ref, total)),
      ...remotes.map((total, i) => start(places[i]!, `r${i}:`, places[i]!.runtime.refTo(target.ref.address) as Ref<unknown>, total)),
    ];
    const cell = cellOf(home, target);
    for (let step = 0; step < 100; step++) {
      for (const shard of world.shards) if (shard.loop.isAwake) world.run(shard);
      if (cuts.includes(step)) for (const { runtime } of places) world.network.cut(home.runtime, runtime);
      else if (cuts.includes(step - 3)) for (const { runtime } of places) world.network.connect(home.runtime, runtime);
      world.network.deliver();
      const granted = [...home.runtime.peers.all()].reduce((sum, peer) => sum + (peer.granted.get(cell) ?? 0), 0);
      t.is(cell.limit + granted, capacity);
      t.true(cell.queued <= capacity);
    }
    for (const { runtime } of places) world.network.connect(home.runtime, runtime);
    world.advance(20_000);
    t.deepEqual(
      pumps.map(({ next }) => next),
      [...locals, ...remotes],
    );
    const isWhole = cuts.length === 0;
    for (const name of [...locals.map((_, i) => `l${i}:`), ...remotes.map((_, i) => `r${i}:`)]) {
      const numbers = target.messages
        .map(String)
        .filter((m) => m.startsWith(name))
        .map((m) => Number(m.slice(name.length)));
      t.deepEqual(
        numbers,
        [...new Set(numbers)].sort((a, b) => a - b),
      );
    }
    if (isWhole)
      t.is(
        target.messages.length,
        pumps.reduce((sum, { next }) => sum + next, 0),
      );
    t.is(cell.limit, capacity);
    for (const peer of home.runtime.peers.all()) t.deepEqual([peer.granted.size, peer.asked.size], [0, 0]);
    for (const { runtime } of places) for (const peer of runtime.peers.all()) t.is(peer.windows.size, 0);
  },
);

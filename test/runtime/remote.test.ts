import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { BULK_CLASS, CONTROL, CONTROL_CLASS, type Lane } from '../../runtime/lanes.ts';
import type { AnyRef, Ref } from '../../runtime/ref.ts';
import type { RuntimeTuning } from '../../runtime/runtime-options.ts';
import { ask, Driver } from '../helpers/driver.ts';
import { type Shard, World } from '../helpers/world.ts';

interface Setup {
  readonly tuning?: RuntimeTuning;
  readonly outMaxBytes?: number;
  readonly isConnected?: boolean;
  /** Of the far place. */
  readonly node?: string;
}

/** Two threads, an actor here and one there, and the ref from here to there. */
function setUp({ tuning = {}, outMaxBytes = 1 << 20, isConnected = true, node = 'a' }: Setup = {}) {
  const world = new World();
  world.network.outMaxBytes = outMaxBytes;
  const near = world.shard();
  const far = world.shard({ node, shard: 1, boot: 5, seed: 2, tuning });
  if (isConnected) world.network.connect(near.runtime, far.runtime);
  const here = new Driver(near.runtime);
  const there = new Driver(far.runtime);
  world.settle();
  return { world, near, far, here, there, to: seen(near, there.ref), back: seen(far, here.ref) };
}

/** A ref as another thread has it. */
function seen(shard: Shard, ref: AnyRef): Ref<unknown> {
  return shard.runtime.refTo(ref.address) as Ref<unknown>;
}

/** A thread with the place of `old`, under the next boot. The old one is gone. */
function successor(world: World, old: Shard): Shard {
  const { node, shard, boot } = old.runtime;
  world.remove(old);
  return world.shard({ node, shard, boot: boot + 1, seed: boot + 100 });
}

test('remote: messages arrive in order, also around what refs and bytes they hold', (t) => {
  const { world, far, here, there, to } = setUp();
  world.turn(here, () => {
    for (let i = 0; i < 300; i++) t.true(to.tell({ type: 'n', i, self: here.ref, there: to, bytes: Buffer.from('abc') }));
  });
  t.is(there.messages.length, 300);
  const [first] = there.messages as [{ self: AnyRef; there: AnyRef; bytes: Buffer }];
  t.is(first.there, there.ref);
  t.deepEqual(first.self.address, here.ref.address);
  t.is(first.bytes.toString(), 'abc');
  t.deepEqual(
    there.messages.map((message) => (message as { i: number }).i),
    Array.from({ length: 300 }, (_, i) => i),
  );
  t.is(far.runtime.stats().framesIn, 300);
});

test('remote: a ref says whether a connection leads there now, and one of this thread always does', (t) => {
  const { world, near, far, here, to } = setUp({ isConnected: false });
  t.true(here.ref.isConnected);
  t.false(to.isConnected);
  world.network.connect(near.runtime, far.runtime);
  t.true(to.isConnected);
  world.network.cut(near.runtime, far.runtime, { classes: [CONTROL_CLASS] });
  t.true(to.isConnected, 'requests go by the other one');
  world.network.cut(near.runtime, far.runtime, { classes: [BULK_CLASS] });
  t.false(to.isConnected);
  world.network.connect(near.runtime, far.runtime);
  t.true(to.isConnected);
  const next = successor(world, far);
  world.network.connect(near.runtime, next.runtime);
  t.false(to.isConnected, 'whoever it meant is gone');
});

test('remote: one flush per run carries all that was sent in it', (t) => {
  const { world, near, far, here, to } = setUp();
  here.post(() => {
    for (let i = 0; i < 10; i++) to.tell(i);
  });
  world.run(near);
  const { flying } = world.network.link(near.runtime, far.runtime, BULK_CLASS);
  t.deepEqual(
    flying.map(({ frames }) => frames),
    [10],
  );
});

test('remote: control and bulk have a connection each', (t) => {
  const { world, near, far, here, there, to } = setUp();
  world.network.link(near.runtime, far.runtime, BULK_CLASS).isStalled = true;
  world.turn(here, () => {
    to.tell('bulk');
    to.tell('control', { lane: CONTROL });
  });
  t.deepEqual(there.messages, ['control']);
});

test('remote: an ask is answered, and its answer finds it', (t) => {
  const { world, near, there, to } = setUp();
  const asked = ask(near.runtime, to, (replyTo) => ({ replyTo }));
  world.settle();
  const [{ replyTo }] = there.messages as [{ replyTo: Ref<unknown> }];
  t.true(replyTo.tell('first'));
  t.true(replyTo.tell('second'));
  world.settle();
  t.deepEqual(asked.outcomes, ['first']);
  t.is(near.runtime.deadLetters.counts().lateReply, 1);
});

test('remote: an ask fails at once, when there is no such actor, its mailbox is full, or it fails', (t) => {
  const { world, near, far, to } = setUp();
  const full = new Driver(far.runtime, { mailbox: { capacity: 1 } });
  const drops = new Driver(far.runtime, { mailbox: { capacity: 1, overflow: 'dropNewest' } });
  const gone = new Driver(far.runtime);
  far.runtime.stop(gone.ref);
  for (const { ref } of [full, drops]) ref.tell('fills it');
  const asked = [full, drops, gone].map(({ ref }) => ask(near.runtime, seen(near, ref), () => 1));
  // Before the full ones have had a turn.
  world.run(near);
  world.network.deliver();
  world.settle();
  t.deepEqual(
    asked.map(({ outcomes }) => outcomes),
    [['OVERLOADED'], ['OVERLOADED'], ['NO_SUCH_ACTOR']],
  );
  const failing = new Driver(far.runtime, {
    receive: () => {
      throw new Error('boom');
    },
  });
  const failed = ask(near.runtime, seen(near, failing.ref), () => 1);
  world.settle();
  t.deepEqual(failed.outcomes, ['ACTOR_FAILED']);
  t.true(to.toString().startsWith('a/1#'));
});

test('remote: a sending actor is told what was refused on arrival', (t) => {
  const { world, near, far, here } = setUp();
  const full = new Driver(far.runtime, { mailbox: { capacity: 1 } });
  const gone = new Driver(far.runtime);
  far.runtime.stop(gone.ref);
  world.turn(here, () => {
    const ref = seen(near, full.ref);
    for (let i = 0; i < 3; i++) t.true(ref.tell(i));
    t.true(seen(near, gone.ref).tell(1));
    t.true(seen(near, gone.ref).tellBytes(1, Buffer.alloc(1), 0, 1));
  });
  t.deepEqual(here.news, ['rejected overloaded', 'rejected overloaded', 'rejected noSuchActor', 'rejected noSuchActor']);
  t.deepEqual(here.signals[0]?.ref.address, full.ref.address);
  t.deepEqual([far.runtime.deadLetters.counts().overflow, far.runtime.deadLetters.counts().noSuchActor], [2, 2]);
});

test('remote: of what a policy of dropping drops no actor is told', (t) => {
  const { world, near, far, here } = setUp();
  const drops = new Driver(far.runtime, { mailbox: { capacity: 1, overflow: 'dropOldest' } });
  world.turn(here, () => {
    for (let i = 0; i < 5; i++) seen(near, drops.ref).tellBytes(i, Buffer.alloc(1), 0, 1);
  });
  t.deepEqual([drops.bytes.map(({ operation }) => operation), here.news], [[4], []]);
});

test('remote: the deadline travels with the message', (t) => {
  const { world, near, far, to, there } = setUp();
  to.tell('late', { timeoutMs: 10 });
  to.tell('in time', { timeoutMs: 100 });
  world.run(near);
  world.clock.ms = 5;
  world.network.deliver();
  world.clock.ms = 15;
  world.settle();
  t.deepEqual(there.messages, ['in time']);
  t.is(far.runtime.deadLetters.counts().expired, 1);
});

test('remote: an actor that finds the link full waits, and is told once per ref when there is room', (t) => {
  const { world, near, far, here, there, to } = setUp({ outMaxBytes: 120 });
  const other = seen(near, new Driver(far.runtime).ref);
  const link = world.network.link(near.runtime, far.runtime, BULK_CLASS);
  link.isStalled = true;
  world.turn(here, () => {
    while (to.tell('x'));
    t.false(to.tell('x'));
    t.false(other.tell('x'));
  });
  t.deepEqual(here.news, []);
  link.isStalled = false;
  link.flush();
  world.settle();
  t.deepEqual(here.news, ['ready', 'ready']);
  t.deepEqual(new Set(here.signals.map(({ ref }) => ref)), new Set([to, other]));
  t.true(there.messages.length > 0);
});

test('remote: whoever is no actor is told that the link is full', (t) => {
  const { world, near, far, to } = setUp({ outMaxBytes: 120 });
  world.network.link(near.runtime, far.runtime, BULK_CLASS).isStalled = true;
  while (to.tell('x'));
  t.deepEqual(ask(near.runtime, to, () => 1).outcomes, ['OVERLOADED']);
});

test('bug: an actor that ended stayed on the list of those that wait for a link', (t) => {
  const { world, near, far, here, to } = setUp({ outMaxBytes: 120 });
  const link = world.network.link(near.runtime, far.runtime, BULK_CLASS);
  link.isStalled = true;
  world.turn(here, () => {
    while (to.tell('x'));
  });
  const [peer] = near.runtime.peers.all();
  t.false(peer!.waiters[BULK_CLASS]!.isEmpty);
  near.runtime.stop(here.ref);
  t.true(peer!.waiters[BULK_CLASS]!.isEmpty);
});

test('bug: a message that no link can ever take was said to be only waiting for room', (t) => {
  const { world, near, here, to } = setUp({ outMaxBytes: 200 });
  const large = 'x'.repeat(300);
  world.turn(here, () => {
    t.throws(() => to.tell(large), { code: 'NOT_ENCODABLE', message: /200 bytes/ });
    t.throws(() => to.tellBytes(1, Buffer.alloc(300), 0, 300), { code: 'NOT_ENCODABLE' });
  });
  t.deepEqual(ask(near.runtime, to, () => large).outcomes, ['NOT_ENCODABLE']);
});

test('remote: what cannot be sent is refused, and the link is as before', (t) => {
  const { world, near, far, here, there, to } = setUp();
  world.turn(here, () => {
    to.tell(1);
    t.throws(() => to.tell({ f: () => {} }), { code: 'NOT_ENCODABLE' });
    to.tell(2);
  });
  t.deepEqual(there.messages, [1, 2]);
  t.deepEqual(ask(near.runtime, to, () => Symbol('s')).outcomes, ['NOT_ENCODABLE']);
  t.is(far.runtime.deadLetters.counts().undecodable, 0);
});

test('remote: nobody is reached without a transport, and nothing throws', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  runtime.peers.transport = null;
  const here = new Driver(runtime);
  const nowhere = runtime.refTo({ node: 'b', shard: 0, boot: 1, slot: 20, uid: 1 }) as Ref<unknown>;
  world.turn(here, (context) => {
    t.false(nowhere.tell(1));
    t.false(nowhere.tellBytes(1, Buffer.alloc(1), 0, 1));
    context.watch(nowhere);
    context.unwatch(nowhere);
  });
  t.deepEqual(here.news, ['rejected unreachable', 'rejected unreachable']);
  world.turn(here, (context) => context.watch(nowhere));
  t.is(here.news.at(-1), 'terminated unreachable');
  t.deepEqual(ask(runtime, nowhere, () => 1).outcomes, ['UNREACHABLE']);
});

// Watching.

test('remote watch: tells once of the end, and leaves no trace at either end', (t) => {
  const { world, near, far, here, there, to } = setUp();
  world.turn(here, (context) => {
    context.watch(to);
    context.watch(seen(near, there.ref));
  });
  const [[here1], [there1]] = [[...near.runtime.peers.all()], [...far.runtime.peers.all()]];
  t.deepEqual([here1!.watching.size, there1!.watched.size], [1, 1]);
  far.runtime.stop(there.ref);
  world.settle();
  t.deepEqual(here.signals, [{ type: 'terminated', ref: to, reason: 'stopped' }]);
  t.deepEqual([here1!.watching.size, there1!.watched.size], [0, 0]);
});

test('remote watch: tells why, when the actor failed or never was', (t) => {
  const { world, near, far, here } = setUp({ tuning: { supervision: { decide: () => 'stop' } } });
  const failing = new Driver(far.runtime);
  const gone = new Driver(far.runtime);
  far.runtime.stop(gone.ref);
  world.turn(here, (context) => {
    context.watch(seen(near, failing.ref));
    context.watch(seen(near, gone.ref));
  });
  world.turn(failing, () => {
    throw new Error('boom');
  });
  t.deepEqual(here.news, ['terminated noSuchActor', 'terminated failed']);
});

test('bug: a watcher that ended, or gave up, was remembered at both ends for ever', (t) => {
  const { world, near, far, here, there, to } = setUp();
  const other = new Driver(near.runtime);
  for (const watcher of [here, other]) world.turn(watcher, (context) => context.watch(to));
  world.turn(here, (context) => context.unwatch(to));
  near.runtime.stop(other.ref);
  world.settle();
  const [[here1], [there1]] = [[...near.runtime.peers.all()], [...far.runtime.peers.all()]];
  t.deepEqual([here1!.watching.size, there1!.watched.size], [0, 0]);
  far.runtime.stop(there.ref);
  world.settle();
  t.deepEqual(here.news, []);
});

test('remote watch: a well-known actor is watched by an address without a boot', (t) => {
  const { world, near, far, here } = setUp();
  const known = far.runtime.spawnWellKnown(3, {
    kind: 'dynactor:actor',
    name: 'known',
    create: () => ({ receive: () => {} }),
    defaults: {},
  });
  const ref = near.runtime.wellKnown(3, far.runtime.place);
  world.turn(here, (context) => context.watch(ref));
  far.runtime.stop(known);
  world.settle();
  t.deepEqual(here.signals, [{ type: 'terminated', ref, reason: 'stopped' }]);
});

test('remote watch: is sent again, when the connection was lost with it', (t) => {
  const { world, near, far, here, there, to } = setUp({ isConnected: false });
  world.turn(here, (context) => context.watch(to));
  world.network.cut(near.runtime, far.runtime, { andOut: true });
  world.network.connect(near.runtime, far.runtime);
  world.settle();
  far.runtime.stop(there.ref);
  world.settle();
  t.deepEqual(here.news, ['terminated stopped']);
});

test('remote watch: news that a connection lost is told when it is back', (t) => {
  const { world, near, far, here, there, to } = setUp();
  world.turn(here, (context) => context.watch(to));
  far.runtime.stop(there.ref);
  world.run(far);
  world.network.cut(near.runtime, far.runtime);
  world.settle();
  t.deepEqual(here.news, []);
  world.network.connect(near.runtime, far.runtime);
  world.settle();
  t.deepEqual(here.news, ['terminated noSuchActor']);
});

test('bug: news that found the control link full was never told', (t) => {
  const { world, near, far, here, there, to } = setUp({ outMaxBytes: 80 });
  world.turn(here, (context) => context.watch(to));
  const link = world.network.link(far.runtime, near.runtime, CONTROL_CLASS);
  link.isStalled = true;
  world.turn(there, () => {
    while (seen(far, here.ref).tell(1, { lane: CONTROL }));
  });
  far.runtime.stop(there.ref);
  world.settle();
  t.deepEqual(here.news, []);
  link.isStalled = false;
  link.flush();
  world.settle();
  t.deepEqual(here.news, ['terminated stopped']);
});

test('bug: of many watches only as many as fit into the link were ever sent', (t) => {
  const { world, near, far, here } = setUp({ outMaxBytes: 80 });
  const targets = Array.from({ length: 50 }, () => new Driver(far.runtime));
  const link = world.network.link(near.runtime, far.runtime, CONTROL_CLASS);
  world.settle();
  world.network.cut(near.runtime, far.runtime);
  world.turn(here, (context) => {
    for (const { ref } of targets) context.watch(seen(near, ref));
  });
  world.network.connect(near.runtime, far.runtime);
  for (let i = 0; i < 100; i++) {
    link.flush();
    world.settle();
  }
  for (const { ref } of targets) far.runtime.stop(ref);
  for (let i = 0; i < 100; i++) {
    world.network.link(far.runtime, near.runtime, CONTROL_CLASS).flush();
    world.settle();
  }
  t.is(here.news.length, 50);
});

test('remote watch: all there have ended, when the thread dies', (t) => {
  const { world, near, far, here, to } = setUp();
  world.turn(here, (context) => context.watch(to));
  near.runtime.receiver.onPlaceDown(far.runtime.place, far.runtime.boot, 'shardDown');
  near.runtime.receiver.onPlaceDown(far.runtime.place, far.runtime.boot, 'shardDown');
  world.settle();
  t.deepEqual(here.news, ['terminated shardDown']);
});

test('remote watch: a watcher whose thread died is forgotten, and one of its next start is not', (t) => {
  const { world, near, far, here, back, there } = setUp();
  world.turn(there, (context) => context.watch(back));
  const [peer] = near.runtime.peers.all();
  t.is(peer!.watched.size, 1);
  near.runtime.receiver.onPlaceDown(far.runtime.place, far.runtime.boot, 'shardDown');
  t.is(peer!.watched.size, 0);
  const next = successor(world, far);
  world.network.connect(near.runtime, next.runtime);
  const watcher = new Driver(next.runtime);
  world.settle();
  world.turn(watcher, (context) => context.watch(seen(next, here.ref)));
  near.runtime.receiver.onPlaceDown(far.runtime.place, far.runtime.boot, 'shardDown');
  near.runtime.stop(here.ref);
  world.settle();
  t.deepEqual(watcher.news, ['terminated stopped']);
});

test('remote watch: refs of an ended boot mean nobody, without asking', (t) => {
  const { world, near, far, here, to } = setUp();
  near.runtime.receiver.onPlaceDown(far.runtime.place, far.runtime.boot, 'shardDown');
  world.turn(here, (context) => {
    context.watch(to);
    t.false(to.tell(1));
    t.false(to.tellBytes(1, Buffer.alloc(1), 0, 1));
  });
  t.deepEqual(here.news, ['terminated shardDown', 'rejected unreachable', 'rejected unreachable']);
});

test('remote watch: a place out of reach is told as unreachable, also to who asks later', (t) => {
  const { world, near, far, here, to } = setUp();
  const late = new Driver(near.runtime);
  world.turn(here, (context) => context.watch(to));
  world.network.cut(near.runtime, far.runtime);
  near.runtime.receiver.onPlaceDown(far.runtime.place, far.runtime.boot, 'unreachable');
  world.settle();
  t.deepEqual(here.news, ['terminated unreachable']);
  world.turn(late, (context) => context.watch(to));
  // The transport has tried to connect, and gives up what was waiting.
  const link = world.network.link(near.runtime, far.runtime, CONTROL_CLASS);
  near.runtime.receiver.onLinkDown(link, 'not connected', link.lose(true));
  world.settle();
  t.deepEqual(late.news, ['terminated unreachable']);
});

test('remote watch: a place that is back in reach is not told as unreachable, when its connection then breaks', (t) => {
  const { world, near, far, here, to } = setUp();
  world.network.cut(near.runtime, far.runtime);
  near.runtime.receiver.onPlaceDown(far.runtime.place, far.runtime.boot, 'unreachable');
  world.network.connect(near.runtime, far.runtime);
  world.turn(here, (context) => context.watch(to));
  world.network.cut(near.runtime, far.runtime);
  world.settle();
  t.deepEqual(here.news, []);
});

test('remote watch: a watcher that is only out of reach is still told, when it is back', (t) => {
  const { world, near, far, here, there, back } = setUp();
  world.turn(there, (context) => context.watch(back));
  near.runtime.receiver.onPlaceDown(far.runtime.place, far.runtime.boot, 'unreachable');
  near.runtime.stop(here.ref);
  world.settle();
  t.deepEqual(there.news, ['terminated stopped']);
});

test('remote watch: a ref of a later start than the one that answers is not said to be nobody by it', (t) => {
  const { world, near, far, here, there } = setUp();
  const future = near.runtime.refTo({ ...there.ref.address, boot: 6, uid: 77 });
  world.turn(here, (context) => context.watch(future));
  t.deepEqual(here.news, []);
  const next = successor(world, far);
  world.network.cut(near.runtime, next.runtime);
  world.network.connect(near.runtime, next.runtime);
  world.settle();
  t.deepEqual(here.news, ['terminated noSuchActor']);
});

// Places that come and go.

test('boot: actors of the start before have ended, when a higher boot connects', (t) => {
  const { world, near, far, here, there, to } = setUp();
  world.turn(here, (context) => context.watch(to));
  const asked = ask(near.runtime, to, () => 1, 10_000);
  world.settle();
  const next = successor(world, far);
  world.network.cut(near.runtime, next.runtime, { andOut: true });
  world.network.connect(near.runtime, next.runtime);
  const twin = new Driver(next.runtime);
  world.settle();
  t.deepEqual(here.news, ['terminated shardDown']);
  t.deepEqual(asked.outcomes, ['UNREACHABLE']);
  t.is(twin.ref.address.slot, there.ref.address.slot);
  t.false(to.tell(1));
  t.deepEqual(twin.messages, []);
});

test('boot: an ask made before the first connection is kept for it', (t) => {
  const { world, near, far, there, to } = setUp({ isConnected: false });
  const asked = ask(near.runtime, to, (replyTo) => ({ replyTo }));
  world.settle();
  world.network.connect(near.runtime, far.runtime);
  world.settle();
  (there.messages[0] as { replyTo: Ref<unknown> }).replyTo.tell('answer');
  world.settle();
  t.deepEqual(asked.outcomes, ['answer']);
});

test('bug: an ask to a thread that was being started again failed, when that thread then connected', (t) => {
  const { world, near, far } = setUp();
  world.network.cut(near.runtime, far.runtime, { andOut: true });
  near.runtime.receiver.onPlaceDown(far.runtime.place, far.runtime.boot, 'shardDown');
  const next = successor(world, far);
  const service = { kind: 'dynactor:actor', name: 'service', defaults: {} } as const;
  next.runtime.spawnWellKnown(3, { ...service, create: () => ({ receive: (m: { replyTo: Ref<string> }) => void m.replyTo.tell('here') }) });
  const asked = ask(near.runtime, near.runtime.wellKnown(3, next.runtime.place), (replyTo) => ({ replyTo }));
  world.network.connect(near.runtime, next.runtime);
  world.settle();
  t.deepEqual(asked.outcomes, ['here']);
});

test('boot: asks fail with UNREACHABLE, when the place goes down', (t) => {
  const { world, near, far, to } = setUp();
  const asked = ask(near.runtime, to, () => 1);
  const local = ask(near.runtime, new Driver(near.runtime).ref, () => 1);
  world.settle();
  near.runtime.receiver.onPlaceDown(far.runtime.place, far.runtime.boot, 'unreachable');
  t.deepEqual([asked.outcomes, local.outcomes], [['UNREACHABLE'], []]);
});

test('boot: a lower one does not bring back what has ended', (t) => {
  const { near, far, world, to } = setUp();
  const link = world.network.link(near.runtime, far.runtime, CONTROL_CLASS);
  link.peerBoot = 6;
  near.runtime.receiver.onLinkUp(link);
  link.peerBoot = 5;
  near.runtime.receiver.onLinkUp(link);
  t.false(to.tell(1));
});

test('boot: refs of boots that were never met mean nobody, when a later one connects', (t) => {
  const { world, near, here, there } = setUp({ isConnected: false });
  const past = near.runtime.refTo({ ...there.ref.address, boot: 4 }) as Ref<unknown>;
  world.turn(here, (context) => context.watch(past));
  t.deepEqual(here.news, []);
  const far = world.shards[1]!;
  world.network.connect(near.runtime, far.runtime);
  world.settle();
  t.deepEqual(here.news, ['terminated shardDown']);
  t.false(past.tell(1));
});

test('link: who waits for room is told to try again, when the connection breaks', (t) => {
  const { world, near, far, here, to } = setUp({ outMaxBytes: 120 });
  world.network.link(near.runtime, far.runtime, BULK_CLASS).isStalled = true;
  world.turn(here, () => {
    while (to.tell('x'));
  });
  world.network.cut(near.runtime, far.runtime, { andOut: true });
  world.settle();
  t.deepEqual(here.news, ['ready']);
});

test('link: frames that were lost are counted', (t) => {
  const { world, near, far, here, to } = setUp();
  here.post(() => {
    for (let i = 0; i < 3; i++) to.tell(i);
  });
  world.run(near);
  world.network.cut(near.runtime, far.runtime);
  t.is(near.runtime.deadLetters.counts().link, 3);
});

// Stopping.

test('remote stop: a thread stops an actor of another thread of its node', (t) => {
  const { world, near, far, there, to } = setUp();
  const drained = new Driver(far.runtime);
  world.settle();
  near.runtime.stop(to);
  const ref = seen(near, drained.ref);
  ref.tell(1);
  world.settle();
  near.runtime.stop(ref, { drain: true });
  world.settle();
  t.deepEqual([there.stops, drained.stops, drained.messages], [['stopped'], ['stopped'], [1]]);
});

test('remote stop: a node does not stop an actor of another node', (t) => {
  const { near, to, far, there, world } = setUp({ node: 'b' });
  t.throws(() => near.runtime.stop(to), { code: 'INVALID_ARGUMENT' });
  const { slot, uid } = there.ref.address;
  [...near.runtime.peers.all()][0]!.signal(4, slot, uid, 0, 0, 0, CONTROL_CLASS);
  world.run(near);
  t.throws(() => world.network.deliver(), { code: 'PROTOCOL' });
  t.deepEqual([there.stops, far.runtime.actors.count], [[], 1]);
});

// Backpressure.

test('congestion: bulk is not read above the limit, control is, and bulk goes on at half of it', (t) => {
  const { world, near, far, to, there } = setUp({ tuning: { backlogMax: 10 } });
  for (let i = 0; i < 5; i++) {
    for (let k = 0; k < 4; k++) to.tell(i);
    world.run(near);
  }
  const link = world.network.link(near.runtime, far.runtime, BULK_CLASS);
  t.true(world.network.deliver());
  t.is(far.runtime.backlog, 12);
  t.is(link.flying.length, 2);
  to.tell('control', { lane: CONTROL });
  world.run(near);
  world.network.deliver();
  t.is(far.runtime.backlog, 13);
  const transport = far.runtime.peers.transport as unknown as { resumes: number };
  world.run(far);
  t.is(transport.resumes, 1);
  world.settle();
  t.is(there.messages.length, 21);
});

test('congestion: few messages are too many, when they are large', (t) => {
  const { world, near, far, to } = setUp({ tuning: { backlogBytesMax: 10_000 } });
  for (let i = 0; i < 3; i++) {
    to.tell('x'.repeat(4000));
    to.tellBytes(1, Buffer.alloc(2000), 0, 2000);
    world.run(near);
  }
  world.network.deliver();
  t.true(far.runtime.receiver.congested);
  t.is(world.network.link(near.runtime, far.runtime, BULK_CLASS).flying.length, 1);
  world.settle();
  t.is(far.runtime.backlogBytes, 0);
  t.false(far.runtime.receiver.congested);
});

test('congestion: what is held is counted right, when messages are dropped, expire or end with their actor', (t) => {
  const { world, near, far, there } = setUp();
  const drops = new Driver(far.runtime, { mailbox: { capacity: 1, overflow: 'dropOldest' } });
  const large = 'x'.repeat(3000);
  const refs = [there, drops].map(({ ref }) => seen(near, ref));
  for (const ref of refs) {
    for (let i = 0; i < 3; i++) ref.tell(large, { timeoutMs: 50 });
    ref.tellBytes(1, Buffer.from(large), 0, 3000);
  }
  world.run(near);
  world.network.deliver();
  t.true(far.runtime.backlogBytes > 5 * 3000);
  far.runtime.stop(drops.ref);
  world.clock.ms = 100;
  world.settle();
  t.is(far.runtime.backlogBytes, 0);
  t.is(far.runtime.backlog, 0);
});

test('bug: carriers waited for ever, when the actor that held them up ended outside of a run', (t) => {
  const { world, near, far, there, to } = setUp({ tuning: { backlogMax: 4, supervision: { backoff: { minMs: 1000 } } } });
  world.turn(there, () => {
    throw new Error('it waits to be started again');
  });
  for (let i = 0; i < 6; i++) to.tell(i);
  world.settle();
  t.true(far.runtime.receiver.congested);
  to.tell('held back');
  world.settle();
  t.is(world.network.link(near.runtime, far.runtime, BULK_CLASS).flying.length, 1);
  far.runtime.stop(there.ref);
  world.settle();
  t.is(world.network.link(near.runtime, far.runtime, BULK_CLASS).flying.length, 0);
});

// Frames that break the protocol.

test('frames: a message in the lane of the system breaks the protocol', (t) => {
  const { world, near, far, to, there } = setUp();
  for (const send of [() => to.tell({ type: 'terminated' }), () => to.tellBytes(1, Buffer.alloc(1), 0, 1)]) {
    send();
    world.run(near);
    const { bytes } = world.network.link(near.runtime, far.runtime, BULK_CLASS).flying[0]!;
    bytes[8] = 0;
    t.throws(() => world.network.deliver(), { code: 'PROTOCOL', message: /lane 0/ });
  }
  world.settle();
  t.deepEqual([there.news, there.messages, far.runtime.backlog], [[], [], 0]);
});

test('frames: a signal that is unknown, or carries anything, breaks the protocol', (t) => {
  for (const [at, value] of [
    [10, 99],
    [10, 0],
    [35, 0xf5],
    [7, 9],
  ] as const) {
    const { world, near, far, there } = setUp();
    const peer = near.runtime.peers.get('a', 1);
    peer.signal(1, there.ref.address.slot, there.ref.address.uid, 20, 1, 0, CONTROL_CLASS);
    world.run(near);
    const { bytes } = world.network.link(near.runtime, far.runtime, CONTROL_CLASS).flying[0]!;
    bytes[at] = value;
    t.throws(() => world.network.deliver(), { code: 'PROTOCOL' });
  }
});

test('frames: those before the one that breaks the protocol were delivered', (t) => {
  const { world, near, far, to, there } = setUp({ node: 'b' });
  for (const i of [1, 2, 3]) to.tell(i);
  world.run(near);
  const { bytes } = world.network.link(near.runtime, far.runtime, BULK_CLASS).flying[0]!;
  bytes[2 * (bytes.length / 3) + 35] = 0xff;
  t.throws(() => world.network.deliver(), { code: 'PROTOCOL' });
  world.settle();
  t.deepEqual(there.messages, [1, 2]);
  t.is(far.runtime.deadLetters.counts().undecodable, 1);
});

test("frames: an ask's slot is not an actor's, whatever the numbers", (t) => {
  const { world, near, there } = setUp();
  const { slot, uid } = there.ref.address;
  const forged = near.runtime.refTo({ ...there.ref.address, slot: (0x8000_0000 | slot) >>> 0, uid });
  (forged as Ref<unknown>).tellBytes(1, Buffer.alloc(1), 0, 1);
  (forged as Ref<unknown>).tell(1);
  world.settle();
  t.deepEqual([there.bytes, there.messages], [[], []]);
});

test('refs: places that peers name do not grow without bound', (t) => {
  const world = new World();
  const { runtime } = world.shard();
  for (let i = 0; i < 70_000; i++) runtime.refTo({ node: `n${i}`, shard: 0, boot: 1, slot: 20, uid: 1 });
  t.true([...runtime.peers.all()].length <= 65_536);
  const stranger = runtime.refTo({ node: 'stranger', shard: 0, boot: 1, slot: 20, uid: 1 }) as Ref<unknown>;
  t.false(stranger.tell(1));
  t.is(stranger.address.node, 'stranger');
});

const event = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('tell' as const),
      lane: fc.integer({ min: 1, max: 4 }),
      count: fc.integer({ min: 1, max: 5 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), andOut: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('connect' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('watch' as const), target: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unwatch' as const), target: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('stop' as const), target: fc.nat(4) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('run' as const), near: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('deliver' as const) }) },
);

testProp(
  'remote: order holds, nothing comes twice, and each watch has exactly one news, for any loss of connections',
  [fc.array(event, { minLength: 1, maxLength: 60 })],
  (t, events) => {
    const { world, near, far, here, there, to } = setUp({ outMaxBytes: 400 });
    const targets = Array.from({ length: 5 }, () => new Driver(far.runtime));
    world.settle();
    const watched = new Set<number>();
    let isUp = true;
    let next = 0;
    const connect = (): void => {
      if (!isUp) world.network.connect(near.runtime, far.runtime);
      isUp = true;
    };
    for (const e of events) {
      if (e.kind === 'tell') {
        const first = next;
        next += e.count;
        here.post(() => {
          for (let i = first; i < first + e.count; i++) to.tell([e.lane, i], { lane: e.lane as Lane });
        });
      } else if (e.kind === 'cut' && isUp) {
        world.network.cut(near.runtime, far.runtime, e);
        isUp = false;
      } else if (e.kind === 'connect') {
        connect();
      } else if (e.kind === 'watch') {
        watched.add(e.target);
        here.post((context) => context.watch(seen(near, targets[e.target]!.ref)));
      } else if (e.kind === 'unwatch') {
        watched.delete(e.target);
        here.post((context) => context.unwatch(seen(near, targets[e.target]!.ref)));
      } else if (e.kind === 'stop') {
        far.runtime.stop(targets[e.target]!.ref);
      } else if (e.kind === 'run') {
        world.run(e.near ? near : far);
      } else {
        world.network.deliver();
      }
    }
    const newsBefore = (target: number): number =>
      here.signals.filter(({ ref }) => ref.address.uid === targets[target]!.ref.address.uid).length;
    connect();
    world.advance(10);
    const open = [...watched].filter((target) => newsBefore(target) === 0);
    for (const { ref } of targets) far.runtime.stop(ref);
    world.advance(10);
    for (const target of open) t.is(newsBefore(target), 1);
    const [[here1], [there1]] = [[...near.runtime.peers.all()], [...far.runtime.peers.all()]];
    t.deepEqual([here1?.watching.size ?? 0, there1?.watched.size ?? 0], [0, 0]);
    for (const lane of [1, 2, 3, 4]) {
      const numbers = (there.messages as [number, number][]).filter(([l]) => l === lane).map(([, i]) => i);
      t.deepEqual(
        numbers,
        [...new Set(numbers)].sort((a, b) => a - b),
      );
    }
  },
);

test('mutant: the planted bug `reorder` reorders', (t) => {
  const world = new World();
  const near = world.shard();
  const far = world.shard({ shard: 1, mutants: ['reorder'] });
  world.network.connect(near.runtime, far.runtime);
  const there = new Driver(far.runtime);
  world.settle();
  for (const i of [1, 2, 3, 4]) seen(near, there.ref).tell(i);
  world.settle();
  t.deepEqual(there.messages, [1, 2, 4, 3]);
});

test('mutant: the planted bug `lostWakeUp` forgets the last message of a turn', (t) => {
  const world = new World();
  const { runtime } = world.shard({ mutants: ['lostWakeUp'] });
  const actor = new Driver(runtime, { throughput: 2 });
  for (const i of [1, 2, 3]) actor.ref.tell(i);
  world.settle();
  t.deepEqual(actor.messages, [1, 2]);
});

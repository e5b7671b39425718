import test from 'ava';
import { KIND_TELL } from '../../../runtime/wire/frame.ts';
import { helloTo, RawPeer, smallFrame } from './raw-peer.ts';
import { FakeWorld, putFrame, TestNode } from './rig.ts';
import { pair, range } from './transport-scenarios.ts';

test('reception: silent connections are bounded in number and time, and honest peers still get in', async (t) => {
  const world = new FakeWorld(t);
  const [a, b] = await pair(world);
  const silent: RawPeer[] = [];
  for (let i = 0; i < 200; i++) silent.push(await RawPeer.dial(world, b));
  world.clock.runFor(10);
  t.is(silent.filter((peer) => peer.closed === null).length, 64);
  a.send(b, [1]);
  world.clock.runFor(100);
  t.deepEqual(b.received(a), [1]);
  world.clock.runFor(5000);
  t.is(silent.filter((peer) => peer.closed === null).length, 0);
});

test('reception: a peer that dribbles its HELLO is closed at the deadline', async (t) => {
  const world = new FakeWorld(t);
  const b = await TestNode.start(world, { node: 'b' });
  const peer = await RawPeer.dial(world, b);
  for (const byte of helloTo(b).subarray(0, 40)) {
    peer.send(Buffer.of(byte));
    world.clock.runFor(200);
  }
  t.not(peer.closed, null);
  t.deepEqual(b.reasons('wire.incomingClosed'), ['no handshake within 5000 ms']);
});

test('reception: frames right behind HELLO are refused', async (t) => {
  const world = new FakeWorld(t);
  const b = await TestNode.start(world, { node: 'b' });
  const peer = await RawPeer.dial(world, b);
  peer.send(Buffer.concat([helloTo(b), smallFrame(KIND_TELL)]));
  await world.until(() => peer.closed !== null, 'close');
  t.is(peer.refusal(), 'SHAPE');
  t.deepEqual(b.events.ups, []);
});

test('reception: a peer that is refused and stays is closed', async (t) => {
  const world = new FakeWorld(t);
  const b = await TestNode.start(world, { node: 'b' });
  const peer = await RawPeer.dial(world, b);
  peer.stream.pause();
  peer.send(helloTo(b, { cluster: 'other' }));
  world.clock.runFor(3000);
  const [streams] = world.net.pairs;
  t.true(streams?.[1].closed);
  await b.close(world);
  t.false(world.clock.step(Number.MAX_SAFE_INTEGER));
});

test('reception: a flood of garbage makes few log lines', async (t) => {
  const world = new FakeWorld(t);
  const b = await TestNode.start(world, { node: 'b' });
  for (let i = 0; i < 1000; i++) {
    const peer = await RawPeer.dial(world, b);
    peer.send(Buffer.from('garbage, again and again'));
    world.clock.runFor(10);
  }
  const { lines } = b.log;
  t.true(world.clock.now > 10_000);
  t.true(lines.length >= 20 && lines.length <= 40, `${lines.length}`);
  t.true(lines.some(({ fields }) => Number(fields.linesLeftOut) > 100));
});

test('place directory: idle strangers are forgotten for new ones, and come back as before', async (t) => {
  const world = new FakeWorld(t);
  const b = await TestNode.start(world, { node: 'b', limits: { placesMax: 3 } });
  const known = await TestNode.start(world, { node: 'known' });
  b.knows(known);
  b.send(known, [1]);
  const held = b.link({ node: 'raw0', shard: 0 });
  for (let i = 0; i < 20; i++) {
    const peer = await RawPeer.greet(world, b, { node: `raw${i}` });
    t.is(peer.refusal(), '', `raw${i}`);
    peer.stream.destroy('gone');
    world.clock.runFor(11_000);
  }
  t.is(b.events.placesDown.length, 20);
  t.not(b.link({ node: 'raw0', shard: 0 }), held);
  putFrame(held, 1, 1);
  held.flush();
  world.clock.runFor(10);
  t.like(b.events.downs.at(-1), { link: 'raw0/0:1', lostFrames: 1 });
});

test('place directory: a stranger is refused, when none of the known places is idle', async (t) => {
  const world = new FakeWorld(t);
  const b = await TestNode.start(world, { node: 'b', limits: { placesMax: 3 } });
  for (const i of range(0, 3)) t.is((await RawPeer.greet(world, b, { node: `raw${i}` })).refusal(), '');
  t.is((await RawPeer.greet(world, b, { node: 'raw3' })).refusal(), 'FULL');
  const known = await TestNode.start(world, { node: 'known' });
  b.knows(known);
  known.knows(b);
  known.send(b, [1]);
  world.clock.runFor(100);
  t.deepEqual(b.received(known), [1]);
});

test('transport close: what a peer does not read is given up at the deadline, and done is said once', async (t) => {
  const world = new FakeWorld(t);
  const b = await TestNode.start(world, { node: 'b' });
  const peer = await RawPeer.greet(world, b, { laneClass: 1 });
  peer.stream.pause();
  b.send({ node: 'raw', shard: 0 }, range(0, 100), 1, 10_000);
  let done = 0;
  const startedAt = world.clock.now;
  b.transport.close(() => done++);
  await world.until(() => done > 0, 'the end');
  t.is(world.clock.now - startedAt, 2000);
  world.clock.runFor(10_000);
  t.is(done, 1);
});

test('transport close: leaves no timer behind, and later frames are counted as lost', async (t) => {
  const world = new FakeWorld(t);
  const [a, b] = await pair(world);
  a.send(b, [1]);
  a.send({ node: 'nowhere', shard: 0 }, [1]);
  world.clock.runFor(100);
  await a.close(world);
  await b.close(world);
  t.deepEqual(a.events.downs.map(({ link, reason, lostFrames }) => `${link} ${reason} ${lostFrames}`).sort(), [
    'b/0:0 transport closed 0',
    'b/0:1 transport closed 0',
    'nowhere/0:1 transport closed 1',
  ]);
  a.send(b, [2, 3]);
  world.clock.runFor(1);
  t.like(a.events.downs.at(-1), { link: 'b/0:1', reason: 'transport closed', lostFrames: 2 });
  t.false(world.clock.step(Number.MAX_SAFE_INTEGER));
});

test('transport close: with nothing open is done at once', async (t) => {
  const world = new FakeWorld(t);
  const a = await TestNode.start(world, { node: 'a', listens: false });
  const before = world.clock.now;
  await a.close(world);
  t.is(world.clock.now, before);
});

test('transport: arguments of the wrong form are refused', async (t) => {
  const world = new FakeWorld(t);
  for (const options of [{ node: 'a/b' }, { node: 'a', shard: 999 }, { node: 'a', boot: 0 }, { node: 'a', boot: 1.5 }]) {
    t.throws(() => new TestNode(world, options), { code: 'INVALID_ARGUMENT' });
  }
  const a = await TestNode.start(world, { node: 'a' });
  t.throws(() => a.transport.introduce({ node: 'b', host: 'h', ports: [70_000] }), { code: 'INVALID_ARGUMENT' });
  t.notThrows(() => a.transport.introduce({ node: 'a', host: 'h', ports: [1] }));
});

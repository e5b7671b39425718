import test from 'ava';
import { RECEPTIONIST_SLOT } from '../../../runtime/address.ts';
import { BULK_CLASS, CONTROL_CLASS } from '../../../runtime/lanes.ts';
import { KIND_GOODBYE, KIND_TELL } from '../../../runtime/wire/frame.ts';
import { encodeWelcome } from '../../../runtime/wire/handshake.ts';
import type { ByteStream } from '../../../runtime/wire/network.ts';
import { RawPeer, smallFrame } from './raw-peer.ts';
import { FakeWorld, putFrame, TestNode } from './rig.ts';
import { pair } from './transport-scenarios.ts';

const RAW = { node: 'raw', shard: 0 };

test('remote place: is declared unreachable once per outage', async (t) => {
  const world = new FakeWorld(t);
  const [a, b] = await pair(world);
  a.send(b, [0]);
  await world.until(() => a.events.ups.length + b.events.ups.length === 4, 'up');
  // b vanishes without a word, and nothing listens at its address.
  for (const pairOfStreams of world.net.open()) world.net.cut(pairOfStreams);
  world.net.silentPorts.add(a.port).add(b.port);
  await world.until(() => a.events.downs.length === 2, 'the loss');
  const lostAt = world.clock.now;
  for (let i = 0; i < 60; i++) {
    a.send(b, [i]);
    world.clock.runFor(1000);
  }
  t.deepEqual(a.events.placesDown, [{ place: 'b/0', boot: 1, reason: 'unreachable' }]);
  t.true(world.clock.now - lostAt > 50_000);
  world.net.silentPorts.clear();
  a.send(b, [60]);
  await world.until(() => a.events.ups.length === 4, 'new connections');
  t.is(a.events.placesDown.length, 1);
  for (const pairOfStreams of world.net.open()) world.net.cut(pairOfStreams);
  world.net.silentPorts.add(a.port).add(b.port);
  await world.until(() => a.events.placesDown.length === 2, 'the second outage');
  t.deepEqual(a.events.placesDown[1], { place: 'b/0', boot: 1, reason: 'unreachable' });
});

test('remote place: a lost connection is mended without any traffic', async (t) => {
  const world = new FakeWorld(t);
  const [a, b] = await pair(world);
  a.send(b, [0]);
  await world.until(() => a.events.ups.length + b.events.ups.length === 4, 'up');
  for (const pairOfStreams of world.net.open()) world.net.reset(pairOfStreams);
  world.clock.runFor(1000);
  t.is(world.net.open().length, 2);
  t.is(a.events.ups.length, 4);
});

test('remote place: once declared down it is dialled only while there is something to send', async (t) => {
  const world = new FakeWorld(t);
  const [a, b] = await pair(world);
  a.send(b, [0]);
  await world.until(() => a.events.ups.length + b.events.ups.length === 4, 'up');
  for (const pairOfStreams of world.net.open()) world.net.cut(pairOfStreams);
  world.net.silentPorts.add(b.port);
  world.net.silentPorts.add(a.port);
  await world.until(() => a.events.placesDown.length === 1, 'declared');
  world.clock.runFor(20_000);
  const dials = world.net.pairs.length;
  world.clock.runFor(100_000);
  t.is(world.net.pairs.length, dials);
  world.net.silentPorts.clear();
  a.send(b, [1]);
  await world.until(() => b.received(a).length === 2, 'the next frame');
  t.deepEqual(b.received(a), [0, 1]);
});

test('remote place: a client that cannot be dialled has the same time to come back', async (t) => {
  const world = new FakeWorld(t);
  const server = await TestNode.start(world, { node: 'server' });
  const client = await RawPeer.greet(world, server);
  client.stream.destroy('gone');
  await world.until(() => server.events.downs.length === 1, 'the loss');
  world.clock.runFor(9000);
  const again = await RawPeer.greet(world, server, { attempt: 2 });
  world.clock.runFor(4000);
  t.deepEqual(server.events.placesDown, []);
  again.stream.destroy('gone for good');
  await world.until(() => server.events.placesDown.length === 1, 'the place to go down');
  t.deepEqual(server.events.placesDown, [{ place: 'raw/0', boot: 1, reason: 'unreachable' }]);
});

test('remote place: one connection is enough to be reached', async (t) => {
  const world = new FakeWorld(t);
  const server = await TestNode.start(world, { node: 'server' });
  await RawPeer.greet(world, server, { laneClass: CONTROL_CLASS });
  const bulk = await RawPeer.greet(world, server, { laneClass: BULK_CLASS });
  bulk.stream.destroy('gone');
  world.clock.runFor(5000);
  t.deepEqual(server.events.placesDown, []);
  t.like(server.events.downs, [{ link: 'raw/0:1' }]);
});

test('remote place: after a goodbye it is down only when its last connection is', async (t) => {
  const world = new FakeWorld(t);
  const server = await TestNode.start(world, { node: 'server' });
  const control = await RawPeer.greet(world, server, { laneClass: CONTROL_CLASS });
  const bulk = await RawPeer.greet(world, server, { laneClass: BULK_CLASS });
  control.send(smallFrame(KIND_GOODBYE));
  world.clock.runFor(1000);
  t.like(server.events.downs, [{ link: 'raw/0:0', reason: 'the peer said goodbye' }]);
  t.deepEqual(server.events.placesDown, []);
  bulk.send(smallFrame(KIND_TELL, 7));
  bulk.send(smallFrame(KIND_GOODBYE));
  await world.until(() => server.events.placesDown.length === 1, 'the place to go down');
  t.deepEqual(server.received(RAW), [7]);
  world.clock.runFor(60_000);
  t.deepEqual(server.events.placesDown, [{ place: 'raw/0', boot: 1, reason: 'shardDown' }]);
});

test('remote place: one that said goodbye is not dialled again, unless there is something to send', async (t) => {
  const world = new FakeWorld(t);
  const [a, b] = await pair(world);
  a.send(b, [0]);
  await world.until(() => a.events.ups.length + b.events.ups.length === 4, 'up');
  await b.close(world);
  world.clock.runFor(60_000);
  t.is(world.net.pairs.length, 2);
  t.deepEqual(a.events.placesDown, [{ place: 'b/0', boot: 1, reason: 'shardDown' }]);
  const again = await TestNode.start(world, { node: 'b', boot: 2, port: b.port });
  // The first is for an actor of the old boot, as far as anybody knows; the second for whoever is there.
  putFrame(a.link(again), 1, 1);
  putFrame(a.link(again), 2, 1, RECEPTIONIST_SLOT);
  a.link(again).flush();
  await world.until(() => again.received(a).length === 1, 'a frame to the new one');
  t.deepEqual(again.received(a), [2]);
  t.is(a.link(again).peerBoot, 2);
  t.is(a.events.placesDown.length, 1);
  t.like(a.events.downs.at(-1), { reason: 'the peer has restarted', lostFrames: 1 });
});

test('remote place: a peer about to stop is not dialled for the class in which it has said goodbye', async (t) => {
  const world = new FakeWorld(t);
  const a = await TestNode.start(world, { node: 'a' });
  const peers: RawPeer[] = [];
  const accept = (stream: ByteStream): void => {
    const peer = new RawPeer(stream);
    peers.push(peer);
    peer.onData = () => {
      peer.onData = () => {};
      peer.send(encodeWelcome({ version: 1, ...RAW, boot: 1, maxFrameBytes: 8 << 20, attemptsVoid: 0 }));
    };
  };
  world.net.door.listen('127.0.0.1', 50, accept, () => {});
  a.transport.introduce({ node: 'raw', host: '127.0.0.1', ports: [0, 50] });
  a.send(RAW, [0], CONTROL_CLASS);
  await world.until(() => a.events.ups.length === 2, 'up');
  peers[0]?.send(smallFrame(KIND_GOODBYE));
  world.clock.runFor(3000);
  t.like(a.events.downs, [{ link: 'raw/0:0', reason: 'the peer said goodbye' }]);
  t.is(peers.length, 2);
});

test('remote place: a restart between two goodbyes ends the old boot once, and the new one not at all', async (t) => {
  const world = new FakeWorld(t);
  const server = await TestNode.start(world, { node: 'server' });
  const control = await RawPeer.greet(world, server, { laneClass: CONTROL_CLASS });
  await RawPeer.greet(world, server, { laneClass: BULK_CLASS });
  control.send(smallFrame(KIND_GOODBYE));
  world.clock.runFor(100);
  const young = await RawPeer.greet(world, server, { laneClass: BULK_CLASS, boot: 2 });
  world.clock.runFor(5000);
  t.is(young.closed, null);
  t.deepEqual(server.events.placesDown, [{ place: 'raw/0', boot: 1, reason: 'shardDown' }]);
});

test('remote place: frames for a place that says goodbye are counted as lost', async (t) => {
  const world = new FakeWorld(t);
  const server = await TestNode.start(world, { node: 'server' });
  const bulk = await RawPeer.greet(world, server, { laneClass: BULK_CLASS });
  for (const id of [1, 2, 3]) putFrame(server.link(RAW), id, 10);
  bulk.send(smallFrame(KIND_GOODBYE));
  await world.until(() => server.events.downs.length === 1, 'the goodbye');
  t.deepEqual(server.events.downs, [{ link: 'raw/0:1', reason: 'the peer said goodbye', lostFrames: 3 }]);
  t.is(server.link(RAW).out.length, 0);
});

test('remote place: a restart found by dialling drops what waited, in both classes, and is reported once', async (t) => {
  const world = new FakeWorld(t);
  const [a, b] = await pair(world);
  a.send(b, [0], CONTROL_CLASS);
  a.send(b, [0], BULK_CLASS);
  await world.until(() => a.events.ups.length === 2, 'both links');
  for (const pairOfStreams of world.net.open()) world.net.reset(pairOfStreams);
  b.transport.close(() => {});
  world.clock.runFor(1);
  a.send(b, [1, 2], CONTROL_CLASS);
  a.send(b, [3, 4], BULK_CLASS);
  putFrame(a.link(b), 33, 1000, RECEPTIONIST_SLOT);
  a.send(b, [5], BULK_CLASS);
  const young = await TestNode.start(world, { node: 'b', boot: 2, port: b.port });
  await world.until(() => a.events.placesDown.length === 1, 'the restart');
  world.clock.runFor(1000);
  const lost = a.events.downs.filter(({ reason }) => reason === 'the peer has restarted');
  t.deepEqual(
    lost.map(({ link, lostFrames }) => [link, lostFrames]),
    [
      ['b/0:0', 2],
      ['b/0:1', 3],
    ],
  );
  a.send(young, [6], CONTROL_CLASS);
  a.send(young, [7], BULK_CLASS);
  world.clock.runFor(5000);
  t.deepEqual(young.received(a, CONTROL_CLASS), [6]);
  t.deepEqual(young.received(a, BULK_CLASS), [33, 7]);
  t.deepEqual(a.events.placesDown, [{ place: 'b/0', boot: 1, reason: 'shardDown' }]);
});

test('remote place: a restart after it was declared unreachable ends the old boot as well', async (t) => {
  const world = new FakeWorld(t);
  const server = await TestNode.start(world, { node: 'server' });
  const first = await RawPeer.greet(world, server);
  first.stream.destroy('gone');
  await world.until(() => server.events.placesDown.length === 1, 'unreachable');
  await RawPeer.greet(world, server, { boot: 2 });
  t.deepEqual(server.events.placesDown, [
    { place: 'raw/0', boot: 1, reason: 'unreachable' },
    { place: 'raw/0', boot: 1, reason: 'shardDown' },
  ]);
  world.clock.runFor(100);
  t.is(server.link(RAW, CONTROL_CLASS).peerBoot, 2);
});

test('remote place: a higher boot that gets no further than its name is unreachable too', async (t) => {
  const world = new FakeWorld(t);
  const server = await TestNode.start(world, { node: 'server' });
  await RawPeer.greet(world, server);
  const odd = await RawPeer.greet(world, server, { boot: 2, attempt: 0 });
  t.is(odd.refusal(), 'STALE');
  world.clock.runFor(11_000);
  t.deepEqual(server.events.placesDown, [
    { place: 'raw/0', boot: 1, reason: 'shardDown' },
    { place: 'raw/0', boot: 2, reason: 'unreachable' },
  ]);
});

import test from 'ava';
import { BULK_CLASS, CONTROL_CLASS } from '../../../runtime/lanes.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { KIND_WELCOME } from '../../../runtime/wire/frame.ts';
import { decodeHello, encodeWelcome, type Hello, isRefusal } from '../../../runtime/wire/handshake.ts';
import { type FakeStream, randomLatency } from './fake-network.ts';
import { RawPeer, smallFrame } from './raw-peer.ts';
import { FakeWorld, type NodeOptions, putFrame, TestNode } from './rig.ts';
import { isRising, pair, range } from './transport-scenarios.ts';

const SILENT_PORT = 1;

/** Two nodes with the connections that `a` has opened: bulk, then control. */
async function connected(world: FakeWorld, a: Partial<NodeOptions> = {}, b: Partial<NodeOptions> = {}): Promise<[TestNode, TestNode]> {
  const [one, two] = await pair(world, a, b);
  one.send(two, [0]);
  await world.until(() => one.events.ups.length + two.events.ups.length === 4, 'both connections');
  return [one, two];
}

function bulk(world: FakeWorld): readonly [FakeStream, FakeStream] {
  const [first, ...more] = world.net.open();
  if (first === undefined || more.length !== 1) throw new Error(`${world.net.open().length} connections are open`);
  return first;
}

function cutAll(world: FakeWorld): void {
  for (const streams of world.net.open()) world.net.cut(streams);
}

/** Takes raw connections on a port; the place that a node dials there is whatever the test says. */
function rawListener(world: FakeWorld, port: number): RawPeer[] {
  const peers: RawPeer[] = [];
  world.net.door.listen(
    '127.0.0.1',
    port,
    (stream) => peers.push(new RawPeer(stream)),
    () => {},
  );
  return peers;
}

function decodeHelloAt(bytes: Buffer, start: number): Hello {
  const hello = decodeHello(bytes.subarray(start));
  if (isRefusal(hello)) throw new Error(hello.reason);
  return hello;
}

test('tcp link: of two dialled at once one is kept, nothing is lost and nobody is told of a loss, whatever the delays', async (t) => {
  for (let seed = 0; seed < 400; seed++) {
    const world = new FakeWorld(t);
    const random = new SeededRandom(seed);
    // With equal delays both sides are always in the same state; with random ones frames of one connection overtake those of the other.
    world.net.latencyMs = seed % 4 === 0 ? () => 5 : randomLatency(random, 1, 40);
    const [a, b] = await pair(world);
    world.clock.runFor(random.float() * 10);
    a.send(b, range(0, 10));
    world.clock.runFor(random.chance(0.5) ? 0 : random.float() * 60);
    b.send(a, range(100, 10));
    world.clock.runFor(3000);
    t.deepEqual(b.received(a), range(0, 10), `seed ${seed}`);
    t.deepEqual(a.received(b), range(100, 10), `seed ${seed}`);
    t.is(world.net.open().length, 2, `seed ${seed}`);
    t.deepEqual([...a.events.downs, ...b.events.downs], [], `seed ${seed}`);
    t.deepEqual([...a.events.ups, ...b.events.ups].sort(), ['a/0:0', 'a/0:1', 'b/0:0', 'b/0:1'], `seed ${seed}`);
  }
});

test('tcp link: the first of two in order gives way, when its own connection gets no answer', async (t) => {
  const world = new FakeWorld(t);
  const a = await TestNode.start(world, { node: 'a' });
  const b = await TestNode.start(world, { node: 'b' });
  // Something that is not b listens where a believes b to be.
  rawListener(world, 77);
  a.transport.introduce({ node: 'b', host: '127.0.0.1', ports: [0, 77] });
  a.send(b, [1]);
  world.clock.runFor(100);
  b.knows(a);
  b.send(a, [2]);
  world.clock.runFor(500);
  t.deepEqual(a.received(b), [2]);
  t.deepEqual(b.received(a), [1]);
  t.true(b.reasons('wire.dialFailed').some((reason) => reason.includes('SIMULTANEOUS')));
});

test('tcp link: a dial that does not get through never keeps the peer out', async (t) => {
  const world = new FakeWorld(t);
  const [a, b] = await pair(world);
  world.net.silentPorts.add(b.port);
  a.send(b, [1]);
  world.clock.runFor(10);
  b.send(a, [2]);
  world.clock.runFor(20);
  t.deepEqual(a.received(b), [2]);
  t.deepEqual(b.received(a), [1]);
  t.deepEqual(b.reasons('wire.dialFailed'), []);
});

test('tcp link: connections that break again and again under load never reorder or double, whatever the delays', async (t) => {
  for (let seed = 0; seed < 40; seed++) {
    const world = new FakeWorld(t);
    const random = new SeededRandom(`break ${seed}`);
    world.net.latencyMs = randomLatency(random, 1, 30);
    world.net.pieceBytes = 200;
    const [a, b] = await pair(world);
    let id = 0;
    for (let round = 0; round < 60; round++) {
      a.send(b, range(id, 5), BULK_CLASS, 100);
      b.send(a, range(id, 5), BULK_CLASS, 100);
      id += 5;
      world.clock.runFor(random.float() * 100);
      const open = world.net.open();
      const victim = open[random.below(Math.max(1, open.length))];
      if (victim !== undefined && random.chance(0.3)) world.net.reset(victim);
      if (victim !== undefined && random.chance(0.1)) world.net.cut(victim);
    }
    world.clock.runFor(30_000);
    a.send(b, [id]);
    b.send(a, [id]);
    world.clock.runFor(10_000);
    for (const got of [a.received(b), b.received(a)]) {
      t.true(isRising(got), `seed ${seed}: ${got.join()}`);
      t.is(got.at(-1), id, `seed ${seed}`);
    }
    t.is(world.net.open().length, 2, `seed ${seed}`);
  }
});

test('tcp link: a connection that only its peer has lost is replaced', async (t) => {
  const world = new FakeWorld(t);
  const [a, b] = await connected(world, {}, { limits: { peerTimeoutMs: 1_000_000 } });
  world.net.cut(bulk(world));
  await world.until(() => a.events.downs.length === 1, 'a to notice');
  await world.until(() => b.events.ups.length === 3, 'a to come back');
  t.deepEqual(b.events.downs, [{ link: 'a/0:1', reason: 'the peer opened a new connection', lostFrames: 0 }]);
  t.is(world.net.open().length, 2);
  a.send(b, [1]);
  b.send(a, [2]);
  world.clock.runFor(100);
  t.deepEqual(b.received(a), [0, 1]);
  t.deepEqual(a.received(b), [2]);
  t.deepEqual([...a.events.placesDown, ...b.events.placesDown], []);
});

test('tcp link: a HELLO that a later one has overtaken is refused', async (t) => {
  const world = new FakeWorld(t);
  const b = await TestNode.start(world, { node: 'b' });
  const later = await RawPeer.greet(world, b, { attempt: 2 });
  const earlier = await RawPeer.greet(world, b, { attempt: 1 });
  t.is(earlier.refusal(), 'STALE');
  t.is(later.closed, null);
  t.is(b.events.downs.length, 0);
  const again = await RawPeer.greet(world, b, { attempt: 3 });
  t.deepEqual(again.kinds(), [KIND_WELCOME]);
  await world.until(() => later.closed !== null, 'the old connection to close');
});

test('tcp link: frames that wait go to the next connection, if the boot is the same', async (t) => {
  const world = new FakeWorld(t);
  const [a, b] = await connected(world);
  world.net.reset(bulk(world));
  world.clock.runFor(1);
  a.send(b, range(1, 50));
  await world.until(() => b.received(a).length === 51, 'the rest');
  t.deepEqual(b.received(a), range(0, 51));
  t.like(a.events.downs, [{ reason: 'reset by the peer', lostFrames: 0 }]);
});

test('tcp link: a half-sent frame is not continued on the next connection', async (t) => {
  const world = new FakeWorld(t);
  const [a, b] = await connected(world);
  world.net.pieceBytes = 1000;
  world.net.windowBytes = 3000;
  a.send(b, [1], BULK_CLASS, 100_000);
  a.send(b, [2], BULK_CLASS, 10);
  world.clock.runFor(20);
  world.net.reset(bulk(world));
  world.clock.runFor(5000);
  t.deepEqual(b.received(a), [0, 2]);
  t.regex(b.events.downs[0]?.reason ?? '', /with \d+ bytes of an unfinished frame/);
});

test('tcp link: a peer that the network has cut off is found out on both sides', async (t) => {
  const world = new FakeWorld(t);
  const [a, b] = await connected(world);
  cutAll(world);
  world.net.silentPorts.add(a.port).add(b.port);
  const cutAt = world.clock.now;
  await world.until(() => a.events.downs.length === 2 && b.events.downs.length === 2, 'both to notice');
  const tookMs = world.clock.now - cutAt;
  t.true(tookMs >= 4000 && tookMs <= 7100, `${tookMs} ms`);
  for (const node of [a, b]) t.like(node.events.downs[0], { reason: 'nothing heard from the peer for too long' });
  world.net.silentPorts.clear();
  await world.until(() => a.events.ups.length === 4 && b.events.ups.length === 4, 'new connections');
  t.deepEqual([...a.events.placesDown, ...b.events.placesDown], []);
});

test('tcp link: an idle connection stays up', async (t) => {
  const world = new FakeWorld(t);
  const [a, b] = await connected(world);
  world.clock.runFor(3_600_000);
  t.is(world.net.pairs.length, 2);
  t.deepEqual([...a.events.downs, ...b.events.downs], []);
});

test('tcp link: a connection busy one way for longer than the time-out stays up', async (t) => {
  const world = new FakeWorld(t);
  const [a, b] = await connected(world);
  // Some 2 KB per 100 ms.
  world.net.windowBytes = 2000;
  world.net.latencyMs = () => 100;
  a.send(b, [1], BULK_CLASS, 500_000);
  await world.until(() => b.received(a).length === 2, 'the long frame');
  t.true(world.clock.now > 20_000);
  t.deepEqual([...a.events.downs, ...b.events.downs], []);
});

test('tcp link: a thread that stalled for a minute does not blame its peers', async (t) => {
  const world = new FakeWorld(t);
  const [a, b] = await connected(world);
  for (let i = 0; i < 10; i++) {
    world.clock.runFor(700);
    world.clock.stall(60_000);
  }
  world.clock.runFor(1000);
  t.deepEqual([...a.events.downs, ...b.events.downs], []);
});

test('tcp link: frames for a place without an address are held for a while, then dropped and counted', async (t) => {
  const world = new FakeWorld(t);
  const a = await TestNode.start(world, { node: 'a' });
  const to = { node: 'nowhere', shard: 0 };
  t.is(a.send(to, [1, 2]), 2);
  world.clock.runFor(4999);
  t.deepEqual(a.events.downs, []);
  world.clock.runFor(1);
  t.deepEqual(a.events.downs, [{ link: 'nowhere/0:1', reason: 'no address known', lostFrames: 2 }]);
  world.clock.runFor(100_000);
  t.is(a.events.downs.length, 1);
  t.deepEqual(a.events.placesDown, [{ place: 'nowhere/0', boot: 0, reason: 'unreachable' }]);
});

test('tcp link: frames that waited for an address leave when it is introduced', async (t) => {
  const world = new FakeWorld(t);
  const a = await TestNode.start(world, { node: 'a' });
  const b = await TestNode.start(world, { node: 'b' });
  a.send(b, [1, 2]);
  world.clock.runFor(3000);
  a.knows(b);
  world.clock.runFor(100);
  t.deepEqual(b.received(a), [1, 2]);
  t.deepEqual(a.events.downs, []);
});

test('tcp link: a changed address is dialled at once, whatever failed at the old one', async (t) => {
  const world = new FakeWorld(t);
  const a = await TestNode.start(world, { node: 'a' });
  const b = await TestNode.start(world, { node: 'b' });
  a.transport.introduce({ node: 'b', host: '127.0.0.1', ports: [0, 9] });
  for (let i = 0; i < 20; i++) {
    a.send(b, [i]);
    world.clock.runFor(2000);
  }
  t.true(a.reasons('wire.dialFailed').length > 5);
  a.send(b, [100]);
  a.knows(b);
  world.clock.runFor(10);
  t.is(b.received(a).at(-1), 100);
});

test('tcp link: a dial without an answer is given up and tried again later', async (t) => {
  const world = new FakeWorld(t);
  world.net.silentPorts.add(SILENT_PORT);
  const a = await TestNode.start(world, { node: 'a' });
  a.transport.introduce({ node: 'b', host: '127.0.0.1', ports: [0, SILENT_PORT] });
  for (let i = 0; i < 12; i++) {
    a.send({ node: 'b', shard: 0 }, [i]);
    world.clock.runFor(1000);
  }
  t.deepEqual([...new Set(a.reasons('wire.dialFailed'))], ['no handshake within 5000 ms']);
  t.true(world.net.pairs.length >= 2 && world.net.pairs.length <= 3, `${world.net.pairs.length} dials`);
  t.deepEqual(a.events.placesDown, [{ place: 'b/0', boot: 0, reason: 'unreachable' }]);
});

test('tcp link: the delay between dials grows to its cap, and a connection that does not last does not reset it', async (t) => {
  const world = new FakeWorld(t);
  const a = await TestNode.start(world, { node: 'a', limits: { backoff: { minMs: 100, maxMs: 1600, jitterRatio: 0 } } });
  const dialledAt: number[] = [];
  world.net.door.listen(
    '127.0.0.1',
    50,
    (stream) => {
      const peer = new RawPeer(stream);
      peer.onData = (bytes, start) => {
        peer.onData = () => {};
        if (decodeHelloAt(bytes, start).laneClass === CONTROL_CLASS) return;
        dialledAt.push(world.clock.now);
        peer.send(encodeWelcome({ version: 1, node: 'b', shard: 0, boot: 1, maxFrameBytes: 8 << 20, attemptsVoid: 0 }));
        peer.send(smallFrame(99));
      };
    },
    () => {},
  );
  a.transport.introduce({ node: 'b', host: '127.0.0.1', ports: [0, 50] });
  a.send({ node: 'b', shard: 0 }, [1]);
  world.clock.runFor(10_000);
  const gaps = dialledAt.slice(1).map((at, i) => Math.round((at - (dialledAt[i] as number)) / 100) * 100);
  t.deepEqual(gaps.slice(0, 6), [100, 200, 400, 800, 1600, 1600]);
});

test('tcp link: an answer from the wrong place or a zombie is turned away', async (t) => {
  const world = new FakeWorld(t);
  const answers = [
    { node: 'c', shard: 0, boot: 1, maxFrameBytes: 8 << 20 },
    { node: 'b', shard: 1, boot: 1, maxFrameBytes: 8 << 20 },
    { node: 'b', shard: 0, boot: 1, maxFrameBytes: 100 },
    { node: 'b', shard: 0, boot: 5, maxFrameBytes: 8 << 20 },
    { node: 'b', shard: 0, boot: 4, maxFrameBytes: 8 << 20 },
  ];
  const a = await TestNode.start(world, { node: 'a' });
  const peers: RawPeer[] = [];
  world.net.door.listen(
    '127.0.0.1',
    50,
    (stream) => {
      const peer = new RawPeer(stream);
      peer.onData = (bytes, start) => {
        peer.onData = () => {};
        // Only bulk is answered.
        if (decodeHelloAt(bytes, start).laneClass === CONTROL_CLASS) return;
        const answer = answers[peers.push(peer) - 1];
        if (answer !== undefined) peer.send(encodeWelcome({ version: 1, ...answer, attemptsVoid: 0 }));
      };
    },
    () => {},
  );
  a.transport.introduce({ node: 'b', host: '127.0.0.1', ports: [0, 50] });
  a.send({ node: 'b', shard: 0 }, [1]);
  await world.until(() => a.events.ups.length === 1, 'the right answer');
  peers[3]?.stream.destroy('gone');
  await world.until(() => a.reasons('wire.dialFailed').length === 4, 'the zombie');
  t.deepEqual(a.reasons('wire.dialFailed'), [
    'WRONG_PLACE, peer is c/0, expected b/0',
    'WRONG_PLACE, peer is b/1, expected b/0',
    'FRAME_SIZE, one side takes frames of at most 100 bytes, the other may send 8388608',
    'ZOMBIE, boot 4, expected at least 5',
  ]);
});

test('tcp link: a large out-buffer shrinks again, once it is little used', async (t) => {
  const world = new FakeWorld(t);
  const [a, b] = await connected(world);
  world.net.windowBytes = 1 << 24;
  const link = a.link(b);
  putFrame(link, 1, 1 << 20);
  link.flush();
  t.true(link.out.bytes.length >= 1 << 20);
  for (const id of range(2, 100)) a.send(b, [id]);
  t.is(link.out.bytes.length, 16 * 1024);
  world.clock.runFor(100);
  t.deepEqual(b.received(a), range(0, 102));
});

test('tcp link: both classes of a place share its boot', async (t) => {
  const world = new FakeWorld(t);
  const [a, b] = await connected(world, {}, { boot: 9 });
  t.is(a.link(b, CONTROL_CLASS).peerBoot, 9);
  t.is(a.link(b, BULK_CLASS).peerBoot, 9);
  t.is(a.link({ node: 'b', shard: 1 }, BULK_CLASS).peerBoot, 0);
  t.is(a.link(b), a.link({ node: 'b', shard: 0 }));
});

test('tcp link: frames sent while an up-call is running are not lost', async (t) => {
  const world = new FakeWorld(t);
  const [a, b] = await pair(world);
  const up = a.events.onLinkUp.bind(a.events);
  a.events.onLinkUp = (link) => {
    up(link);
    putFrame(link, 1, 1);
    link.flush();
    putFrame(link, 2, 1);
  };
  a.send(b, [0]);
  world.clock.runFor(100);
  t.deepEqual(b.received(a), [0, 1, 2]);
});

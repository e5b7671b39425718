/** What holds for the TCP transport over any network: run over the fake one and over loopback sockets. */
import type { ExecutionContext } from 'ava';
import { BULK_CLASS, CONTROL_CLASS, type LaneClass } from '../../../runtime/lanes.ts';
import { KIND_TELL } from '../../../runtime/wire/frame.ts';
import type { Hello } from '../../../runtime/wire/handshake.ts';
import { RawPeer, smallFrame } from './raw-peer.ts';
import { type NodeOptions, POISON_ID, putFrame, TestNode, type World } from './rig.ts';

export type Scenario = (t: ExecutionContext, world: World) => Promise<void>;

/** Two nodes that know each other. */
export async function pair(world: World, a: Partial<NodeOptions> = {}, b: Partial<NodeOptions> = {}): Promise<[TestNode, TestNode]> {
  const one = await TestNode.start(world, { node: 'a', ...a });
  const two = await TestNode.start(world, { node: 'b', ...b });
  one.knows(two);
  two.knows(one);
  return [one, two];
}

export function range(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => from + i);
}

export function isRising(ids: readonly number[]): boolean {
  return ids.every((id, i) => i === 0 || id > (ids[i - 1] as number));
}

async function closeAll(world: World, ...nodes: TestNode[]): Promise<void> {
  for (const node of nodes) await node.close(world);
}

/** Sends `ids`, waiting for room as often as there is none. */
async function sendAll(world: World, from: TestNode, to: TestNode, ids: readonly number[], payloadBytes: number): Promise<void> {
  const link = from.link(to);
  for (const id of ids) {
    if (!putFrame(link, id, payloadBytes)) {
      link.flush();
      await world.until(() => putFrame(link, id, payloadBytes), 'room in the link');
    }
    if (link.out.length > 64 * 1024) link.flush();
  }
  link.flush();
}

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'frames go both ways in order over the connection that one side opened': async (t, world) => {
    const client = await TestNode.start(world, { node: 'client', listens: false });
    const server = await TestNode.start(world, { node: 'server', boot: 2 ** 40 });
    client.knows(server);
    client.send(server, range(0, 100));
    await world.until(() => server.received(client).length === 100, 'requests');
    server.send(client, range(500, 100));
    await world.until(() => client.received(server).length === 100, 'answers');
    t.deepEqual(server.received(client), range(0, 100));
    t.deepEqual(client.received(server), range(500, 100));
    t.is(server.events.ups.filter((link) => link === 'client/0:1').length, 1);
    t.is(client.link(server).peerBoot, 2 ** 40);
    await closeAll(world, client, server);
  },

  'frames of all sizes arrive whole and in order, when both sides send at full speed': async (t, world) => {
    const [a, b] = await pair(world);
    const sizes = [1, 100, 5_000, 70_000, 400_000];
    await Promise.all(sizes.map((size, i) => sendAll(world, a, b, range(i * 1000, 20), size)));
    await Promise.all(sizes.map((size, i) => sendAll(world, b, a, range(i * 1000, 20), size)));
    await world.until(() => a.received(b).length === 100 && b.received(a).length === 100, 'all frames');
    for (const got of [a.received(b), b.received(a)]) t.is(new Set(got).size, 100);
    t.true(b.events.bytesReceived > 20 * 475_000);
    t.deepEqual([...a.events.downs, ...b.events.downs], []);
    await closeAll(world, a, b);
  },

  'each lane class has a connection of its own': async (t, world) => {
    const [a, b] = await pair(world);
    a.send(b, [1], CONTROL_CLASS);
    a.send(b, [2], BULK_CLASS);
    await world.until(() => b.received(a, CONTROL_CLASS).length + b.received(a, BULK_CLASS).length === 2, 'both frames');
    t.deepEqual([...b.events.ups].sort(), ['a/0:0', 'a/0:1']);
    await closeAll(world, a, b);
  },

  'peers that can not be talked to are refused and told why': async (t, world) => {
    const node = await TestNode.start(world, { node: 'b' });
    const cases: readonly (readonly [Partial<Hello>, string])[] = [
      [{ cluster: 'other' }, 'CLUSTER'],
      [{ node: 'b' }, 'SELF'],
      [{ expectedNode: 'c' }, 'WRONG_PLACE'],
      [{ expectedShard: 7 }, 'WRONG_PLACE'],
      [{ maxFrameBytes: 1000 }, 'FRAME_SIZE'],
      [{ laneClass: 9 as LaneClass }, 'SHAPE'],
      [{ attempt: 0 }, 'STALE'],
    ];
    for (const [change, code] of cases) {
      const peer = await RawPeer.greet(world, node, change);
      t.is(peer.refusal(), code);
      await world.until(() => peer.closed !== null, `close after ${code}`);
      t.regex(node.reasons('wire.refused').at(-1) ?? '', new RegExp(`^${code} .`));
    }
    t.deepEqual(node.events.ups, []);
    await closeAll(world, node);
  },

  'a lower boot than one seen before is refused as a zombie': async (t, world) => {
    const node = await TestNode.start(world, { node: 'b' });
    const young = await RawPeer.greet(world, node, { boot: 7 });
    const old = await RawPeer.greet(world, node, { boot: 6, laneClass: BULK_CLASS });
    t.is(young.refusal(), '');
    t.is(old.refusal(), 'ZOMBIE');
    t.deepEqual(node.reasons('wire.refused'), ['ZOMBIE boot 6 of raw/0, seen before: 7']);
    t.is(young.closed, null);
    await closeAll(world, node);
  },

  'bytes of another protocol and broken frames close that connection and no other': async (t, world) => {
    const [a, b] = await pair(world);
    a.send(b, [1]);
    await world.until(() => b.received(a).length === 1, 'the first frame');
    const http = await RawPeer.dial(world, b);
    http.send(Buffer.from('GET / HTTP/1.1\r\nHost: b\r\n\r\n'));
    const long = await RawPeer.greet(world, b, { node: 'long' });
    const length = Buffer.alloc(8);
    length.writeUInt32BE(8 << 20);
    long.send(length);
    const odd = await RawPeer.greet(world, b, { node: 'odd' });
    odd.send(smallFrame(99));
    const poison = await RawPeer.greet(world, b, { node: 'poison' });
    poison.send(Buffer.concat([smallFrame(KIND_TELL, 5), smallFrame(KIND_TELL, POISON_ID)]));
    for (const peer of [http, long, odd, poison]) await world.until(() => peer.closed !== null, 'close');
    t.regex(b.reasons('wire.incomingClosed').join(), /first bytes 474554202f204854 \("GET \/ HT"\), expected a handshake frame/);
    const downs = b.reasons('wire.linkDown').join();
    t.regex(downs, /length word says a frame of 8388612 bytes, expected 36 to 8388608/);
    t.regex(downs, /frame of kind 99, expected/);
    t.regex(downs, /protocol broken: poison/);
    a.send(b, [2]);
    await world.until(() => b.received(a).length === 2, 'the second frame');
    t.false(b.events.downs.some(({ link }) => link.startsWith('a/')));
    await closeAll(world, a, b);
  },

  'nothing is reordered or doubled over a hundred broken connections': async (t, world) => {
    const fast = { limits: { backoff: { minMs: 1, maxMs: 2, jitterRatio: 0.5 } } };
    const [a, b] = await pair(world, fast, fast);
    const sent = { a: 0, b: 0 };
    for (let round = 1; round <= 100; round++) {
      a.send(b, range(sent.a, 20), BULK_CLASS, 300);
      b.send(a, range(sent.b, 20), BULK_CLASS, 300);
      sent.a += 20;
      sent.b += 20;
      // Whoever gets the poison drops the connection, with frames under way in both directions.
      const poisoner = round % 2 === 0 ? a : b;
      const victim = round % 2 === 0 ? b : a;
      await world.until(() => poisoner.link(victim).out.length === 0, 'a connection');
      const downs = victim.events.downs.length;
      poisoner.send(victim, [POISON_ID]);
      await world.until(() => victim.events.downs.length > downs, 'the connection to break');
    }
    const last = { ...sent };
    let sentAt = 0;
    await world.until(() => {
      if (world.tasks.now() > sentAt + 10) {
        sentAt = world.tasks.now();
        a.send(b, [sent.a++]);
        b.send(a, [sent.b++]);
      }
      return (a.received(b).at(-1) ?? 0) >= last.b && (b.received(a).at(-1) ?? 0) >= last.a;
    }, 'frames to pass again');
    for (const got of [a.received(b), b.received(a)]) {
      t.true(isRising(got));
      t.true(got.length > 100, `${got.length}`);
    }
    t.true(a.events.downs.length + b.events.downs.length >= 100);
    await closeAll(world, a, b);
  },

  'a peer that never reads costs bounded memory and delays no control': async (t, world) => {
    const outMaxBytes = 256 * 1024;
    const node = await TestNode.start(world, { node: 'b', limits: { outMaxBytes } });
    const stuck = await RawPeer.greet(world, node, { laneClass: BULK_CLASS });
    stuck.stream.pause();
    const control = await RawPeer.greet(world, node, { laneClass: CONTROL_CLASS });
    const to = { node: 'raw', shard: 0 };
    const link = node.link(to);
    let refused = 0;
    for (let i = 0; i < 100_000 && refused < 100; i++) if (node.send(to, [1], BULK_CLASS, 10_000) === 0) refused++;
    t.is(refused, 100);
    t.true(link.out.bytes.length <= outMaxBytes);
    node.send(to, range(0, 50), CONTROL_CLASS);
    await world.until(() => control.kinds().filter((kind) => kind === KIND_TELL).length === 50, 'control to pass');
    t.is(node.events.drained.length, 0);
    stuck.stream.resume();
    await world.until(() => node.events.drained.length > 0, 'room');
    t.is(node.send(to, [2]), 1);
    await closeAll(world, node);
  },

  'a restarted peer is another: its old connections go, what waited for them is dropped and counted': async (t, world) => {
    const server = await TestNode.start(world, { node: 'server' });
    const old = await RawPeer.greet(world, server, { node: 'x', laneClass: BULK_CLASS });
    const to = { node: 'x', shard: 0 };
    t.is(server.link(to).peerBoot, 1);
    putFrame(server.link(to), 1, 10);
    putFrame(server.link(to), 2, 10);
    const young = await RawPeer.greet(world, server, { node: 'x', boot: 2, laneClass: CONTROL_CLASS });
    await world.until(() => old.closed !== null, 'the old connection to close');
    t.deepEqual(server.events.downs, [{ link: 'x/0:1', reason: 'the peer has restarted', lostFrames: 2 }]);
    t.deepEqual(server.events.placesDown, [{ place: 'x/0', boot: 1, reason: 'shardDown' }]);
    t.is(server.link(to).peerBoot, 2);
    t.is(server.link(to).outFrames, 0);
    server.send(to, [3], CONTROL_CLASS);
    await world.until(() => young.kinds().includes(KIND_TELL), 'a frame for the new boot');
    await closeAll(world, server);
  },

  'close sends what is left, says goodbye and is done': async (t, world) => {
    const [a, b] = await pair(world);
    a.send(b, [0], CONTROL_CLASS);
    a.send(b, [0], BULK_CLASS);
    await world.until(() => b.events.ups.length === 2 && a.events.ups.length === 2, 'both links');
    for (const id of range(1, 200)) putFrame(a.link(b), id, 1000);
    await a.close(world);
    await world.until(() => b.events.placesDown.length > 0, 'the place to go down');
    t.deepEqual(b.received(a), range(0, 201));
    t.deepEqual(b.events.placesDown, [{ place: 'a/0', boot: 1, reason: 'shardDown' }]);
    t.deepEqual(b.reasons('wire.linkDown'), ['the peer said goodbye', 'the peer said goodbye']);
    await closeAll(world, b);
  },

  'an address nobody listens at is tried again, and frames for it are dropped in the end': async (t, world) => {
    const limits = { backoff: { minMs: 5, maxMs: 10 }, holdMs: 200, unreachableMs: 300 };
    const [a, b] = await pair(world, { limits }, {});
    await b.close(world);
    t.is(a.send(b, [1, 2, 3]), 3);
    await world.until(() => a.events.placesDown.length > 0, 'the place to be unreachable');
    t.deepEqual(a.events.placesDown, [{ place: 'b/0', boot: 0, reason: 'unreachable' }]);
    t.is(a.events.downs.length, 1);
    t.like(a.events.downs[0], { link: 'b/0:1', lostFrames: 3 });
    t.regex(a.events.downs[0]?.reason ?? '', /^127\.0\.0\.1:\d+: connection refused/);
    const again = await TestNode.start(world, { node: 'b', port: b.port, boot: 2 });
    a.send(b, [4]);
    await world.until(() => again.received(a).length === 1, 'the new frame');
    t.deepEqual(again.received(a), [4]);
    await closeAll(world, a, again);
  },

  'an address in use is reported with host and port': async (t, world) => {
    const first = await TestNode.start(world, { node: 'a' });
    const error = await t.throwsAsync(TestNode.start(world, { node: 'b', port: first.port }));
    t.regex(error?.message ?? '', new RegExp(`^cannot listen on 127\\.0\\.0\\.1:${first.port}: address in use`));
    await closeAll(world, first);
  },
};

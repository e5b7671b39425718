/** The simulated network under the real TCP transport: the scenarios that also hold over loopback sockets. */
import test, { type ExecutionContext } from 'ava';
import type { Tasks } from '../../../runtime/link.ts';
import type { Conditions, LinkQuality } from '../../../runtime/simulation/conditions.ts';
import { SocketHub } from '../../../runtime/simulation/socket-hub.ts';
import type { ByteStream, Network, StreamHandler } from '../../../runtime/wire/network.ts';
import type { World as TransportWorld } from '../wire/rig.ts';
import { SCENARIOS } from '../wire/transport-scenarios.ts';
import { makeConditions, makeWorld, ThreadRig } from './thread-rig.ts';

const HOST = '127.0.0.1';
const WINDOW_BYTES = 128 * 1024;
const STEPS_MAX = 300_000;

class SimWorld implements TransportWorld {
  readonly world;
  readonly conditions: Conditions;
  readonly hub: SocketHub;
  readonly tasks: Tasks;
  readonly #rig: ThreadRig;
  readonly #t: ExecutionContext;

  constructor(t: ExecutionContext, quality: Partial<LinkQuality>, seed = 1) {
    this.#t = t;
    this.world = makeWorld(seed, 'random');
    this.conditions = makeConditions(this.world, quality);
    this.hub = new SocketHub(this.conditions, WINDOW_BYTES);
    this.#rig = new ThreadRig(this.world, HOST);
    this.tasks = this.#rig.tasks;
  }

  network(): Network {
    return this.hub.networkOf(this.#rig.thread);
  }

  until(condition: () => boolean, what: string): Promise<void> {
    for (let steps = 0; steps < STEPS_MAX && this.world.failures.length === 0; steps++) {
      if (condition()) return Promise.resolve();
      this.world.step();
    }
    this.#t.fail(`did not happen: ${what} ${JSON.stringify(this.world.failures[0] ?? '')}`);
    return Promise.resolve();
  }
}

const scenario = test.macro(async (t: ExecutionContext, name: string, quality: Partial<LinkQuality>) => {
  for (const seed of [1, 2, 3]) await SCENARIOS[name]?.(t, new SimWorld(t, quality, seed));
});

for (const name of Object.keys(SCENARIOS)) {
  test(`sim network: ${name}`, scenario, name, {});
  test(`sim network in odd pieces: ${name}`, scenario, name, {
    chunkBytesMax: 3000,
    delay: { kind: 'exponential', minMs: 0.01, meanMs: 1 },
    retransmitRatio: 0.01,
  });
}

class Recorder implements StreamHandler {
  readonly heard: string[] = [];
  bytes = 0;
  onConnect(): void {
    this.heard.push('connect');
  }
  onData(_bytes: Buffer, start: number, end: number): void {
    this.bytes += end - start;
  }
  onDrain(): void {
    this.heard.push('drain');
  }
  onClose(reason: string): void {
    this.heard.push(`close: ${reason}`);
  }
}

interface Pair {
  readonly world: ReturnType<typeof makeWorld>;
  readonly conditions: Conditions;
  readonly hub: SocketHub;
  readonly a: ThreadRig;
  readonly b: ThreadRig;
  readonly near: ByteStream;
  readonly nearSide: Recorder;
  far: ByteStream | undefined;
  readonly farSide: Recorder;
}

function connect(quality: Partial<LinkQuality> = {}): Pair {
  const world = makeWorld();
  const conditions = makeConditions(world, quality);
  const hub = new SocketHub(conditions, 1000);
  const a = new ThreadRig(world, 'a');
  const b = new ThreadRig(world, 'b');
  const farSide = new Recorder();
  const nearSide = new Recorder();
  const networkOfB = hub.networkOf(b.thread);
  const accept = (stream: ByteStream): void => {
    stream.handler = farSide;
    pair.far = stream;
  };
  networkOfB.listen('b', 1, accept, () => {});
  const near = hub.networkOf(a.thread).connect('b', 1);
  near.handler = nearSide;
  const pair: Pair = { world, conditions, hub, a, b, near, nearSide, far: undefined, farSide };
  return pair;
}

function runFor(pair: Pair, ms: number): void {
  const end = pair.world.nowUs + ms * 1000;
  while (pair.world.nextUs() <= end) pair.world.step();
  pair.world.nowUs = end;
}

test('sim network: no connection comes about through a partition, and none is refused', (t) => {
  const pair = connect();
  pair.conditions.cut('a', 'b', 1);
  pair.near.destroy('never mind');
  const other = pair.hub.networkOf(pair.a.thread).connect('b', 1);
  const handler = new Recorder();
  other.handler = handler;
  const nowhere = pair.hub.networkOf(pair.a.thread).connect('b', 2);
  nowhere.handler = handler;
  runFor(pair, 100_000);
  t.deepEqual(handler.heard, []);
});

test('sim network: a cut holds what is sent, and delivers it when it heals, in order', (t) => {
  const pair = connect({ retransmitMs: 10 });
  runFor(pair, 10);
  pair.conditions.cut('a', 'b', 1);
  pair.near.write(Buffer.alloc(100), 0, 100);
  pair.near.end();
  runFor(pair, 5000);
  t.is(pair.farSide.bytes, 0);
  pair.conditions.cut('a', 'b', -1);
  runFor(pair, 100);
  t.is(pair.farSide.bytes, 100);
  t.deepEqual(pair.farSide.heard, ['close: closed by the peer']);
});

test('sim network: a writer waits for a peer that does not read, and its buffer stays its own until it is drained', (t) => {
  const pair = connect();
  runFor(pair, 10);
  pair.far?.pause();
  t.true(pair.near.write(Buffer.alloc(600), 0, 600));
  t.false(pair.near.write(Buffer.alloc(600), 0, 600));
  runFor(pair, 100);
  t.is(pair.farSide.bytes, 0);
  t.deepEqual(pair.nearSide.heard, ['connect']);
  pair.far?.resume();
  runFor(pair, 100);
  t.is(pair.farSide.bytes, 1200);
  t.deepEqual(pair.nearSide.heard, ['connect', 'drain']);
});

test('sim network: a reset breaks both ends, and loses what is under way', (t) => {
  const pair = connect();
  runFor(pair, 10);
  pair.near.write(Buffer.alloc(100), 0, 100);
  pair.hub.reset('a', 'b');
  runFor(pair, 100);
  t.is(pair.farSide.bytes, 0);
  t.deepEqual(pair.nearSide.heard, ['connect', 'close: connection reset by the peer']);
  t.deepEqual(pair.farSide.heard, ['close: connection reset by the peer']);
});

test('sim network: a process that ends resets its connections', (t) => {
  const pair = connect();
  runFor(pair, 10);
  pair.b.thread.die();
  pair.hub.unplug(pair.b.thread, 'reset');
  runFor(pair, 100);
  t.deepEqual(pair.nearSide.heard, ['connect', 'close: connection reset by the peer']);
});

test('sim network: nothing is heard of a machine without power, until it is back', (t) => {
  const pair = connect();
  runFor(pair, 10);
  pair.b.thread.die();
  pair.hub.unplug(pair.b.thread, 'silent');
  pair.near.write(Buffer.alloc(10), 0, 10);
  runFor(pair, 60_000);
  t.deepEqual(pair.nearSide.heard, ['connect']);
  const again = new ThreadRig(pair.world, 'b');
  pair.hub.networkOf(again.thread);
  pair.near.write(Buffer.alloc(10), 0, 10);
  runFor(pair, 100);
  t.deepEqual(pair.nearSide.heard, ['connect', 'close: connection reset by the peer']);
});

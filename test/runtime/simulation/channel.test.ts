import test from 'ava';
import { Channel } from '../../../runtime/simulation/channel.ts';
import type { World } from '../../../runtime/simulation/world.ts';
import { makeWorld } from './thread-rig.ts';

interface Arrival {
  readonly atUs: number;
  readonly code: number;
}

function open(world: World): { readonly channel: Channel; readonly arrivals: Arrival[] } {
  const arrivals: Arrival[] = [];
  const channel = new Channel(world, { arrived: (code) => arrivals.push({ atUs: world.nowUs, code }) });
  return { channel, arrivals };
}

function ascending(a: number, b: number): number {
  return a - b;
}

function runAll(world: World): void {
  while (world.step());
}

test('channel: what is sent arrives at its time, in order', (t) => {
  const world = makeWorld();
  const { channel, arrivals } = open(world);
  for (let code = 0; code < 20; code++) channel.send(100 + code * 10, code);
  runAll(world);
  t.deepEqual(
    arrivals,
    Array.from({ length: 20 }, (_, code) => ({ atUs: 100 + code * 10, code })),
  );
});

test('channel: nothing overtakes, when what left later had the shorter way', (t) => {
  const world = makeWorld(3, 'random');
  const { channel, arrivals } = open(world);
  for (let code = 0; code < 50; code++) channel.send(1000 - code * 10, code);
  runAll(world);
  t.deepEqual(
    arrivals.map(({ code }) => code),
    Array.from({ length: 50 }, (_, code) => code),
  );
  t.true(arrivals.every(({ atUs }) => atUs >= 1000));
});

test('channel: holds everything while it is held, and lets it go in order', (t) => {
  const world = makeWorld();
  const { channel, arrivals } = open(world);
  channel.hold();
  for (let code = 0; code < 3; code++) channel.send(10, code);
  runAll(world);
  t.deepEqual(arrivals, []);
  world.nowUs = 500;
  channel.release(100);
  runAll(world);
  t.deepEqual(arrivals, [
    { atUs: 600, code: 0 },
    { atUs: 600, code: 1 },
    { atUs: 600, code: 2 },
  ]);
});

test('channel: forgets what is under way, when it is cleared', (t) => {
  const world = makeWorld();
  const { channel, arrivals } = open(world);
  channel.send(10, 1);
  channel.sendOutOfOrder(10, 2, Buffer.alloc(0), 0, 0);
  channel.clear();
  channel.send(30, 3);
  runAll(world);
  t.deepEqual(arrivals, [{ atUs: 30, code: 3 }]);
});

test('channel: a straggler is overtaken by what left later, and waits while the channel is held', (t) => {
  const world = makeWorld();
  const { channel, arrivals } = open(world);
  channel.sendOutOfOrder(50, 1, Buffer.alloc(0), 0, 0);
  channel.send(20, 2);
  channel.send(60, 3);
  channel.hold();
  runAll(world);
  t.deepEqual(arrivals, []);
  channel.release(0);
  runAll(world);
  t.deepEqual(arrivals.map(({ code }) => code).sort(ascending), [1, 2, 3]);
  t.true(arrivals.findIndex(({ code }) => code === 1) > 0);
});

test('channel: keeps order over many rounds of filling and emptying', (t) => {
  const world = makeWorld(9, 'random');
  const { channel, arrivals } = open(world);
  let code = 0;
  for (let round = 0; round < 200; round++) {
    for (let i = world.random.below(9); i > 0; i--) channel.send(world.nowUs + world.random.below(300), code++);
    for (let i = world.random.below(9); i > 0; i--) world.step();
  }
  runAll(world);
  t.deepEqual(
    arrivals.map((arrival) => arrival.code),
    Array.from({ length: code }, (_, i) => i),
  );
});

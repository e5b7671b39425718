import test from 'ava';
import { BULK_CLASS, CONTROL_CLASS } from '../../../runtime/lanes.ts';
import { FakeWorld, putFrame } from './rig.ts';
import { isRising, pair, range } from './transport-scenarios.ts';

test('backpressure: a congested receiver stops reading bulk, never control', async (t) => {
  const world = new FakeWorld(t);
  const [a, b] = await pair(world);
  b.events.onId = (id) => {
    if (id === 0) b.events.congested = true;
  };
  a.send(b, [0]);
  world.clock.runFor(50);
  a.send(b, range(1, 100));
  for (const id of range(0, 100)) {
    a.send(b, [id], CONTROL_CLASS);
    world.clock.runFor(50);
  }
  t.deepEqual(b.received(a, BULK_CLASS), [0]);
  t.is(b.received(a, CONTROL_CLASS).length, 100);
  b.events.congested = false;
  b.transport.resume();
  world.clock.runFor(50);
  t.deepEqual(b.received(a, BULK_CLASS), range(0, 101));
});

test('backpressure: neither side takes the other for dead, however long bulk is not read', async (t) => {
  const world = new FakeWorld(t);
  const [a, b] = await pair(world);
  a.send(b, [0]);
  b.send(a, [0]);
  world.clock.runFor(100);
  a.events.congested = true;
  b.events.congested = true;
  a.send(b, range(1, 50), BULK_CLASS, 10_000);
  b.send(a, range(1, 50), BULK_CLASS, 10_000);
  world.clock.runFor(600_000);
  t.deepEqual([...a.events.downs, ...b.events.downs], []);
  // One of them goes on much earlier than the other.
  a.events.congested = false;
  a.transport.resume();
  world.clock.runFor(600_000);
  t.deepEqual([...a.events.downs, ...b.events.downs], []);
  t.deepEqual(a.received(b), range(0, 51));
  b.events.congested = false;
  b.transport.resume();
  world.clock.runFor(1000);
  t.deepEqual(b.received(a), range(0, 51));
  t.is(world.net.open().length, 2);
});

test('backpressure: a receiver that reads by fits and starts gets everything that was taken, in order, and memory stays bounded', async (t) => {
  const world = new FakeWorld(t);
  const outMaxBytes = 128 * 1024;
  const [a, b] = await pair(world, { limits: { outMaxBytes } });
  a.send(b, [0]);
  world.clock.runFor(50);
  const link = a.link(b);
  let id = 1;
  let refused = 0;
  let mostQueued = 0;
  for (let round = 0; round < 400; round++) {
    b.events.congested = round % 10 < 7;
    if (!b.events.congested) b.transport.resume();
    for (let i = 0; i < 50; i++) {
      if (putFrame(link, id, 2000)) id++;
      else refused++;
    }
    link.flush();
    world.clock.runFor(5);
    const [streams] = world.net.open();
    mostQueued = Math.max(mostQueued, (streams?.[0].queuedBytes ?? 0) + link.out.length);
    t.true(link.out.length <= outMaxBytes);
  }
  b.events.congested = false;
  b.transport.resume();
  world.clock.runFor(1000);
  t.true(refused > 100);
  t.true(a.events.drained.length > 5);
  t.true(mostQueued <= 2 * outMaxBytes, `${mostQueued}`);
  t.true(isRising(b.received(a)));
  t.is(b.received(a).length, id);
});

test('backpressure: a paused connection that its peer gave up does not come back by resume', async (t) => {
  const world = new FakeWorld(t);
  const [a, b] = await pair(world);
  b.events.congested = true;
  a.send(b, [0]);
  world.clock.runFor(50);
  for (const streams of world.net.open()) world.net.reset(streams);
  world.clock.runFor(1000);
  b.events.congested = false;
  b.transport.resume();
  a.send(b, [1]);
  world.clock.runFor(100);
  t.deepEqual(b.received(a), [0, 1]);
  t.is(world.net.open().length, 2);
});

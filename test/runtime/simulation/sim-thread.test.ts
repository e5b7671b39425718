import test from 'ava';
import { PowerLossError } from '../../../runtime/simulation/sim-disk.ts';
import type { SimThread } from '../../../runtime/simulation/sim-thread.ts';
import type { World } from '../../../runtime/simulation/world.ts';
import { makeWorld, ThreadRig } from './thread-rig.ts';

function runAll(world: World): void {
  while (world.step());
}

function postTo(thread: SimThread, world: World, atMs: number, take: () => void): void {
  world.schedule(atMs * 1000, { id: 0, fire: () => thread.post({ take }, 0) }, 0);
}

test('sim thread: runs once for what came in together', (t) => {
  const world = makeWorld();
  const rig = new ThreadRig(world);
  const taken: number[] = [];
  for (let i = 0; i < 5; i++) postTo(rig.thread, world, 1, () => taken.push(i));
  runAll(world);
  t.deepEqual(taken, [0, 1, 2, 3, 4]);
  t.deepEqual(rig.runs, [1000]);
});

test('sim thread: takes nothing, while it is busy with what it was charged for', (t) => {
  const world = makeWorld();
  const rig = new ThreadRig(world, 'a', 0, { runUs: 10 });
  const times: number[] = [];
  postTo(rig.thread, world, 1, () => {
    rig.thread.charge(500);
    times.push(world.nowUs);
  });
  postTo(rig.thread, world, 1.2, () => times.push(world.nowUs));
  runAll(world);
  t.deepEqual(times, [1000, 1510]);
});

test('sim thread: its own clock moves with its work, in the middle of a run', (t) => {
  const world = makeWorld();
  const rig = new ThreadRig(world);
  const before = rig.thread.clock.now();
  let within = 0;
  postTo(rig.thread, world, 1, () => {
    rig.thread.charge(2000);
    within = rig.thread.clock.now() - before;
  });
  runAll(world);
  t.is(Math.round(within * 1000), 3000);
});

test('sim thread: a slow one takes longer for everything', (t) => {
  const world = makeWorld();
  const rig = new ThreadRig(world, 'a', 0, { runUs: 10 });
  rig.thread.slowness = 100;
  postTo(rig.thread, world, 1, () => rig.thread.charge(5));
  postTo(rig.thread, world, 1.1, () => {});
  runAll(world);
  t.deepEqual(rig.runs, [1000, 2500]);
});

test('sim thread: timers fire at their time, not before, also when they are moved', (t) => {
  const world = makeWorld();
  const rig = new ThreadRig(world);
  const fired: [string, number][] = [];
  const late = rig.tasks.after(50, () => fired.push(['late', world.nowUs]));
  rig.tasks.after(20, () => fired.push(['second', world.nowUs]));
  rig.tasks.after(10, () => {
    fired.push(['first', world.nowUs]);
    rig.tasks.cancel(late);
  });
  runAll(world);
  t.deepEqual(fired, [
    ['first', 10_000],
    ['second', 20_000],
  ]);
});

test('sim thread: stands still while it is frozen, then does all that has piled up', (t) => {
  const world = makeWorld();
  const rig = new ThreadRig(world);
  const { thread } = rig;
  const times: number[] = [];
  thread.freeze();
  thread.freeze();
  rig.tasks.after(10, () => times.push(world.nowUs));
  postTo(thread, world, 20, () => times.push(world.nowUs));
  world.schedule(100_000, { id: 0, fire: () => thread.thaw() }, 0);
  world.schedule(200_000, { id: 0, fire: () => thread.thaw() }, 0);
  runAll(world);
  t.deepEqual(times, [200_000, 200_000]);
});

test('sim thread: nothing of it is heard again, when it has died', (t) => {
  const world = makeWorld();
  const rig = new ThreadRig(world);
  rig.tasks.after(10, () => t.fail('a timer fired'));
  postTo(rig.thread, world, 10, () => t.fail('something was taken'));
  rig.thread.schedule(10, () => t.fail('a door called back'));
  rig.thread.die();
  rig.thread.wake();
  runAll(world);
  t.deepEqual(rig.runs, []);
});

test('sim thread: its clock runs fast or slow with the drift of its node, and timers with it', (t) => {
  const world = makeWorld();
  const rig = new ThreadRig(world);
  const start = rig.thread.clock.now();
  rig.time.setDrift(100_000, world.nowUs);
  const fired: number[] = [];
  rig.tasks.after(1100, () => fired.push(world.nowUs));
  world.schedule(500_000, { id: 0, fire: () => t.is(Math.round((rig.thread.clock.now() - start) * 1000), 550_000) }, 0);
  runAll(world);
  t.deepEqual(fired, [1_000_000]);
});

test('sim thread: the wall clock jumps, the monotonic one does not', (t) => {
  const world = makeWorld();
  const rig = new ThreadRig(world);
  const before = { now: rig.thread.clock.now(), wall: rig.thread.clock.wall() };
  rig.time.skewMs = -5000;
  t.is(rig.thread.clock.now(), before.now);
  t.is(rig.thread.clock.wall(), before.wall - 5000);
});

test('sim thread: a loss of power within a call to the disk is no failure of the run', (t) => {
  const world = makeWorld();
  const rig = new ThreadRig(world);
  postTo(rig.thread, world, 1, () => {
    throw new PowerLossError();
  });
  runAll(world);
  t.deepEqual(world.failures, []);
});

test('sim thread: what ends a real thread is a failure of the run', (t) => {
  const world = makeWorld();
  const rig = new ThreadRig(world);
  postTo(rig.thread, world, 1, () => {
    throw new Error('boom');
  });
  runAll(world);
  t.is(world.failures[0]?.what, 'thread crashed');
  t.regex(world.failures[0]?.detail ?? '', /a\/0: Error: boom/);
});

import test, { type ExecutionContext } from 'ava';
import type { Clock } from '../../../runtime/doors.ts';
import { RealLoop, TIMER_DELAY_MS_MAX } from '../../../runtime/real/loop.ts';

interface FakeTimer {
  readonly atMs: number;
  readonly task: () => void;
  held: boolean;
  unref(): FakeTimer;
}

/** Stands in for Node's timers and clock; tests are serial and synchronous, so nothing else sees them. */
class FakeTimers implements Clock {
  ms = 100;
  /** How often a timer was set. */
  sets = 0;
  readonly timers = new Set<FakeTimer>();
  readonly immediates = new Set<() => void>();

  now(): number {
    return this.ms;
  }

  wall(): number {
    return 0;
  }

  /** Runs until `untilMs`; each timer comes `lateMs` after its time. */
  advance(untilMs: number, lateMs = 0): void {
    for (;;) {
      this.turn();
      const next = [...this.timers].sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs + lateMs > untilMs) break;
      this.timers.delete(next);
      this.ms = Math.max(this.ms, next.atMs + lateMs);
      next.task();
    }
    this.ms = untilMs;
  }

  /** The check phase. */
  turn(): void {
    const tasks = [...this.immediates];
    this.immediates.clear();
    for (const task of tasks) task();
  }

  install(t: ExecutionContext): void {
    const { setTimeout, clearTimeout, setImmediate, clearImmediate } = globalThis;
    t.teardown(() => Object.assign(globalThis, { setTimeout, clearTimeout, setImmediate, clearImmediate }));
    Object.assign(globalThis, {
      setTimeout: (task: () => void, delayMs: number) => {
        this.sets++;
        // As Node does it.
        const truncated = delayMs >= 1 && delayMs <= TIMER_DELAY_MS_MAX ? Math.trunc(delayMs) : 1;
        const timer: FakeTimer = {
          atMs: this.ms + truncated,
          task,
          held: true,
          unref: () => {
            timer.held = false;
            return timer;
          },
        };
        this.timers.add(timer);
        return timer;
      },
      clearTimeout: (timer: FakeTimer) => this.timers.delete(timer),
      setImmediate: (task: () => void) => {
        this.immediates.add(task);
        return task;
      },
      clearImmediate: (task: () => void) => this.immediates.delete(task),
    });
  }
}

function setUp(t: ExecutionContext, keepAlive = false) {
  const timers = new FakeTimers();
  timers.install(t);
  const runs: number[] = [];
  const hooks: { onRun?: () => void } = {};
  const loop = new RealLoop({
    clock: timers,
    keepAlive,
    run: () => {
      runs.push(timers.ms);
      hooks.onRun?.();
    },
  });
  return { timers, runs, loop, hooks };
}

test.serial('real loop: wakes before a run make one run, after what is waiting', (t) => {
  const { timers, runs, loop } = setUp(t);
  loop.wake();
  loop.wake();
  t.is(runs.length, 0);
  timers.turn();
  t.is(runs.length, 1);
  timers.turn();
  t.is(runs.length, 1);
});

test.serial('real loop: a run that waits is run at once, and only once, when asked to', (t) => {
  const { timers, runs, loop } = setUp(t);
  loop.runWaiting();
  t.is(runs.length, 0);
  loop.wake();
  loop.runWaiting();
  t.is(runs.length, 1);
  loop.runWaiting();
  timers.turn();
  t.is(runs.length, 1);
  loop.wake();
  timers.turn();
  t.is(runs.length, 2);
});

test.serial('real loop: a wake during a run makes another one', (t) => {
  const { timers, runs, loop, hooks } = setUp(t);
  hooks.onRun = () => runs.length < 3 && loop.wake();
  loop.wake();
  for (let i = 0; i < 5; i++) timers.turn();
  t.is(runs.length, 3);
});

for (const [calls, expected] of [
  [[110], [110]],
  [[110.3], [111]],
  [[110, 105], [105]],
  [[105, 110], [110]],
  [[105, 110, 107], [107]],
  [[105, Number.POSITIVE_INFINITY], []],
  [[Number.POSITIVE_INFINITY], []],
  [[105, Number.POSITIVE_INFINITY, 110], [110]],
  [[100], [100]],
  [[50], [100]],
] as const) {
  test.serial(`real loop: the last moment asked for is the one of the run, for ${calls.join(', ')} at 100`, (t) => {
    const { timers, runs, loop } = setUp(t);
    for (const at of calls) loop.wakeAt(at);
    t.is(runs.length, 0);
    timers.advance(1_000);
    t.deepEqual(runs, expected);
  });
}

test.serial('real loop: a timer is armed anew only for an earlier moment', (t) => {
  const { timers, runs, loop } = setUp(t);
  for (let i = 0; i < 100; i++) {
    loop.wakeAt(200 + i);
    loop.wakeAt(Number.POSITIVE_INFINITY);
  }
  loop.wakeAt(250);
  t.is(timers.sets, 1);
  timers.advance(1_000);
  t.deepEqual(runs, [250]);
  t.is(timers.sets, 2);
});

test.serial('real loop: one timer is enough for a moment between two milliseconds', (t) => {
  const { timers, runs, loop } = setUp(t);
  loop.wakeAt(110.3);
  timers.advance(1_000);
  t.deepEqual(runs, [111]);
  t.is(timers.sets, 1);
});

test.serial('real loop: a run may ask for the next one', (t) => {
  const { timers, runs, loop, hooks } = setUp(t);
  hooks.onRun = () => loop.wakeAt(timers.ms + 10);
  loop.wakeAt(110);
  timers.advance(135);
  t.deepEqual(runs, [110, 120, 130]);
});

test.serial('real loop: a timer that comes early waits for the rest', (t) => {
  const { timers, runs, loop } = setUp(t);
  loop.wakeAt(110);
  // Node may count from a moment just past.
  timers.advance(109.5, -0.5);
  t.deepEqual(runs, []);
  timers.advance(111, 0);
  t.deepEqual(runs, [110.5]);
});

test.serial('real loop: a moment further away than a timer reaches is waited for in steps', (t) => {
  const { timers, runs, loop } = setUp(t);
  const at = 100 + 2.5 * TIMER_DELAY_MS_MAX;
  loop.wakeAt(at);
  timers.advance(at - 1);
  t.deepEqual(runs, []);
  t.is(timers.sets, 3);
  timers.advance(at + 1);
  t.deepEqual(runs, [Math.ceil(at)]);
});

test.serial('real loop: without keepAlive no timer holds the process', (t) => {
  const { timers, loop } = setUp(t);
  t.is(timers.timers.size, 0);
  loop.wakeAt(110);
  t.deepEqual(
    [...timers.timers].map(({ held }) => held),
    [false],
  );
});

test.serial('real loop: with keepAlive a timer holds the process at all times until close', (t) => {
  const { timers, runs, loop } = setUp(t, true);
  const held = () => [...timers.timers].map((timer) => timer.held);
  t.deepEqual(held(), [true]);
  loop.wakeAt(110);
  t.deepEqual(held(), [true]);
  timers.advance(200);
  t.deepEqual(runs, [110]);
  t.deepEqual(held(), [true]);
  timers.advance(200 + TIMER_DELAY_MS_MAX);
  t.deepEqual(runs, [110]);
  t.deepEqual(held(), [true]);
  loop.close();
  t.deepEqual(held(), []);
});

test.serial('real loop: nothing runs after close, also when close comes from a run', (t) => {
  const { timers, runs, loop, hooks } = setUp(t, true);
  hooks.onRun = () => loop.close();
  loop.wakeAt(110);
  timers.advance(110);
  loop.wake();
  loop.wakeAt(120);
  timers.advance(1_000);
  t.deepEqual(runs, [110]);
  t.is(timers.timers.size, 0);
});

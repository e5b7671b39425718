import test from 'ava';
import { TIMER_DELAY_MS_MAX } from '../../../runtime/real/loop.ts';
import { RealTimers } from '../../../runtime/real/timers.ts';
import { testTimersContract } from '../timers-contract.ts';

testTimersContract('real timers', () => new RealTimers());

test.serial('real timers: a delay beyond what Node takes is waited for in steps, unreferenced, and can be cancelled', (t) => {
  const { setTimeout, clearTimeout } = globalThis;
  t.teardown(() => Object.assign(globalThis, { setTimeout, clearTimeout }));
  const delays: number[] = [];
  let task: (() => void) | undefined;
  let held = 0;
  Object.assign(globalThis, {
    setTimeout: (next: () => void, delayMs: number) => {
      delays.push(delayMs);
      task = next;
      held++;
      const timer = {
        unref: () => {
          held--;
          return timer;
        },
      };
      return timer;
    },
    clearTimeout: () => {
      task = undefined;
    },
  });
  let runs = 0;
  const cancel = new RealTimers().after(2 * TIMER_DELAY_MS_MAX + 0.5, () => runs++);
  task?.();
  task?.();
  t.deepEqual(delays, [TIMER_DELAY_MS_MAX, TIMER_DELAY_MS_MAX, 1]);
  t.is(runs, 0);
  task?.();
  t.is(runs, 1);
  t.is(held, 0);
  cancel();
  t.is(task, undefined);
});

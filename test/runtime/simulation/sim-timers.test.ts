import test from 'ava';
import { SimTimers } from '../../../runtime/simulation/sim-timers.ts';
import { testTimersContract } from '../timers-contract.ts';
import { pumpedSchedule, VirtualSchedule } from './virtual-schedule.ts';

testTimersContract('simulated timers', () => new SimTimers(pumpedSchedule()));

test('simulated timers: time is virtual', (t) => {
  const clock = new VirtualSchedule();
  const timers = new SimTimers(clock.schedule);
  const runs: number[] = [];
  timers.after(86_400_000, () => runs.push(clock.nowMs));
  timers.after(-1, () => runs.push(clock.nowMs));
  timers.soon(() => runs.push(clock.nowMs));
  t.deepEqual(runs, []);
  clock.runAll();
  t.deepEqual(runs, [0, 0, 86_400_000]);
});

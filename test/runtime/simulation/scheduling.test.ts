import test from 'ava';
import { SeededRandom } from '../../../runtime/random.ts';
import { createScheduler, type SchedulingPolicy } from '../../../runtime/simulation/scheduling.ts';

test('scheduling: fifo leaves every choice as it comes', (t) => {
  const scheduler = createScheduler({ policy: 'fifo' }, new SeededRandom(1));
  t.is(scheduler.pick, null);
  t.is(scheduler.take(9), 9);
  t.deepEqual(
    [1, 2, 3].map((id) => scheduler.tie(id)),
    [0, 0, 0],
  );
});

test('scheduling: random picks each of those ready, and takes at least one input', (t) => {
  const scheduler = createScheduler({ policy: 'random' }, new SeededRandom(1));
  const picked = new Set(Array.from({ length: 200 }, () => scheduler.pick?.(4)));
  t.deepEqual(
    [...picked].sort((a = 0, b = 0) => a - b),
    [0, 1, 2, 3],
  );
  const taken = new Set(Array.from({ length: 500 }, () => scheduler.take(3)));
  t.deepEqual(
    [...taken].sort((a, b) => a - b),
    [1, 2, 3],
  );
});

test('scheduling: pct keeps the priority of a target, until it falls below all others', (t) => {
  const scheduler = createScheduler({ policy: 'pct', changePoints: 2, stepsExpected: 100 }, new SeededRandom(3));
  const before = [1, 2, 3].map((id) => scheduler.tie(id));
  t.is(new Set(before).size, 3);
  t.deepEqual(
    [1, 2, 3].map((id) => scheduler.tie(id)),
    before,
  );
  for (let step = 0; step < 100; step++) scheduler.step(1);
  t.true(scheduler.tie(1) > Math.max(...before));
  t.deepEqual([scheduler.tie(2), scheduler.tie(3)], before.slice(1));
});

test('scheduling: pct takes from one place of the queue between two changes', (t) => {
  const scheduler = createScheduler({ policy: 'pct', changePoints: 1, stepsExpected: 1 }, new SeededRandom(5));
  const places = (): (number | undefined)[] => Array.from({ length: 5 }, () => scheduler.pick?.(1000));
  const before = places();
  t.is(new Set(before).size, 1);
  scheduler.step(1);
  const after = places();
  t.is(new Set(after).size, 1);
  t.not(after[0], before[0]);
});

test('scheduling: an unknown policy is refused by name', (t) => {
  t.throws(() => createScheduler({ policy: 'lifo' as SchedulingPolicy }, new SeededRandom(1)), { message: /got "lifo"/ });
});

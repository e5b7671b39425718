import test, { type ExecutionContext } from 'ava';
import { PhiAccrual, phiOf } from '../../../actors/gossip/phi-accrual.ts';

const phi = test.macro((t: ExecutionContext, elapsedMs: number, meanMs: number, deviationMs: number, expected: number) => {
  const actual = phiOf(elapsedMs, meanMs, deviationMs);
  t.true(Math.abs(actual - expected) <= 1e-9 * Math.max(1, expected), `${actual}`);
});

// Computed apart from this code. The tail of the normal distribution itself gives 0.3010, 0.7995, 1.6430 and 2.8697 at 0 to 3 deviations.
for (const [elapsedMs, meanMs, deviationMs, expected] of [
  [1000, 1000, 250, 0.3010299956639812],
  [750, 1000, 250, 0.0750330321409399],
  [0, 1000, 250, 0.00000796331160879578],
  [1250, 1000, 250, 0.7995083208395598],
  [1500, 1000, 250, 1.6428278854871123],
  [1750, 1000, 250, 2.9094753264849538],
  [2305, 1000, 250, 7.980831357387225],
  [2310, 1000, 250, 8.045004110276992],
  [10_000, 1000, 250, 1454.817416386645],
  [1e9, 1000, 1, 3.0646332470803574e25],
] as const) {
  test(
    `phi: as the formula gives it, when ${elapsedMs} ms have passed, mean ${meanMs}, deviation ${deviationMs}`,
    phi,
    elapsedMs,
    meanMs,
    deviationMs,
    expected,
  );
}

test('phi accrual: begins with a guess, and takes its own beginning for a heartbeat', (t) => {
  const detector = new PhiAccrual({ intervalMs: 1000 }, 5000);
  t.is(detector.meanMs, 1000);
  t.is(detector.deviationMs, 250);
  t.true(detector.phi(5000) < 0.001);
  t.true(detector.phi(7300) < 8);
  t.true(detector.phi(7320) > 8);
});

test('phi accrual: the deviation has a floor, when heartbeats are regular', (t) => {
  const detector = new PhiAccrual({ intervalMs: 1000, deviationMinMs: 100 }, 0);
  for (let i = 1; i <= 200; i++) detector.heartbeat(i * 1000);
  t.is(detector.meanMs, 1000);
  t.is(detector.deviationMs, 100);
});

test('phi accrual: the window forgets, when the interval changes', (t) => {
  const detector = new PhiAccrual({ intervalMs: 1000, windowSize: 10 }, 0);
  for (let i = 1; i <= 10; i++) detector.heartbeat(i * 1500);
  t.is(detector.meanMs, 1500);
  for (let i = 1; i <= 5; i++) detector.heartbeat(15_000 + i * 500);
  t.is(detector.meanMs, 1000);
  t.is(detector.deviationMs, 500);
});

test('phi accrual: a long silence is remembered as two intervals, and a burst as half of one', (t) => {
  const slow = new PhiAccrual({ intervalMs: 1000, windowSize: 2 }, 0);
  slow.heartbeat(60_000);
  slow.heartbeat(120_000);
  t.is(slow.meanMs, 2000);
  const burst = new PhiAccrual({ intervalMs: 1000, windowSize: 2 }, 0);
  for (let i = 0; i < 5; i++) burst.heartbeat(60_000);
  t.is(burst.meanMs, 500);
});

test('phi accrual: a touch ends the silence and leaves the intervals, a reset forgets them', (t) => {
  const detector = new PhiAccrual({ intervalMs: 1000, windowSize: 4 }, 0);
  for (let i = 1; i <= 4; i++) detector.heartbeat(i * 1500);
  detector.touch(20_000);
  t.is(detector.meanMs, 1500);
  t.true(detector.phi(20_000) < 0.001);
  detector.reset(30_000);
  t.is(detector.meanMs, 1000);
});

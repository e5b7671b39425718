import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { THROTTLE_DEFAULTS, ThrottleController } from '../../../storage/compaction/throttle-controller.ts';
import { gradeStall, STALL_DEFAULTS, type StallState } from '../../../storage/compaction/write-stall.ts';

const calm: StallState = { immutableMemtables: 0, level0Tables: 0, pendingBytes: 0 };

const graded = test.macro((t, state: Partial<StallState>, expected: string) => {
  const grade = gradeStall({ ...calm, ...state }, STALL_DEFAULTS);
  t.is(grade.kind === 'slow' ? `slow ${Math.round(grade.bytesPerMs)}` : grade.kind, expected);
});
test('write stall: none, when all marks are far', graded, { immutableMemtables: 1, level0Tables: 15 }, 'free');
test('write stall: mild, when one mark is reached', graded, { immutableMemtables: 2 }, `slow ${1_024 * 64}`);
test('write stall: harder, when it is half-way to the stop', graded, { level0Tables: 26 }, `slow ${1_024 * 8}`);
test(
  'write stall: the worst counts, when several marks are passed',
  graded,
  { immutableMemtables: 2, level0Tables: 26 },
  `slow ${1_024 * 8}`,
);
test('write stall: a stop, when one measure is at its end', graded, { pendingBytes: 64 * 2 ** 30 }, 'stop');

const severity = (state: StallState): number => {
  const grade = gradeStall(state, STALL_DEFAULTS);
  return grade.kind === 'free' ? 0 : grade.kind === 'stop' ? Number.POSITIVE_INFINITY : 1 / grade.bytesPerMs;
};
const anyState = fc.record({
  immutableMemtables: fc.nat(5),
  level0Tables: fc.nat(40),
  pendingBytes: fc.nat(80).map((gib) => gib * 2 ** 30),
});
testProp('write stall: never gets milder, when a measure gets worse', [anyState, anyState], (t, a, b) => {
  const worse = {
    immutableMemtables: a.immutableMemtables + b.immutableMemtables,
    level0Tables: a.level0Tables + b.level0Tables,
    pendingBytes: a.pendingBytes + b.pendingBytes,
  };
  t.true(severity(worse) >= severity(a));
});

const load = { foregroundBytesPerSecond: 1e7, debtBytes: 0, latencyMs: 1 };

test('throttle controller: there is no rate, when there is no foreground or debt is at its limit', (t) => {
  const controller = new ThrottleController();
  for (let i = 0; i < 50; i++) controller.next({ ...load, latencyMs: 100 });
  t.is(controller.next({ ...load, latencyMs: 100, debtBytes: THROTTLE_DEFAULTS.debtHigh }), 0);
  for (let i = 0; i < 50; i++) controller.next({ ...load, latencyMs: 100 });
  t.is(controller.next({ ...load, foregroundBytesPerSecond: 0 }), 0);
});

test('throttle controller: the rate falls to its floor while latency is bad, and climbs back when it is good', (t) => {
  const controller = new ThrottleController();
  const rates = Array.from({ length: 30 }, () => controller.next({ ...load, latencyMs: 100 }));
  t.is(rates[0], Math.round(THROTTLE_DEFAULTS.kibMax * 0.7));
  t.is(rates.at(-1), THROTTLE_DEFAULTS.kibMin);
  t.deepEqual(
    rates,
    [...rates].sort((a, b) => b - a),
  );
  const back = Array.from({ length: 40 }, () => controller.next(load));
  t.true(back[0]! > THROTTLE_DEFAULTS.kibMin);
  t.is(back.at(-1), 0);
});

test('throttle controller: the floor rises with debt, whatever the latency', (t) => {
  const controller = new ThrottleController();
  const { debtLow, debtHigh, kibMax, kibMin } = THROTTLE_DEFAULTS;
  const bad = { ...load, latencyMs: 100, debtBytes: (debtLow + debtHigh) / 2 };
  for (let i = 0; i < 30; i++) controller.next(bad);
  t.is(controller.next(bad), Math.round((kibMax + kibMin) / 2));
});

import test from 'ava';
import { OK, type Sample, type SampleSet, Samples } from '../../../bench/failures/samples.ts';
import { courseOf, figuresIn, troubledMs } from '../../../bench/failures/windows.ts';

/** One operation each millisecond from 1,000 on, of two groups in turns, each of which takes 5 ms, unless `but` says something else of it. */
function samplesOf(count: number, but: (n: number) => Partial<Sample> = () => ({})): SampleSet {
  const samples = new Samples();
  for (let n = 0; n < count; n++) {
    const plain: Sample = { group: n % 2, beganMs: 1_000 + n, tookMs: 5, lateMs: 0.5, outcome: OK, isStale: false };
    samples.add({ ...plain, ...but(n) });
  }
  return samples.all;
}

const BOTH = [0, 1];

test('bench failures: a window has what was to begin within it, of the groups that are asked for', (t) => {
  const samples = samplesOf(1_000);
  t.is(figuresIn(samples, { fromMs: 1_100, untilMs: 1_300 }, BOTH).operations, 200);
  t.is(figuresIn(samples, { fromMs: 1_100, untilMs: 1_300 }, [1]).operations, 100);
  t.is(figuresIn(samples, { fromMs: 0, untilMs: 1_000 }, BOTH).operations, 0);
});

test('bench failures: percentiles are of what was done, the slowest of all', (t) => {
  const samples = samplesOf(1_000, (n) => (n === 0 ? { tookMs: 5_000, outcome: 'INDETERMINATE' } : n < 21 ? { tookMs: 300 } : {}));
  const { p50Ms, p99Ms, slowestMs, lateP99Ms, errors } = figuresIn(samples, { fromMs: 1_000, untilMs: 2_000 }, BOTH);
  t.deepEqual([Math.round(p50Ms), Math.round(p99Ms), slowestMs], [5, 300, 5_000]);
  t.true(Math.abs(lateP99Ms - 0.5) < 0.01);
  t.deepEqual(errors, { INDETERMINATE: 1 });
});

test('bench failures: old values are counted', (t) => {
  const samples = samplesOf(100, (n) => ({ isStale: n < 3 }));
  t.is(figuresIn(samples, { fromMs: 0, untilMs: 2_000 }, BOTH).stale, 3);
});

test('bench failures: trouble lasts from when the first failed operation began to when the last was over', (t) => {
  const window = { fromMs: 1_000, untilMs: 2_000 };
  t.is(troubledMs(samplesOf(1_000), window, BOTH, 50), 0);
  const failed = samplesOf(1_000, (n) => (n === 100 || n === 400 ? { outcome: 'DISCONNECTED' } : {}));
  t.is(troubledMs(failed, window, BOTH, 50), 305);
  t.is(troubledMs(failed, window, [1], 50), 0);
});

test('bench failures: an answer that took longer than a timeout is trouble, too', (t) => {
  const slow = samplesOf(1_000, (n) => (n === 200 ? { tookMs: 70 } : {}));
  t.is(troubledMs(slow, { fromMs: 1_000, untilMs: 2_000 }, BOTH, 50), 70);
  t.is(troubledMs(slow, { fromMs: 1_000, untilMs: 2_000 }, BOTH, 70), 0);
});

test('bench failures: the course counts its seconds from the event', (t) => {
  const points = courseOf(
    samplesOf(1_000, (n) => (n === 450 ? { tookMs: 90 } : {})),
    200,
    1_400,
  );
  t.deepEqual(
    points.map(({ atSeconds, operations }) => [atSeconds, operations]),
    [
      [-0.4, 200],
      [-0.2, 200],
      [0, 200],
      [0.2, 200],
      [0.4, 200],
    ],
  );
  t.deepEqual(
    points.map(({ slowestMs }) => slowestMs),
    [5, 5, 90, 5, 5],
  );
});

test('bench failures: samples are kept, when there are more than there was room for at first', (t) => {
  const { count, outcomes, outcome, tookMs } = samplesOf(70_000, (n) => (n === 69_999 ? { outcome: 'LOADING', tookMs: 7 } : {}));
  t.is(count, 70_000);
  t.is(outcomes[outcome[69_999]!], 'LOADING');
  t.is(tookMs[69_999], 7);
});

test('bench failures: errors of too many kinds are counted together', (t) => {
  const { errors } = figuresIn(
    samplesOf(300, (n) => ({ outcome: `E${n}` })),
    { fromMs: 0, untilMs: 2_000 },
    BOTH,
  );
  t.is(
    Object.values(errors).reduce((sum, count) => sum + count, 0),
    300,
  );
  t.true(errors.OTHER! > 40);
});

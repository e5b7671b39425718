import test from 'ava';
import type { Random } from '../../../runtime/doors.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import type { BackoffOptions } from '../../../runtime/supervision.ts';
import { backoffDelayMs } from '../../../runtime/wire/backoff.ts';

const never: Random = new SeededRandom(1);

const delays = test.macro((t, options: BackoffOptions, expected: readonly number[]) => {
  const found = expected.map((_, attempt) => backoffDelayMs(attempt, { ...options, jitterRatio: 0 }, never));
  t.deepEqual(found, expected);
});

test('backoff: delays double up to the cap', delays, { minMs: 50, maxMs: 1000 }, [50, 100, 200, 400, 800, 1000, 1000]);
test('backoff: the factor is kept to', delays, { minMs: 10, maxMs: 1000, factor: 3 }, [10, 30, 90, 270, 810, 1000]);
test('backoff: a least delay of zero tries once at once and then doubles from a millisecond', delays, { maxMs: 10 }, [0, 2, 4, 8, 10]);
test('backoff: a least delay above the cap is capped', delays, { minMs: 500, maxMs: 100 }, [100, 100]);
test('backoff: a factor of one keeps the delay', delays, { minMs: 7, factor: 1 }, [7, 7, 7]);

test('backoff: a number of failures beyond the range of powers gives the cap', (t) => {
  t.is(backoffDelayMs(100_000, { minMs: 50, maxMs: 5000, jitterRatio: 0 }, never), 5000);
});

test('backoff: jitter takes off up to its share and never adds', (t) => {
  const random = new SeededRandom('jitter');
  const found = Array.from({ length: 2000 }, () => backoffDelayMs(3, { minMs: 100, jitterRatio: 0.5 }, random));
  const least = Math.min(...found);
  const most = Math.max(...found);
  t.true(least >= 400 && least < 410, `least ${least}`);
  t.true(most <= 800 && most > 790, `most ${most}`);
});

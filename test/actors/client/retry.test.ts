import { testProp } from '@fast-check/ava';
import test from 'ava';
import fc from 'fast-check';
import { fullJitter, RetryBudget } from '../../../actors/client/retry.ts';
import { SeededRandom } from '../../../runtime/random.ts';

const RANGE = { minMs: 10, maxMs: 500 };

testProp(
  'client backoff: it lies between 1 ms and what doubles with each try, up to the most',
  [fc.nat(), fc.integer({ min: 1, max: 5_000 })],
  (t, seed, attempt) => {
    const ms = fullJitter(attempt, RANGE, new SeededRandom(seed));
    t.true(ms >= 1 && ms <= Math.min(500, 10 * 2 ** Math.min(attempt - 1, 10)));
  },
);

test('client backoff: it is spread over the whole of its range', (t) => {
  const random = new SeededRandom('jitter');
  const drawn = Array.from({ length: 1_000 }, () => fullJitter(7, RANGE, random));
  t.true(Math.min(...drawn) < 25 && Math.max(...drawn) > 475);
});

test('client retry budget: some are saved up, then it is a share of the operations begun', (t) => {
  const budget = new RetryBudget({ ratio: 0.1, perSecond: 0 }, 0);
  const takeAll = (): number => {
    let taken = 0;
    while (budget.take(1_000)) taken++;
    return taken;
  };
  t.is(takeAll(), 10);
  for (let i = 0; i < 55; i++) budget.deposit();
  t.is(takeAll(), 5);
  for (let i = 0; i < 100_000; i++) budget.deposit();
  t.is(takeAll(), 10, 'no more than that is saved up');
});

test('client retry budget: it fills up with time', (t) => {
  const budget = new RetryBudget({ ratio: 0, perSecond: 10 }, 0);
  let taken = 0;
  while (budget.take(0)) taken++;
  t.is(taken, 110);
  t.false(budget.take(99));
  t.true(budget.take(101));
  t.false(budget.take(150));
});

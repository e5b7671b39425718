import test from 'ava';
import { SeededRandom } from '../../runtime/random.ts';
import { Zipf } from './zipf.ts';

const ITEMS = 1_000;
const THETA = 0.99;
const DRAWS = 200_000;

function shareOf(rank: number): number {
  let sum = 0;
  for (let i = 1; i <= ITEMS; i++) sum += 1 / i ** THETA;
  return 1 / (rank + 1) ** THETA / sum;
}

test('zipf: the two most frequent ranks come as often as the law says, exactly', (t) => {
  const zipf = new Zipf(ITEMS, THETA);
  const ends = [shareOf(0), shareOf(0) + shareOf(1)] as const;
  t.is(zipf.rank(0), 0);
  t.is(zipf.rank(ends[0] - 1e-9), 0);
  t.is(zipf.rank(ends[0] + 1e-9), 1);
  t.is(zipf.rank(ends[1] - 1e-9), 1);
  t.true(zipf.rank(ends[1] + 1e-9) >= 2);
});

test('zipf: a tenth of the items gets the share that the law says, within 3 in 100', (t) => {
  const zipf = new Zipf(ITEMS, THETA);
  const random = new SeededRandom(1);
  let hot = 0;
  for (let i = 0; i < DRAWS; i++) if (zipf.rank(random.float()) < ITEMS / 10) hot++;
  let expected = 0;
  for (let rank = 0; rank < ITEMS / 10; rank++) expected += shareOf(rank);
  t.true(Math.abs(hot / DRAWS - expected) < 0.03, `${hot / DRAWS}, law ${expected}`);
});

test('zipf: every rank is below the number of items, at the ends of the draw', (t) => {
  for (const items of [3, 10, 1_000_000]) {
    const zipf = new Zipf(items, THETA);
    t.is(zipf.rank(0), 0);
    t.true(zipf.rank(1 - 2 ** -53) < items);
  }
});

test('zipf: parameters outside the law are refused', (t) => {
  t.throws(() => new Zipf(2, THETA), { instanceOf: RangeError, message: /at least 3 items, got 2/ });
  t.throws(() => new Zipf(10, 1), { instanceOf: RangeError, message: /theta between 0 and 1, got 1/ });
});

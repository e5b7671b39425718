import test from 'ava';
import { SeededRandom } from '../../../runtime/random.ts';
import { checkDistribution, type Distribution, sampleUs } from '../../../runtime/simulation/distribution.ts';

function samples(distribution: Distribution, count = 20_000): number[] {
  const random = new SeededRandom(1);
  return Array.from({ length: count }, () => sampleUs(distribution, random));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

const bounds = test.macro((t, distribution: Distribution, minUs: number, maxUs: number, meanUs: number) => {
  const values = samples(distribution);
  t.true(values.every((value) => Number.isInteger(value) && value >= minUs && value <= maxUs));
  t.true(Math.abs(mean(values) - meanUs) < meanUs * 0.05, `mean ${mean(values)}`);
});

test('distribution: constant is what it says', bounds, { kind: 'constant', ms: 1.5 }, 1500, 1500, 1500);
test('distribution: uniform fills its range', bounds, { kind: 'uniform', minMs: 1, maxMs: 3 }, 1000, 3000, 2000);
test('distribution: exponential has its mean above its minimum', bounds, { kind: 'exponential', minMs: 1, meanMs: 2 }, 1000, 41_000, 3000);
test(
  'distribution: heavy tail is mostly short and sometimes at its cap',
  bounds,
  { kind: 'heavyTail', minMs: 1, alpha: 3, maxMs: 100 },
  1000,
  100_000,
  1500,
);

test('distribution: heavy tail reaches far, when alpha is small', (t) => {
  const values = samples({ kind: 'heavyTail', minMs: 0.1, alpha: 1, maxMs: 1000 });
  t.true(values.filter((value) => value < 200).length > 8000);
  t.true(values.some((value) => value > 500_000));
});

test('distribution: what is none is refused by name, when it comes from a file', (t) => {
  const bad: unknown[] = [{ kind: 'gauss' }, { kind: 'constant' }, { kind: 'uniform', minMs: 1, maxMs: '2' }, { kind: 'constant', ms: -1 }];
  for (const value of bad) t.throws(() => checkDistribution(value as Distribution, 'here'), { message: /^here: expected a distribution/ });
  t.notThrows(() => checkDistribution({ kind: 'constant', ms: 0 }, 'here'));
});

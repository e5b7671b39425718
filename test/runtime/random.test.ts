import test from 'ava';
import { SeededRandom } from '../../runtime/random.ts';

function draws(random: SeededRandom, count: number): number[] {
  return Array.from({ length: count }, () => random.u32());
}

/** Pearson's chi-square over equally likely cells, as standard deviations from its mean. */
function deviation(counts: readonly number[]): number {
  const total = counts.reduce((sum, n) => sum + n, 0);
  const expected = total / counts.length;
  const chiSquare = counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
  const freedom = counts.length - 1;
  return (chiSquare - freedom) / Math.sqrt(2 * freedom);
}

// Golden: plan files in the world rest on these. Only ever add.
for (const [seed, expected] of [
  [0, [2766601046, 601975903, 1976562762, 3604423472]],
  ['plan', [3717830364, 1302443471, 571148817, 2534892458]],
] as const) {
  test(`random: a seed gives the same draws for ever, for seed ${JSON.stringify(seed)}`, (t) => {
    t.deepEqual(draws(new SeededRandom(seed), 4), expected);
  });
}

test('random: a fork gives the same draws for ever', (t) => {
  t.deepEqual(draws(new SeededRandom(0).fork('net:a>b'), 4), [869319641, 3137933875, 2145336014, 2897845772]);
});

test('random: a number and its text are the same seed, and other seeds are others', (t) => {
  t.deepEqual(draws(new SeededRandom(42), 10), draws(new SeededRandom('42'), 10));
  const firsts = new Set(Array.from({ length: 10_000 }, (_, seed) => draws(new SeededRandom(seed), 2).join()));
  t.is(firsts.size, 10_000);
});

test('random: a fork depends on label and seed, not on draws', (t) => {
  const parent = new SeededRandom(1);
  const early = draws(parent.fork('a'), 10);
  const after = draws(parent, 10);
  t.deepEqual(draws(parent.fork('a'), 10), early);
  t.deepEqual(draws(new SeededRandom(1), 10), after);
  t.notDeepEqual(draws(parent.fork('b'), 10), early);
  t.notDeepEqual(draws(new SeededRandom(2).fork('a'), 10), early);
  t.notDeepEqual(draws(parent.fork('a').fork('b'), 10), draws(parent.fork('ab'), 10));
  t.notDeepEqual(draws(parent.fork(''), 10), draws(new SeededRandom(1), 10));
});

test('random: all bits of u32 are used evenly', (t) => {
  const random = new SeededRandom('bits');
  const ones = new Array<number>(32).fill(0);
  for (let i = 0; i < 100_000; i++) {
    const drawn = random.u32();
    t.true(Number.isInteger(drawn) && drawn >= 0 && drawn < 2 ** 32);
    for (let bit = 0; bit < 32; bit++) ones[bit] = (ones[bit] ?? 0) + ((drawn >>> bit) & 1);
  }
  for (const [bit, count] of ones.entries()) t.true(Math.abs(count - 50_000) < 5 * Math.sqrt(25_000), `bit ${bit}: ${count}`);
});

test('random: first draws of neighbouring seeds and forks are evenly spread', (t) => {
  const ofSeeds = new Array<number>(64).fill(0);
  const ofForks = new Array<number>(64).fill(0);
  const parent = new SeededRandom(7);
  for (let i = 0; i < 20_000; i++) {
    const a = new SeededRandom(i).u32() >>> 26;
    const b = parent.fork(`client:${i}`).u32() >>> 26;
    ofSeeds[a] = (ofSeeds[a] ?? 0) + 1;
    ofForks[b] = (ofForks[b] ?? 0) + 1;
  }
  t.true(Math.abs(deviation(ofSeeds)) < 5);
  t.true(Math.abs(deviation(ofForks)) < 5);
});

for (const n of [2, 3, 5, 6, 7, 10, 100, 257]) {
  test(`random: below is uniform, for n = ${n}`, (t) => {
    const random = new SeededRandom(n);
    const counts = new Array<number>(n).fill(0);
    for (let i = 0; i < n * 1_000; i++) {
      const drawn = random.below(n);
      counts[drawn] = (counts[drawn] ?? 0) + 1;
    }
    t.is(counts.length, n);
    t.true(Math.abs(deviation(counts)) < 5, String(deviation(counts)));
  });
}

test('random: below takes 1 to 2^32 and nothing else', (t) => {
  const random = new SeededRandom(1);
  t.is(random.below(1), 0);
  const large = Array.from({ length: 1_000 }, () => random.below(2 ** 32));
  t.true(large.some((drawn) => drawn >= 2 ** 31) && large.every((drawn) => drawn >= 0 && drawn < 2 ** 32));
  const odd = Array.from({ length: 1_000 }, () => random.below(2 ** 31 + 1));
  t.true(odd.some((drawn) => drawn >= 2 ** 30) && odd.every((drawn) => drawn >= 0 && drawn <= 2 ** 31));
  for (const n of [0, -1, 1.5, 2 ** 32 + 1, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.throws(() => random.below(n), { code: 'INVALID_ARGUMENT' });
  }
});

test('random: float is in [0, 1) with 53 bits, evenly', (t) => {
  const random = new SeededRandom('float');
  const counts = new Array<number>(50).fill(0);
  let lowBits = 0;
  for (let i = 0; i < 50_000; i++) {
    const drawn = random.float();
    t.true(drawn >= 0 && drawn < 1);
    const cell = Math.floor(drawn * 50);
    counts[cell] = (counts[cell] ?? 0) + 1;
    lowBits += (drawn * 2 ** 53) % 2;
  }
  t.true(Math.abs(deviation(counts)) < 5);
  t.true(Math.abs(lowBits - 25_000) < 5 * Math.sqrt(12_500), `lowest bit set ${lowBits} times of 50000`);
});

test('random: chance holds its probability, and 0 and 1 are certain', (t) => {
  const random = new SeededRandom('chance');
  let hits = 0;
  for (let i = 0; i < 40_000; i++) {
    if (random.chance(0.1)) hits++;
    t.false(random.chance(0));
    t.true(random.chance(1));
  }
  t.true(Math.abs(hits - 4_000) < 5 * Math.sqrt(3_600), String(hits));
});

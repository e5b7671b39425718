import test from 'ava';
import { runStore } from './store-run.ts';

const SEEDS = 60;

test('store histories: nothing acknowledged is lost, nothing unheard of is found, no answer lies, under loss, delay, repetition and crashes [A1, A4, A5, A14]', (t) => {
  const all = { acknowledged: 0, unknown: 0, refused: 0, siblingsMax: 0 };
  for (let seed = 0; seed < SEEDS; seed++) {
    const { faults, ...counts } = runStore({ seed: `h${seed}` });
    t.deepEqual(faults, [], `seed h${seed}`);
    all.acknowledged += counts.acknowledged;
    all.unknown += counts.unknown;
    all.refused += counts.refused;
    all.siblingsMax = Math.max(all.siblingsMax, counts.siblingsMax);
  }
  t.log(all);
  t.true(all.acknowledged > SEEDS * 20 && all.unknown > SEEDS && all.refused > SEEDS && all.siblingsMax >= 3);
});

test('store histories: of concurrent writes to an lww key all but one are lost, and the checker says so (control)', (t) => {
  const { faults } = runStore({ seed: 'h0', conflict: 'lww' });
  const lost = faults.filter((fault) => /^A1 .* is lost/.test(fault));
  t.log(lost.length, lost[0]);
  t.true(lost.length > 0);
});

const bug = test.macro((t, name: string) => {
  let seed = 0;
  while (seed < SEEDS && runStore({ seed: `h${seed}`, mutants: new Set([name]) }).faults.length === 0) seed++;
  t.log(`found by seed ${seed}`);
  t.true(seed < SEEDS);
});

for (const name of ['ackAtWMinus1', 'countsReplicaTwice', 'failedWriteSaidRefused', 'digestIgnored']) {
  test(`store histories: the planted bug ${name} is found`, bug, name);
}

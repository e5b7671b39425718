import test from 'ava';
import { runWorkload } from '../../../runtime/simulation/workload.ts';
import { huntMutant, runSeed } from './cluster-hunt.ts';
import { clusterRun } from './cluster-run.ts';
import { store } from './cluster-workload.ts';

const SEEDS = 8;
const PARTS = 4;
const SEEDS_MAX = 30;

const holds = test.macro((t, part: number) => {
  let answers = 0;
  for (let seed = part; seed < SEEDS; seed += PARTS) {
    const { failure, isFormed, counts } = runSeed(seed);
    t.is(failure, null, `seed ${seed}`);
    t.true(isFormed);
    for (const count of counts.values()) answers += count;
  }
  t.true(answers > 300, `${answers}`);
});

for (let part = 0; part < PARTS; part++)
  test(
    `store cluster: what was acknowledged is read, siblings are concurrent, cp keys are registers and nothing comes back, in seeds ${part} and so on [A1 A4 A5 A7 A10 A14 T35]`,
    holds,
    part,
  );

test('store cluster: a seed gives the same run twice', (t) => {
  const digest = (): string => runWorkload(store, clusterRun(4)).digest;
  t.is(digest(), digest());
});

const finds = test.macro((t, mutant: string) => {
  t.not(huntMutant(mutant, 0, SEEDS_MAX), undefined);
});

for (const mutant of ['ackAtWMinus1', 'digestIgnored', 'failedWriteSaidRefused'])
  test(`store cluster: the planted bug ${mutant} is found in a few seeds`, finds, mutant);

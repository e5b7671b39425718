import test from 'ava';
import { runWorkload } from '../../../runtime/simulation/workload.ts';
import { huntMutant, runSeed } from './cluster-hunt.ts';
import { drawRun } from './cluster-run.ts';
import { store } from './cluster-workload.ts';
import { FAULT_CLASSES, type FaultClass } from './fault-classes.ts';

const SEEDS = 12;
const PARTS = 4;
const SEEDS_MAX = 30;
/** That have all classes between them. */
const TWICE = [0, 14];

const holds = test.macro((t, part: number) => {
  let answers = 0;
  let formed = 0;
  for (let seed = part; seed < SEEDS; seed += PARTS) {
    const { failure, isFormed, counts } = runSeed(seed);
    t.is(failure, null, `seed ${seed}`);
    if (isFormed) formed++;
    for (const count of counts.values()) answers += count;
  }
  // Where nothing works for long there may be no cluster in time, and little is asked.
  t.true(formed > 0 && answers > 100, `${formed} formed, ${answers} answers`);
});

for (let part = 0; part < PARTS; part++)
  test(
    `store cluster: what was acknowledged is read, siblings are concurrent, cp keys are registers and nothing comes back, in seeds ${part} and so on [A1 A4 A5 A7 A10 A14 T35]`,
    holds,
    part,
  );

test('store cluster: a seed gives the same run twice, event by event, with every class of faults in one of them', (t) => {
  const seen = new Set<FaultClass>();
  for (const seed of TWICE) {
    const { run, faults } = drawRun(seed, { nodes: 5, faults: FAULT_CLASSES });
    for (const name of faults.keys()) seen.add(name);
    const [one, other] = [runWorkload(store, run), runWorkload(store, run)];
    t.is(one.digest, other.digest, `seed ${seed}`);
    t.is(one.events, other.events);
  }
  t.deepEqual(
    FAULT_CLASSES.filter((name) => !seen.has(name)),
    [],
  );
});

const finds = test.macro((t, mutant: string) => {
  t.not(huntMutant(mutant, 0, SEEDS_MAX), undefined);
});

for (const mutant of ['ackAtWMinus1', 'digestIgnored', 'failedWriteSaidRefused'])
  test(`store cluster: the planted bug ${mutant} is found in a few seeds`, finds, mutant);

import test from 'ava';
import { runWorkload } from '../../../runtime/simulation/workload.ts';
import { huntMutant, runSeed } from './cluster-hunt.ts';
import { drawRun } from './cluster-run.ts';
import { builtOf, ClusterRun, store } from './cluster-workload.ts';
import { FAULT_CLASSES, type FaultClass } from './fault-classes.ts';
import { promisesOf } from './run-promises.ts';

const SEEDS = 12;
const PARTS = 4;
const SEEDS_MAX = 30;
/** One seed in some two hundred shows it. */
const SINGLE_FROM = 200;
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

/** What is found wrong, when what one replica alone has acknowledged is to be there also where a disk was lost, and when it is not; null: no disk was. */
function withoutSingle(seed: number, keepsSingle: boolean): readonly string[] | null {
  const { run } = drawRun(seed, { faults: ['disk-loss', 'loss', 'partition', 'outage'] });
  const promises = promisesOf(run);
  if (promises.keepsSingle) return null;
  const { simulation, cluster } = builtOf(run, new ClusterRun(run, {}, { promises: { ...promises, keepsSingle } }));
  if (simulation.run(run.stopMs)) cluster.finish();
  return simulation.failures.map(({ what }) => what);
}

test('store cluster: what one replica alone has acknowledged is lost with its disk, and the checker says so (control)', (t) => {
  let seed = SINGLE_FROM;
  while (seed < SINGLE_FROM + SEEDS_MAX && (withoutSingle(seed, true) ?? []).length === 0) seed++;
  t.log(`first seed from ${SINGLE_FROM}: ${seed}`);
  t.deepEqual([withoutSingle(seed, true), withoutSingle(seed, false)], [['A1'], []]);
});

const finds = test.macro((t, mutant: string) => {
  t.not(huntMutant(mutant, 0, SEEDS_MAX), undefined);
});

for (const mutant of ['ackAtWMinus1', 'digestIgnored', 'failedWriteSaidRefused'])
  test(`store cluster: the planted bug ${mutant} is found in a few seeds`, finds, mutant);

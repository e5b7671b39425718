import test, { type ExecutionContext } from 'ava';
import { runRepair } from './repair-run.ts';

const PARTS: readonly (readonly number[])[] = [
  [0, 4],
  [2, 5],
];

const holds = test.macro((t: ExecutionContext, seeds: readonly number[]) => {
  let [acknowledged, moved] = [0, 0];
  for (const seed of seeds) {
    const result = runRepair(seed);
    t.deepEqual(result.faults, [], `seed ${seed}`);
    acknowledged += result.acknowledged;
    moved += result.pushed + result.pulled;
  }
  t.log(`${acknowledged} writes, ${moved} keys repaired`);
  t.true(acknowledged > 300 && moved > 0, `${acknowledged} ${moved}`);
});
for (const seeds of PARTS)
  test(
    `repair histories: all replicas are byte-equal once faults are over, disks that were lost included, in seeds ${seeds.join(', ')} [A9 A13]`,
    holds,
    seeds,
  );

const PLANTED_SEEDS = 5;
const found = test.macro((t: ExecutionContext, mutant: string) => {
  let faults: readonly string[] = [];
  let seed = 0;
  for (; faults.length === 0 && seed < PLANTED_SEEDS; seed++) ({ faults } = runRepair(seed, [mutant]));
  t.log(`seed ${seed - 1}: ${faults[0]}`);
  t.not(faults.length, 0);
});
for (const mutant of ['repairMints', 'tombstoneUnhashed'])
  test(`repair histories: the planted bug ${mutant} is found in a few seeds`, found, mutant);

import test, { type ExecutionContext } from 'ava';
import { runRepair } from './repair-run.ts';

const SEEDS = 4;
const PARTS = 2;

const holds = test.macro((t: ExecutionContext, part: number) => {
  let [acknowledged, moved] = [0, 0];
  for (let seed = part; seed < SEEDS; seed += PARTS) {
    const result = runRepair(seed);
    t.deepEqual(result.faults, [], `seed ${seed}`);
    acknowledged += result.acknowledged;
    moved += result.pushed + result.pulled;
  }
  t.log(`${acknowledged} writes, ${moved} keys repaired`);
  t.true(acknowledged > 300 && moved > 0, `${acknowledged} ${moved}`);
});
for (let part = 0; part < PARTS; part++)
  test(
    `repair histories: all replicas are byte-equal once faults are over, disks that were lost included, in seeds ${part} and so on [A9 A13]`,
    holds,
    part,
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

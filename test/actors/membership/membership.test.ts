import test from 'ava';
import { runWorkload } from '../../../runtime/simulation/workload.ts';
import { runSeed } from './membership-hunt.ts';
import { membershipRun } from './membership-run.ts';
import { membership } from './membership-workload.ts';

const SEEDS = 18;
const PARTS = 6;

const holds = test.macro((t, part: number) => {
  for (let seed = part; seed < SEEDS; seed += PARTS) {
    const { failure } = runSeed(seed);
    t.is(failure, null, `seed ${seed}`);
  }
});

for (let part = 0; part < PARTS; part++)
  test(`membership: all that must hold of rings and members holds, in seeds ${part} and so on`, holds, part);

test('membership: a seed gives the same run twice', (t) => {
  const digest = (): string => runWorkload(membership, membershipRun(3)).digest;
  t.is(digest(), digest());
});

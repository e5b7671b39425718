import test from 'ava';
import { runWorkload } from '../../../runtime/simulation/testing.ts';
import { BROKEN_PROMISE } from './promise-prober.ts';
import { NOT_FROM_PARENT, TWO_RINGS } from './ring-checker.ts';
import { ringRun, ringWorkload } from './ring-workload.ts';

/** `SEED=7 npx ava test/actors/membership/ring-workload.test.ts` runs that one alone. */
const ONLY = process.env.SEED;
const COUNT = 2;

test('ring workload: one ring per epoch, each from the one before, promises kept and answers true, under faults', (t) => {
  const first = ONLY === undefined ? 0 : Number(ONLY);
  for (let seed = first; seed < first + (ONLY === undefined ? COUNT : 1); seed++)
    t.is(runWorkload(ringWorkload, ringRun(seed)).failure, null, `seed ${seed}`);
});

test('ring workload: the same seed gives the same run', (t) => {
  const [first, second] = [1, 2].map(() => runWorkload(ringWorkload, ringRun(3)).digest);
  t.is(first, second);
});

const found = test.macro((t, mutant: string, from: number, to: number, what: string) => {
  for (let seed = from; seed <= to; seed++) {
    const { failure } = runWorkload(ringWorkload, ringRun(seed, [mutant]));
    if (failure !== null) return t.is(failure.what, what, failure.detail);
  }
  return t.fail(`not found in the seeds ${from} to ${to}`);
});

// The seeds are where it is found by now, and a few more: who hunts from 0 finds each within 30.
test('ring workload: a quorum of one too few is found', found, 'quorumOneTooFew', 2, 15, TWO_RINGS);
test('ring workload: a proposer that takes over nothing is found', found, 'decidesOwnValue', 0, 10, TWO_RINGS);
test('ring workload: a loser that keeps the ring it had computed is found', found, 'precomputedRing', 0, 5, NOT_FROM_PARENT);
test('ring workload: an answer before the disk has it is found', found, 'answersBeforeDurable', 9, 15, BROKEN_PROMISE);
test('ring workload: a promise that is not kept on disk is found', found, 'acceptorForgetsPromise', 9, 15, BROKEN_PROMISE);

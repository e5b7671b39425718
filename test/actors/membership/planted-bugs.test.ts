/** The checkers of the membership workload are checked: bugs that are planted are found by seeds that hold without them. More by `bench:membership --mutants`. */
import test from 'ava';
import { huntMutant } from './membership-hunt.ts';

const SEEDS_MAX = 60;

const finds = test.macro((t, mutant: string) => {
  t.not(huntMutant(mutant, 0, SEEDS_MAX), null);
});

for (const mutant of [
  ...['quorumOneTooFew', 'precomputedRing', 'answersBeforeDurable', 'acceptorForgetsPromise'],
  ...['oneAccuserIsEnough', 'duplicateIdAccepted'],
])
  test(`membership planted bugs: ${mutant} is found in a few seeds`, finds, mutant);

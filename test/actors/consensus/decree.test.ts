import test from 'ava';
import { type DecreeResult, runDecree } from './decree.ts';

const SEEDS = 700;

test('paxos: no two values are decided, and none that no majority accepted, over a network that loses, repeats and reorders', (t) => {
  let decided = 0;
  for (let seed = 0; seed < SEEDS; seed++) {
    const result = runDecree(seed);
    t.true(result.decided.length <= 1 && result.chosen.length <= 1, `seed ${seed}: ${JSON.stringify(result)}`);
    for (const value of result.decided) t.deepEqual(result.chosen, [value], `seed ${seed}`);
    decided += result.decided.length;
  }
  t.true(decided > SEEDS / 2, `${decided} of ${SEEDS} came to a decision`);
});

function isWrong({ decided, chosen }: DecreeResult): boolean {
  return decided.length > 1 || decided.some((value) => !chosen.includes(value));
}

const found = test.macro((t, mutant: string) => {
  let seed = 0;
  while (seed < SEEDS && !isWrong(runDecree(seed, [mutant]))) seed++;
  t.true(seed < SEEDS, `not found in ${SEEDS} seeds`);
  t.false(isWrong(runDecree(seed)), `seed ${seed} is wrong without it, too`);
});

for (const mutant of ['quorumOneTooFew', 'decidesOwnValue', 'doubleCountsAnswers', 'acceptorForgetsPromise', 'ballotReused'])
  test(`paxos: the planted bug ${mutant} is found`, found, mutant);

import test from 'ava';
import { runDecree } from './decree.ts';

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

const found = test.macro((t, mutant: string) => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const { decided, chosen } = runDecree(seed, [mutant]);
    if (decided.length > 1 || decided.some((value) => !chosen.includes(value))) return t.pass();
  }
  return t.fail(`not found in ${SEEDS} seeds`);
});

for (const mutant of ['quorumOneTooFew', 'decidesOwnValue', 'doubleCountsAnswers', 'acceptorForgetsPromise', 'ballotReused'])
  test(`paxos: the planted bug ${mutant} is found`, found, mutant);

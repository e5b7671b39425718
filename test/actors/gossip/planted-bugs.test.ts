import test, { type ExecutionContext } from 'ava';
import { SCENARIOS } from './scenarios.ts';

const SEEDS_MAX = 60;

/** The seed that finds it is found again in each run, and holds without the bug. */
const found = test.macro((t: ExecutionContext, mutant: string, scenario: string) => {
  const run = SCENARIOS[scenario]!;
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    if (run(seed, [mutant]).length === 0) continue;
    t.deepEqual(run(seed), [], `seed ${seed} without the bug`);
    return;
  }
  t.fail(`${mutant} was not found by ${scenario} in ${SEEDS_MAX} seeds`);
});

test('gossip planted bug: heartbeatCountedOverTwoPaths is found by bridged', found, 'heartbeatCountedOverTwoPaths', 'bridged');
test('gossip planted bug: oneAccuserIsEnough is found by deaf', found, 'oneAccuserIsEnough', 'deaf');
test('gossip planted bug: noRefutation is found by paused', found, 'noRefutation', 'paused');
test('gossip planted bug: pausedNodeAccuses is found by suspended', found, 'pausedNodeAccuses', 'suspended');
test('gossip planted bug: staleIncarnationAccepted is found by late', found, 'staleIncarnationAccepted', 'late');
test('gossip planted bug: downChangesNothingUndone is found by killed', found, 'downChangesNothingUndone', 'killed');
test('gossip planted bug: bootIgnored is found by killed', found, 'bootIgnored', 'killed');
test('gossip planted bug: gossipOnlyLive is found by partitioned', found, 'gossipOnlyLive', 'partitioned');

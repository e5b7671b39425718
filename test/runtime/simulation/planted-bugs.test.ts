import test from 'ava';
import { formatPlanFile, parsePlanFile, replay } from '../../../runtime/simulation/testing.ts';
import { exchange } from './exchange.ts';
import { hunt, withoutMutants } from './hunt.ts';

const SEEDS_MAX = 20;

const found = test.macro((t, mutant: string, what: string) => {
  const prey = hunt(mutant, 0, SEEDS_MAX);
  if (prey === null) return t.fail(`not found in ${SEEDS_MAX} seeds`);
  t.is(prey.file.expect, what);
  t.true(prey.file.plan.length <= 1, formatPlanFile(prey.file));
  const read = parsePlanFile(formatPlanFile(prey.file));
  for (let time = 0; time < 2; time++) {
    const result = replay(read, [exchange]);
    t.true(result.isAsExpected);
    t.is(result.digest, replay(read, [exchange]).digest);
  }
  t.true(replay(withoutMutants(read), [exchange]).isAsExpected);
});

test('planted bugs: frames taken out of order are found, shrunk and replayed', found, 'reorder', 'messages were reordered');
test('planted bugs: a lost wake-up is found, shrunk and replayed', found, 'lostWakeUp', 'local work was not done');

test('planted bugs: a plan file for an unknown workload is refused by name', (t) => {
  const prey = hunt('reorder', 0, SEEDS_MAX);
  t.throws(() => replay({ ...prey!.file, workload: 'other' }, [exchange]), { message: /no workload is named other; there are exchange/ });
});

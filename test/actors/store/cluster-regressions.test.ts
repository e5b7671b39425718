/** Runs that once found a bug, reduced: one plan file each in `regressions/`, named after what was wrong. */
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { parsePlanFile, replay, runWorkload } from '../../../runtime/simulation/testing.ts';
import { store } from './cluster-workload.ts';

// AVA runs tests in the folder of package.json.
const FOLDER = 'test/actors/store/regressions';

for (const name of readdirSync(FOLDER).sort()) {
  test(`store regressions: ${name.replace('.json', '').replaceAll('-', ' ')}`, (t) => {
    const { failure, isAsExpected } = replay(parsePlanFile(readFileSync(`${FOLDER}/${name}`, 'utf8')), [store]);
    t.true(isAsExpected, JSON.stringify(failure));
  });
}

test('store regressions: the planted bug idsBeginAgain is found by the plan that found it', (t) => {
  const name = 'an-answer-to-what-a-shard-asked-before-its-restart-is-not-taken-for-another-key.json';
  const file = parsePlanFile(readFileSync(`${FOLDER}/${name}`, 'utf8'));
  const run = { ...file, settings: { ...file.settings, mutants: ['idsBeginAgain'] } };
  t.is(runWorkload(store, run).failure?.what, 'A5');
});

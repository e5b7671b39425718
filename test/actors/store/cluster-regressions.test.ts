/** Runs that once found a bug, reduced: one plan file each in `regressions/`, named after what was wrong. */
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { parsePlanFile } from '../../../runtime/simulation/testing.ts';
import { buildCluster } from './cluster-workload.ts';
import { replayFormed } from './replay-formed.ts';

// AVA runs tests in the folder of package.json.
const FOLDER = 'test/actors/store/regressions';

for (const name of readdirSync(FOLDER).sort()) {
  test(`store regressions: ${name.replace('.json', '').replaceAll('-', ' ')}`, (t) => {
    const file = parsePlanFile(readFileSync(`${FOLDER}/${name}`, 'utf8'));
    const { failure, isAsExpected, isFormed } = replayFormed(file, { store: buildCluster });
    t.true(isAsExpected, JSON.stringify(failure));
    t.true(isFormed);
  });
}

/** A mutant, and the plan that found the bug that it plants again: a change of timing may have a plan show nothing any more. */
const PLANTED = [['purgedReadMixed', 'a-read-does-not-mix-what-was-said-before-a-purge-with-what-is-said-after-it']] as const;

for (const [mutant, name] of PLANTED) {
  test(`store regressions: the planted bug ${mutant} is found by the plan of what it was`, (t) => {
    const file = parsePlanFile(readFileSync(`${FOLDER}/${name}.json`, 'utf8'));
    const { failure } = replayFormed({ ...file, settings: { ...file.settings, mutants: [mutant] } }, { store: buildCluster });
    t.is(failure?.what, 'register');
  });
}

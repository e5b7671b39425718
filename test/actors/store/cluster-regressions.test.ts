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

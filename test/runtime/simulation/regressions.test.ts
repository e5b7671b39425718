/** Runs that once found a bug, reduced: one plan file each in `regressions/`, named after what was wrong. */
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { parsePlanFile, replay } from '../../../runtime/simulation/testing.ts';
import { exchange } from './exchange.ts';

// AVA runs tests in the folder of package.json.
const FOLDER = 'test/runtime/simulation/regressions';

for (const name of readdirSync(FOLDER).sort()) {
  test(`regressions: ${name.replace('.json', '').replaceAll('-', ' ')}`, (t) => {
    const { failure, isAsExpected } = replay(parsePlanFile(readFileSync(`${FOLDER}/${name}`, 'utf8')), [exchange]);
    t.true(isAsExpected, JSON.stringify(failure));
  });
}

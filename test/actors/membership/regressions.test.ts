/** Runs that once found a bug, reduced: one plan file each in `regressions/`, named after what was wrong. */
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { parsePlanFile, replay } from '../../../runtime/simulation/testing.ts';
import { membershipKnobs } from './membership-knobs.ts';
import { membership } from './membership-workload.ts';

// AVA runs tests in the folder of package.json.
const FOLDER = 'test/actors/membership/regressions';

for (const name of readdirSync(FOLDER).sort()) {
  test(`membership regressions: ${name.replace('.json', '').replaceAll('-', ' ')}`, (t) => {
    const file = parsePlanFile(readFileSync(`${FOLDER}/${name}`, 'utf8'));
    // A profile that came later than all of them: none was made in it.
    t.not(membershipKnobs(file.seed).profile, 'entering');
    const { failure, isAsExpected } = replay(file, [membership]);
    t.true(isAsExpected, JSON.stringify(failure));
  });
}

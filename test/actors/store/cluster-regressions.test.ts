/** Runs that once found a bug, reduced: one plan file each in `regressions/`, named after what was wrong. */
import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import type { RunPlan } from '../../../runtime/simulation/plan-file.ts';
import { parsePlanFile, replay } from '../../../runtime/simulation/testing.ts';
import { type BuiltCluster, buildCluster } from './cluster-workload.ts';

// AVA runs tests in the folder of package.json.
const FOLDER = 'test/actors/store/regressions';

for (const name of readdirSync(FOLDER).sort()) {
  test(`store regressions: ${name.replace('.json', '').replaceAll('-', ' ')}`, (t) => {
    const built: BuiltCluster[] = [];
    const workload = { name: 'store', build: (run: RunPlan) => built[built.push(buildCluster(run)) - 1]! };
    const { failure, isAsExpected } = replay(parsePlanFile(readFileSync(`${FOLDER}/${name}`, 'utf8')), [workload]);
    t.true(isAsExpected, JSON.stringify(failure));
    // Else nothing was asked for, and all held.
    t.true(built[0]?.cluster.isFormed);
  });
}

import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import type { PlanFile } from '../../../runtime/simulation/plan-file.ts';
import { parsePlanFile } from '../../../runtime/simulation/testing.ts';
import { runWorkload } from '../../../runtime/simulation/workload.ts';
import { replayFormed } from '../store/replay-formed.ts';
import { huntMove, type MoveWorkload, runMove } from './move-hunt.ts';
import { buildMove, buildShrink, shrinks } from './move-workload.ts';

const SEEDS = 6;
const PARTS = 2;
const SEEDS_MAX = 60;

const holds = test.macro((t, part: number, workload: MoveWorkload) => {
  let answers = 0;
  for (let seed = part; seed < SEEDS; seed += PARTS) {
    const { failure, counts } = runMove(seed, workload);
    t.is(failure, null, `seed ${seed}`);
    for (const count of counts.values()) answers += count;
  }
  t.true(answers > 400, `${answers}`);
});

for (let part = 0; part < PARTS; part++) {
  test(
    `moves of data: no acknowledged write is lost, reads stay fresh, and each replica has its own and nothing else, when members join, leave and are replaced, in seeds ${part} and so on [T19 T20 T21 T30]`,
    holds,
    part,
    'moves',
  );
  test(
    `moves of data: what was acknowledged is with as many replicas as before, as far as there are so many, when members leave until they are fewer than replicas, in seeds ${part} and so on [T19 T20 T30]`,
    holds,
    part,
    'shrinks',
  );
}

const finds = test.macro((t, mutant: string, workload: MoveWorkload) => {
  t.not(huntMove(mutant, 0, SEEDS_MAX, workload), undefined);
});

for (const mutant of ['pageBoundarySkipped', 'foreignKept', 'writtenWhereRead'])
  test(`moves of data: the planted bug ${mutant} is found in a few seeds`, finds, mutant, 'moves');
for (const mutant of ['streamedFromAnother', 'droppedTooEarly'])
  test(`moves of data: the planted bug ${mutant} is found in a few seeds of a cluster that shrinks`, finds, mutant, 'shrinks');

/** Runs that once found a bug, reduced: named after what was wrong. AVA runs tests in the folder of package.json. */
const FOLDER = 'test/actors/streaming/regressions';

for (const name of readdirSync(FOLDER).sort())
  test(`moves regressions: ${name.replace('.json', '').replaceAll('-', ' ')}`, (t) => {
    const { failure, isAsExpected, isFormed } = replayFormed(regression(name), { moves: buildMove, shrinks: buildShrink });
    t.true(isAsExpected, JSON.stringify(failure));
    t.true(isFormed);
  });

test('bug: who left ended before any other knew that it had, and who stayed could decide nothing any more', (t) => {
  const file = regression('who-leaves-stays-until-the-others-know-that-it-has-left.json');
  const planted = { ...file, settings: { ...file.settings, mutants: ['leavesUntold'] } };
  t.is(runWorkload(shrinks, planted).failure?.what, 'the change of members has not ended, when all is well for long');
});

function regression(name: string): PlanFile {
  return parsePlanFile(readFileSync(`${FOLDER}/${name}`, 'utf8'));
}

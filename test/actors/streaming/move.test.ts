import { readdirSync, readFileSync } from 'node:fs';
import test from 'ava';
import { parsePlanFile, replay } from '../../../runtime/simulation/testing.ts';
import { huntMove, runMove } from './move-hunt.ts';
import { moves } from './move-workload.ts';

const SEEDS = 6;
const PARTS = 2;
const SEEDS_MAX = 20;

const holds = test.macro((t, part: number) => {
  let answers = 0;
  for (let seed = part; seed < SEEDS; seed += PARTS) {
    const { failure, counts } = runMove(seed);
    t.is(failure, null, `seed ${seed}`);
    for (const count of counts.values()) answers += count;
  }
  t.true(answers > 400, `${answers}`);
});

for (let part = 0; part < PARTS; part++)
  test(
    `moves of data: no acknowledged write is lost, reads stay fresh, and each replica has its own and nothing else, when members join, leave and are replaced, in seeds ${part} and so on [T19 T20 T21 T30]`,
    holds,
    part,
  );

const finds = test.macro((t, mutant: string) => {
  t.not(huntMove(mutant, 0, SEEDS_MAX), undefined);
});

for (const mutant of ['pageBoundarySkipped', 'foreignKept', 'writtenWhereRead'])
  test(`moves of data: the planted bug ${mutant} is found in a few seeds`, finds, mutant);

/** Runs that once found a bug, reduced: named after what was wrong. AVA runs tests in the folder of package.json. */
const FOLDER = 'test/actors/streaming/regressions';

for (const name of readdirSync(FOLDER).sort())
  test(`moves regressions: ${name.replace('.json', '').replaceAll('-', ' ')}`, (t) => {
    const { failure, isAsExpected } = replay(parsePlanFile(readFileSync(`${FOLDER}/${name}`, 'utf8')), [moves]);
    t.true(isAsExpected, JSON.stringify(failure));
  });

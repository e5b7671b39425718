import test, { type ExecutionContext } from 'ava';
import { runScanHistory } from './scan-history.ts';

const clean = test.macro((t: ExecutionContext, seeds: number, hasFaults: boolean) => {
  let [pages, again, written] = [0, 0, 0];
  for (let seed = 1; seed <= seeds; seed++) {
    const result = runScanHistory({ seed, hasFaults });
    t.deepEqual(result.faults, [], `seed ${seed}`);
    pages += result.pages;
    again += result.again;
    written += result.written;
  }
  t.log(`${pages} pages, ${again} asked for again, ${written} writes meanwhile`);
  t.true(pages > seeds * 5 && written > seeds * 5);
  t.is(again > 0, hasFaults);
});
test('scan histories: all that is there comes, with what was written last, while others write', clean, 3, false);
test('scan histories: all that is there comes, with what was written last, when nodes die and come back', clean, 6, true);

const PLANTED_SEEDS = 5;
const planted = test.macro((t: ExecutionContext, mutant: string) => {
  let faults: readonly string[] = [];
  let seed = 0;
  while (faults.length === 0 && seed < PLANTED_SEEDS) ({ faults } = runScanHistory({ seed: ++seed, mutants: [mutant], hasFaults: false }));
  t.log(`seed ${seed}: ${faults[0]}`);
  t.not(faults.length, 0);
});
for (const mutant of [
  'pageEndLost',
  'oneReplicaIsEnough',
  'partitionSkipped',
  'farthestPageCounts',
  'boundIgnored',
  'lastReplicaWins',
  'tombstoneShown',
  'purgedScanMixed',
])
  test(`scan histories: ${mutant} is found, when planted`, planted, mutant);

/**
 * Finds the bugs planted in the runtime by simulation, shrinks the failing run, writes its plan file and replays that:
 * `node dist/bench/planted-bugs.js --out /tmp --hunts 10`; `node dist/bench/planted-bugs.js --replay FILE` replays one.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeItem, formatPlanFile, replay } from '../runtime/simulation/testing.ts';
import { optionsOf, wholeNumber } from '../test/helpers/options.ts';
import { exchange } from '../test/runtime/simulation/exchange.ts';
import { type Catch, hunt, withoutMutants } from '../test/runtime/simulation/hunt.ts';
import { planFileOf } from './lib/plan-file.ts';

const MUTANTS = ['reorder', 'lostWakeUp'] as const;
const SEEDS_MAX = 1000;
/** Seeds of one hunt begin where no other hunt's are. */
const HUNT_SEEDS = 10_000;

function replayFile(path: string): boolean {
  const file = planFileOf(path, exchange.name);
  const { failure, digest, isAsExpected } = replay(file, [exchange]);
  console.log(`${path}: ${failure === null ? 'all held' : `${failure.what} at ${failure.atMs} ms: ${failure.detail}`}; digest ${digest}`);
  console.log(isAsExpected ? 'as the file says' : `expected: ${file.expect ?? 'all holds'}`);
  return isAsExpected;
}

function report(prey: Catch, hunts: readonly Catch[], path: string): boolean {
  const seeds = hunts.map((other) => other.seedsTried).sort((a, b) => a - b);
  console.log(`\n${prey.mutant}: ${prey.file.expect}`);
  console.log(`  seeds to find it, ${hunts.length} hunts: median ${seeds[seeds.length >> 1]}, most ${seeds.at(-1)}`);
  console.log(
    `  shrunk in ${prey.shrinkRuns} runs from ${prey.itemsBefore} faults to ${prey.file.plan.length}, ends at ${prey.file.stopMs} ms`,
  );
  for (const item of prey.file.plan) console.log(`    ${describeItem(item)}`);
  writeFileSync(path, formatPlanFile(prey.file));
  const isFound = replayFile(path);
  const holds = replay(withoutMutants(prey.file), [exchange]).isAsExpected;
  console.log(`  without the bug the same run ${holds ? 'holds' : 'FAILS'}`);
  return isFound && holds;
}

const { values } = optionsOf({
  options: { out: { type: 'string', default: tmpdir() }, hunts: { type: 'string', default: '10' }, replay: { type: 'string' } },
});
const huntsAsked = wholeNumber('hunts', values.hunts);
let allWell = true;
if (values.replay !== undefined) {
  allWell = replayFile(values.replay);
} else {
  for (const mutant of MUTANTS) {
    const hunts = Array.from({ length: huntsAsked }, (_, index) => hunt(mutant, index * HUNT_SEEDS, SEEDS_MAX));
    const found = hunts.filter((prey) => prey !== null);
    const [first] = found;
    if (first === undefined || found.length < hunts.length) {
      console.log(`\n${mutant}: not found in ${SEEDS_MAX} seeds in ${hunts.length - found.length} of ${hunts.length} hunts`);
      allWell = false;
    }
    if (first !== undefined && !report(first, found, join(values.out, `planted-${mutant}.json`))) allWell = false;
  }
}
process.exitCode = allWell ? 0 : 1;

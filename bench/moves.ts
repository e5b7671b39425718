/**
 * Runs seeds of the workload in which data moves (test/actors/streaming/), and says what broke: `node dist/bench/moves.js --seeds 500 --from 0 [--workload shrinks]`. `--mutants` hunts the planted bugs
 * instead, and prints how many seeds each takes. Exits with 1 when something broke that was not planted, or what was planted was not found.
 */
import { huntMove, MOVE_WORKLOADS, type MoveWorkload, moveShape, runMove } from '../test/actors/streaming/move-hunt.ts';
import { MOVE_MUTANTS, SHRINK_MUTANTS } from '../test/actors/streaming/move-mutants.ts';
import { optionsOf, usageError, wholeNumber } from '../test/helpers/options.ts';

const HUNTS = 3;
/** Seeds of one hunt begin where no other hunt's are. */
const HUNT_SEEDS = 100_000;

const { values } = optionsOf({
  options: {
    seeds: { type: 'string', default: '300' },
    from: { type: 'string', default: '0' },
    workload: { type: 'string', default: 'moves' },
    mutants: { type: 'boolean', default: false },
  },
});
const seeds = wholeNumber('seeds', values.seeds);
const from = wholeNumber('from', values.from, 0);
const workload = workloadOf(values.workload);

function workloadOf(text: string): MoveWorkload {
  const workload = MOVE_WORKLOADS.find((name) => name === text);
  if (workload === undefined) usageError(`--workload: expected ${MOVE_WORKLOADS.join(' or ')}, got ${text}`);
  return workload;
}

function runAll(from: number, count: number): boolean {
  const startedAt = performance.now();
  const failed = new Map<string, number[]>();
  const ran = new Map<string, number>();
  for (let seed = from; seed < from + count; seed++) {
    const { failure, isFormed, members } = runMove(seed, workload);
    const kinds = isFormed ? [moveShape(seed, workload).profile, `ends with ${members}`] : ['not formed in time'];
    for (const kind of kinds) ran.set(kind, (ran.get(kind) ?? 0) + 1);
    if (failure === null) continue;
    failed.set(failure.what, [...(failed.get(failure.what) ?? []), seed]);
    console.error(`seed ${seed}: ${failure.atMs} ms: ${failure.what}: ${failure.detail.slice(0, 400)}`);
  }
  console.log(`${count} seeds in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
  for (const [kind, times] of ran) console.log(`  ${kind.padEnd(20)} ${times}`);
  console.log(`violations: ${failed.size === 0 ? 'none' : ''}`);
  for (const [what, seeds] of failed) console.log(`${what}: ${seeds.length} seeds: ${seeds.slice(0, 20).join(', ')}`);
  return failed.size === 0;
}

function huntAll(seedsMax: number): boolean {
  let isWell = true;
  for (const name of workload === 'moves' ? MOVE_MUTANTS : SHRINK_MUTANTS) {
    const found = Array.from({ length: HUNTS }, (_, index) => huntMove(name, index * HUNT_SEEDS, seedsMax, workload));
    const tried = found.map((prey) => prey?.tried ?? '-').join(', ');
    console.log(`${name.padEnd(24)} ${tried.padEnd(14)} ${found.find((prey) => prey !== undefined)?.what ?? 'not found'}`);
    if (found.includes(undefined)) isWell = false;
  }
  return isWell;
}

const isWell = values.mutants ? huntAll(seeds) : runAll(from, seeds);
process.exitCode = isWell ? 0 : 1;

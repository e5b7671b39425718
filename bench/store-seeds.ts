/**
 * Runs seeds of the whole-cluster workload of the store, and says what broke and how requests were answered: `node dist/bench/store-seeds.js --seeds 2000 --from 0`. Failures are
 * reduced to plan files in `--out`. `--mutants` hunts the planted bugs instead, and prints how many seeds each takes (`--only name`). Exits with 1 when something broke that was not planted,
 * or what was planted was not found.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { describeItem, formatPlanFile } from '../runtime/simulation/testing.ts';
import { huntMutant, runSeed, shrunkFile } from '../test/actors/store/cluster-hunt.ts';
import { STORE_MUTANTS } from '../test/actors/store/cluster-mutants.ts';
import { clusterRun } from '../test/actors/store/cluster-run.ts';

const SHRINK_RUNS = 200;
/** Seeds of one hunt begin where no other hunt's are. */
const HUNT_SEEDS = 100_000;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '500' },
    from: { type: 'string', default: '0' },
    out: { type: 'string', default: tmpdir() },
    mutants: { type: 'boolean', default: false },
    only: { type: 'string' },
    hunts: { type: 'string', default: '3' },
  },
});

function runAll(from: number, count: number): boolean {
  const startedAt = performance.now();
  const answers = new Map<string, number>();
  const failed = new Map<string, number[]>();
  const total = { events: 0, formed: 0, sloppy: 0, handedOver: 0 };
  for (let seed = from; seed < from + count; seed++) {
    const { failure, events, isFormed, counts, sloppy, handedOver } = runSeed(seed);
    total.sloppy += sloppy;
    total.handedOver += handedOver;
    total.events += events;
    if (isFormed) total.formed++;
    for (const [what, times] of counts) answers.set(what, (answers.get(what) ?? 0) + times);
    if (failure === null) continue;
    failed.set(failure.what, [...(failed.get(failure.what) ?? []), seed]);
    console.error(`seed ${seed}: ${failure.atMs} ms: ${failure.what}: ${failure.detail.slice(0, 400)}`);
  }
  const seconds = (performance.now() - startedAt) / 1000;
  console.log(
    `${count} seeds in ${seconds.toFixed(0)} s, ${Math.round(total.events / count)} events per seed; ${total.formed} clusters formed in time`,
  );
  console.log(
    `answers with the help of stand-ins: ${total.sloppy}; hints handed back, at shards that were not started since: ${total.handedOver}`,
  );
  console.log('answers, by kind and status of store-request.ts:');
  for (const [what, times] of [...answers].sort(([a], [b]) => (a < b ? -1 : 1))) console.log(`  ${what.padEnd(10)} ${times}`);
  console.log(`violations: ${failed.size === 0 ? 'none' : ''}`);
  for (const [what, seeds] of failed) reduce(what, seeds);
  return failed.size === 0;
}

function reduce(what: string, seeds: readonly number[]): void {
  const [seed = 0] = seeds;
  console.log(`${what}: ${seeds.length} seeds: ${seeds.slice(0, 20).join(', ')}`);
  const { failure } = runSeed(seed);
  if (failure === null) return;
  const file = shrunkFile(clusterRun(seed), failure, SHRINK_RUNS);
  mkdirSync(values.out, { recursive: true });
  const path = join(values.out, `store-${seed}.json`);
  writeFileSync(path, formatPlanFile(file));
  console.log(`  seed ${seed} reduced to ${file.plan.length} items: ${path}`);
  for (const item of file.plan) console.log(`    ${describeItem(item)}`);
}

function huntAll(seedsMax: number, hunts: number): boolean {
  const names = STORE_MUTANTS.filter((mutant) => values.only === undefined || mutant === values.only);
  if (names.length === 0) console.error(`--only: expected one of ${STORE_MUTANTS.join(', ')}, got ${values.only}`);
  let isWell = names.length > 0;
  for (const name of names) {
    const found = Array.from({ length: hunts }, (_, index) => huntMutant(name, index * HUNT_SEEDS, seedsMax));
    const first = found.find((prey) => prey !== undefined);
    console.log(
      `${name.padEnd(28)} ${found
        .map((prey) => prey?.tried ?? '-')
        .join(', ')
        .padEnd(14)} ${first?.what ?? 'not found'}`,
    );
    if (found.includes(undefined)) isWell = false;
  }
  return isWell;
}

for (const name of ['seeds', 'from', 'hunts'] as const) {
  if (!/^\d+$/.test(values[name])) throw new Error(`--${name}: expected a whole number, got ${values[name]}`);
}
const isWell = values.mutants ? huntAll(Number(values.seeds), Number(values.hunts)) : runAll(Number(values.from), Number(values.seeds));
process.exitCode = isWell ? 0 : 1;

/**
 * Runs seeds of the membership workload in two processes, and says what broke and what rare states occurred:
 * `node dist/bench/membership.js --seeds 10000`. Failures are shrunk to plan files in `--out`. `--mutants` hunts the planted bugs instead, and prints how many
 * seeds each takes (`--only name`); `--replay FILE` runs a plan file again. Exits with 1 when something broke that was not planted.
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeItem, formatPlanFile, replay } from '../runtime/simulation/testing.ts';
import { huntMutant, runSeed, shrunkFile } from '../test/actors/membership/membership-hunt.ts';
import { MUTANTS } from '../test/actors/membership/membership-mutants.ts';
import { membershipRun } from '../test/actors/membership/membership-run.ts';
import { membership } from '../test/actors/membership/membership-workload.ts';
import { oneOf, optionsOf, wholeNumber } from '../test/helpers/options.ts';
import { planFileOf } from './lib/plan-file.ts';

const PROCESSES = 2;
const SHRINK_RUNS = 200;
/** Seeds of one hunt begin where no other hunt's are. */
const HUNT_SEEDS = 100_000;

const { values } = optionsOf({
  options: {
    seeds: { type: 'string', default: '1000' },
    from: { type: 'string', default: '0' },
    out: { type: 'string', default: tmpdir() },
    until: { type: 'string', default: '0' },
    mutants: { type: 'boolean', default: false },
    only: { type: 'string' },
    hunts: { type: 'string', default: '5' },
    replay: { type: 'string' },
  },
});

const from = wholeNumber('from', values.from, 0);
const seeds = wholeNumber('seeds', values.seeds);
const until = wholeNumber('until', values.until, 0);
const hunts = wholeNumber('hunts', values.hunts);
const names = MUTANTS.map(({ name }) => name);
const asked = values.only === undefined ? names : [oneOf('only', values.only, names)];

/** What a process says of its seeds, one JSON text. */
interface Report {
  readonly seeds: number;
  readonly events: number;
  readonly rings: number;
  /** By what broke, the seeds. */
  readonly failures: Readonly<Record<string, readonly number[]>>;
  /** By state, in how many runs it occurred. */
  readonly sometimes: Readonly<Record<string, number>>;
}

function runSeeds(): Report {
  const failures: Record<string, number[]> = {};
  const sometimes: Record<string, number> = {};
  const total = { seeds: 0, events: 0, rings: 0 };
  for (let seed = from; seed < until; seed += PROCESSES) {
    const result = runSeed(seed);
    total.seeds++;
    total.events += result.events;
    total.rings += result.rings;
    for (const what of result.sometimes.keys()) sometimes[what] = (sometimes[what] ?? 0) + 1;
    if (result.failure === null) continue;
    failures[result.failure.what] = [...(failures[result.failure.what] ?? []), seed];
    console.error(`seed ${seed}: ${result.failure.atMs} ms: ${result.failure.what}: ${result.failure.detail}`);
  }
  return { ...total, failures, sometimes };
}

function runProcess(index: number): Promise<Report> {
  return new Promise((resolve, reject) => {
    const options = ['--from', String(from + index), '--until', String(from + seeds)];
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(Buffer.concat(chunks).toString()) as Report);
      else reject(new Error(`a process ended with ${code}`));
    });
  });
}

async function runAll(): Promise<boolean> {
  const startedAt = performance.now();
  const reports = await Promise.all(Array.from({ length: PROCESSES }, (_, index) => runProcess(index)));
  const seconds = (performance.now() - startedAt) / 1000;
  const sum = (of: (report: Report) => number): number => reports.reduce((total, report) => total + of(report), 0);
  const ran = sum((report) => report.seeds);
  const states = [...new Set(reports.flatMap(({ sometimes }) => Object.keys(sometimes)))].sort();
  console.log(
    `${ran} seeds in ${seconds.toFixed(0)} s, ${(ran / seconds).toFixed(1)} seeds/s in ${PROCESSES} processes; ` +
      `${sum(({ rings }) => rings)} rings decided, ${Math.round(sum(({ events }) => events) / ran)} events per seed`,
  );
  console.log('\nruns in which it occurred:');
  for (const state of states) console.log(`  ${String(sum(({ sometimes }) => sometimes[state] ?? 0)).padStart(6)}  ${state}`);
  const failures = new Map<string, readonly number[]>();
  for (const report of reports)
    for (const [what, failed] of Object.entries(report.failures)) failures.set(what, [...(failures.get(what) ?? []), ...failed]);
  console.log(`\nviolations: ${failures.size === 0 ? 'none' : ''}`);
  for (const [what, failed] of failures) reduce(what, failed);
  return failures.size === 0;
}

function reduce(what: string, failed: readonly number[]): void {
  const [seed = 0] = failed;
  console.log(`${what}: ${failed.length} seeds: ${failed.slice(0, 20).join(', ')}`);
  const run = membershipRun(seed);
  const { failure } = runSeed(seed);
  if (failure === null) return;
  const file = shrunkFile(run, failure, SHRINK_RUNS);
  const path = join(values.out, `membership-${seed}.json`);
  writeFileSync(path, formatPlanFile(file));
  console.log(`  seed ${seed} shrunk from ${run.plan.length} items to ${file.plan.length}, ends at ${file.stopMs} ms: ${path}`);
  for (const item of file.plan) console.log(`    ${describeItem(item)}`);
}

function huntAll(): boolean {
  let isWell = true;
  console.log(
    `${'planted bug'.padEnd(32)} ${'found'.padStart(6)} ${'median'.padStart(7)} ${'most'.padStart(6)}  seeds to find it; first seen as`,
  );
  for (const { name, seenBy } of MUTANTS.filter((mutant) => asked.includes(mutant.name))) {
    if (seenBy !== 'seeds') {
      console.log(`${name.padEnd(32)} ${'-'.padStart(6)} ${'-'.padStart(7)} ${'-'.padStart(6)}  ${seenBy}`);
      continue;
    }
    const found = Array.from({ length: hunts }, (_, index) => huntMutant(name, index * HUNT_SEEDS, seeds)).filter((prey) => prey !== null);
    const tried = found.map(({ seedsTried }) => seedsTried).sort((a, b) => a - b);
    const cells = [
      `${found.length}/${hunts}`.padStart(6),
      String(tried[tried.length >> 1] ?? '-').padStart(7),
      String(tried.at(-1) ?? '-').padStart(6),
    ];
    console.log(`${name.padEnd(32)} ${cells.join(' ')}  ${found[0]?.failure.what ?? 'not found'}`);
    if (found.length < hunts) isWell = false;
  }
  return isWell;
}

function replayFile(path: string): boolean {
  const file = planFileOf(path, membership.name);
  const { failure, digest, isAsExpected } = replay(file, [membership]);
  console.log(`${path}: ${failure === null ? 'all held' : `${failure.what} at ${failure.atMs} ms: ${failure.detail}`}; digest ${digest}`);
  console.log(isAsExpected ? 'as the file says' : `expected: ${file.expect ?? 'all holds'}`);
  return isAsExpected;
}

if (until > 0) {
  console.log(JSON.stringify(runSeeds()));
} else {
  const isWell = values.replay !== undefined ? replayFile(values.replay) : values.mutants ? huntAll() : await runAll();
  process.exitCode = isWell ? 0 : 1;
}

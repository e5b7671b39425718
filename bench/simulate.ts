/**
 * Simulation at scale: runs seeds of whole clusters, with the faults that are chosen, checks what clients saw, and reduces what fails to plan files:
 * `npm run simulate -- --seeds 1000 --nodes 5 --faults all`. See `--help`, and bench/README.md. Exits with 1 when something broke that was not planted, or what was planted was not found.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeItem, formatPlanFile, type PlanFile, type RunPlan } from '../runtime/simulation/testing.ts';
import { huntMutant, runSeed, shrunkFile } from '../test/actors/store/cluster-hunt.ts';
import { STORE_MUTANTS } from '../test/actors/store/cluster-mutants.ts';
import { type ClusterRunOptions, clusterRun } from '../test/actors/store/cluster-run.ts';
import { store } from '../test/actors/store/cluster-workload.ts';
import { FAULT_CLASSES, FAULT_TEXTS, parseClasses } from '../test/actors/store/fault-classes.ts';
import { oneOf, optionsOf, orUsageError, wholeNumber } from '../test/helpers/options.ts';
import { planFileOf } from './lib/plan-file.ts';
import { runJobs } from './simulate/jobs.ts';
import { record } from './simulate/recording.ts';
import { type FailedSeed, linesOf } from './simulate/report.ts';
import { timelineHtml } from './simulate/timeline-html.ts';
import { timelineText } from './simulate/timeline-text.ts';

const SHRINK_RUNS = 200;
/** Seeds of one hunt begin where no other hunt's are. */
const HUNT_SEEDS = 100_000;
const SEED_MAX = 999_999_999;

const HELP = `npm run simulate -- [options]

  --seeds N        how many (500)
  --from N         the first (0)
  --nodes N        machines of a cluster, from 3; default: 3 to 5, by the seed
  --faults LIST    all, none, or some of the classes below; a minus takes one away: all,-clock (all)
  --jobs N         processes (2)
  --out DIR        where plan files of seeds that failed are written (the system's directory for temporary files)

  --seed N         one seed, as a timeline of text; with --html FILE as a page
  --replay FILE    the same of a plan file; exits with 1 when it does not end as the file says
  --key K, --node N, --messages
                   of a timeline: what is about that key (k1, ap/k1), that node; with all messages

  --mutants        hunts the planted bugs instead, in --hunts N (3) hunts of --seeds each; --only NAME: that one

faults:
${FAULT_CLASSES.map((name) => `  ${name.padEnd(12)} ${FAULT_TEXTS[name]}`).join('\n')}
`;

const { values } = optionsOf(
  {
    options: {
      seeds: { type: 'string', default: '500' },
      from: { type: 'string', default: '0' },
      nodes: { type: 'string' },
      faults: { type: 'string', default: 'all' },
      jobs: { type: 'string', default: '2' },
      out: { type: 'string', default: tmpdir() },
      seed: { type: 'string' },
      replay: { type: 'string' },
      html: { type: 'string' },
      key: { type: 'string' },
      node: { type: 'string' },
      messages: { type: 'boolean', default: false },
      mutants: { type: 'boolean', default: false },
      only: { type: 'string' },
      hunts: { type: 'string', default: '3' },
    },
  },
  HELP,
);

const options: ClusterRunOptions = {
  // What it says of them begins with `faults:`.
  faults: orUsageError('--', () => parseClasses(values.faults)),
  ...(values.nodes === undefined ? {} : { nodes: wholeNumber('nodes', values.nodes, 3) }),
};
const from = wholeNumber('from', values.from, 0, SEED_MAX);
const seeds = wholeNumber('seeds', values.seeds, 1, SEED_MAX);
const jobs = wholeNumber('jobs', values.jobs);
const hunts = wholeNumber('hunts', values.hunts);
const seed = values.seed === undefined ? undefined : wholeNumber('seed', values.seed, 0, SEED_MAX);
const mutants = values.only === undefined ? STORE_MUTANTS : [oneOf('only', values.only, STORE_MUTANTS)];

async function runAll(): Promise<boolean> {
  const startedAt = performance.now();
  const report = await runJobs({ ...options, from, until: from + seeds, step: 1 }, jobs);
  for (const line of linesOf(report, (performance.now() - startedAt) / 1_000, jobs)) console.log(line);
  console.log(`violations: ${report.failed.length === 0 ? 'none' : ''}`);
  const byWhat = new Map<string, FailedSeed[]>();
  for (const failed of report.failed) byWhat.set(failed.what, [...(byWhat.get(failed.what) ?? []), failed]);
  for (const [what, failed] of byWhat)
    reduce(
      what,
      failed.map((it) => it.seed).sort((a, b) => a - b),
    );
  return report.failed.length === 0;
}

function reduce(what: string, failed: readonly number[]): void {
  const [first = 0] = failed;
  console.log(`${what}: ${failed.length} seeds: ${failed.slice(0, 20).join(', ')}`);
  const { failure } = runSeed(first, options);
  if (failure === null) return;
  const file = shrunkFile(clusterRun(first, options), failure, SHRINK_RUNS);
  const path = join(values.out, `store-${first}.json`);
  writeFileSync(path, formatPlanFile(file));
  console.log(`  seed ${first} reduced to ${file.plan.length} items: ${path}`);
  for (const item of file.plan) console.log(`    ${describeItem(item)}`);
}

function huntAll(): boolean {
  let isWell = true;
  for (const name of mutants) {
    const found = Array.from({ length: hunts }, (_, index) => huntMutant(name, index * HUNT_SEEDS, seeds, options));
    const first = found.find((prey) => prey !== undefined);
    const tried = found.map((prey) => prey?.tried ?? '-').join(', ');
    console.log(`${name.padEnd(28)} ${tried.padEnd(14)} ${first?.what ?? 'not found'}`);
    if (found.includes(undefined)) isWell = false;
  }
  return isWell;
}

/** Returns whether it ended as the file says; of a seed, whether all held. */
function show(run: RunPlan | PlanFile): boolean {
  const filter = { ...(values.key === undefined ? {} : { key: values.key }), ...(values.node === undefined ? {} : { node: values.node }) };
  const { timeline, failure } = record(run);
  if (values.html !== undefined) {
    writeFileSync(values.html, timelineHtml(timeline, filter));
    console.log(`${timeline.title}; digest ${timeline.digest}: ${values.html}`);
  } else for (const line of timelineText(timeline, { ...filter, ...(values.messages ? { hasMessages: true } : {}) })) console.log(line);
  const what = failure?.what ?? null;
  if (!('expect' in run)) return what === null;
  console.log(what === run.expect ? 'as the file says' : `expected: ${run.expect ?? 'all holds'}`);
  return what === run.expect;
}

async function main(): Promise<boolean> {
  if (values.replay !== undefined) return show(planFileOf(values.replay, store.name));
  if (seed !== undefined) return show(clusterRun(seed, options));
  return values.mutants ? huntAll() : runAll();
}

process.exitCode = (await main()) ? 0 : 1;

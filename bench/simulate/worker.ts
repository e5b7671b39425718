/**
 * One process of bench/simulate.ts, which starts it as `node dist/bench/simulate/worker.js ASKED`: runs each seed that it is asked for and sends what came of it.
 * ASKED is JSON: `{ "from", "until", "step", "nodes", "faults" }`.
 */
import { runSeed } from '../../test/actors/store/cluster-hunt.ts';
import type { ClusterRunOptions } from '../../test/actors/store/cluster-run.ts';
import { NO_REPORT, type Report, reportOf, sumOf } from './report.ts';

export interface AskedSeeds extends ClusterRunOptions {
  readonly from: number;
  readonly until: number;
  readonly step: number;
}

/** Seeds between two messages. */
const SEEDS_PER_REPORT = 5;

const asked = JSON.parse(process.argv[2] ?? '') as AskedSeeds;
const { from, until, step, ...options } = asked;
let report: Report = NO_REPORT;
const parent = process.ppid;
for (let seed = from; seed < until; seed += step) {
  // Whoever asked has been killed. Why by its id: nothing here ever waits, so that the end of the channel would not be heard.
  if (process.ppid !== parent) process.exit(1);
  report = sumOf([report, reportOf(seed, runSeed(seed, options))]);
  if (report.seeds < SEEDS_PER_REPORT) continue;
  process.send?.(report);
  report = NO_REPORT;
}
process.send?.(report);

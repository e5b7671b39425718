/** The hunt for a planted bug: seeds until one fails, then the smallest plan that fails in the same way. */
import { formatPlanFile, PLAN_FILE_VERSION, type PlanFile, parsePlanFile } from '../../../runtime/simulation/plan-file.ts';
import { shrink } from '../../../runtime/simulation/shrink.ts';
import { runWorkload } from '../../../runtime/simulation/workload.ts';
import { exchange, exchangeRun } from './exchange.ts';

export interface Catch {
  readonly mutant: string;
  /** Seeds tried, the last of which failed. */
  readonly seedsTried: number;
  readonly itemsBefore: number;
  readonly shrinkRuns: number;
  readonly file: PlanFile;
}

/** Returns null when none of the seeds finds it. */
export function hunt(mutant: string, fromSeed: number, seedsMax: number): Catch | null {
  for (let tried = 1; tried <= seedsMax; tried++) {
    const run = exchangeRun(fromSeed + tried - 1, { mutants: [mutant] });
    const { failure } = runWorkload(exchange, run);
    // A seed that fails without the planted bug too has found another one.
    if (failure === null || runWorkload(exchange, exchangeRun(fromSeed + tried - 1)).failure !== null) continue;
    const shrunk = shrink(run, failure, (candidate) => runWorkload(exchange, candidate).failure);
    const file: PlanFile = { version: PLAN_FILE_VERSION, workload: exchange.name, expect: shrunk.failure.what, ...shrunk.run };
    return { mutant, seedsTried: tried, itemsBefore: run.plan.length, shrinkRuns: shrunk.runs, file: parsePlanFile(formatPlanFile(file)) };
  }
  return null;
}

/** The same run without the bug, which must hold. */
export function withoutMutants(file: PlanFile): PlanFile {
  return { ...file, expect: null, settings: { ...file.settings, mutants: [] } };
}

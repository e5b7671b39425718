/** Runs seeds of the membership workload, and hunts planted bugs with them. */
import { formatPlanFile, PLAN_FILE_VERSION, type PlanFile, parsePlanFile, type RunPlan } from '../../../runtime/simulation/plan-file.ts';
import { shrink } from '../../../runtime/simulation/shrink.ts';
import { runWorkload } from '../../../runtime/simulation/workload.ts';
import type { Failure } from '../../../runtime/simulation/world.ts';
import { membershipRun } from './membership-run.ts';
import { buildMembership, membership } from './membership-workload.ts';

export interface SeedResult {
  readonly failure: Failure | null;
  readonly events: number;
  /** Rings that were decided. */
  readonly rings: number;
  readonly sometimes: ReadonlyMap<string, number>;
}

export function runSeed(seed: number, mutants: readonly string[] = []): SeedResult {
  const run = membershipRun(seed, { mutants });
  const built = buildMembership(run);
  const { simulation, membership: state } = built;
  if (simulation.run(run.stopMs)) built.finish?.();
  const { history, sometimes } = state.god;
  return { failure: simulation.failures[0] ?? null, events: simulation.events, rings: history.count, sometimes };
}

export interface Prey {
  /** Seeds tried, the last of which failed. */
  readonly seedsTried: number;
  readonly seed: number;
  readonly failure: Failure;
}

/** Returns null when none of the seeds finds it. */
export function huntMutant(mutant: string, fromSeed: number, seedsMax: number): Prey | null {
  for (let tried = 1; tried <= seedsMax; tried++) {
    const seed = fromSeed + tried - 1;
    const { failure } = runSeed(seed, [mutant]);
    // A seed that fails without the planted bug too has found another one.
    if (failure !== null && runSeed(seed).failure === null) return { seedsTried: tried, seed, failure };
  }
  return null;
}

/** The smallest plan that fails in the same way, as a file. Requires: this run fails. */
export function shrunkFile(run: RunPlan, failure: Failure, runsMax: number): PlanFile {
  const shrunk = shrink(run, failure, (candidate) => runWorkload(membership, candidate).failure, { runsMax });
  const file: PlanFile = { version: PLAN_FILE_VERSION, workload: membership.name, expect: shrunk.failure.what, ...shrunk.run };
  return parsePlanFile(formatPlanFile(file));
}

/** Runs seeds of the whole-cluster workload, hunts planted bugs with them, and reduces those that fail. */
import { formatPlanFile, PLAN_FILE_VERSION, type PlanFile, parsePlanFile, type RunPlan } from '../../../runtime/simulation/plan-file.ts';
import { shrink } from '../../../runtime/simulation/shrink.ts';
import { runWorkload } from '../../../runtime/simulation/workload.ts';
import type { Failure } from '../../../runtime/simulation/world.ts';
import { type ClusterRunOptions, drawRun } from './cluster-run.ts';
import { buildCluster, store } from './cluster-workload.ts';
import type { FaultClass } from './fault-classes.ts';

export interface SeedResult {
  readonly failure: Failure | null;
  readonly events: number;
  readonly isFormed: boolean;
  /** Answers by kind and status. */
  readonly counts: ReadonlyMap<string, number>;
  /** How many of each class were in the plan. */
  readonly faults: ReadonlyMap<FaultClass, number>;
  /** Answers in which stand-ins made up for primaries, and hints that were handed back. */
  readonly sloppy: number;
  readonly handedOver: number;
}

export function runSeed(seed: number, options: ClusterRunOptions = {}): SeedResult {
  const { run, faults } = drawRun(seed, options);
  const { simulation, cluster } = buildCluster(run);
  if (simulation.run(run.stopMs)) cluster.finish();
  const { isFormed, clients, handedOver } = cluster;
  const failure = simulation.failures[0] ?? null;
  return { failure, events: simulation.events, isFormed, counts: clients.counts, faults, sloppy: clients.sloppy, handedOver };
}

/** Seeds tried until one finds it that holds without it; undefined: none of them does. */
export function huntMutant(
  mutant: string,
  fromSeed: number,
  seedsMax: number,
  options: ClusterRunOptions = {},
): { readonly tried: number; readonly what: string } | undefined {
  for (let tried = 1; tried <= seedsMax; tried++) {
    const seed = fromSeed + tried - 1;
    const { failure } = runSeed(seed, { ...options, mutants: [mutant] });
    if (failure !== null && runSeed(seed, options).failure === null) return { tried, what: failure.what };
  }
  return undefined;
}

/** The smallest plan that fails in the same way, as a file. Requires: this run fails. */
export function shrunkFile(run: RunPlan, failure: Failure, runsMax: number): PlanFile {
  const shrunk = shrink(run, failure, (candidate) => runWorkload(store, candidate).failure, { runsMax });
  const file: PlanFile = { version: PLAN_FILE_VERSION, workload: store.name, expect: shrunk.failure.what, ...shrunk.run };
  return parsePlanFile(formatPlanFile(file));
}

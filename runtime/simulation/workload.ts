/** Workloads: what runs in a simulated world and how it is checked, under a name, so that a plan file can be run again. */
import { invalidArgument } from '../errors.ts';
import type { PlanFile, RunPlan } from './plan-file.ts';
import type { Simulation } from './simulation.ts';
import type { Failure } from './world.ts';

export interface Workload {
  readonly name: string;
  /** Builds the world of one run. All state of the workload belongs to what this returns. */
  build(run: RunPlan): BuiltWorkload;
}

export interface BuiltWorkload {
  readonly simulation: Simulation;
  /** Called when the time is up and nothing has failed: checks what must hold at the end, with `simulation.check`. */
  finish?(): void;
}

export interface RunResult {
  /** The first; null when all held. */
  readonly failure: Failure | null;
  readonly digest: string;
  readonly events: number;
  readonly messages: number;
  readonly simulation: Simulation;
}

export function runWorkload(workload: Workload, run: RunPlan): RunResult {
  const built = workload.build(run);
  const { simulation } = built;
  if (simulation.run(run.stopMs)) built.finish?.();
  const { events, messages, failures } = simulation;
  return { failure: failures[0] ?? null, digest: simulation.finalDigest(), events, messages, simulation };
}

export interface ReplayResult extends RunResult {
  /** It failed as the file says, or held as the file says. */
  readonly isAsExpected: boolean;
}

/** Runs a plan file again. Errors: INVALID_ARGUMENT when its workload is not among those given. */
export function replay(file: PlanFile, workloads: readonly Workload[]): ReplayResult {
  const workload = workloads.find((other) => other.name === file.workload);
  if (workload === undefined) {
    throw invalidArgument(`no workload is named ${file.workload}; there are ${workloads.map((other) => other.name).join(', ') || 'none'}`);
  }
  const result = runWorkload(workload, file);
  return { ...result, isAsExpected: (result.failure?.what ?? null) === file.expect };
}

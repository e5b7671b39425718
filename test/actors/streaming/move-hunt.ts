/** Runs seeds of the workload in which data moves, and hunts planted bugs with them. */
import type { Failure } from '../../../runtime/simulation/world.ts';
import { moveRun } from './move-run.ts';
import { buildMove } from './move-workload.ts';

export interface MoveResult {
  readonly failure: Failure | null;
  readonly isFormed: boolean;
  readonly counts: ReadonlyMap<string, number>;
}

export function runMove(seed: number, mutants: readonly string[] = []): MoveResult {
  const run = moveRun(seed, mutants);
  const { simulation, cluster } = buildMove(run);
  if (simulation.run(run.stopMs)) cluster.finish();
  return { failure: simulation.failures[0] ?? null, isFormed: cluster.isFormed, counts: cluster.clients.counts };
}

/** Seeds tried until one finds it that holds without it; undefined: none of them does. */
export function huntMove(mutant: string, from: number, seedsMax: number): { readonly tried: number; readonly what: string } | undefined {
  for (let tried = 1; tried <= seedsMax; tried++) {
    const seed = from + tried - 1;
    const { failure } = runMove(seed, [mutant]);
    if (failure !== null && runMove(seed).failure === null) return { tried, what: failure.what };
  }
  return undefined;
}

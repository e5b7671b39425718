/** Runs seeds of the workloads in which data moves, and hunts planted bugs with them. */
import type { RunPlan } from '../../../runtime/simulation/plan-file.ts';
import type { Failure } from '../../../runtime/simulation/world.ts';
import { type MoveShape, moveRun, shapeOf } from './move-run.ts';
import { type BuiltMove, buildMove, buildShrink } from './move-workload.ts';
import { shrinkRun, shrinkShapeOf } from './shrink-run.ts';

export interface MoveResult {
  readonly failure: Failure | null;
  readonly isFormed: boolean;
  readonly counts: ReadonlyMap<string, number>;
  /** In the end. */
  readonly members: number;
}

/** moves: members join, leave, are lost and replaced. shrinks: there come to be fewer of them than replicas. */
export const MOVE_WORKLOADS = ['moves', 'shrinks'] as const;
export type MoveWorkload = (typeof MOVE_WORKLOADS)[number];

interface Kind {
  readonly draw: (seed: number, mutants: readonly string[]) => RunPlan;
  readonly build: (run: RunPlan) => BuiltMove;
  readonly shape: (seed: number) => MoveShape;
}

const KINDS: Readonly<Record<MoveWorkload, Kind>> = {
  moves: { draw: moveRun, build: buildMove, shape: shapeOf },
  shrinks: { draw: shrinkRun, build: buildShrink, shape: shrinkShapeOf },
};

export function runMove(seed: number, workload: MoveWorkload = 'moves', mutants: readonly string[] = []): MoveResult {
  const { draw, build } = KINDS[workload];
  const run = draw(seed, mutants);
  const { simulation, cluster } = build(run);
  if (simulation.run(run.stopMs)) cluster.finish();
  return { failure: simulation.failures[0] ?? null, isFormed: cluster.isFormed, counts: cluster.clients.counts, members: cluster.members };
}

export function moveShape(seed: number, workload: MoveWorkload): MoveShape {
  return KINDS[workload].shape(seed);
}

/** Seeds tried until one finds it that holds without it; undefined: none of them does. */
export function huntMove(
  mutant: string,
  from: number,
  seedsMax: number,
  workload: MoveWorkload = 'moves',
): { readonly tried: number; readonly what: string } | undefined {
  for (let tried = 1; tried <= seedsMax; tried++) {
    const seed = from + tried - 1;
    const { failure } = runMove(seed, workload, [mutant]);
    if (failure !== null && runMove(seed, workload).failure === null) return { tried, what: failure.what };
  }
  return undefined;
}

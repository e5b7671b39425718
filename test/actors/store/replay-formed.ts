/** Replays of plan files in which a cluster has to form: in a run in which none did nothing was asked for, and all held. */
import type { PlanFile, RunPlan } from '../../../runtime/simulation/plan-file.ts';
import { type ReplayResult, replay } from '../../../runtime/simulation/testing.ts';
import type { BuiltWorkload } from '../../../runtime/simulation/workload.ts';

export interface BuiltCluster extends BuiltWorkload {
  readonly cluster: { readonly isFormed: boolean };
}

/** `builders`: by the name of the workload. Errors: as `replay`. */
export function replayFormed(
  file: PlanFile,
  builders: Readonly<Record<string, (run: RunPlan) => BuiltCluster>>,
): ReplayResult & { readonly isFormed: boolean } {
  const clusters: BuiltCluster['cluster'][] = [];
  const workloads = Object.entries(builders).map(([name, build]) => ({
    name,
    build(run: RunPlan): BuiltCluster {
      const built = build(run);
      clusters.push(built.cluster);
      return built;
    },
  }));
  const result = replay(file, workloads);
  return { ...result, isFormed: clusters.length > 0 && clusters.every(({ isFormed }) => isFormed) };
}

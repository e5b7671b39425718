/** Which rows are measured. */
import { type Distribution, type Workload, workloadOf } from './workload.ts';

export interface Row {
  readonly label: string;
  readonly workload: Workload;
  readonly distribution: Distribution;
  readonly depth: number;
}

export interface PlanOptions {
  readonly workloads: readonly string[];
  /** For workloads that have Zipf's law by themselves: with which of the two. */
  readonly distributions: readonly string[];
}

/** Set and get alone are uniform, and pipelined too. Errors: no such workload, no such distribution. */
export function planOf({ workloads, distributions }: PlanOptions): readonly Row[] {
  for (const name of distributions)
    if (name !== 'zipfian' && name !== 'uniform') throw new Error(`distribution ${name}: expected zipfian or uniform`);
  return workloads.map(workloadOf).flatMap((workload): Row[] => {
    switch (workload.name) {
      case 'load':
        return [];
      case 'read-back':
        return [{ ...rowOf(workload, 'ordered', 1), label: workload.name }];
      case 'set':
      case 'get':
        return [1, 16].map((depth) => rowOf(workload, 'uniform', depth));
      case 'ycsb-d':
        return [rowOf(workload, 'latest', 1)];
      default:
        return (distributions as readonly Distribution[]).map((distribution) => rowOf(workload, distribution, 1));
    }
  });
}

/** What each target begins with: all records, as fast as its protocol lets. */
export function loadRow(depth: number): Row {
  return { label: 'load', workload: workloadOf('load'), distribution: 'uniform', depth };
}

function rowOf(workload: Workload, distribution: Distribution, depth: number): Row {
  return { label: `${workload.name} ${distribution}${depth === 1 ? '' : ` P${depth}`}`, workload, distribution, depth };
}

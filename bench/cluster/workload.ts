/** What the load is made of: the six core workloads of YCSB, and one kind alone. Source: Cooper et al., "Benchmarking Cloud Serving Systems with YCSB" (SoCC 2010). */
import type { OperationKind } from './operation.ts';

/** `latest`: Zipf's law over the age of records, the newest first. `ordered`: each once, in the order of keys. */
export type Distribution = 'zipfian' | 'uniform' | 'latest' | 'ordered';

export interface Workload {
  readonly name: WorkloadName;
  /** Shares in percent, together 100. */
  readonly mix: Readonly<Partial<Record<OperationKind, number>>>;
  /** Where the run doesn't say. */
  readonly distribution: Distribution;
}

export type WorkloadName = 'load' | 'set' | 'get' | 'ycsb-a' | 'ycsb-b' | 'ycsb-c' | 'ycsb-d' | 'ycsb-e' | 'ycsb-f' | 'read-back';

export const WORKLOADS: readonly Workload[] = [
  // Each record once, in the order of keys.
  { name: 'load', mix: { insert: 100 }, distribution: 'uniform' },
  { name: 'set', mix: { update: 100 }, distribution: 'uniform' },
  { name: 'get', mix: { read: 100 }, distribution: 'uniform' },
  { name: 'ycsb-a', mix: { read: 50, update: 50 }, distribution: 'zipfian' },
  { name: 'ycsb-b', mix: { read: 95, update: 5 }, distribution: 'zipfian' },
  { name: 'ycsb-c', mix: { read: 100 }, distribution: 'zipfian' },
  { name: 'ycsb-d', mix: { read: 95, insert: 5 }, distribution: 'latest' },
  { name: 'ycsb-e', mix: { scan: 95, insert: 5 }, distribution: 'zipfian' },
  { name: 'ycsb-f', mix: { read: 50, modify: 50 }, distribution: 'zipfian' },
  { name: 'read-back', mix: { read: 100 }, distribution: 'ordered' },
];

export const WORKLOAD_NAMES: readonly string[] = WORKLOADS.map(({ name }) => name);

/** Errors: no such workload. */
export function workloadOf(name: string): Workload {
  const found = WORKLOADS.find((workload) => workload.name === name);
  if (found === undefined) throw new Error(`workload ${name}: expected one of ${WORKLOAD_NAMES.join(', ')}`);
  return found;
}

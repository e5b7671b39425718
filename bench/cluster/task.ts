/** What the bench tells its generator, a thread of its own, and what it hears. */

import type { ClientSettings } from './client-channel.ts';
import type { Troubles } from './load.ts';
import type { Distribution, WorkloadName } from './workload.ts';

/** Where a target is to be reached, and how. */
export type Address =
  | { readonly protocol: 'resp'; readonly ports: readonly number[]; readonly connections: number; readonly waitReplicas: number }
  | { readonly protocol: 'client'; readonly settings: ClientSettings }
  | { readonly protocol: 'etcd'; readonly ports: readonly number[]; readonly connections: number };

export interface GeneratorSettings {
  readonly address: Address;
  readonly valueBytes: number;
  readonly records: number;
  readonly seed: number;
  /** A read that doesn't see what was confirmed before it began is an error. */
  readonly isStrict: boolean;
}

/** A run. `depth`: operations that a lane begins at once. `operations`: it ends after so many, whatever the time. */
export interface Task {
  readonly workload: WorkloadName;
  readonly distribution: Distribution;
  readonly loop:
    | { readonly kind: 'closed'; readonly depth: number; readonly settleMs: number; readonly ms: number; readonly operations?: number }
    | { readonly kind: 'open'; readonly perSecond: number; readonly settleMs: number; readonly ms: number };
  /** Of the servers, but for those that they start: their use of the machine is read when counting begins and ends. */
  readonly pids: readonly number[];
}

/** Of all nodes while a row was measured, settling included. Null: not nodes of ours. */
export interface NodeFigures {
  /** Pauses for garbage collection by CPU time, of the threads that run actors. */
  readonly gcShare: number | null;
  /** Of all threads of all nodes, the longest. */
  readonly gcPauseMaxMs: number | null;
  /** Delay of the event loop of the main thread, of the node that has the worst. */
  readonly mainDelayP99Ms: number | null;
  readonly mainDelayMaxMs: number | null;
  /** The same of a thread of the bench that does nothing meanwhile: what of it is the machine's. */
  readonly idleDelayP99Ms: number | null;
  readonly flushes: number | null;
  /** Compactions. */
  readonly merges: number | null;
  /** Reads of table files by requests that coordinators have answered: of all replicas together. */
  readonly fileReads: number | null;
}

/** Null: not known here. */
export interface Figures extends NodeFigures {
  readonly operations: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  /** Of an open loop: by how much operations began late, the worst 1 %. What of the latencies is the generator's own. */
  readonly lateP99Ms: number;
  /** User and system time of all server processes per operation, in microseconds. */
  readonly serverUs: number | null;
  /** The same of the process that makes the load. */
  readonly generatorUs: number;
  /** What server processes had the kernel write to disk, per operation. */
  readonly bytesWritten: number | null;
  /** Resident memory of the server process that has had most: when it had just started, and until the row had ended. */
  readonly restMiB: number | null;
  readonly peakMiB: number | null;
}

/** Share of operations, and the latency that they did not exceed in milliseconds. */
export type CurvePoint = readonly [share: number, ms: number];

export interface Outcome extends GeneratorOutcome {
  readonly figures: Figures;
}

/** What the generator itself can say. */
export interface GeneratorOutcome {
  readonly figures: Omit<Figures, keyof NodeFigures | 'restMiB' | 'peakMiB'>;
  readonly curve: readonly CurvePoint[];
  /** Of this run. */
  readonly troubles: Troubles;
}

export type ToGenerator = { readonly type: 'run'; readonly task: Task } | { readonly type: 'close' };
export type FromGenerator =
  | { readonly type: 'ready' }
  | { readonly type: 'ran'; readonly outcome: GeneratorOutcome }
  | { readonly type: 'failed'; readonly message: string };

/** What the threads of a node say to each other about jobs. */
import type { JobOutcome } from './jobs.ts';

/** States of a running job's slot in the shared control array, written by the pool and read by the job's thread at each yield. */
export const JOB_GO = 0;
export const JOB_CANCEL = 1;
export const JOB_DEADLINE = 2;

/** Given to each thread of the pool at its start. */
export interface PoolWorkerData {
  /** URLs of the modules whose exports are searched for jobs. */
  readonly modules: readonly string[];
  /** One slot per thread, over a SharedArrayBuffer. */
  readonly control: Int32Array;
}

/** Pool to thread: run this. The answer is a `JobOutcome`. */
export interface PoolTask {
  readonly name: string;
  readonly input: unknown;
  /** Index into `control`. */
  readonly slot: number;
}

/** Shard to the thread that has the pool. */
export type JobRequest =
  | {
      readonly type: 'run';
      readonly id: number;
      readonly name: string;
      readonly input: unknown;
      readonly priority: number;
      readonly timeoutMs: number;
    }
  | { readonly type: 'cancel'; readonly id: number };

/** And back. */
export interface JobReply {
  readonly id: number;
  readonly outcome: JobOutcome;
}

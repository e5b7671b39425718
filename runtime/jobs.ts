/**
 * Jobs: CPU work of milliseconds and more, run off the shard's thread.
 * A job is a generator function, so that its yields are the points where it can be cancelled, slowed down, and in the
 * simulation crashed.
 */
import type { Clock } from './doors.ts';
import { invalidArgument } from './errors.ts';
import type { SyncFileSystem } from './files.ts';

/** What a job may touch of the world, beside its input. */
export interface JobDoors {
  readonly files: SyncFileSystem;
  readonly clock: Clock;
  /** Holds the job's thread for so long: how a job keeps to a rate. */
  pause(ms: number): void;
  /**
   * Steps back while other threads of the machine wait for a processor, for about as long as the job has worked since at most (`Courtesy`). For work that nobody waits for, every
   * millisecond or so.
   */
  giveWay(): void;
}

export interface JobDefinition<I, O> {
  readonly kind: 'dynactor:job';
  readonly name: string;
  /** Yields at least every few milliseconds of work; returns the outcome. Input and output are structured-cloned; SharedArrayBuffers are shared. */
  readonly run: (input: I, doors: JobDoors) => Generator<undefined, O, undefined>;
}

export interface JobOptions {
  /** Higher runs first among those waiting. Default 0. */
  readonly priority?: number;
  /** The job is cancelled at its next yield after this time. */
  readonly timeoutMs: number;
}

export type JobOutcome =
  | { readonly ok: true; readonly value: unknown }
  | {
      readonly ok: false;
      readonly code: 'JOB_FAILED' | 'JOB_CANCELLED' | 'OVERLOADED' | 'NOT_DEFINED' | 'DEADLINE_EXCEEDED';
      readonly message: string;
    };

export interface RunningJob {
  cancel(): void;
}

/** Where jobs run: a pool of threads, or events of the simulation. */
export interface JobRunner {
  /** `done` is called once, later, never within this call, on the caller's own thread. Never throws. */
  run(name: string, input: unknown, options: JobOptions, done: (outcome: JobOutcome) => void): RunningJob;
}

const JOB_NAME = /^[A-Za-z0-9._/-]{1,64}$/;

export function defineJob<I, O>(name: string, run: (input: I, doors: JobDoors) => Generator<undefined, O, undefined>): JobDefinition<I, O> {
  if (!JOB_NAME.test(name)) throw invalidArgument(`job: expected a name of 1 to 64 of [A-Za-z0-9._/-], got ${JSON.stringify(name)}`);
  return { kind: 'dynactor:job', name, run };
}

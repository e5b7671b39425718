/**
 * The doors: everything by which an actor, or the runtime under it, touches the world. Real ones are opened by
 * `system.ts` and the files it names; simulated ones by `simulation/`. Nothing else in the runtime reads a clock, draws a random
 * number, sets a timer or opens a socket or file, and a test enforces it.
 */
import type { FileSystem } from './files.ts';
import type { JobRunner } from './jobs.ts';
import type { Network } from './wire/network.ts';

export interface Clock {
  /** Milliseconds since some fixed moment, fractional, never going back. For durations, deadlines and timers. */
  now(): number;
  /** Milliseconds since 1970, integer. May jump either way; only to show to people and other systems. */
  wall(): number;
}

export interface Random {
  /** Uniform in 0 .. 2^32-1. */
  u32(): number;
  /** Uniform in 0 .. n-1. Requires 1 <= n <= 2^32. */
  below(n: number): number;
  /** Uniform in [0, 1), 53 bits. */
  float(): number;
  /** True with probability p. */
  chance(p: number): boolean;
  /** A source of its own for `label`: draws from it don't move this one or other forks. */
  fork(label: string): Random;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** A log that adds `fields` to every line. */
  child(fields: LogFields): Log;
}

/** The loop of one thread, real or simulated, that drives one `ShardRuntime`. */
export interface Loop {
  /** Run the runtime once, soon, after the input that is already waiting. Idempotent until that run begins. */
  wake(): void;
  /** Run the runtime at `atMs` of the clock or a little later. The latest call wins; Infinity cancels. */
  wakeAt(atMs: number): void;
}

/** Timers for what is no actor (a storage engine); actors have those of their context. */
export interface Timers {
  /** Runs `task` once, soon, after the input that is already waiting; never within the call. */
  soon(task: () => void): void;
  /** Runs `task` once, `afterMs` from now or a little later. The returned function cancels it. Doesn't keep a process alive. */
  after(afterMs: number, task: () => void): () => void;
}

/** What one thread of a node is given. */
export interface Doors {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly loop: Loop;
  readonly files: FileSystem;
  readonly jobs: JobRunner;
  readonly network: Network;
}

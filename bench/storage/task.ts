/** What the process of one measurement is told, and what it answers. */
import { join } from 'node:path';

export interface Task {
  /** A name of `WORKS`, or `describe`, or a step of a work. */
  readonly work: string;
  readonly contender: string;
  /** The contender's own directory, in this run. */
  readonly dir: string;
  /** Pairs of 16 B and 100 B. */
  readonly keys: number;
  /** How long what goes by time is measured, about. */
  readonly ms: number;
  /** Of both sides, but for works that say otherwise. */
  readonly memtableBytes: number;
}

export interface Measured {
  /** Key of a metric. */
  readonly metric: string;
  /** Which of the contender's ways it was; empty: it has one. */
  readonly form: string;
  readonly value: number;
}

export type Answer =
  | { readonly ok: true; readonly measured: readonly Measured[]; readonly description?: string }
  | { readonly ok: false; readonly message: string };

export const VALUE_BYTES = 100;
export const LARGE_BYTES = 10_000;
/** As LevelDB's default: where compactions are to run all the time. */
export const SMALL_MEMTABLE_BYTES = 4 << 20;
export const SMALL_CACHE_BYTES = 8 << 20;

/** Where `load` leaves its pairs. */
export function loadedDir(task: Task): string {
  return join(task.dir, 'loaded');
}

/**
 * How much writers are slowed down so that flush and merges keep up: nothing, then more and more, at last they wait.
 * Each measure has a mark where it begins to slow and one where it stops; how far it is between the two is its pressure, and the largest counts.
 */

export interface StallState {
  /** Full memtables whose flush has not ended. */
  readonly immutableMemtables: number;
  readonly level0Tables: number;
  /** Of `compactionDebt`. */
  readonly pendingBytes: number;
}

export interface Mark {
  readonly slow: number;
  readonly stop: number;
}

export interface StallOptions {
  readonly immutableMemtables: Mark;
  readonly level0Tables: Mark;
  readonly pendingBytes: Mark;
  /** Writes are let through at this rate just before they stop, and at up to `MILD` times it at the beginning. */
  readonly slowestBytesPerMs: number;
}

export const STALL_DEFAULTS: StallOptions = {
  immutableMemtables: { slow: 2, stop: 4 },
  level0Tables: { slow: 16, stop: 36 },
  pendingBytes: { slow: 16 * 2 ** 30, stop: 64 * 2 ** 30 },
  slowestBytesPerMs: 1_024,
};

const MILD = 64;

export type StallGrade =
  | { readonly kind: 'free' }
  /** Writes may pass at so many bytes per millisecond: a write of n bytes waits n / bytesPerMs ms after the one before. */
  | { readonly kind: 'slow'; readonly bytesPerMs: number }
  | { readonly kind: 'stop' };

export function gradeStall(state: StallState, options: StallOptions): StallGrade {
  const pressure = Math.max(
    pressureOf(state.immutableMemtables, options.immutableMemtables),
    pressureOf(state.level0Tables, options.level0Tables),
    pressureOf(state.pendingBytes, options.pendingBytes),
  );
  if (pressure < 0) return FREE;
  if (pressure >= 1) return STOP;
  return { kind: 'slow', bytesPerMs: options.slowestBytesPerMs * MILD ** (1 - pressure) };
}

/** Below 0: not yet slow. */
function pressureOf(value: number, { slow, stop }: Mark): number {
  return (value - slow) / Math.max(1, stop - slow);
}

const FREE = { kind: 'free' } as const;
const STOP = { kind: 'stop' } as const;

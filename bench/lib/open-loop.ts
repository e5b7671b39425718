/**
 * Open-loop load: requests begin at times fixed beforehand, whether or not earlier ones were answered, and each latency is counted
 * from the intended time. What a closed loop hides (coordinated omission) shows.
 */
import { quantileOf } from './stats.ts';

export interface OpenLoopOptions {
  readonly perSecond: number;
  readonly ms: number;
  /** Load before that, at the same rate and uncounted: what a service shows in its first moments, or after a forced collection, is not its steady state. */
  readonly settleMs: number;
  /** Begins request `n`; `onAnswer` is called with its answer. */
  readonly request: (n: number, onAnswer: () => void) => void;
  /** Told each counted latency, in milliseconds. */
  readonly onLatency?: (ms: number) => void;
}

/** Where time comes from, and who calls the loop again. */
export interface LoopDoors {
  /** Milliseconds. */
  readonly now: () => number;
  /** `idleMs`: no request is to begin before that. */
  readonly turn: (next: () => void, idleMs: number) => void;
}

/** Turns all the time: for what is measured on this very thread, which must not be kept waiting. Takes a whole core. */
const BUSY: LoopDoors = { now: () => performance.now(), turn: (next) => void setImmediate(next) };

const NAP_MS = 0.1;
const nobodyWakes = new Int32Array(new SharedArrayBuffer(4));

/**
 * Sleeps between requests, for what is measured in other processes: a loop that always turns takes a core from them.
 * Why so short: an answer that comes meanwhile is noticed at the end of it. Timers are no way: they have whole milliseconds.
 */
export const NAPPING: LoopDoors = {
  now: () => performance.now(),
  turn: (next, idleMs) => {
    if (idleMs > 0) Atomics.wait(nobodyWakes, 0, 0, Math.min(NAP_MS, idleMs));
    setImmediate(next);
  },
};

export interface Latencies {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  /** By how much requests began late, the worst 1 %: what of the latency is the generator's own. */
  readonly lateP99: number;
}

/** In milliseconds. Errors: when not all are answered within 5 s of the last. */
export function openLoop(options: OpenLoopOptions, doors: LoopDoors = BUSY): Promise<Latencies> {
  const { request, onLatency } = options;
  const uncounted = Math.round((options.perSecond * options.settleMs) / 1000);
  const total = uncounted + Math.max(1, Math.round((options.perSecond * options.ms) / 1000));
  const intervalMs = 1000 / options.perSecond;
  const latencies = new Float64Array(total);
  const lateness = new Float64Array(total);
  return new Promise((resolve, reject) => {
    let begun = 0;
    let answered = 0;
    let isOver = false;
    const start = doors.now() + 1;
    const overdue = setTimeout(
      () => {
        isOver = true;
        reject(new Error(`open loop: ${answered} of ${total} answered`));
      },
      options.settleMs + options.ms + 5000,
    );
    const begin = (n: number, intended: number): void => {
      request(n, () => {
        const latency = doors.now() - intended;
        latencies[n] = latency;
        if (n >= uncounted) onLatency?.(latency);
        if (++answered < total) return;
        clearTimeout(overdue);
        const counted = latencies.subarray(uncounted).sort();
        resolve({
          p50: quantileOf(counted, 0.5),
          p99: quantileOf(counted, 0.99),
          p999: quantileOf(counted, 0.999),
          max: quantileOf(counted, 1),
          lateP99: quantileOf(lateness.subarray(uncounted).sort(), 0.99),
        });
      });
    };
    // Timers are too coarse for 10 000 a second: the loop is kept turning, and looks at the clock each time.
    const turn = (): void => {
      const now = doors.now();
      while (begun < total) {
        const intended = start + begun * intervalMs;
        if (intended > now) break;
        lateness[begun] = now - intended;
        begin(begun++, intended);
      }
      if (answered < total && !isOver) doors.turn(turn, begun < total ? start + begun * intervalMs - doors.now() : NAP_MS);
    };
    turn();
  });
}

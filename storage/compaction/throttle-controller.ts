/**
 * How fast merges may read, so that they keep up but yield to the foreground.
 *
 * Intuition: merges must do some multiple of what clients write, or debt grows. Within that they should be slow and even rather than fast and in
 * bursts. So the rate climbs step by step while the foreground is content and falls by a part when it is not (as congestion control does), between a floor
 * that rises with the debt, so that merges never starve, and a ceiling. When the debt is at its limit there is no rate at all: writers would be stalled
 * next, which is worse. Without foreground there is none either.
 * Rejected: a rate from the debt alone (RocksDB's auto-tuned limiter looks at the backlog only): it doesn't see that clients suffer.
 */
import type { EngineLoad } from './scheduler.ts';

export interface ThrottleOptions {
  /** KiB per second, what merges get at least while there is a foreground. Default 4 MiB/s. */
  readonly kibMin: number;
  /** KiB per second above which no rate is set. Default 512 MiB/s. */
  readonly kibMax: number;
  /** Debt in bytes at which the floor begins to rise, and at which there is no rate any more. Default 1 GiB, 16 GiB. */
  readonly debtLow: number;
  readonly debtHigh: number;
  /** p99 of the foreground, above which the rate falls. Default 5 ms. */
  readonly latencyMsMax: number;
}

export const THROTTLE_DEFAULTS: ThrottleOptions = {
  kibMin: 4 << 10,
  kibMax: 512 << 10,
  debtLow: 2 ** 30,
  debtHigh: 2 ** 34,
  latencyMsMax: 5,
};

/** Of a rate: what it falls to when the foreground suffers. */
const FALL = 0.7;
/** Of the ceiling: what it climbs per step. */
const CLIMB = 1 / 32;

export class ThrottleController {
  readonly #options: ThrottleOptions;
  #kib: number;

  constructor(options: ThrottleOptions = THROTTLE_DEFAULTS) {
    this.#options = options;
    this.#kib = options.kibMax;
  }

  /** To be called every second or so, with what all engines together have. Returns KiB per second for all merges together; 0: no limit. */
  next({ foregroundBytesPerSecond, debtBytes, latencyMs }: EngineLoad): number {
    const { kibMin, kibMax, debtLow, debtHigh, latencyMsMax } = this.#options;
    const pressure = (debtBytes - debtLow) / (debtHigh - debtLow);
    if (pressure >= 1 || foregroundBytesPerSecond === 0) {
      this.#kib = kibMax;
      return 0;
    }
    const floor = kibMin + (kibMax - kibMin) * Math.max(0, pressure);
    const wanted = latencyMs > latencyMsMax ? this.#kib * FALL : this.#kib + kibMax * CLIMB;
    this.#kib = Math.min(kibMax, Math.max(floor, wanted));
    return this.#kib >= kibMax ? 0 : Math.round(this.#kib);
  }
}

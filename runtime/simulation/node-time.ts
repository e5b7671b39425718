/** The clocks of a simulated node: a monotonic one that may run fast or slow, and a wall clock that may be anywhere. */
import type { Clock } from '../doors.ts';

/** 2023-11-14T22:13:20Z: an epoch with a real length, so that code that truncates it is found out. */
export const WALL_START_MS = 1_700_000_000_000;

export class NodeTime {
  /** What the wall clock shows beyond the true time. */
  skewMs = 0;
  #rate = 1;
  #rateSinceUs = 0;
  #localAtRateUs = 0;

  /** Parts per million that the monotonic clock is fast, from `nowUs` of the world on. */
  setDrift(ppm: number, nowUs: number): void {
    this.#localAtRateUs = this.localUs(nowUs);
    this.#rateSinceUs = nowUs;
    this.#rate = 1 + ppm / 1_000_000;
  }

  /** The node's microseconds at `worldUs`. */
  localUs(worldUs: number): number {
    return this.#localAtRateUs + (worldUs - this.#rateSinceUs) * this.#rate;
  }

  /** When the node's clock will show `localUs`, if its rate stays as it is. An integer, never too early. */
  worldUs(localUs: number): number {
    return Math.ceil(this.#rateSinceUs + (localUs - this.#localAtRateUs) / this.#rate);
  }
}

/** The clock door of one thread. Begins anywhere, since no two threads' monotonic clocks need agree. */
export class SimClock implements Clock {
  readonly #time: NodeTime;
  readonly #baseMs: number;
  readonly #worldUs: () => number;

  constructor(time: NodeTime, baseMs: number, worldUs: () => number) {
    this.#time = time;
    this.#baseMs = baseMs;
    this.#worldUs = worldUs;
  }

  now(): number {
    return this.#baseMs + this.#time.localUs(this.#worldUs()) / 1000;
  }

  wall(): number {
    return Math.floor(WALL_START_MS + this.#worldUs() / 1000 + this.#time.skewMs);
  }

  /** When `now()` will be `atMs` or more, in microseconds of the world. */
  worldUs(atMs: number): number {
    let us = this.#time.worldUs((atMs - this.#baseMs) * 1000);
    // Why: a moment computed back and forth may come out a rounding error too early, and a timer would wait for itself.
    while (this.#baseMs + this.#time.localUs(us) / 1000 < atMs) us++;
    return us;
  }
}

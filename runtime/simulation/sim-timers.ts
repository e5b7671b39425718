/** Timers for what is no actor, simulated. */
import type { Timers } from '../doors.ts';
import type { Schedule } from './schedule.ts';

export class SimTimers implements Timers {
  readonly #schedule: Schedule;

  constructor(schedule: Schedule) {
    this.#schedule = schedule;
  }

  soon(task: () => void): void {
    this.#schedule(0, task);
  }

  after(afterMs: number, task: () => void): () => void {
    let cancelled = false;
    if (afterMs < Infinity) this.#schedule(Math.max(0, afterMs), () => cancelled || task());
    return () => {
      cancelled = true;
    };
  }
}

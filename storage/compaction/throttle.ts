/** Holds a job to a rate that may change while it runs: a cell of shared memory holds it. */
import type { JobDoors } from '../../runtime/jobs.ts';

/** A job that waits looks at the cell, and may be cancelled, this often. */
const PAUSE_MS_MAX = 50;
/** What it may fall behind its rate, and make up for later: not more, or a pause of the machine would be followed by a burst. */
const BEHIND_MS_MAX = 100;

/** `cell[0]`: KiB per second; 0: no limit. */
export class Throttle {
  readonly #cell: Int32Array | undefined;
  readonly #doors: JobDoors;
  /** When what was spent so far is within the rate. */
  #freeAt: number;

  constructor(cell: Int32Array | undefined, doors: JobDoors) {
    this.#cell = cell;
    this.#doors = doors;
    this.#freeAt = doors.clock.now();
  }

  /** `bytes` were read. Yields once, gives way, and pauses with a yield between pauses until the rate allows more. Without a cell, as in a flush that writers may wait for, it only yields. */
  *spend(bytes: number): Generator<undefined, void, undefined> {
    yield;
    const cell = this.#cell;
    if (cell === undefined) return;
    const { clock } = this.#doors;
    this.#doors.giveWay();
    let left = bytes;
    for (;;) {
      const perMs = (Atomics.load(cell, 0) * 1024) / 1000;
      const now = clock.now();
      if (perMs <= 0) {
        this.#freeAt = now;
        return;
      }
      if (left > 0) {
        this.#freeAt = Math.max(this.#freeAt, now - BEHIND_MS_MAX) + left / perMs;
        left = 0;
      }
      const waitMs = this.#freeAt - now;
      if (waitMs < 1) return;
      // A higher rate shortens a wait that began under a lower one.
      const ms = Math.min(waitMs, PAUSE_MS_MAX);
      this.#doors.pause(ms);
      yield;
      const rate = (Atomics.load(cell, 0) * 1024) / 1000;
      if (rate !== perMs && rate > 0) {
        const after = clock.now();
        this.#freeAt = after + ((this.#freeAt - after) * perMs) / rate;
      }
    }
  }
}

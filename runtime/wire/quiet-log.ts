/** QuietLog: a log that a misbehaving peer can't flood: so many lines per window, and the next one says how many were left out. */
import type { Log, LogFields } from '../doors.ts';

/** Milliseconds that never go back: a clock, or the tasks of a shard. */
export interface Now {
  now(): number;
}

const LINES_PER_WINDOW = 10;
const WINDOW_MS = 10_000;

export class QuietLog {
  readonly #log: Log;
  readonly #clock: Now;
  #windowEnd = Number.NEGATIVE_INFINITY;
  #left = 0;
  #suppressed = 0;

  constructor(log: Log, clock: Now) {
    this.#log = log;
    this.#clock = clock;
  }

  info(event: string, fields: LogFields): void {
    if (this.#mayLog()) this.#log.info(event, this.#complete(fields));
  }

  warn(event: string, fields: LogFields): void {
    if (this.#mayLog()) this.#log.warn(event, this.#complete(fields));
  }

  #mayLog(): boolean {
    const now = this.#clock.now();
    if (now >= this.#windowEnd) {
      this.#windowEnd = now + WINDOW_MS;
      this.#left = LINES_PER_WINDOW;
    }
    if (this.#left === 0) {
      this.#suppressed++;
      return false;
    }
    this.#left--;
    return true;
  }

  #complete(fields: LogFields): LogFields {
    const linesLeftOut = this.#suppressed;
    this.#suppressed = 0;
    return linesLeftOut === 0 ? fields : { ...fields, linesLeftOut };
  }
}

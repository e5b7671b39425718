/** Pulses: the slices in which an actor does what can wait, by a timer of its own, as far apart as its Pace says. No timer runs while there is nothing to do. */
import type { Clock } from '../../runtime/doors.ts';
import { Pace } from './pace.ts';

export class Pulses {
  readonly #clock: Clock;
  readonly #after: (waitMs: number) => void;
  readonly #pace = new Pace();
  #atMs = 0;
  #cameMs = 0;
  /** Of the last slice; 0: the next one needs no rest. */
  #tookMs = 0;
  #isPulsing = false;

  /** `after`: has a pulse come to the actor so much later, which then calls `came`. */
  constructor(clock: Clock, after: (waitMs: number) => void) {
    this.#clock = clock;
    this.#after = after;
  }

  get waitMs(): number {
    return this.#pace.waitMs;
  }

  /** Unless one is on its way. */
  begin(): void {
    if (this.#isPulsing) return;
    this.#isPulsing = true;
    const waitMs = this.#pace.restAfter(this.#tookMs);
    this.#tookMs = 0;
    this.#atMs = this.#clock.now() + waitMs;
    this.#after(waitMs);
  }

  /** Before its slice. */
  came(): void {
    this.#isPulsing = false;
    this.#cameMs = this.#clock.now();
    this.#pace.observe(this.#cameMs - this.#atMs);
  }

  /** Behind its slice. */
  ended(): void {
    this.#tookMs = this.#clock.now() - this.#cameMs;
  }
}

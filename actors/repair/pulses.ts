/** Pulses: the slices in which an actor does what can wait, by a timer of its own, as far apart as its Pace says. No timer runs while there is nothing to do. */
import type { Clock } from '../../runtime/doors.ts';
import { Pace, restAfter } from './pace.ts';

export class Pulses {
  readonly #clock: Clock;
  readonly #after: (waitMs: number) => void;
  readonly #pace = new Pace();
  #atMs = 0;
  /** Before it none comes. */
  #restsUntilMs = 0;
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
    const now = this.#clock.now();
    const waitMs = Math.max(this.#pace.waitMs, this.#restsUntilMs - now);
    this.#atMs = now + waitMs;
    this.#after(waitMs);
  }

  /** Does `slice`, which says whether there is more to do. */
  came(slice: () => boolean): void {
    this.#isPulsing = false;
    const now = this.#clock.now();
    this.#pace.observe(now - this.#atMs);
    const hasMore = slice();
    const endMs = this.#clock.now();
    this.#restsUntilMs = endMs + restAfter(endMs - now);
    if (hasMore) this.begin();
  }
}

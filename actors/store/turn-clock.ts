/**
 * TurnClock: the clock of a thread as one actor reads it: anew at the first question of a turn, and then at every eighth. A reading costs as much as looking up a short key, and what is asked
 * for here are deadlines of seconds and times of requests that come by the hundred in one turn.
 */
import type { Clock } from '../../runtime/doors.ts';

const QUESTIONS = 8;

export class TurnClock {
  readonly #clock: Clock;
  #nowMs = 0;
  #wallMs = 0;
  #nowLeft = 0;
  #wallLeft = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** At the beginning and at the end of each turn: so that what is asked outside of turns, until the next one, is not answered by an old reading. */
  forget(): void {
    this.#nowLeft = 0;
    this.#wallLeft = 0;
  }

  /** Of the thread's clock, in ms. */
  now(): number {
    if (this.#nowLeft === 0) {
      this.#nowLeft = QUESTIONS;
      this.#nowMs = this.#clock.now();
    }
    this.#nowLeft--;
    return this.#nowMs;
  }

  /** Milliseconds since 1970. */
  wall(): number {
    if (this.#wallLeft === 0) {
      this.#wallLeft = QUESTIONS;
      this.#wallMs = this.#clock.wall();
    }
    this.#wallLeft--;
    return this.#wallMs;
  }
}

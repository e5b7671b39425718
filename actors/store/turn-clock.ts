/**
 * TurnClock: the clock of a thread as one actor reads it: within a turn anew at the first question, and then at every eighth. A reading costs as much as looking up a short key, and what is asked
 * for here are deadlines of seconds and times of requests that come by the hundred in one turn. Outside of turns it is read each time: nobody knows how long ago the last question was.
 */
import type { Clock } from '../../runtime/doors.ts';

const QUESTIONS = 8;

export class TurnClock {
  readonly #clock: Clock;
  #isInTurn = false;
  #nowMs = 0;
  #wallMs = 0;
  #nowLeft = 0;
  #wallLeft = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  beginTurn(): void {
    this.#isInTurn = true;
    this.#nowLeft = 0;
    this.#wallLeft = 0;
  }

  endTurn(): void {
    this.#isInTurn = false;
  }

  /** Of the thread's clock, in ms. */
  now(): number {
    if (!this.#isInTurn) return this.#clock.now();
    if (this.#nowLeft === 0) {
      this.#nowLeft = QUESTIONS;
      this.#nowMs = this.#clock.now();
    }
    this.#nowLeft--;
    return this.#nowMs;
  }

  /** Milliseconds since 1970. */
  wall(): number {
    if (!this.#isInTurn) return this.#clock.wall();
    if (this.#wallLeft === 0) {
      this.#wallLeft = QUESTIONS;
      this.#wallMs = this.#clock.wall();
    }
    this.#wallLeft--;
    return this.#wallMs;
  }
}

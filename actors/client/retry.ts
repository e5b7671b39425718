/**
 * Retries that don't make an overload worse: full jitter, and a budget that is a share of the traffic, so that a cluster in trouble sees at most that much more.
 * Sources: [Brooker 2015, exponential backoff and jitter]; [Finagle RetryBudget].
 */
import type { Random } from '../../runtime/doors.ts';

export interface BackoffRange {
  readonly minMs: number;
  readonly maxMs: number;
}

/** Of the retry that follows attempt number `attempt` (from 1): uniform in 0 .. min(maxMs, minMs x 2^(attempt-1)), and at least 1. */
export function fullJitter(attempt: number, { minMs, maxMs }: BackoffRange, random: Random): number {
  return Math.max(1, random.float() * Math.min(maxMs, minMs * 2 ** Math.min(30, attempt - 1)));
}

export interface RetryBudgetOptions {
  /** Retries per operation that was begun, in the long run. */
  readonly ratio: number;
  /** Retries per second that are allowed whatever the traffic. */
  readonly perSecond: number;
}

/** How many seconds of what is not used can be saved up. */
const SAVED_SECONDS = 10;
const SAVED_MIN = 10;

export class RetryBudget {
  readonly #ratio: number;
  readonly #perMs: number;
  readonly #max: number;
  #tokens: number;
  #filledMs: number;

  constructor({ ratio, perSecond }: RetryBudgetOptions, nowMs: number) {
    this.#ratio = ratio;
    this.#perMs = perSecond / 1_000;
    this.#max = SAVED_MIN + SAVED_SECONDS * perSecond;
    this.#tokens = this.#max;
    this.#filledMs = nowMs;
  }

  /** An operation was begun. */
  deposit(): void {
    this.#tokens = Math.min(this.#max, this.#tokens + this.#ratio);
  }

  /** Whether a retry is allowed now; then it is taken. */
  take(nowMs: number): boolean {
    this.#tokens = Math.min(this.#max, this.#tokens + (nowMs - this.#filledMs) * this.#perMs);
    this.#filledMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}

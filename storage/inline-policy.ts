/**
 * Decides whether a call to the file system is made inline, on the shard's own thread, or by the file system's threads.
 *
 * Intuition: a block in the page cache is read in 1.5 us inline, and in some 20 us with 4 us of CPU otherwise; one that needs the disk blocks the thread for
 * 100 us and more. Which it is shows only in the time it took. So calls go inline while they are fast; the time of slow ones comes out of an allowance that
 * fills with 5 % of all time, and with 20 us for each fast call: what it would have cost asynchronously. A few slow calls among many are a thread that lost its core, and while threads
 * wait for cores nothing is dearer than to hand over to one more; once the allowance is used up it is the disk, and calls are asynchronous for a pause that doubles each time and halves
 * with each fast call. Within one run of the shard only so much time is spent inline; the rest waits for the next (`ReadRuns`).
 * Pure: times come from the caller. An engine has one for the blocks of its tables and one for its log.
 */

export interface InlinePolicyOptions {
  /** Default true; false: never inline. */
  readonly inline?: boolean;
  /** A call that took longer is slow. Default 0.2. */
  readonly slowMs?: number;
  /** The allowance of slow calls when it is full. Default 20. */
  readonly allowanceMs?: number;
  /** The first pause, and the longest. Default 10 and 1000. */
  readonly pauseMs?: number;
  readonly pauseMsMax?: number;
  /** Inline at most in one run of the shard. Default 2. */
  readonly runMs?: number;
}

const ALLOWANCE_RATIO = 0.05;
/** Of each fast call. */
const ALLOWANCE_MS = 0.02;

export class InlinePolicy {
  inlineCount = 0;
  /** Counted by whoever begins them. */
  asyncCount = 0;
  slowCount = 0;
  /** While true every call goes inline, whatever it takes: for a caller that can't wait in another way. */
  forced = false;
  readonly #slowMs: number;
  readonly #allowanceMsMax: number;
  readonly #pauseMsMin: number;
  readonly #pauseMsMax: number;
  readonly #runMs: number;
  #spentMs = 0;
  #allowanceMs: number;
  /** When the allowance was last filled. */
  #filledMs = Number.POSITIVE_INFINITY;
  /** Asynchronous before this time. */
  #until: number;
  #pauseMs: number;

  constructor(options: InlinePolicyOptions = {}) {
    const { inline = true, slowMs = 0.2, allowanceMs = 20, pauseMs = 10, pauseMsMax = 1_000, runMs = 2 } = options;
    this.#slowMs = slowMs;
    this.#allowanceMsMax = allowanceMs;
    this.#allowanceMs = allowanceMs;
    this.#pauseMsMin = pauseMs;
    this.#pauseMsMax = pauseMsMax;
    this.#runMs = runMs;
    this.#until = inline ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    this.#pauseMs = pauseMs;
  }

  /** The owner calls it when a run of the shard begins; without it, inline calls end when `runMs` is used up. */
  startRun(): void {
    this.#spentMs = 0;
  }

  /** Whether a call that begins now goes inline. */
  mayGoInline(nowMs: number): boolean {
    if (this.forced || (nowMs >= this.#until && this.#spentMs < this.#runMs)) {
      this.inlineCount++;
      return true;
    }
    return false;
  }

  /** Whether a call that may not go inline may do so in the next run, as far as is known. */
  waitsForRun(nowMs: number): boolean {
    return nowMs >= this.#until && this.#spentMs >= this.#runMs;
  }

  /** Time that an inline call took beside the call itself. */
  spend(ms: number): void {
    this.#spentMs += ms;
  }

  /** An inline call took from `startMs` to `endMs`. */
  tookInline(startMs: number, endMs: number): void {
    const tookMs = endMs - startMs;
    this.#spentMs += tookMs;
    if (tookMs <= this.#slowMs) {
      this.#allowanceMs = Math.min(this.#allowanceMs + ALLOWANCE_MS, this.#allowanceMsMax);
      if (this.#pauseMs > this.#pauseMsMin) this.#pauseMs = Math.max(this.#pauseMs / 2, this.#pauseMsMin);
      return;
    }
    this.slowCount++;
    const filled = this.#allowanceMs + Math.max(0, startMs - this.#filledMs) * ALLOWANCE_RATIO;
    this.#allowanceMs = Math.min(filled, this.#allowanceMsMax) - tookMs;
    this.#filledMs = startMs;
    if (this.#allowanceMs > 0) return;
    this.#until = endMs + Math.max(this.#pauseMs, -this.#allowanceMs / ALLOWANCE_RATIO);
    this.#pauseMs = Math.min(this.#pauseMs * 2, this.#pauseMsMax);
  }
}

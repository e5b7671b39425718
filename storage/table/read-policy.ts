/**
 * Decides whether a block is read inline, on the shard's own thread, or by the file system's threads.
 *
 * Intuition: a block in the page cache is there in 1.5 us inline, and in some 20 us with 4 us of CPU otherwise; one that needs the disk blocks the thread for 100 us and
 * more. Which it is shows only in the time it took. So reads go inline while they are fast. A slow one turns that off for a while: 20 times as long as it took, so
 * that slow reads take at most 5 % of the thread's time, and no less than a pause that doubles with each slow read and halves with each fast one.
 * Within one run of the shard only so much time is spent so.
 * Pure: times come from the caller.
 */

export interface ReadPolicyOptions {
  /** Default true; false: never inline. */
  readonly inline?: boolean;
  /** A read that took longer needed the disk. Default 0.2. */
  readonly slowMs?: number;
  /** How long reads are asynchronous after the first slow one, and at most. Default 5 and 1000. */
  readonly backoffMs?: number;
  readonly backoffMsMax?: number;
  /** Inline at most in one run of the shard. Default 2. */
  readonly runMs?: number;
}

const PAUSE_PER_SLOW_MS = 20;

export class ReadPolicy {
  inlineReads = 0;
  asyncReads = 0;
  slowReads = 0;
  readonly #slowMs: number;
  readonly #backoffMs: number;
  readonly #backoffMsMax: number;
  readonly #runMs: number;
  #spentMs = 0;
  /** Asynchronous before this time. */
  #until: number;
  #nextBackoffMs: number;

  constructor(options: ReadPolicyOptions = {}) {
    const { inline = true, slowMs = 0.2, backoffMs = 5, backoffMsMax = 1_000, runMs = 2 } = options;
    this.#slowMs = slowMs;
    this.#backoffMs = backoffMs;
    this.#backoffMsMax = backoffMsMax;
    this.#runMs = runMs;
    this.#until = inline ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
    this.#nextBackoffMs = backoffMs;
  }

  /** The owner calls it when a run of the shard begins; without it, inline reads end when `runMs` is used up. */
  startRun(): void {
    this.#spentMs = 0;
  }

  /** Whether a read that begins now goes inline. */
  mayReadInline(nowMs: number): boolean {
    if (nowMs >= this.#until && this.#spentMs < this.#runMs) {
      this.inlineReads++;
      return true;
    }
    this.asyncReads++;
    return false;
  }

  /** An inline read took from `startMs` to `endMs`. */
  tookInline(startMs: number, endMs: number): void {
    const tookMs = endMs - startMs;
    this.#spentMs += tookMs;
    if (tookMs <= this.#slowMs) {
      this.#nextBackoffMs = Math.max(this.#nextBackoffMs / 2, this.#backoffMs);
      return;
    }
    this.slowReads++;
    this.#until = endMs + Math.max(this.#nextBackoffMs, tookMs * PAUSE_PER_SLOW_MS);
    this.#nextBackoffMs = Math.min(this.#nextBackoffMs * 2, this.#backoffMsMax);
  }
}

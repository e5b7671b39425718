/**
 * The runs of a shard, as reads see them. What may be spent on inline reads counts per run; a read that finds it used up waits for the next run and goes inline
 * there, in the order of asking. Why not by the file system's threads: where the page cache has the block that costs this thread twice as much.
 */
import type { Timers } from '../../runtime/doors.ts';
import type { InlinePolicy } from '../inline-policy.ts';

export interface DeferredRead {
  /** In a later run: goes inline, or begins in another way. False: it has to wait for one more run. */
  goOn(): boolean;
}

export class ReadRuns {
  readonly #policy: InlinePolicy;
  readonly #timers: Timers;
  #inRun = false;
  /** Those from `#next` on wait. */
  #waiting: DeferredRead[] = [];
  #next = 0;

  constructor(policy: InlinePolicy, timers: Timers) {
    this.#policy = policy;
    this.#timers = timers;
  }

  /** Before anything that may read inline. */
  begin(): void {
    if (this.#inRun) return;
    this.#inRun = true;
    this.#timers.soon(this.#onNextRun);
  }

  defer(read: DeferredRead): void {
    this.#waiting.push(read);
    this.begin();
  }

  readonly #onNextRun = (): void => {
    this.#inRun = false;
    this.#policy.startRun();
    // What these begin counts in this run, and waits behind them.
    if (this.#next < this.#waiting.length) this.begin();
    while (this.#next < this.#waiting.length && this.#waiting[this.#next]!.goOn()) this.#next++;
    if (this.#next * 2 < this.#waiting.length) return;
    this.#waiting = this.#waiting.slice(this.#next);
    this.#next = 0;
  };
}

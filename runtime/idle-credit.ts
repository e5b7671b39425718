/** Sees to it that credit which was granted to this shard, and is not used, goes back. */
import { returnIdleCredit } from './credit.ts';
import type { Tasks } from './link.ts';
import type { Peers } from './peers.ts';

const IDLE_CREDIT_MS = 1000;

export class IdleCredit {
  readonly #tasks: Tasks;
  readonly #peers: Peers;
  #isWatching = false;

  constructor(tasks: Tasks, peers: Peers) {
    this.#tasks = tasks;
    this.#peers = peers;
  }

  /** Some was granted. */
  watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    this.#tasks.after(IDLE_CREDIT_MS, () => {
      this.#isWatching = false;
      let kept = false;
      for (const peer of this.#peers.all()) kept = returnIdleCredit(peer) || kept;
      if (kept) this.watch();
    });
  }
}

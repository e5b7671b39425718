/** ExchangeWaiters: who waits for a complete exchange of a partition with a peer, that began after it was asked for. */
import type { RepairTask } from './repair-queue.ts';

type Pair = Pick<RepairTask, 'keyspace' | 'partition' | 'peer'>;

interface Waiter {
  readonly sinceMs: number;
  readonly done: (fault: string | undefined) => void;
}

export class ExchangeWaiters {
  readonly #waiters = new Map<string, Waiter[]>();

  /** `sinceMs`: now, by the clock of exchanges. */
  add(pair: Pair, sinceMs: number, done: (fault: string | undefined) => void): void {
    const name = nameOf(pair);
    const waiting = this.#waiters.get(name) ?? [];
    this.#waiters.set(name, waiting);
    waiting.push({ sinceMs, done });
  }

  /** An exchange has ended, complete or not, that shows what was there at `sinceMs`. Returns whether another one is to follow: somebody asked after it had begun. */
  ended(pair: Pair, isComplete: boolean, sinceMs: number, why: string): boolean {
    const name = nameOf(pair);
    const waiting = this.#waiters.get(name);
    if (waiting === undefined) return false;
    const later = isComplete ? waiting.filter((waiter) => waiter.sinceMs > sinceMs) : [];
    if (later.length === 0) this.#waiters.delete(name);
    else this.#waiters.set(name, later);
    for (const waiter of waiting) if (!later.includes(waiter)) waiter.done(isComplete ? undefined : why);
    return later.length > 0;
  }
}

function nameOf({ keyspace, partition, peer }: Pair): string {
  return `${keyspace}/${partition}/${peer.id}`;
}

/**
 * RepairHistory: per partition of a keyspace and per other replica, when the last exchange began that was complete: all that either side held then, both hold since. In memory: after a start nothing is
 * known.
 *
 * Complete: all differences of both sides were found, confirmed and moved, both ways, none left because it still changed, could not be read or was refused.
 */
import type { Id } from '../ring/ring-state.ts';

interface Pair {
  readonly keyspace: number;
  readonly partition: number;
  readonly peer: Id;
}

export class RepairHistory {
  readonly #last = new Map<string, Pair & { readonly sinceMs: number }>();

  /** `sinceMs`: by the clock of this thread; what was on both replicas by then is on both. */
  completed({ keyspace, partition, peer }: Pair, sinceMs: number): void {
    const name = `${keyspace}/${partition}/${peer}`;
    const before = this.#last.get(name);
    if (before === undefined || before.sinceMs < sinceMs) this.#last.set(name, { keyspace, partition, peer, sinceMs });
  }

  /** What is known of others is forgotten. */
  keep(keyspaces: ReadonlySet<number>, peers: ReadonlySet<Id>): void {
    for (const [name, { keyspace, peer }] of this.#last) if (!keyspaces.has(keyspace) || !peers.has(peer)) this.#last.delete(name);
  }

  /** The replicas were opened anew, and may have lost what was not on disk. */
  clear(): void {
    this.#last.clear();
  }

  /** Of how many pairs there was a complete exchange, and how long ago that of the pair began for which it is longest. */
  figures(nowMs: number): { readonly completePairs: number; readonly longestAgoMs: number } {
    let least = nowMs;
    for (const { sinceMs } of this.#last.values()) least = Math.min(least, sinceMs);
    return { completePairs: this.#last.size, longestAgoMs: nowMs - least };
  }
}

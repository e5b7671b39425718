/**
 * RepairHistory: per partition of a keyspace and per other replica, the last exchange that was complete: all that either side held when it began, both hold since. In memory: after a start nothing is
 * known, which is safe for who wants to purge tombstones by it (DESIGN: purge).
 *
 * Complete: all differences of both sides were found, confirmed and moved, both ways, none left because it still changed, could not be read or was refused.
 */
import type { Id } from '../ring/ring-state.ts';

export interface CompletedExchange {
  readonly keyspace: number;
  readonly partition: number;
  readonly peer: Id;
  /** Milliseconds since 1970, by this node's clock: what was on both replicas by then is on both. */
  readonly sinceMs: number;
  /** By the clock of this thread: for who measures time on it. */
  readonly sinceNowMs: number;
}

export class RepairHistory {
  readonly #last = new Map<string, CompletedExchange>();

  completed(exchange: CompletedExchange): void {
    const name = nameOf(exchange.keyspace, exchange.partition, exchange.peer);
    const before = this.#last.get(name);
    if (before === undefined || before.sinceNowMs < exchange.sinceNowMs) this.#last.set(name, exchange);
  }

  last(keyspace: number, partition: number, peer: Id): CompletedExchange | undefined {
    return this.#last.get(nameOf(keyspace, partition, peer));
  }

  /** Since when all of these have what this replica had: the least of theirs; undefined: not all of them are known to. */
  commonSinceMs(keyspace: number, partition: number, peers: readonly Id[]): number | undefined {
    let least = Number.POSITIVE_INFINITY;
    for (const peer of peers) {
      const last = this.last(keyspace, partition, peer);
      if (last === undefined) return undefined;
      least = Math.min(least, last.sinceMs);
    }
    return least;
  }

  all(): readonly CompletedExchange[] {
    return [...this.#last.values()];
  }

  /** What is known of others is forgotten. */
  keep(keyspaces: ReadonlySet<number>, peers: ReadonlySet<Id>): void {
    for (const [name, { keyspace, peer }] of this.#last) if (!keyspaces.has(keyspace) || !peers.has(peer)) this.#last.delete(name);
  }

  /** The replicas were opened anew, and may have lost what was not on disk. */
  clear(): void {
    this.#last.clear();
  }
}

function nameOf(keyspace: number, partition: number, peer: Id): string {
  return `${keyspace}/${partition}/${peer}`;
}

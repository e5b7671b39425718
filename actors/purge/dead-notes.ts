/**
 * DeadNotes: in which parts of a shard's token space something may be dead: a bit's worth of a byte per 2^-14 of it and keyspace, set by writes of tombstones and of what expires, cleared
 * by who has looked. At the start nothing is known: all may be.
 */
import { partitionShift } from '../ring/token.ts';

const PARTS_SHIFT = 18;
const PARTS = 2 ** (32 - PARTS_SHIFT);

export class DeadNotes {
  readonly #byKeyspace = new Map<number, Uint8Array>();

  note(keyspace: number, tokenHigh: number): void {
    const parts = this.#byKeyspace.get(keyspace);
    if (parts !== undefined) parts[tokenHigh >>> PARTS_SHIFT] = 1;
  }

  mayHave(keyspace: number, partition: number, partitions: number): boolean {
    const parts = this.#byKeyspace.get(keyspace);
    return parts === undefined || partOf(parts, partition, partitions).includes(1);
  }

  /** Before the partition is looked through: what is written meanwhile is noted again. */
  clear(keyspace: number, partition: number, partitions: number): void {
    const parts = this.#byKeyspace.get(keyspace) ?? new Uint8Array(PARTS).fill(1);
    this.#byKeyspace.set(keyspace, parts);
    partOf(parts, partition, partitions).fill(0);
  }

  /** Keyspaces that there are no more. */
  keep(keyspaces: ReadonlySet<number>): void {
    for (const id of [...this.#byKeyspace.keys()]) if (!keyspaces.has(id)) this.#byKeyspace.delete(id);
  }
}

function partOf(parts: Uint8Array, partition: number, partitions: number): Uint8Array {
  const each = 2 ** (partitionShift(partitions) - PARTS_SHIFT);
  return parts.subarray(partition * each, (partition + 1) * each);
}

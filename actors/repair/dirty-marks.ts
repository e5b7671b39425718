/**
 * DirtyMarks: which leaves of a shard's hash trees were written since they were last read: a bit per leaf and keyspace. All that repair costs a write: no hash, no allocation.
 *
 * A keyspace without trees has no marks: a tree that is made begins with all its leaves dirty.
 * A mark is set when the write is handed to the engine. One that waits for room there can't be read yet; so leaves are never read while any does (range-reads.ts).
 */
import { leafBitsOf, leafShift, partitionBitsOf } from './leaves.ts';

/** What Replicas knows of it. */
export interface WriteMarks {
  /** A record of the keyspace is being written under a token. */
  mark(keyspace: number, tokenHigh: number): void;
  /** A range is being deleted. */
  markAll(): void;
}

export class DirtyMarks implements WriteMarks {
  readonly #keyspaces = new Map<number, Uint32Array>();
  readonly #mutants: ReadonlySet<string> | undefined;
  #partitions = 0;
  #shift = 0;
  /** The keyspace that was marked last. */
  #lastId = 0;
  #last: Uint32Array | undefined;

  constructor(mutants?: ReadonlySet<string>) {
    this.#mutants = mutants;
  }

  mark(keyspace: number, tokenHigh: number): void {
    if (keyspace !== this.#lastId) {
      this.#lastId = keyspace;
      this.#last = this.#keyspaces.get(keyspace);
    }
    const words = this.#last;
    if (words === undefined || this.#mutants?.has('dirtyMarkLost')) return;
    const leaf = tokenHigh >>> this.#shift;
    words[leaf >>> 5]! |= 1 << (leaf & 31);
  }

  markAll(): void {
    for (const words of this.#keyspaces.values()) words.fill(0xffff_ffff);
  }

  /** Those of one partition: 32 leaves per word. Trees of another count of partitions have lost theirs from then on. */
  of(keyspace: number, partition: number, partitions: number): Uint32Array {
    if (partitions !== this.#partitions) {
      this.#keyspaces.clear();
      this.#partitions = partitions;
      this.#shift = leafShift(partitions);
    }
    const words = this.#keyspaces.get(keyspace) ?? new Uint32Array(2 ** (partitionBitsOf(partitions) + leafBitsOf(partitions) - 5));
    this.#keyspaces.set(keyspace, words);
    this.#lastId = 0;
    const each = 2 ** (leafBitsOf(partitions) - 5);
    return words.subarray(partition * each, (partition + 1) * each);
  }

  /** The keyspace has no trees any more. */
  forget(keyspace: number): void {
    this.#keyspaces.delete(keyspace);
    this.#lastId = 0;
  }
}

/**
 * What of the database is in memory: the memtable that is written to, those that wait for their flush, and, in the memory that none of these needs, those that were
 * flushed last: an overwrite reads what it replaces there, not in a table. Source of the latter: what RocksDB calls max_write_buffer_size_to_maintain.
 *
 * Invariant: what is kept is newer than all other tables on disk, and nothing between two that are kept is missing, range deletes too: the oldest goes first.
 */
import type { Memtable } from '../memtable/memtable.ts';
import { RangeDeletes } from '../range-deletes.ts';
import type { Arenas } from './arenas.ts';

/** A memtable and the segment of the commit log that has the same records. */
export class LoggedMemtable {
  readonly table: Memtable;
  /** Number of the segment; 0: it has none yet, and nothing is written to it. */
  segment: number;
  /** Iterators that read it. */
  holders = 0;
  /** Its records are in a table. */
  flushed = false;
  /** Flushed, and still read. */
  kept = false;
  #rangeDeletes = RangeDeletes.none;
  #rangeDeleteCount = 0;

  constructor(table: Memtable, segment: number) {
    this.table = table;
    this.segment = segment;
  }

  get rangeDeletes(): RangeDeletes {
    const given = this.table.rangeDeletes;
    if (given.length !== this.#rangeDeleteCount) {
      this.#rangeDeletes = RangeDeletes.of(given);
      this.#rangeDeleteCount = given.length;
    }
    return this.#rangeDeletes;
  }
}

interface MemoryMutants {
  readonly arenaReusedTooEarly: boolean;
  readonly keptOldestFirst: boolean;
  readonly keptRangeDeletesIgnored: boolean;
  readonly keptLeavesGap: boolean;
}

export class Memory {
  active: LoggedMemtable;
  /** Newest first; replaced, never changed, so that readers may keep it. */
  immutables: readonly LoggedMemtable[];
  /** Flushed, newest first; older than all immutables. Only reads of single keys look at them: to others the tables are enough. */
  kept: readonly LoggedMemtable[] = [];
  /** Of the newest record. */
  sequence: number;
  readonly #arenas: Arenas;
  readonly #mutants: MemoryMutants;
  /** Memtables of all kinds, at most, where one is kept. */
  readonly #most: number;

  /** `most`: memtables of all kinds, at most, where any is kept; 0 keeps none. `mutants`, planted bugs: arenaReusedTooEarly, keptOldestFirst, keptRangeDeletesIgnored, keptLeavesGap. */
  constructor(
    active: LoggedMemtable,
    immutables: readonly LoggedMemtable[],
    sequence: number,
    arenas: Arenas,
    most: number,
    mutants: ReadonlySet<string>,
  ) {
    this.#arenas = arenas;
    this.#most = most;
    this.#mutants = {
      arenaReusedTooEarly: mutants.has('arenaReusedTooEarly'),
      keptOldestFirst: mutants.has('keptOldestFirst'),
      keptRangeDeletesIgnored: mutants.has('keptRangeDeletesIgnored'),
      keptLeavesGap: mutants.has('keptLeavesGap'),
    };
    this.active = active;
    this.immutables = immutables;
    this.sequence = sequence;
  }

  /** What is kept gives way to one more memtable. */
  makeRoom(): void {
    while (this.kept.length > 0 && !this.#hasRoom()) this.#dropOldestKept();
  }

  /** The active memtable becomes the newest of those that wait, `next` the active one. */
  rotate(next: LoggedMemtable): void {
    this.immutables = [this.active, ...this.immutables];
    this.active = next;
  }

  remove(flushed: LoggedMemtable): void {
    this.immutables = this.immutables.filter((each) => each !== flushed);
    flushed.flushed = true;
    this.makeRoom();
    if (this.#hasRoom()) {
      flushed.kept = true;
      this.kept = this.#mutants.keptOldestFirst ? [...this.kept, flushed] : [flushed, ...this.kept];
    }
    this.#maybeGive(flushed);
  }

  /** All, newest first, until `release`. */
  hold(): readonly LoggedMemtable[] {
    const all = [this.active, ...this.immutables];
    for (const each of all) each.holders++;
    return all;
  }

  release(held: readonly LoggedMemtable[]): void {
    for (const each of held) {
      each.holders--;
      this.#maybeGive(each);
    }
  }

  /** For one more. */
  #hasRoom(): boolean {
    return this.immutables.length + this.kept.length + 2 <= this.#most;
  }

  #dropOldestKept(): void {
    const oldest = this.#mutants.keptLeavesGap ? this.kept[0]! : this.kept.at(-1)!;
    this.kept = this.kept.filter((each) => each !== oldest);
    oldest.kept = false;
    this.#maybeGive(oldest);
  }

  #maybeGive(table: LoggedMemtable): void {
    if (!table.flushed || table.kept) return;
    if (table.holders === 0 || this.#mutants.arenaReusedTooEarly) this.#arenas.give(table.table.arena);
  }

  /** The largest sequence <= `maxSequence` of a range delete over the key; 0: none. */
  covering(key: Uint8Array, maxSequence: number): number {
    let covering = this.active.rangeDeletes.covering(key, 0, key.length, maxSequence);
    for (const each of this.immutables) covering = Math.max(covering, each.rangeDeletes.covering(key, 0, key.length, maxSequence));
    if (this.#mutants.keptRangeDeletesIgnored) return covering;
    // A merge drops a range delete with the last that it hides on disk; what is kept may still hold it.
    for (const each of this.kept) covering = Math.max(covering, each.rangeDeletes.covering(key, 0, key.length, maxSequence));
    return covering;
  }
}

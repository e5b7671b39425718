/** What of the database is in memory: the memtable that is written to, and those that wait for their flush. */
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

export class Memory {
  active: LoggedMemtable;
  /** Newest first; replaced, never changed, so that readers may keep it. */
  immutables: readonly LoggedMemtable[];
  /** Of the newest record. */
  sequence: number;
  readonly #arenas: Arenas;
  readonly #givesEarly: boolean;

  /** `mutants`, planted bug: arenaReusedTooEarly. */
  constructor(
    active: LoggedMemtable,
    immutables: readonly LoggedMemtable[],
    sequence: number,
    arenas: Arenas,
    mutants: ReadonlySet<string> = new Set<string>(),
  ) {
    this.#arenas = arenas;
    this.#givesEarly = mutants.has('arenaReusedTooEarly');
    this.active = active;
    this.immutables = immutables;
    this.sequence = sequence;
  }

  /** The active memtable becomes the newest of those that wait, `next` the active one. */
  rotate(next: LoggedMemtable): void {
    this.immutables = [this.active, ...this.immutables];
    this.active = next;
  }

  remove(flushed: LoggedMemtable): void {
    this.immutables = this.immutables.filter((each) => each !== flushed);
    flushed.flushed = true;
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

  #maybeGive(table: LoggedMemtable): void {
    if (table.flushed && (table.holders === 0 || this.#givesEarly)) this.#arenas.give(table.table.arena);
  }

  /** The largest sequence <= `maxSequence` of a range delete over the key; 0: none. */
  covering(key: Uint8Array, maxSequence: number): number {
    let covering = this.active.rangeDeletes.covering(key, 0, key.length, maxSequence);
    for (const each of this.immutables) covering = Math.max(covering, each.rangeDeletes.covering(key, 0, key.length, maxSequence));
    return covering;
  }
}

/** Where the search for one key stands: the table that it has come to, and the block of it that holds the key if the table does. */
import { compareWhole } from '../key.ts';
import type { OpenTable } from './open-table.ts';
import type { SearchedLevel } from './searched-level.ts';

export class Search {
  key: Uint8Array = NOTHING;
  /** Its hashKey. */
  hash = 0;
  /** The newest that is seen. */
  sequence = 0;
  /** Of the newest range delete over the key; 0: none. */
  covering = 0;
  /** Undefined: no table is left. */
  table: OpenTable | undefined;
  block = 0;
  /** Entries of the block before this one are known not to have the key. */
  entry = 0;
  /** Where a memtable has the value; not copied by `copy`. */
  valueBytes: Uint8Array = NOTHING;
  valueStart = 0;
  valueEnd = 0;
  #level = 0;
  #index = -1;

  /** Before the first table. */
  start(key: Uint8Array, hash: number, sequence: number): void {
    this.key = key;
    this.hash = hash;
    this.sequence = sequence;
    this.#level = 0;
    this.#index = -1;
  }

  /** To the next table that may hold the key, as filters and bounds say. */
  next(levels: readonly SearchedLevel[]): OpenTable | undefined {
    const { key, hash } = this;
    let level = this.#level;
    let index = this.#index;
    while (level < levels.length) {
      const searched = levels[level]!;
      const { tables } = searched;
      index = index < 0 ? searched.first(key) : searched.after(index);
      if (index === tables.length) {
        level++;
        index = -1;
        continue;
      }
      const table = tables[index]!;
      const block = table.reader.locate(key, hash);
      // A filter leaves little to be found by bounds.
      if (block < 0 || (!table.reader.filtered && beginsAfter(table, key))) continue;
      this.#level = level;
      this.#index = index;
      this.block = block;
      this.entry = 0;
      this.table = table;
      return table;
    }
    this.table = undefined;
    return undefined;
  }

  /** One of its own, with a copy of the key. */
  copy(): Search {
    const copy = new Search();
    copy.key = Uint8Array.from(this.key);
    copy.hash = this.hash;
    copy.sequence = this.sequence;
    copy.covering = this.covering;
    copy.table = this.table;
    copy.block = this.block;
    copy.#level = this.#level;
    copy.#index = this.#index;
    return copy;
  }
}

function beginsAfter({ meta: { smallest } }: OpenTable, key: Uint8Array): boolean {
  return compareWhole(smallest, key) > 0;
}

const NOTHING = new Uint8Array(0);

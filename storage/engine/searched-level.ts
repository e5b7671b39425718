/** A level of a version as point reads go through it: which of its tables can hold a key. */
import { compareWhole } from '../key.ts';
import { SortedKeys } from '../sorted-keys.ts';
import type { OpenTable } from './open-table.ts';

export class SearchedLevel {
  readonly tables: readonly OpenTable[];
  /** Level 0: all tables, newest first, for each key. */
  readonly overlapping: boolean;
  readonly #largest: SortedKeys;
  /** 1: the next table begins with the largest key of this one. */
  readonly #meets: Uint8Array;

  constructor(tables: readonly OpenTable[], overlapping: boolean) {
    this.tables = tables;
    this.overlapping = overlapping;
    this.#largest = SortedKeys.of(overlapping ? [] : tables.map(({ meta }) => meta.largest));
    this.#meets = Uint8Array.from(tables, ({ meta }, i) => {
      const next = tables[i + 1];
      return next !== undefined && (overlapping || compareWhole(meta.largest, next.meta.smallest) >= 0) ? 1 : 0;
    });
  }

  /** The first table that can hold the key, as far as largest keys say; the number of tables: none. */
  first(key: Uint8Array): number {
    return this.overlapping ? 0 : this.#largest.find(key, 0, key.length);
  }

  /** Whether the table behind `index` can hold a key for which that one came up. */
  goesOn(index: number): boolean {
    return this.#meets[index] === 1;
  }
}

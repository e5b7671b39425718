/** A level of a version as point reads go through it: which of its tables can hold a key. */
import { compareWhole } from '../key.ts';
import { SortedKeys } from '../sorted-keys.ts';
import type { OpenTable } from './open-table.ts';

export class SearchedLevel {
  readonly tables: readonly OpenTable[];
  readonly #overlapping: boolean;
  readonly #largest: SortedKeys;
  /** 1: the next table may hold what this one does; below level 0, since it begins with the largest key of this one. */
  readonly #meets: Uint8Array;

  /** `overlapping`: level 0, all of whose tables, newest first, may hold any key. `meetingOnes` false, a planted bug: one table of a level only, also where two meet at the key. */
  constructor(tables: readonly OpenTable[], overlapping: boolean, meetingOnes: boolean) {
    this.tables = tables;
    this.#overlapping = overlapping;
    this.#largest = SortedKeys.of(overlapping ? [] : tables.map(({ meta }) => meta.largest));
    this.#meets = Uint8Array.from(tables, ({ meta }, i) => {
      const next = tables[i + 1];
      return next !== undefined && (overlapping || (meetingOnes && compareWhole(meta.largest, next.meta.smallest) >= 0)) ? 1 : 0;
    });
  }

  /** The first table that can hold the key, as far as largest keys say; the number of tables: none. */
  first(key: Uint8Array): number {
    return this.#overlapping ? 0 : this.#largest.find(key, 0, key.length);
  }

  /** The next table that can hold a key for which the one at `index` came up; the number of tables: none. */
  after(index: number): number {
    return this.#meets[index] === 1 ? index + 1 : this.tables.length;
  }
}

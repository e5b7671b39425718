/**
 * Which versions a merge keeps: exactly those that some snapshot, or a read of now, can see.
 *
 * ```
 * snapshots        4        9
 * sequences   1 2 3 4 | 5 .. 9 | 10 ...       within one stripe, the newest version of a key hides the others of it from every reader,
 * stripe         0         1        2         and a range delete hides what is older
 * ```
 * Only in stripe 0, and only where nothing older than the inputs can hold the key, a DELETE has nothing left to hide and goes.
 *
 * Planted bugs (`mutants`): dropTombstoneEarly, forgetSnapshot.
 */
import { type RangeDelete, RangeDeleteScanner, RangeDeletes } from '../range-deletes.ts';
import { DELETE, PUT, RANGE_DELETE, type RecordKind } from '../record.ts';
import { ReusedBytes } from '../reused-bytes.ts';
import type { MergeFilter } from './filter.ts';
import { KeyRanges, type KeySpan } from './key-ranges.ts';

export const DROP = 0;
export const KEEP = 1;
/** Keep, with sequence 0: nothing older is left, so that the number says nothing. */
export const KEEP_UNNUMBERED = 2;
/** Keep its place as a DELETE: the filter removed it, and something older may lie below. */
export const KEEP_AS_DELETE = 3;
export type Fate = typeof DROP | typeof KEEP | typeof KEEP_UNNUMBERED | typeof KEEP_AS_DELETE;

export interface RetentionOptions {
  /** Sequences, ascending. */
  readonly snapshots: readonly number[];
  /** Of all inputs. */
  readonly rangeDeletes: RangeDeletes;
  /** Of all data older than the inputs, and of none of the inputs: a key outside has no older version. */
  readonly older: readonly KeySpan[];
  /** Whether versions that nothing older is below lose their sequence. Not for tables that are ordered by their sequences (level 0). */
  readonly unnumber: boolean;
  readonly filter: MergeFilter | undefined;
  readonly mutants: ReadonlySet<string>;
}

export class Retention {
  readonly #snapshots: readonly number[];
  readonly #rangeDeletes: RangeDeletes;
  readonly #covered: RangeDeleteScanner;
  readonly #keptRanges: RangeDeletes;
  readonly #coveredByKept: RangeDeleteScanner;
  readonly #older: KeyRanges;
  readonly #unnumber: boolean;
  readonly #filter: MergeFilter | undefined;
  readonly #dropsEarly: boolean;
  readonly #key = new ReusedBytes();
  /** Of the last version of `#key`; -1: there was none. */
  #stripe = -1;
  /** Range deletes that the outputs must still have, in order of their start: of each piece the newest of each stripe. */
  readonly rangeDeletes: readonly RangeDelete[];
  /** Whether the last entry was the first version of its key. */
  atNewKey = false;

  constructor(options: RetentionOptions) {
    const { mutants, snapshots } = options;
    this.#snapshots = mutants.has('forgetSnapshot') ? snapshots.slice(1) : snapshots;
    this.#rangeDeletes = options.rangeDeletes;
    this.#covered = new RangeDeleteScanner(options.rangeDeletes);
    this.#older = new KeyRanges(options.older);
    this.rangeDeletes = this.#keptOf(options.rangeDeletes);
    this.#keptRanges = RangeDeletes.of(this.rangeDeletes);
    this.#coveredByKept = new RangeDeleteScanner(this.#keptRanges);
    this.#unnumber = options.unnumber;
    this.#filter = options.filter;
    this.#dropsEarly = mutants.has('dropTombstoneEarly');
  }

  /** Of the next entry in order. */
  fate(
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    sequence: number,
    kind: RecordKind,
    valueBytes: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): Fate {
    if (kind === RANGE_DELETE) {
      this.atNewKey = false;
      return DROP;
    }
    this.atNewKey = this.#stripe < 0 || !this.#key.equals(keyBytes, keyStart, keyEnd);
    const stripe = this.#stripeOf(sequence);
    if (!this.atNewKey && stripe === this.#stripe) return DROP;
    if (this.atNewKey) this.#key.take(keyBytes, keyStart, keyEnd);
    this.#stripe = stripe;
    const top = this.#snapshots.length;
    if (!this.#rangeDeletes.empty) {
      const newest = stripe === top ? Number.MAX_SAFE_INTEGER : this.#snapshots[stripe]!;
      if (this.#covered.covering(keyBytes, keyStart, keyEnd, newest) > sequence) return DROP;
    }
    const removed =
      kind === PUT &&
      stripe === top &&
      this.#filter !== undefined &&
      !this.#filter.keeps(keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueEnd);
    if (removed || kind === DELETE) {
      if (stripe === 0 && (this.#dropsEarly || !this.#older.holds(keyBytes, keyStart, keyEnd))) return DROP;
      return removed ? KEEP_AS_DELETE : KEEP;
    }
    return stripe === 0 && this.#unnumber && this.#isLowest(keyBytes, keyStart, keyEnd, sequence) ? KEEP_UNNUMBERED : KEEP;
  }

  #keptOf({ starts, ends, sequences }: RangeDeletes): RangeDelete[] {
    return starts.flatMap((start, i) => {
      const end = ends[i]!;
      const kept: RangeDelete[] = [];
      let last = -1;
      for (const sequence of sequences[i]!) {
        const stripe = this.#stripeOf(sequence);
        if (stripe !== last && (stripe > 0 || this.#older.meets(start, end))) kept.push({ start, end, sequence });
        last = stripe;
      }
      return kept;
    });
  }

  /** A range delete below the entry may be kept for the sake of other keys, and would then hide an entry without a sequence. */
  #isLowest(key: Uint8Array, start: number, end: number, sequence: number): boolean {
    if (this.#older.holds(key, start, end)) return false;
    return this.#keptRanges.empty || this.#coveredByKept.covering(key, start, end, sequence) === 0;
  }

  /** The number of snapshots that don't see `sequence`. */
  #stripeOf(sequence: number): number {
    const snapshots = this.#snapshots;
    let low = 0;
    let high = snapshots.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (snapshots[middle]! < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

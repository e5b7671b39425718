/**
 * Range deletes, cut into pieces that don't overlap, so that what covers a key is found by one search.
 *
 * ```
 * given     [a ........ k) 7                 pieces   a: 7   f: 9 7   k: 9   p
 *                [f ........ p) 9                     each up to the next bound, with its sequences, newest first
 * ```
 * Source: the fragmented range tombstones of RocksDB (DeleteRange: A New Native RocksDB Operation).
 */
import { compareKeys, compareWhole } from './key.ts';

export interface RangeDelete {
  readonly start: Uint8Array;
  /** Exclusive. */
  readonly end: Uint8Array;
  readonly sequence: number;
}

/** Immutable. Piece i is [starts[i], ends[i]) and has sequences[i], newest first and never empty. */
export class RangeDeletes {
  static readonly none = new RangeDeletes([], [], []);
  readonly starts: readonly Uint8Array[];
  readonly ends: readonly Uint8Array[];
  readonly sequences: readonly (readonly number[])[];

  private constructor(starts: readonly Uint8Array[], ends: readonly Uint8Array[], sequences: readonly (readonly number[])[]) {
    this.starts = starts;
    this.ends = ends;
    this.sequences = sequences;
  }

  /** Keys are not copied. A range that is empty or the wrong way round deletes nothing. Cost: n log n, and the size of what comes out. */
  static of(ranges: readonly RangeDelete[]): RangeDeletes {
    const byStart = ranges.filter(({ start, end }) => compareWhole(start, end) < 0).sort((a, b) => compareWhole(a.start, b.start));
    if (byStart.length === 0) return RangeDeletes.none;
    const bounds = byStart.flatMap(({ start, end }) => [start, end]).sort(compareWhole);
    const pieces = new Pieces();
    let active: RangeDelete[] = [];
    let next = 0;
    for (let i = 0; i + 1 < bounds.length; i++) {
      const from = bounds[i]!;
      const to = bounds[i + 1]!;
      if (compareWhole(from, to) === 0) continue;
      active = active.filter(({ end }) => compareWhole(end, from) > 0);
      while (next < byStart.length && compareWhole(byStart[next]!.start, from) <= 0) active.push(byStart[next++]!);
      if (active.length > 0) pieces.add(from, to, newestFirst(active));
    }
    return new RangeDeletes(pieces.starts, pieces.ends, pieces.sequences);
  }

  /** What all of them delete together. */
  static merge(sets: readonly RangeDeletes[]): RangeDeletes {
    const some = sets.filter(({ empty }) => !empty);
    if (some.length <= 1) return some[0] ?? RangeDeletes.none;
    return RangeDeletes.of(some.flatMap((set) => set.ranges()));
  }

  get empty(): boolean {
    return this.starts.length === 0;
  }

  /** Number of pieces. */
  get count(): number {
    return this.starts.length;
  }

  /** Every piece with each of its sequences. */
  ranges(): RangeDelete[] {
    const { starts, ends, sequences } = this;
    return starts.flatMap((start, i) => sequences[i]!.map((sequence) => ({ start, end: ends[i]!, sequence })));
  }

  /** Returns the largest sequence <= `maxSequence` of a range delete over the key; 0: none. Cost: one binary search. */
  covering(key: Uint8Array, start: number, end: number, maxSequence: number): number {
    if (this.starts.length === 0) return 0;
    return this.coveringIn(this.pieceAt(key, start, end), key, start, end, maxSequence);
  }

  /** Returns the last piece that begins at or before the key; -1: none does. */
  pieceAt(key: Uint8Array, start: number, end: number): number {
    let low = 0;
    let high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const bound = this.starts[middle]!;
      if (compareKeys(bound, 0, bound.length, key, start, end) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** As `covering`, for the piece that `pieceAt` gave. */
  coveringIn(piece: number, key: Uint8Array, start: number, end: number, maxSequence: number): number {
    if (piece < 0) return 0;
    const bound = this.ends[piece]!;
    if (compareKeys(bound, 0, bound.length, key, start, end) <= 0) return 0;
    for (const sequence of this.sequences[piece]!) if (sequence <= maxSequence) return sequence;
    return 0;
  }
}

/** `covering` for keys that come in ascending order: one step per piece instead of a search per key. */
export class RangeDeleteScanner {
  readonly #set: RangeDeletes;
  #piece = -1;

  constructor(set: RangeDeletes) {
    this.#set = set;
  }

  /** Requires: no key before that of the last call. */
  covering(key: Uint8Array, start: number, end: number, maxSequence: number): number {
    const { starts } = this.#set;
    while (this.#piece + 1 < starts.length) {
      const bound = starts[this.#piece + 1]!;
      if (compareKeys(bound, 0, bound.length, key, start, end) > 0) break;
      this.#piece++;
    }
    return this.#set.coveringIn(this.#piece, key, start, end, maxSequence);
  }
}

class Pieces {
  readonly starts: Uint8Array[] = [];
  readonly ends: Uint8Array[] = [];
  readonly sequences: (readonly number[])[] = [];

  /** Joins the piece to the last one, where that is all the same. */
  add(start: Uint8Array, end: Uint8Array, sequences: readonly number[]): void {
    const last = this.ends.length - 1;
    if (last >= 0 && compareWhole(this.ends[last]!, start) === 0 && same(this.sequences[last]!, sequences)) {
      this.ends[last] = end;
      return;
    }
    this.starts.push(start);
    this.ends.push(end);
    this.sequences.push(sequences);
  }
}

function newestFirst(ranges: readonly RangeDelete[]): readonly number[] {
  return [...new Set(ranges.map(({ sequence }) => sequence))].sort((a, b) => b - a);
}

function same(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((sequence, i) => sequence === b[i]);
}

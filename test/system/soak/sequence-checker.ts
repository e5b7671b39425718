/**
 * What one receiver has seen of the numbered messages of each sender. Numbers begin at 1 and may only rise: a number that comes
 * after a higher one was either reordered (it had been missing) or duplicated (it had not).
 */

export interface PairState {
  readonly from: number;
  readonly received: number;
  /** Highest number seen. */
  readonly last: number;
  /** Numbers below `last` that never came. */
  readonly missing: number;
}

export interface Gap {
  readonly from: number;
  readonly first: number;
  readonly last: number;
  /** When it was noticed, as the caller tells time. */
  readonly at: number;
}

interface Pair {
  from: number;
  received: number;
  last: number;
  missing: number;
  /** Missing ranges, as [first, last, first, last, ...]. */
  holes: number[];
}

/** Of gaps and of violations: more are only counted. */
const KEPT_MAX = 100;

export class SequenceChecker {
  readonly #pairs = new Map<number, Pair>();
  /** Each a sentence. */
  readonly violations: string[] = [];
  readonly gaps: Gap[] = [];
  violationCount = 0;
  gapCount = 0;
  received = 0;

  take(from: number, n: number, at: number): void {
    this.received++;
    let pair = this.#pairs.get(from);
    if (pair === undefined) {
      pair = { from, received: 0, last: 0, missing: 0, holes: [] };
      this.#pairs.set(from, pair);
    }
    pair.received++;
    if (n === pair.last + 1) pair.last = n;
    else if (n > pair.last) this.#skipped(pair, n, at);
    else this.#violated(pair, n);
  }

  pairs(): PairState[] {
    return [...this.#pairs.values()].map(({ from, received, last, missing }) => ({ from, received, last, missing }));
  }

  #skipped(pair: Pair, n: number, at: number): void {
    this.gapCount++;
    if (this.gaps.length < KEPT_MAX) this.gaps.push({ from: pair.from, first: pair.last + 1, last: n - 1, at });
    pair.holes.push(pair.last + 1, n - 1);
    pair.missing += n - 1 - pair.last;
    pair.last = n;
  }

  #violated(pair: Pair, n: number): void {
    this.violationCount++;
    const hole = holeWith(pair.holes, n);
    if (hole >= 0) {
      pair.missing--;
      pair.holes.splice(hole, 2, ...without(pair.holes[hole] as number, pair.holes[hole + 1] as number, n));
    }
    if (this.violations.length < KEPT_MAX) {
      this.violations.push(
        `${hole >= 0 ? 'reordered' : 'duplicated'}: message ${n} of sender ${pair.from} came after message ${pair.last}`,
      );
    }
  }
}

/** Index of the range that holds `n`, or -1. */
function holeWith(holes: readonly number[], n: number): number {
  for (let i = 0; i < holes.length; i += 2) if (n >= (holes[i] as number) && n <= (holes[i + 1] as number)) return i;
  return -1;
}

/** What is left of the range [first, last] without `n`. */
function without(first: number, last: number, n: number): number[] {
  return [...(n > first ? [first, n - 1] : []), ...(n < last ? [n + 1, last] : [])];
}

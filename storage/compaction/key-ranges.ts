/** Key ranges with both ends in them, as of tables: joined where they overlap, asked by keys in ascending order. */
import { compareKeys, compareWhole } from '../key.ts';

export interface KeySpan {
  readonly smallest: Uint8Array;
  /** Inclusive. */
  readonly largest: Uint8Array;
}

/** Whether tables overlap. */
export function spansOverlap(a: KeySpan, b: KeySpan): boolean {
  return compareWhole(a.smallest, b.largest) <= 0 && compareWhole(b.smallest, a.largest) <= 0;
}

/** The smallest span over all of them. Requires at least one. */
export function spanOf(spans: readonly KeySpan[]): KeySpan {
  let { smallest, largest } = spans[0]!;
  for (const span of spans) {
    if (compareWhole(span.smallest, smallest) < 0) smallest = span.smallest;
    if (compareWhole(span.largest, largest) > 0) largest = span.largest;
  }
  return { smallest, largest };
}

/** Joins spans that overlap. Returns them in order, without copying keys. */
export function joinSpans(spans: readonly KeySpan[]): KeySpan[] {
  const joined: KeySpan[] = [];
  for (const span of [...spans].sort((a, b) => compareWhole(a.smallest, b.smallest))) {
    const last = joined.at(-1);
    if (last === undefined || compareWhole(last.largest, span.smallest) < 0) joined.push(span);
    else if (compareWhole(last.largest, span.largest) < 0) joined[joined.length - 1] = { smallest: last.smallest, largest: span.largest };
  }
  return joined;
}

export class KeyRanges {
  readonly #spans: readonly KeySpan[];
  #at = 0;

  constructor(spans: readonly KeySpan[]) {
    this.#spans = joinSpans(spans);
  }

  /** Whether a range has the key. Requires: no key before that of the last call. Cost: amortised one comparison or two. */
  holds(key: Uint8Array, start: number, end: number): boolean {
    const spans = this.#spans;
    while (this.#at < spans.length) {
      const { smallest, largest } = spans[this.#at]!;
      if (compareKeys(largest, 0, largest.length, key, start, end) >= 0)
        return compareKeys(smallest, 0, smallest.length, key, start, end) <= 0;
      this.#at++;
    }
    return false;
  }

  /** Whether a range has any key of [start, end). Requires: start < end. */
  meets(start: Uint8Array, end: Uint8Array): boolean {
    return this.#spans.some(({ smallest, largest }) => compareWhole(smallest, end) < 0 && compareWhole(largest, start) >= 0);
  }
}

/** Buckets of times: 34 of them, each 1.41 times the one before, from 0.1 ms to 6.5 s; the last one has no end. */
const FIRST_MS = 0.1;
const BOUNDED = 33;

export const LATENCY_BUCKETS = BOUNDED + 1;

/** The upper bounds, themselves included, in ms: of all buckets but the last. */
export const LATENCY_BOUNDS_MS: readonly number[] = Array.from({ length: BOUNDED }, (_, i) => FIRST_MS * 2 ** (i / 2));

/** The bucket that a time lies in. Cost: five or six comparisons. */
export function latencyBucket(ms: number): number {
  let low = 0;
  let high = BOUNDED;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ms <= LATENCY_BOUNDS_MS[middle]!) high = middle;
    else low = middle + 1;
  }
  return low;
}

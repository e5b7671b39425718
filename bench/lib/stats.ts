/** Order statistics of samples. */

/** NaN when empty. */
export function medianOf(samples: readonly number[]): number {
  const sorted = Float64Array.from(samples).sort();
  const { length } = sorted;
  if (length === 0) return Number.NaN;
  const upper = sorted[length >> 1] as number;
  return length % 2 === 1 ? upper : ((sorted[length / 2 - 1] as number) + upper) / 2;
}

/** The smallest of `sorted` that at least that share of all doesn't exceed. Requires: ascending; NaN when empty. */
export function quantileOf(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

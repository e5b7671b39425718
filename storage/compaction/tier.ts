/** Size tiers of level 0. */
import type { LevelTable } from './levels.ts';

/** A table joins a tier when it is at most so many times as large as the younger ones of the tier on average. */
const SIZE_RATIO = 2;

/**
 * The youngest `count` or more tables, neighbours in age and none of them busy, that are of about one size.
 * Returns them newest first; none when there are fewer.
 */
export function tierOf(level0: readonly LevelTable[], busy: ReadonlySet<number>, count: number): readonly LevelTable[] {
  for (let from = 0; from + count <= level0.length; from++) {
    let bytes = 0;
    let to = from;
    for (; to < level0.length; to++) {
      const table = level0[to]!;
      if (busy.has(table.number)) break;
      if (to > from && table.bytes * (to - from) > SIZE_RATIO * bytes) break;
      bytes += table.bytes;
    }
    if (to - from >= count) return level0.slice(from, to);
  }
  return [];
}

/** Random picks without repetition. */
import type { Random } from '../../runtime/doors.ts';

/** At most `count` of `items`, each with the same chance, in random order. Cost: that of a copy. */
export function pick<T>(items: readonly T[], count: number, random: Random): T[] {
  const rest = [...items];
  const picked = Math.min(count, rest.length);
  for (let i = 0; i < picked; i++) {
    const j = i + random.below(rest.length - i);
    [rest[i], rest[j]] = [rest[j]!, rest[i]!];
  }
  return rest.slice(0, picked);
}

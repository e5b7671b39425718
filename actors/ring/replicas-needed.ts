/** How many replicas a share means. */
import type { ReplicaCount } from './ring-state.ts';

/**
 * Answers needed of `given` replicas: the distinct nodes that the ring can give a partition, at most n of the keyspace. A number is meant as it
 * stands, and can't be met when fewer are given; shares follow what is given. 0 given: nothing can be met, so at least 1 is returned.
 */
export function replicasNeeded(count: ReplicaCount, given: number): number {
  if (typeof count === 'number') return count;
  if (count === 'one') return 1;
  return Math.max(1, count === 'all' ? given : majority(given));
}

/** As `replicasNeeded`, of a count that may be 0: then none is needed. */
export function primariesNeeded(count: ReplicaCount, given: number): number {
  return count === 0 ? 0 : replicasNeeded(count, given);
}

/** The least number such that two groups of it have a member in common. */
export function majority(count: number): number {
  return Math.floor(count / 2) + 1;
}

/**
 * Leaves: equal ranges of tokens that a partition's hash tree is made of, and that writes mark: the bits of a token behind those of its partition.
 *
 * ```
 *   token high  | partition | leaf |  ...            Q = 256: 8 bits, then 12
 * ```
 * Why 4,096 of a partition: with the default of 256 partitions a keyspace has 2^20 leaves, so that of a million keys a leaf has one, and to name what differs in it costs as much as one more level
 * would. More partitions have fewer leaves each: the hashes of a keyspace are never more than 2^20, 9 MiB of memory where one shard has them all.
 */
import { firstHighOf, partitionShift } from '../ring/token.ts';

const LEAF_BITS_MAX = 12;
const KEYSPACE_LEAF_BITS = 20;
/** A level has 16 times as many nodes as the one above it, but for the second one. */
export const FAN_OUT_BITS = 4;
const TOKEN_HALF_BITS = 32;

/** Of each partition, as a power of two: 6 to 12. */
export function leafBitsOf(partitions: number): number {
  return Math.min(LEAF_BITS_MAX, KEYSPACE_LEAF_BITS - partitionBitsOf(partitions));
}

export function partitionBitsOf(partitions: number): number {
  return TOKEN_HALF_BITS - partitionShift(partitions);
}

/** Bits that a token's high half is shifted right to give the number of its leaf among all of the keyspace. */
export function leafShift(partitions: number): number {
  return partitionShift(partitions) - leafBitsOf(partitions);
}

/** High half of the first token of a leaf of a partition; its low half is 0. `leaf` one behind the last one: where the next partition begins, 2^32 behind the last. */
export function leafStart(partition: number, leaf: number, partitions: number): number {
  return firstHighOf(partition, partitions) + leaf * 2 ** leafShift(partitions);
}

/** Number of the leaf within its partition. */
export function leafOf(tokenHigh: number, partitions: number): number {
  return (tokenHigh >>> leafShift(partitions)) & (2 ** leafBitsOf(partitions) - 1);
}

/** How many bits number the nodes of each level, from the root (0) to the leaves. */
export function levelsOf(leafBits: number): readonly number[] {
  const levels: number[] = [];
  for (let bits = leafBits; bits > 0; bits -= FAN_OUT_BITS) levels.unshift(bits);
  return [0, ...levels];
}

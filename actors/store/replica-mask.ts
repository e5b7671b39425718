/** Masks of replicas: bit i means the i-th replica of a request, each a distinct node. A node has one bit, so it has one vote however often it answers. */

/** 16 replicas in the old set, 16 in the new one. */
export const REPLICAS_MAX = 32;

export function countBits(mask: number): number {
  let pairs = mask - ((mask >>> 1) & 0x5555_5555);
  pairs = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((pairs + (pairs >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

/** The number of the lowest bit. Requires: `mask` is not 0. */
export function lowestBit(mask: number): number {
  return 31 - Math.clz32(mask & -mask);
}

/** The mask of the first `count` replicas. */
export function firstBits(count: number): number {
  return count >= REPLICAS_MAX ? -1 : (1 << count) - 1;
}

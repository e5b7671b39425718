/**
 * Ids of vnode incarnations: the actors of version vectors. 128 random bits, minted when a vnode starts on a store that it can't prove to be the one
 * that it left (T3), so that no two of them ever count the same events (T5).
 */
import type { Random } from '../../runtime/doors.ts';

export const ACTOR_BYTES = 16;

/**
 * Requires: `random` seeded from the system's entropy in production. Returns 16 bytes, not all zero. Two of n ids are equal with a chance of n^2 / 2^129;
 * a node that joins has its ids compared with those known, all the same.
 */
export function newIncarnation(random: Random): Uint8Array {
  const id = new Uint8Array(ACTOR_BYTES);
  for (let at = 0; at < ACTOR_BYTES; at += 4) {
    const word = at === 0 ? 1 + random.below(0xffff_ffff) : random.u32();
    id[at] = word;
    id[at + 1] = word >>> 8;
    id[at + 2] = word >>> 16;
    id[at + 3] = word >>> 24;
  }
  return id;
}

/** Below 0, 0 or above 0: byte by byte, unsigned. */
export function compareActors(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): number {
  for (let i = 0, j = aAt, k = bAt; i < ACTOR_BYTES; i += 4, j += 4, k += 4) {
    if (a[j] !== b[k]) return a[j]! - b[k]!;
    if (a[j + 1] !== b[k + 1]) return a[j + 1]! - b[k + 1]!;
    if (a[j + 2] !== b[k + 2]) return a[j + 2]! - b[k + 2]!;
    if (a[j + 3] !== b[k + 3]) return a[j + 3]! - b[k + 3]!;
  }
  return 0;
}

/** For logs. */
export function actorText(bytes: Uint8Array, at: number): string {
  let text = '';
  for (let i = 0; i < ACTOR_BYTES; i++) text += bytes[at + i]!.toString(16).padStart(2, '0');
  return text;
}

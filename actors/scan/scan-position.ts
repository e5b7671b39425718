/**
 * ScanPosition: how far a scan has come in the order of all keys of a keyspace: by token, then by key. It means the same whatever ring there is, so a scan goes on where it was
 * when partitions have moved, and needs nobody to remember it.
 *
 * ```
 *   key empty:   the next key is the first one whose token is >= (high, low)
 *   else:        the next key is the first one behind (high, low, key)
 * ```
 */
import { compareBytes } from '../version/compare-bytes.ts';

export interface ScanPosition {
  /** Halves of the token, u32. */
  readonly high: number;
  readonly low: number;
  readonly key: Uint8Array;
}

export const NO_KEY = new Uint8Array(0);
/** Before all keys. */
export const SCAN_START: ScanPosition = { high: 0, low: 0, key: NO_KEY };

/** Below 0, 0 or above 0: the order of two keys, each with its token. */
export function compareKeys(
  highA: number,
  lowA: number,
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  highB: number,
  lowB: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  if (highA !== highB) return highA < highB ? -1 : 1;
  if (lowA !== lowB) return lowA < lowB ? -1 : 1;
  return compareBytes(a, aStart, aEnd, b, bStart, bEnd);
}

/** Same of two positions. */
export function comparePositions(a: ScanPosition, b: ScanPosition): number {
  return compareKeys(a.high, a.low, a.key, 0, a.key.length, b.high, b.low, b.key, 0, b.key.length);
}

/** Tokens of one group are equal but for these bits. */
const GROUP_BITS = 11;
const GROUP_LOWS = 2 ** (32 - GROUP_BITS);
/** Groups that there are. */
export const GROUPS = 2 ** 53;

/**
 * The group of a token: its upper 53 bits, for cursors that clients may keep in a double, as some clients of Redis do; 0 to 2^53 - 1. Two keys have one with a
 * chance of 2^-53: among 10^9 keys there are some 55 such pairs.
 */
export function groupOf(high: number, low: number): number {
  return high * GROUP_LOWS + (low >>> GROUP_BITS);
}

/** Before all keys of that group and of those behind it. Requires: 0 <= group < GROUPS. */
export function startOfGroup(group: number): ScanPosition {
  return { high: Math.floor(group / GROUP_LOWS), low: ((group % GROUP_LOWS) << GROUP_BITS) >>> 0, key: NO_KEY };
}

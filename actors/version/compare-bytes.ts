/** Orders of bytes where they lie. Below 0, 0 or above 0. */
import { u32At } from '../../storage/byte-reader.ts';

/** Below it a loop beats the call. */
const COMPARE_LOOP_BYTES_MAX = 48;

/** Byte by byte, unsigned; a prefix comes before what it begins. */
export function compareBytes(a: Uint8Array, aStart: number, aEnd: number, b: Uint8Array, bStart: number, bEnd: number): number {
  const aLength = aEnd - aStart;
  const bLength = bEnd - bStart;
  const length = aLength < bLength ? aLength : bLength;
  const looped = length < COMPARE_LOOP_BYTES_MAX ? length : COMPARE_LOOP_BYTES_MAX;
  for (let i = 0; i < looped; i++) {
    const difference = a[aStart + i]! - b[bStart + i]!;
    if (difference !== 0) return difference;
  }
  if (length <= COMPARE_LOOP_BYTES_MAX) return aLength - bLength;
  return Buffer.prototype.compare.call(a, b, bStart + looped, bEnd, aStart + looped, aEnd);
}

/** Of two u64. Never a difference: V8 boxes one that is no small integer. */
export function compareU64(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): number {
  const high = u32At(a, aAt + 4);
  const otherHigh = u32At(b, bAt + 4);
  if (high !== otherHigh) return high < otherHigh ? -1 : 1;
  const low = u32At(a, aAt);
  const otherLow = u32At(b, bAt);
  return low === otherLow ? 0 : low < otherLow ? -1 : 1;
}

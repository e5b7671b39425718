/**
 * What a put writes. One is used for many puts.
 * Why the numbers are in a typed array: a stamp is no small integer, and as a field or argument V8 boxes it wherever it does not inline (bench:version).
 */
import { ACTOR_BYTES } from './incarnation.ts';

export const COUNTER = 0;
export const STAMP = 1;
export const EXPIRY = 2;

export class Write {
  readonly numbers = new Float64Array(3);
  /** Of the dot: the vnode's incarnation, 16 bytes. */
  actor: Uint8Array = NOBODY;
  isTombstone = false;
  /** `value[valueStart, valueEnd)`; empty for a tombstone. */
  value: Uint8Array = NOTHING;
  valueStart = 0;
  valueEnd = 0;

  /** Of the dot: what the vnode's dot source gave. 1 .. 2^53-1. */
  get counter(): number {
    return this.numbers[COUNTER]!;
  }

  set counter(counter: number) {
    this.numbers[COUNTER] = counter;
  }

  /** Of the vnode's hybrid logical clock. */
  get stamp(): number {
    return this.numbers[STAMP]!;
  }

  set stamp(stamp: number) {
    this.numbers[STAMP] = stamp;
  }

  /** Millisecond since 1970; 0: never, as for a tombstone. The coordinator sets it, so that it is the same on all replicas (T8). */
  get expiry(): number {
    return this.numbers[EXPIRY]!;
  }

  set expiry(expiry: number) {
    this.numbers[EXPIRY] = expiry;
  }
}

/** Writes number `which` of the write as a u64, little-endian. */
export function putNumber(bytes: Uint8Array, at: number, { numbers }: Write, which: number): void {
  const value = numbers[which]!;
  const low = value | 0;
  const high = (value / 0x1_0000_0000) | 0;
  bytes[at] = low;
  bytes[at + 1] = low >>> 8;
  bytes[at + 2] = low >>> 16;
  bytes[at + 3] = low >>> 24;
  bytes[at + 4] = high;
  bytes[at + 5] = high >>> 8;
  bytes[at + 6] = high >>> 16;
  bytes[at + 7] = high >>> 24;
}

const NOBODY = new Uint8Array(ACTOR_BYTES);
const NOTHING = new Uint8Array(0);

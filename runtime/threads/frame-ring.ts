/**
 * A ring of bytes in shared memory that carries frames from one thread to one other, without a lock and without a
 * message per batch. The writer (`frame-ring-writer.ts`) copies whole frames in and publishes a position; the reader
 * (`frame-ring-reader.ts`) copies everything up to that position out into memory of its own and gives the room back.
 *
 * ```
 *   words, a cache line each        bytes, a power of two
 *   WRITTEN  by the writer          +--------+=====================+--------+
 *   READ     by the reader          |  free  | frames not yet read |  free  |
 *   BLOCKED  by both                +--------+=====================+--------+
 *                                            ^ READ                ^ WRITTEN      (positions run on modulo 2^31)
 * ```
 * - What is published ends where a frame ends, so a reader takes it all without looking for ends. The exception is a frame larger
 *   than the ring, a giant: it begins only in an empty ring and goes through in pieces, which the reader puts together.
 * - BLOCKED: a writer that found no room sets it before it sleeps, and then looks once more. A reader that gave room back clears
 *   it and, if it was the one who cleared it, wakes the writer: at most once for each time the ring was full.
 * - Every access to the words is sequentially consistent (`Atomics`), which orders the plain accesses to the bytes between them.
 *
 * `test/runtime/threads/frame-ring.test.ts` runs these functions in every interleaving of their accesses.
 */
import { invalidArgument } from '../errors.ts';

export const WRITTEN = 0;
export const READ = 16;
export const BLOCKED = 32;
/** Words of 4 bytes at the head of a ring. */
const RING_WORDS = 48;
const CAPACITY_MAX = 1 << 28;
/**
 * Why: a copy between shared and other memory is some ten times as fast when both its ends lie at the same offset modulo this, since only then
 * does it go by words (16 KiB: 0.7 against 6 us). Both sides see to it: bytes lie in their buffers as their positions lie in the ring.
 */
export const ALIGNMENT = 8;
export const POSITION_MASK = 0x7fff_ffff;

/** A ring in this thread's hands. */
export interface FrameRing {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
}

/** Size of a ring in memory. Errors: INVALID_ARGUMENT. */
export function ringBytes(capacity: number): number {
  if (!Number.isInteger(Math.log2(capacity)) || capacity < 64 || capacity > CAPACITY_MAX) {
    throw invalidArgument(`ring: expected a power of two from 64 to ${CAPACITY_MAX} bytes, got ${capacity}`);
  }
  return RING_WORDS * 4 + capacity;
}

/** Requires: `ringBytes(capacity)` bytes at `offset`, a multiple of 4, zero before either side opened it. */
export function openRing(shared: SharedArrayBuffer, offset: number, capacity: number): FrameRing {
  return {
    words: new Int32Array(shared, offset, RING_WORDS),
    bytes: new Uint8Array(shared, offset + RING_WORDS * 4, capacity),
  };
}

/** Bytes from one position to another; negative when `to` lies behind. Requires: less than 2^30 apart. */
export function distance(from: number, to: number): number {
  return ((to - from) << 1) >> 1;
}

/** The u32 at a position of the ring, which may lie across its end. */
export function lengthAt(bytes: Uint8Array, position: number): number {
  const mask = bytes.length - 1;
  let length = 0;
  for (let i = 0; i < 4; i++) length = (length << 8) | (bytes[(position + i) & mask] as number);
  return length >>> 0;
}

/** The writing side of a ring: see `frame-ring.ts`. */
import { copyBytes, type OutBuffer } from '../bytes.ts';
import { LENGTH_BYTES } from '../wire/frame.ts';
import { ALIGNMENT, BLOCKED, distance, type FrameRing, lengthAt, POSITION_MASK, READ, WRITTEN } from './frame-ring.ts';

export interface RingWriter extends FrameRing {
  /** What WRITTEN is, or is about to be. */
  written: number;
  /** READ as last seen. */
  readSeen: number;
  /** Bytes still to come of a frame larger than the ring; 0: none is on its way. */
  giantLeft: number;
  /** Position where the latest such frame ends, while the reader may not have passed it; else -1. */
  giantEnd: number;
  /** Frames that the last `writeFrames` finished; only kept when it didn't take everything. */
  framesTaken: number;
  /** Bytes of the out-buffer that copying moves others over, for as long as it takes. */
  readonly kept: Uint8Array;
}

/** Why: below this, moving bytes to where they are aligned as in the ring costs more than copying them unaligned (bench/threads.ts). */
const ALIGNED_BYTES_MIN = 192;

export function openWriter(ring: FrameRing): RingWriter {
  return { ...ring, written: 0, readSeen: 0, giantLeft: 0, giantEnd: -1, framesTaken: 0, kept: new Uint8Array(ALIGNMENT) };
}

/**
 * Copies frames from the start of `out` into the ring, as many as there is room for.
 * Returns how many bytes it took. Fewer than `out.length` means that the ring is not empty, so the reader will give room back;
 * a writer that wants to be woken then says so with `isStillFull`.
 */
export function writeFrames(writer: RingWriter, out: OutBuffer): number {
  writer.framesTaken = 0;
  writer.readSeen = Atomics.load(writer.words, READ);
  const taken = fittingFrames(writer, out);
  if (taken > 0) {
    copyIn(writer, out, taken);
    Atomics.store(writer.words, WRITTEN, writer.written);
  }
  return taken;
}

/**
 * Says that the writer waits for room, then looks once more. False: there is room, or more than when it last looked.
 * Requires: the bell is set, and stays so while the writer waits. Said anew for each sleep: what was said before may have been taken for
 * room that the writer has used already.
 */
export function isStillFull(writer: RingWriter): boolean {
  Atomics.store(writer.words, BLOCKED, 1);
  return Atomics.load(writer.words, READ) === writer.readSeen;
}

/** Has the reader given room back since the writer last looked? */
export function hasNewRoom(writer: RingWriter): boolean {
  return Atomics.load(writer.words, READ) !== writer.readSeen;
}

/** Frames published and not wholly read. For the account of what was lost when the reader is gone. */
export function countUnread(writer: RingWriter): number {
  // Of a frame that isn't wholly written yet, the rest is still with the sender, and counted there.
  if (writer.giantLeft > 0) return 0;
  const mask = writer.bytes.length - 1;
  let at = Atomics.load(writer.words, READ);
  let count = 0;
  if (writer.giantEnd >= 0 && distance(at, writer.giantEnd) > 0) {
    at = writer.giantEnd;
    count = 1;
  }
  for (let left = distance(at, writer.written); left > 0; count++) {
    const frameBytes = LENGTH_BYTES + lengthAt(writer.bytes, at & mask);
    at = (at + frameBytes) & POSITION_MASK;
    left -= frameBytes;
  }
  return count;
}

/** How many bytes from the start of `out` fit. Counts their frames, unless it is all of them. */
export function fittingFrames(writer: RingWriter, out: OutBuffer): number {
  const size = writer.bytes.length;
  const room = size - distance(writer.readSeen, writer.written);
  if (writer.giantLeft > 0) {
    const piece = Math.min(writer.giantLeft, room);
    writer.giantLeft -= piece;
    if (writer.giantLeft === 0) writer.framesTaken = 1;
    return piece;
  }
  if (writer.giantEnd >= 0 && distance(writer.readSeen, writer.giantEnd) <= 0) writer.giantEnd = -1;
  if (out.length <= room) return out.length;
  let at = 0;
  for (;;) {
    const frameBytes = LENGTH_BYTES + out.view.getUint32(at);
    if (at + frameBytes > room) {
      if (frameBytes <= size || room < size || at > 0) return at;
      writer.giantLeft = frameBytes - size;
      writer.giantEnd = (writer.written + frameBytes) & POSITION_MASK;
      return size;
    }
    at += frameBytes;
    writer.framesTaken += 1;
  }
}

/** Copies the first `count` bytes of `out`, which it leaves as it was. */
export function copyIn(writer: RingWriter, out: OutBuffer, count: number): void {
  const { kept } = writer;
  const mayShift = count >= ALIGNED_BYTES_MIN && (count < out.length || out.ensure(ALIGNMENT));
  const shift = mayShift ? writer.written & (ALIGNMENT - 1) : 0;
  const { bytes } = out;
  if (shift > 0) {
    for (let i = 0; i < shift; i++) kept[i] = bytes[count + i] as number;
    bytes.copyWithin(shift, 0, count);
  }
  const at = writer.written & (writer.bytes.length - 1);
  const first = Math.min(count, writer.bytes.length - at);
  copyBytes(bytes, shift, shift + first, writer.bytes, at);
  if (first < count) copyBytes(bytes, shift + first, shift + count, writer.bytes, 0);
  for (let i = 0; i < shift; i++) bytes[count + i] = kept[i] as number;
  writer.written = (writer.written + count) & POSITION_MASK;
}

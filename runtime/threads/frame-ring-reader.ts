/** The reading side of a ring: see `frame-ring.ts`. */
import { copyBytes } from '../bytes.ts';
import { LENGTH_BYTES } from '../wire/frame.ts';
import { ALIGNMENT, BLOCKED, distance, type FrameRing, lengthAt, POSITION_MASK, READ, WRITTEN } from './frame-ring.ts';

export interface RingReader extends FrameRing {
  /** What READ is, or is about to be. */
  read: number;
  /** A frame larger than the ring that is being put together: it begins at `giantStart`, and is there up to `giantUsed`. */
  giant: Buffer | undefined;
  giantStart: number;
  giantUsed: number;
  /** What the last `readFrames` that returned READ_FRAMES found: whole frames in `buffer[start, end)`. */
  buffer: Buffer;
  start: number;
  end: number;
}

/** Memory that a thread's readers copy into. Each byte is handed out once; a piece keeps its whole slab alive. */
export interface Slab {
  buffer: Buffer;
  used: number;
}

export const READ_NOTHING = 0;
/** A piece of a frame that isn't whole yet. */
export const READ_PIECE = 1;
export const READ_FRAMES = 2;

const SLAB_BYTES = 1 << 16;
const NO_BYTES = Buffer.alloc(0);

export function openReader(ring: FrameRing): RingReader {
  return { ...ring, read: 0, giant: undefined, giantStart: 0, giantUsed: 0, buffer: NO_BYTES, start: 0, end: 0 };
}

export function newSlab(): Slab {
  return { buffer: Buffer.allocUnsafeSlow(SLAB_BYTES), used: 0 };
}

/** Copies what is published out of the ring and gives its room back. Returns READ_*. */
export function readFrames(reader: RingReader, slab: Slab): number {
  const available = distance(reader.read, Atomics.load(reader.words, WRITTEN));
  if (available === 0) return READ_NOTHING;
  const result = copyOut(reader, slab, available);
  Atomics.store(reader.words, READ, reader.read);
  return result;
}

/** Requires: room was given back. True: the writer waits for it, nobody has told it yet, and the caller now must. */
export function takeBlocked(reader: RingReader): boolean {
  return Atomics.load(reader.words, BLOCKED) === 1 && Atomics.exchange(reader.words, BLOCKED, 0) === 1;
}

export function hasInput(reader: RingReader): boolean {
  return Atomics.load(reader.words, WRITTEN) !== reader.read;
}

export function copyOut(reader: RingReader, slab: Slab, available: number): number {
  if (reader.giant === undefined) {
    const size = reader.bytes.length;
    const frameBytes = LENGTH_BYTES + lengthAt(reader.bytes, reader.read & (size - 1));
    if (frameBytes <= size) {
      takeFromSlab(reader, slab, available);
      copyPiece(reader, reader.buffer, reader.start, available);
      return READ_FRAMES;
    }
    reader.giantStart = reader.read & (ALIGNMENT - 1);
    reader.giantUsed = reader.giantStart;
    reader.giant = Buffer.allocUnsafeSlow(reader.giantStart + frameBytes);
  }
  const giant = reader.giant;
  const piece = Math.min(available, giant.length - reader.giantUsed);
  copyPiece(reader, giant, reader.giantUsed, piece);
  reader.giantUsed += piece;
  if (reader.giantUsed < giant.length) return READ_PIECE;
  reader.giant = undefined;
  reader.buffer = giant;
  reader.start = reader.giantStart;
  reader.end = giant.length;
  return READ_FRAMES;
}

/** Finds `count` bytes that are aligned as the reader's position is. */
function takeFromSlab(reader: RingReader, slab: Slab, count: number): void {
  const offset = reader.read & (ALIGNMENT - 1);
  if (count > SLAB_BYTES / 2) {
    reader.buffer = Buffer.allocUnsafeSlow(offset + count);
    reader.start = offset;
  } else {
    if (slab.used + offset + count > SLAB_BYTES) {
      slab.buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
      slab.used = 0;
    }
    reader.buffer = slab.buffer;
    reader.start = slab.used + offset;
    slab.used = (reader.start + count + ALIGNMENT - 1) & -ALIGNMENT;
  }
  reader.end = reader.start + count;
}

function copyPiece(reader: RingReader, to: Buffer, toAt: number, count: number): void {
  const at = reader.read & (reader.bytes.length - 1);
  const first = Math.min(count, reader.bytes.length - at);
  copyBytes(reader.bytes, at, at + first, to, toAt);
  if (first < count) copyBytes(reader.bytes, 0, count - first, to, toAt + first);
  reader.read = (reader.read + count) & POSITION_MASK;
}

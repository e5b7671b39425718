/**
 * FrameSplitter: finds the frames in a stream of bytes that comes in chunks of any size.
 *
 * ```
 * chunk 1                                chunk 2
 * | frame | frame | frame | first half   | second half | frame |
 *   emitted where they lie   copied -----> joined, emitted   emitted where it lies
 * ```
 */
import { invalidArgument } from '../errors.ts';
import { FRAME_HEADER_BYTES, LENGTH_BYTES, protocolError } from './frame.ts';

/** Shortest frame: a header, and a payload of one byte. */
export const FRAME_BYTES_MIN = FRAME_HEADER_BYTES + 1;

/** A frame that comes in parts gets room for what came, as much again, and this much. */
const JOIN_SLACK_BYTES = 4096;

const NOTHING = Buffer.alloc(0);

/** Whole frames lie in `buffer[start, end)`, which is the receiver's from now on. */
export type EmitFrames = (buffer: Buffer, start: number, end: number) => void;

export class FrameSplitter {
  /** The longest frame accepted, its length word included. */
  readonly maxFrameBytes: number;
  /** First part of a frame, the bytes [0, #have); its buffer grows as they come. */
  #part = NOTHING;
  #have = 0;
  /** Length of that whole frame; 0 while its length word is not complete. */
  #need = 0;
  /** Counts calls of `reset`, so that one within `emit` is noticed. */
  #resets = 0;

  constructor(maxFrameBytes: number) {
    if (!Number.isInteger(maxFrameBytes) || maxFrameBytes < FRAME_BYTES_MIN) {
      throw invalidArgument(`FrameSplitter: expected maxFrameBytes of at least ${FRAME_BYTES_MIN}, got ${maxFrameBytes}`);
    }
    this.maxFrameBytes = maxFrameBytes;
  }

  /** Bytes of a frame whose end has not come. */
  get pendingBytes(): number {
    return this.#have;
  }

  /** Forgets the first part of a frame. Within `emit`: also what is left of the chunk. */
  reset(): void {
    this.#part = NOTHING;
    this.#have = 0;
    this.#need = 0;
    this.#resets++;
  }

  /**
   * Takes the next chunk `bytes[start, end)` and calls `emit` for each run of whole frames in it, in order; usually once.
   * `bytes` belong to this splitter and its receivers from now on.
   * Errors: PROTOCOL, for a length word that is too small or too large, after everything before it was emitted; and whatever `emit` throws.
   * After an error: `reset`, then no more bytes of that stream.
   * Cost: frames that lie within a chunk are not copied. Allocates for a frame in parts only, at most 4 KiB and twice what came of it,
   * never what its length word merely promises.
   */
  push(bytes: Buffer, start: number, end: number, emit: EmitFrames): void {
    let at = start;
    if (this.#have > 0) {
      at = this.#join(bytes, at, end);
      if (this.#need === 0 || this.#have < this.#need) return;
      const joined = this.#part;
      const length = this.#need;
      this.#part = NOTHING;
      this.#have = 0;
      this.#need = 0;
      const resets = this.#resets;
      emit(joined, 0, length);
      if (resets !== this.#resets) return;
    }
    const first = at;
    let next = at;
    while (end - next >= LENGTH_BYTES) {
      const length = LENGTH_BYTES + lengthWord(bytes, next);
      if (this.#isOutside(length)) {
        if (next > first) emit(bytes, first, next);
        throw this.#outside(length);
      }
      if (length > end - next) break;
      next += length;
    }
    if (next > first) {
      const resets = this.#resets;
      emit(bytes, first, next);
      if (resets !== this.#resets) return;
    }
    if (next < end) this.#join(bytes, next, end);
  }

  /** Adds to the part what belongs to its frame, first of all the length word. Returns the offset behind that. */
  #join(bytes: Buffer, start: number, end: number): number {
    let at = start;
    if (this.#need === 0) {
      let word = bytes;
      let wordAt = at;
      if (this.#have > 0 || end - at < LENGTH_BYTES) {
        at = this.#take(bytes, at, Math.min(end, at + LENGTH_BYTES - this.#have), LENGTH_BYTES);
        if (this.#have < LENGTH_BYTES) return at;
        word = this.#part;
        wordAt = 0;
      }
      const need = LENGTH_BYTES + lengthWord(word, wordAt);
      if (this.#isOutside(need)) throw this.#outside(need);
      this.#need = need;
    }
    return this.#take(bytes, at, Math.min(end, at + this.#need - this.#have), this.#need);
  }

  #take(bytes: Buffer, start: number, end: number, need: number): number {
    const have = this.#have + end - start;
    if (have > this.#part.length) {
      const grown = Buffer.allocUnsafeSlow(Math.min(need, have * 2 + JOIN_SLACK_BYTES));
      this.#part.copy(grown, 0, 0, this.#have);
      this.#part = grown;
    }
    bytes.copy(this.#part, this.#have, start, end);
    this.#have = have;
    return end;
  }

  #isOutside(length: number): boolean {
    return length > this.maxFrameBytes || length < FRAME_BYTES_MIN;
  }

  #outside(length: number): Error {
    return protocolError(`length word says a frame of ${length} bytes, expected ${FRAME_BYTES_MIN} to ${this.maxFrameBytes}`);
  }
}

function lengthWord(bytes: Buffer, at: number): number {
  return bytes.readUInt32BE(at);
}

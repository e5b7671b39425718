/**
 * CursorBuffers: memory that cursors of a thread read blocks into, one after another. Why not a new buffer for each: it lies outside of V8's heap, which then marks all of its own after every 64 MB of them
 * (several times a second while repair reads thousands of short ranges), and a range of one key is read with more than 32 KiB.
 */

const BYTES_MIN = 4_096;
const CLASSES = 7;
/** A longer one is made for its cursor alone. */
const BYTES_MAX = BYTES_MIN << (CLASSES - 1);
/** Of all that nobody has. */
const FREE_BYTES_MAX = 1_048_576;

export class CursorBuffers {
  /** By size: BYTES_MIN, twice that, and so on. */
  readonly #free: readonly Buffer[][] = Array.from({ length: CLASSES }, () => []);
  #freeBytes = 0;

  get freeBytes(): number {
    return this.#freeBytes;
  }

  /** Of at least so many bytes, with any content. */
  take(bytes: number): Buffer {
    if (bytes > BYTES_MAX) return Buffer.allocUnsafeSlow(bytes);
    const size = classOf(bytes);
    const known = this.#free[size]!.pop();
    if (known === undefined) return Buffer.allocUnsafeSlow(BYTES_MIN << size);
    this.#freeBytes -= known.length;
    return known;
  }

  /** Requires: it is one that was taken, and nobody reads or writes it any more. */
  give(buffer: Buffer): void {
    if (buffer.length < BYTES_MIN || buffer.length > BYTES_MAX || this.#freeBytes + buffer.length > FREE_BYTES_MAX) return;
    this.#freeBytes += buffer.length;
    this.#free[classOf(buffer.length)]!.push(buffer);
  }
}

function classOf(bytes: number): number {
  return bytes <= BYTES_MIN ? 0 : 32 - Math.clz32((bytes - 1) / BYTES_MIN);
}

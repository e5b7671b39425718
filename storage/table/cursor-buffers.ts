/**
 * CursorBuffers: memory that the cursors of an engine read blocks into, one after another. Why not a new buffer for each: it lies outside of V8's heap, and V8 answers many of them with marking all of its own,
 * several times a second where thousands of short ranges are read; one that goes from a block to the next is read with 32 KiB at least (`bench:repair-reads`).
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

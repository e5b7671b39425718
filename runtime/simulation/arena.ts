/** Arena: where bytes on their way lie. Written once and never again, as the network door promises its readers. */
const CHUNK_BYTES = 64 * 1024;

export class Arena {
  /** Of the copy that `copy` made last: where it lies, and where it begins. */
  buffer: Buffer = Buffer.alloc(CHUNK_BYTES);
  at = 0;
  #used = 0;

  /** Copies `bytes[start, end)` to `buffer` at `at`. */
  copy(bytes: Buffer, start: number, end: number): void {
    const length = end - start;
    if (length > this.buffer.length - this.#used) {
      // Zeroed, never `allocUnsafe`: whatever reads past its bytes must read the same in every run.
      this.buffer = Buffer.alloc(Math.max(CHUNK_BYTES, length));
      this.#used = 0;
    }
    this.at = this.#used;
    this.#used += length;
    bytes.copy(this.buffer, this.at, start, end);
  }
}

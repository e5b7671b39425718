/**
 * Views of parts of a buffer, for the engine, which takes keys and values as arrays of their own. What is made in one place again and again is seen through views
 * that are kept, by length. Why: a view is 96 bytes of garbage, and 0.1 us where the buffer is a Buffer (bench:replicas).
 */

/** Longer ones are made anew: copying them costs more than the view. */
const KEPT_BYTES_MAX = 2_048;

export class ViewCache {
  #bytes: Uint8Array | undefined;
  #views: (Uint8Array | undefined)[] = [];

  /** `bytes[start, end)`, where it lies. */
  view(bytes: Uint8Array, start: number, end: number): Uint8Array {
    const length = end - start;
    if (start === 0 && length === bytes.length) return bytes;
    if (start !== 0 || length > KEPT_BYTES_MAX) return new Uint8Array(bytes.buffer, bytes.byteOffset + start, length);
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#views = [];
    }
    let view = this.#views[length];
    if (view === undefined) {
      view = new Uint8Array(bytes.buffer, bytes.byteOffset, length);
      this.#views[length] = view;
    }
    return view;
  }
}

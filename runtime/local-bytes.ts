/**
 * LocalBytes: where messages of the binary path lie between their sender and their receiver when both are of one thread: copied, as on every other way, so that senders may use
 * their buffers again at once. Slabs are never used twice: receivers may be late, stash, or keep views.
 */
import { copyBytes } from './bytes.ts';

const SLAB_BYTES = 64 * 1024;
/** One more of these would waste much of a slab. */
const OWN_BYTES = SLAB_BYTES / 4;

export class LocalBytes {
  /** Where the last `put` went. */
  slab: Uint8Array = new Uint8Array(0);
  #current: Buffer = Buffer.alloc(0);
  #at = 0;

  /** Copies `bytes[offset, offset + length)`; returns where in `slab`. */
  put(bytes: Uint8Array, offset: number, length: number): number {
    if (length > OWN_BYTES) {
      this.slab = Uint8Array.prototype.slice.call(bytes, offset, offset + length);
      return 0;
    }
    if (this.#current.length - this.#at < length) {
      this.#current = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#at = 0;
    }
    const at = this.#at;
    this.slab = this.#current;
    this.#at += length;
    copyBytes(bytes, offset, offset + length, this.slab, at);
    return at;
  }
}

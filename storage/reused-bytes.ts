/** A byte string that is replaced often: one buffer that grows, no allocation per string. */

const INITIAL_BYTES = 64;
/** Below it a loop beats `set` with the subarray that it needs. Why: test/storage/compaction/merge-speed.ts. */
const LOOP_BYTES_MAX = 48;

export class ReusedBytes {
  /** [0, length) is in use. */
  bytes = new Uint8Array(INITIAL_BYTES);
  length = 0;

  /** Becomes a copy of `from[start, end)`. */
  take(from: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length > this.bytes.length) this.bytes = new Uint8Array(Math.max(length, 2 * this.bytes.length));
    const { bytes } = this;
    if (length <= LOOP_BYTES_MAX) for (let i = 0; i < length; i++) bytes[i] = from[start + i]!;
    else bytes.set(from.subarray(start, end));
    this.length = length;
  }

  /** Compares from the end, where ordered keys differ. */
  equals(other: Uint8Array, start: number, end: number): boolean {
    const { bytes, length } = this;
    if (end - start !== length) return false;
    for (let i = length - 1; i >= 0; i--) if (bytes[i] !== other[start + i]) return false;
    return true;
  }
}

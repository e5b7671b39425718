/** SimBytes: the content of a simulated file. Copies share memory until one of them is written. */
export class SimBytes {
  length = 0;
  /** Zero from `length` on. */
  #bytes = Buffer.alloc(0);
  #shared = false;

  /** Returns the bytes copied. */
  read(into: Uint8Array, position: number): number {
    const count = Math.max(0, Math.min(into.length, this.length - position));
    into.set(this.#bytes.subarray(position, position + count));
    return count;
  }

  write(bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return;
    this.#own(position + bytes.length);
    this.#bytes.set(bytes, position);
    this.length = Math.max(this.length, position + bytes.length);
  }

  truncate(length: number): void {
    this.#own(length);
    if (length < this.length) this.#bytes.fill(0, length, this.length);
    this.length = length;
  }

  /** Flips one bit. Requires: `position` is before the end. */
  flip(position: number, bit: number): void {
    this.#own(this.length);
    this.#bytes[position] = (this.#bytes[position] as number) ^ (1 << bit);
  }

  copyFrom(other: SimBytes): void {
    this.#bytes = other.#bytes;
    this.length = other.length;
    this.#shared = true;
    other.#shared = true;
  }

  clone(): SimBytes {
    const copy = new SimBytes();
    copy.copyFrom(this);
    return copy;
  }

  /** Makes room for `length` bytes in memory of its own. */
  #own(length: number): void {
    const isLarger = length > this.#bytes.length;
    if (!isLarger && !this.#shared) return;
    const grown = Buffer.alloc(isLarger ? Math.max(length, this.#bytes.length * 2) : this.#bytes.length);
    this.#bytes.copy(grown);
    this.#bytes = grown;
    this.#shared = false;
  }
}

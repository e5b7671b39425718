/** A byte buffer that grows to a cap: where outgoing frames are encoded. */
import { invalidArgument } from './errors.ts';

export class OutBuffer {
  /** Of fixed identity until `ensure` grows it or `detach` gives it away. Bytes [0, length) are in use. */
  bytes: Buffer;
  view: DataView;
  length = 0;
  readonly maxBytes: number;
  readonly #initialBytes: number;

  constructor(initialBytes: number, maxBytes: number) {
    if (!(initialBytes >= 16 && maxBytes >= initialBytes)) {
      throw invalidArgument(`OutBuffer: expected 16 <= initialBytes <= maxBytes, got ${initialBytes}, ${maxBytes}`);
    }
    this.#initialBytes = initialBytes;
    this.maxBytes = maxBytes;
    this.bytes = Buffer.allocUnsafeSlow(initialBytes);
    this.view = viewOf(this.bytes);
  }

  /** Makes room for `count` more bytes. Returns false, and changes nothing, when that would pass the cap. */
  ensure(count: number): boolean {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return true;
    if (needed > this.maxBytes) return false;
    let size = this.bytes.length;
    while (size < needed) size *= 2;
    const grown = Buffer.allocUnsafeSlow(Math.min(size, this.maxBytes));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
    this.view = viewOf(grown);
    return true;
  }

  clear(): void {
    this.length = 0;
  }

  /** Gives the buffer away (to a socket that has not copied it yet) and starts a fresh one. */
  detach(): Buffer {
    const given = this.bytes;
    this.bytes = Buffer.allocUnsafeSlow(this.#initialBytes);
    this.view = viewOf(this.bytes);
    this.length = 0;
    return given;
  }
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

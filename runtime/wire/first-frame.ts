/**
 * FirstFrame: takes the one frame of a connection that comes before its peer is known. Never holds more than GREETING_BYTES_MAX,
 * and tells bytes of another protocol from the first eight on.
 */
import { viewOf } from '../bytes.ts';
import { checkFrame, FRAME_HEADER_BYTES, LENGTH_BYTES, protocolError } from './frame.ts';

/** Longest frame before the handshake is done, length word included. */
export const GREETING_BYTES_MAX = 4096;
/** Length word, three fixed bytes, kind. */
const PREFIX_BYTES = 8;

export class FirstFrame {
  #bytes: Buffer = Buffer.allocUnsafeSlow(128);
  #length = 0;
  #needed = PREFIX_BYTES;

  /** The frame, once `push` has returned an offset. */
  get frame(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  get pendingBytes(): number {
    return this.#length;
  }

  /**
   * Takes bytes until the frame is whole. Returns the offset of the first byte after it, or -1 when all were taken and
   * more are needed. Errors: PROTOCOL, saying what was found and what was expected.
   */
  push(bytes: Buffer, start: number, end: number): number {
    let at = start;
    while (at < end) {
      const taken = Math.min(end - at, this.#needed - this.#length);
      bytes.copy(this.#bytes, this.#length, at, at + taken);
      this.#length += taken;
      at += taken;
      if (this.#length < this.#needed) return -1;
      if (this.#needed > PREFIX_BYTES) {
        checkFrame(viewOf(this.#bytes), 0, this.#length);
        return at;
      }
      this.#needed = this.#checkPrefix();
      this.#makeRoom();
    }
    return -1;
  }

  /** Returns the length of the whole frame. */
  #checkPrefix(): number {
    const bytes = this.#bytes;
    const length = LENGTH_BYTES + bytes.readUInt32BE(0);
    if (bytes.readUIntBE(LENGTH_BYTES, 3) !== 0x82581c) {
      const found = bytes.subarray(0, PREFIX_BYTES);
      throw protocolError(`first bytes ${found.toString('hex')} (${JSON.stringify(found.toString('latin1'))}), expected a handshake frame`);
    }
    if (length > GREETING_BYTES_MAX || length <= FRAME_HEADER_BYTES) {
      throw protocolError(`handshake frame of ${length} bytes, expected ${FRAME_HEADER_BYTES + 1} to ${GREETING_BYTES_MAX}`);
    }
    return length;
  }

  #makeRoom(): void {
    if (this.#needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(this.#needed);
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

/**
 * Text as UTF-8 for a call that copies it: into memory that the next text overwrites, without an allocation.
 * Why: of a put of 16 and 100 characters, making two Buffers takes longer than all else that this layer does.
 */
import { type Bytes, toBytes } from './bytes.ts';

const SCRATCH_BYTES = 4_096;
/** Texts up to here are encoded faster one by one than by a native call. */
const SHORT_LENGTH_MAX = 24;
const UTF8_BYTES_PER_UNIT_MAX = 3;

export class TextScratch {
  readonly #bytes = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  /** By length: the scratch up to there. Made when first needed. */
  readonly #views: (Buffer | undefined)[] = [];

  /** Requires: the call it is for copies it; no other text goes through this scratch before. Errors: INVALID_ARGUMENT. */
  encode(bytes: Bytes): Uint8Array {
    if (typeof bytes !== 'string' || bytes.length * UTF8_BYTES_PER_UNIT_MAX > SCRATCH_BYTES) return toBytes(bytes);
    const length = this.#writeShort(bytes) ? bytes.length : this.#bytes.write(bytes, 0, 'utf8');
    const view = this.#views[length];
    return view ?? this.#view(length);
  }

  /** False: the text is not short, or not ASCII. */
  #writeShort(text: string): boolean {
    if (text.length > SHORT_LENGTH_MAX) return false;
    const bytes = this.#bytes;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) return false;
      bytes[i] = unit;
    }
    return true;
  }

  #view(length: number): Buffer {
    // Without holes, so that looking it up stays quick.
    while (this.#views.length <= length) this.#views.push(undefined);
    const view = this.#bytes.subarray(0, length);
    this.#views[length] = view;
    return view;
  }
}

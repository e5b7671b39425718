/** Reads what `ByteWriter` wrote. Anything that can't be is CORRUPTION, at the place it has in its file. */
import { corruption, type StorageError } from './errors.ts';

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #file: string;
  /** Of byte 0 of `bytes` in the file. */
  readonly #fileOffset: number;
  at: number;

  /** Reads `bytes[start, end)`. */
  constructor(bytes: Uint8Array, start: number, end: number, file: string, fileOffset: number) {
    this.#bytes = bytes;
    this.#end = end;
    this.#file = file;
    this.#fileOffset = fileOffset;
    this.at = start;
  }

  get left(): number {
    return this.#end - this.at;
  }

  u8(): number {
    this.#need(1);
    return this.#bytes[this.at++]!;
  }

  u32(): number {
    this.#need(4);
    this.at += 4;
    return u32At(this.#bytes, this.at - 4);
  }

  u64(): number {
    this.#need(8);
    this.at += 8;
    const value = u64At(this.#bytes, this.at - 8);
    if (value > Number.MAX_SAFE_INTEGER) throw this.bad('an integer below 2^53', 'a larger one');
    return value;
  }

  varint(): number {
    let value = 0;
    let unit = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * unit;
      if (value > Number.MAX_SAFE_INTEGER || unit > 2 ** 49) throw this.bad('a varint below 2^53', 'a larger one');
      if (byte < 0x80) return value;
      unit *= 0x80;
    }
  }

  /** A view. */
  take(count: number): Uint8Array {
    this.#need(count);
    this.at += count;
    return this.#bytes.subarray(this.at - count, this.at);
  }

  /** A view of what `ByteWriter.sized` wrote. */
  sized(bytesMax: number): Uint8Array {
    const count = this.varint();
    if (count > bytesMax) throw this.bad(`a length of at most ${bytesMax}`, `${count}`);
    return this.take(count);
  }

  ended(): void {
    if (this.left !== 0) throw this.bad('the end', `${this.left} more bytes`);
  }

  bad(expected: string, found: string): StorageError {
    return corruption({ file: this.#file, offset: this.#fileOffset + this.at, expected, found });
  }

  #need(count: number): void {
    if (count > this.#end - this.at) throw this.bad(`${count} more bytes`, `${this.left}`);
  }
}

/** A copy. (`slice` of a Buffer is none.) */
export function copyBytes(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const copy = new Uint8Array(end - start);
  copy.set(bytes.subarray(start, end));
  return copy;
}

export function u16At(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8);
}

export function u32At(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

export function u64At(bytes: Uint8Array, at: number): number {
  return u32At(bytes, at + 4) * 0x1_0000_0000 + u32At(bytes, at);
}

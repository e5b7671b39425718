/** Bytes that grow while they are written: the small structures on disk (index, properties, range deletes). Little-endian. */

const INITIAL_BYTES = 1_024;

export class ByteWriter {
  bytes: Buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  length = 0;

  u8(value: number): void {
    this.ensure(1);
    this.bytes[this.length++] = value;
  }

  u32(value: number): void {
    this.ensure(4);
    this.length = putU32(this.bytes, this.length, value);
  }

  /** Requires: an integer of 0 .. 2^53-1. */
  u64(value: number): void {
    this.ensure(8);
    this.length = putU64(this.bytes, this.length, value);
  }

  /** Seven bits per byte, the lowest first, the top bit set in all but the last. Requires: an integer of 0 .. 2^53-1. */
  varint(value: number): void {
    this.ensure(VARINT_BYTES_MAX);
    this.length = putVarint(this.bytes, this.length, value);
  }

  put(source: Uint8Array, start: number, end: number): void {
    this.ensure(end - start);
    this.bytes.set(source.subarray(start, end), this.length);
    this.length += end - start;
  }

  /** A varint, the length, and the bytes. */
  sized(source: Uint8Array): void {
    this.varint(source.length);
    this.put(source, 0, source.length);
  }

  ensure(count: number): void {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return;
    let size = this.bytes.length * 2;
    while (size < needed) size *= 2;
    const grown = Buffer.allocUnsafeSlow(size);
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}

export const VARINT_BYTES_MAX = 8;

/** These return the offset behind what they wrote. */
export function putVarint(bytes: Uint8Array, at: number, value: number): number {
  let i = at;
  let rest = value;
  while (rest > 0x7fff_ffff) {
    bytes[i++] = (rest & 0x7f) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  while (rest > 0x7f) {
    bytes[i++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[i++] = rest;
  return i;
}

export function putU16(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  return at + 2;
}

export function putU32(bytes: Uint8Array, at: number, value: number): number {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
  return at + 4;
}

export function putU64(bytes: Uint8Array, at: number, value: number): number {
  putU32(bytes, at, value);
  return putU32(bytes, at + 4, Math.floor(value / 0x1_0000_0000));
}

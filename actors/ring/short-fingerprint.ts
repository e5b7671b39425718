/**
 * ShortFingerprint: farmhash `fingerprint64` of up to 32 bytes, in numbers of 32 bits: no native call and no bigint, which took most of the time that a short key took.
 * Source: farmhashna::Hash64 of FarmHash (Geoff Pike, Google, MIT). Bit for bit the same as the package, against which it is tested.
 */
import { u32At } from '../../storage/byte-reader.ts';

export const SHORT_BYTES_MAX = 32;

const K0_HIGH = 0xc3a5_c85c | 0;
const K0_LOW = 0x97cb_3127 | 0;
const K1_HIGH = 0xb492_b66f | 0;
const K1_LOW = 0xbe98_f273 | 0;
const K2_HIGH = 0x9ae1_6a3b | 0;
const K2_LOW = 0x2f90_404f | 0;

/** Holds that of the bytes it was given last. */
export class ShortFingerprint {
  /** Halves of a number of 64 bits: i32, the result of each step and at last of all. */
  high = 0;
  low = 0;

  /** Of `bytes[start, end)`. Requires: at most SHORT_BYTES_MAX bytes. Cost: 70 ns for 16 bytes, against 135. */
  hash(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length > 16) this.#ofTwo(bytes, start, end);
    else if (length >= 8) this.#ofOne(bytes, start, end);
    else if (length >= 4) this.#ofHalf(bytes, start, end);
    else this.#ofFew(bytes, start, length);
  }

  /** 17 to 32 bytes. */
  #ofTwo(bytes: Uint8Array, start: number, end: number): void {
    const mulLow = (K2_LOW + (end - start) * 2) | 0;
    this.#multiply(word(bytes, start + 4), word(bytes, start), K1_HIGH, K1_LOW);
    const aHigh = this.high;
    const aLow = this.low;
    const bHigh = word(bytes, start + 12);
    const bLow = word(bytes, start + 8);
    this.#multiply(word(bytes, end - 4), word(bytes, end - 8), K2_HIGH, mulLow);
    const cHigh = this.high;
    const cLow = this.low;
    this.#multiply(word(bytes, end - 12), word(bytes, end - 16), K2_HIGH, K2_LOW);
    // u = rotate(a + b, 43) + rotate(c, 30) + d
    this.#add(this.high, this.low, rotated(cHigh, cLow, 30), rotated(cLow, cHigh, 30));
    const dHigh = this.high;
    const dLow = this.low;
    this.#add(aHigh, aLow, bHigh, bLow);
    this.#add(dHigh, dLow, rotated(this.low, this.high, 11), rotated(this.high, this.low, 11));
    const uHigh = this.high;
    const uLow = this.low;
    // v = a + rotate(b + k2, 18) + c
    this.#add(bHigh, bLow, K2_HIGH, K2_LOW);
    this.#add(aHigh, aLow, rotated(this.high, this.low, 18), rotated(this.low, this.high, 18));
    this.#add(this.high, this.low, cHigh, cLow);
    this.#mix(uHigh, uLow, this.high, this.low, mulLow);
  }

  /** 8 to 16 bytes. */
  #ofOne(bytes: Uint8Array, start: number, end: number): void {
    const mulLow = (K2_LOW + (end - start) * 2) | 0;
    this.#add(word(bytes, start + 4), word(bytes, start), K2_HIGH, K2_LOW);
    const aHigh = this.high;
    const aLow = this.low;
    const bHigh = word(bytes, end - 4);
    const bLow = word(bytes, end - 8);
    // c = rotate(b, 37) * mul + a
    this.#multiply(rotated(bLow, bHigh, 5), rotated(bHigh, bLow, 5), K2_HIGH, mulLow);
    this.#add(this.high, this.low, aHigh, aLow);
    const cHigh = this.high;
    const cLow = this.low;
    // d = (rotate(a, 25) + b) * mul
    this.#add(rotated(aHigh, aLow, 25), rotated(aLow, aHigh, 25), bHigh, bLow);
    this.#multiply(this.high, this.low, K2_HIGH, mulLow);
    this.#mix(cHigh, cLow, this.high, this.low, mulLow);
  }

  /** 4 to 7 bytes. */
  #ofHalf(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    const first = word(bytes, start);
    this.#mix(first >>> 29, length + (first << 3), 0, word(bytes, end - 4), (K2_LOW + length * 2) | 0);
  }

  /** 0 to 3 bytes. */
  #ofFew(bytes: Uint8Array, start: number, length: number): void {
    this.high = K2_HIGH;
    this.low = K2_LOW;
    if (length === 0) return;
    const y = bytes[start]! + (bytes[start + (length >>> 1)]! << 8);
    const z = length + (bytes[start + length - 1]! << 2);
    this.#multiply(0, y, K2_HIGH, K2_LOW);
    const yHigh = this.high;
    const yLow = this.low;
    this.#multiply(0, z, K0_HIGH, K0_LOW);
    this.#shiftMix(this.high ^ yHigh, this.low ^ yLow);
    this.#multiply(this.high, this.low, K2_HIGH, K2_LOW);
  }

  /** Of two numbers one; the high half of the multiplier is always that of k2, whose low half is far from its end. */
  #mix(uHigh: number, uLow: number, vHigh: number, vLow: number, mulLow: number): void {
    this.#multiply(uHigh ^ vHigh, uLow ^ vLow, K2_HIGH, mulLow);
    this.#shiftMix(this.high, this.low);
    this.#multiply(this.high ^ vHigh, this.low ^ vLow, K2_HIGH, mulLow);
    this.#shiftMix(this.high, this.low);
    this.#multiply(this.high, this.low, K2_HIGH, mulLow);
  }

  /** x ^ (x >> 47) */
  #shiftMix(high: number, low: number): void {
    this.high = high;
    this.low = low ^ (high >>> 15);
  }

  #add(aHigh: number, aLow: number, bHigh: number, bLow: number): void {
    const low = (aLow + bLow) | 0;
    this.low = low;
    this.high = (aHigh + bHigh + (low >>> 0 < aLow >>> 0 ? 1 : 0)) | 0;
  }

  #multiply(aHigh: number, aLow: number, bHigh: number, bLow: number): void {
    const a0 = aLow & 0xffff;
    const a1 = aLow >>> 16;
    const b0 = bLow & 0xffff;
    const b1 = bLow >>> 16;
    const low = Math.imul(a0, b0);
    const left = Math.imul(a1, b0);
    const right = Math.imul(a0, b1);
    const middle = (low >>> 16) + (left & 0xffff) + (right & 0xffff);
    const carried = (left >>> 16) + (right >>> 16) + (middle >>> 16);
    this.high = (Math.imul(a1, b1) + Math.imul(aHigh, bLow) + Math.imul(aLow, bHigh) + carried) | 0;
    this.low = Math.imul(aLow, bLow);
  }
}

/** i32. */
function word(bytes: Uint8Array, at: number): number {
  return u32At(bytes, at) | 0;
}

/** One half of a number that is rotated to the right by less than 32: that half, and the other one. */
function rotated(half: number, other: number, by: number): number {
  return (half >>> by) | (other << (32 - by));
}

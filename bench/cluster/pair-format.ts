/**
 * Keys and values that say what they are. Key `n`: 16 decimal digits. Value: key and stamp as u32 LE, then bytes at random that depend on both,
 * so that no codec makes them smaller and a value of another pair, a torn or a mixed one is seen.
 */
import { SeededRandom } from '../../runtime/random.ts';

export const KEY_BYTES = 16;
/** The head of a value; a value has at least this many bytes. */
export const HEAD_BYTES = 8;
const ZERO = 0x30;
const PLACES = 4_096;
const STRIDE = 16;

export function putKey(into: Buffer, at: number, key: number): void {
  let rest = key;
  for (let i = at + KEY_BYTES - 1; i >= at; i--) {
    const quotient = Math.floor(rest / 10);
    into[i] = ZERO + rest - quotient * 10;
    rest = quotient;
  }
}

export function keyText(key: number): string {
  return String(key).padStart(KEY_BYTES, '0');
}

export class ValueFormat {
  readonly bytes: number;
  readonly #filler: Buffer;

  constructor(bytes: number) {
    if (!(Number.isInteger(bytes) && bytes >= HEAD_BYTES))
      throw new RangeError(`value: expected at least ${HEAD_BYTES} bytes, got ${bytes}`);
    this.bytes = bytes;
    this.#filler = Buffer.alloc(PLACES * STRIDE + bytes + 4);
    const random = new SeededRandom('filler');
    for (let at = 0; at + 4 <= this.#filler.length; at += 4) this.#filler.writeUInt32LE(random.u32(), at);
  }

  write(into: Buffer, at: number, key: number, stamp: number): void {
    into.writeUInt32LE(key, at);
    into.writeUInt32LE(stamp, at + 4);
    const place = placeOf(key, stamp);
    this.#filler.copy(into, at + HEAD_BYTES, place, place + this.bytes - HEAD_BYTES);
  }

  /** The stamp of a value of `key`; -1 when it is none, whole. */
  stampOf(bytes: Buffer, from: number, to: number, key: number): number {
    if (to - from !== this.bytes || bytes.readUInt32LE(from) !== key) return -1;
    const stamp = bytes.readUInt32LE(from + 4);
    const place = placeOf(key, stamp);
    const isWhole = this.#filler.compare(bytes, from + HEAD_BYTES, to, place, place + this.bytes - HEAD_BYTES) === 0;
    return isWhole ? stamp : -1;
  }
}

function placeOf(key: number, stamp: number): number {
  return ((Math.imul(key, 0x9e37_79b1) + Math.imul(stamp, 0x85eb_ca6b)) >>> 20) * STRIDE;
}

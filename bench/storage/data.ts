/**
 * What the benchmark stores: keys of 16 decimal digits, as LevelDB's db_bench has, and values of random bytes, which no codec makes smaller.
 * Pair `n` has the key of the number 2n, so that the odd numbers are absent keys in the midst of the present ones.
 */
import { SeededRandom } from '../../runtime/random.ts';

export const KEY_BYTES = 16;
/** Digits that change: enough for 10^10 keys. */
const DIGITS = 10;
const ZERO = 0x30;
/** Different values, a power of two; by its first four bytes a value says which one it is. */
const VALUES = 65_536;
/** Distance of the beginnings of two values in the pool. */
const STRIDE = 64;
const WHOLE_EVERY = 32;

/** A row of key buffers to fill and pass on. */
export function keyBuffers(count: number): readonly Buffer[] {
  const slab = Buffer.alloc(count * KEY_BYTES, ZERO);
  return Array.from({ length: count }, (_, i) => slab.subarray(i * KEY_BYTES, (i + 1) * KEY_BYTES));
}

export function writeKey(into: Buffer, number: number): Buffer {
  let rest = number;
  for (let i = KEY_BYTES - 1; i >= KEY_BYTES - DIGITS; i--) {
    const quotient = Math.floor(rest / 10);
    into[i] = ZERO + rest - quotient * 10;
    rest = quotient;
  }
  return into;
}

/** Keys for calls in flight: a store may read a key until its call is done, and calls overtake each other. */
export class KeyPool {
  readonly #free: Buffer[];

  constructor(inFlight: number) {
    this.#free = [...keyBuffers(inFlight)];
  }

  take(number: number): Buffer {
    return writeKey(this.#free.pop() ?? Buffer.alloc(KEY_BYTES, ZERO), number);
  }

  give(key: Buffer): void {
    this.#free.push(key);
  }
}

export class Values {
  readonly bytes: number;
  readonly #views: readonly Buffer[];
  #checks = 0;

  constructor(bytes: number) {
    this.bytes = bytes;
    const pool = Buffer.allocUnsafe(VALUES * STRIDE + bytes);
    const random = new SeededRandom('values');
    for (let i = 0; i + 4 <= pool.length; i += 4) pool.writeUInt32LE(random.u32(), i);
    this.#views = Array.from({ length: VALUES }, (_, i) => pool.subarray(i * STRIDE, i * STRIDE + bytes));
    for (const [index, view] of this.#views.entries()) view.writeUInt32LE(index, 0);
  }

  /** The value of pair `n` after `version` changes. */
  of(n: number, version = 0): Buffer {
    return this.#views[indexOf(n, version)]!;
  }

  /** Throws when `value` isn't the one of pair `n` in a version from 0 to `versionMax`. Compares beginning, length and end always, the whole one time in 32. */
  check(n: number, value: Uint8Array | undefined, versionMax = 0): void {
    if (value === undefined) throw new Error(`pair ${n} is missing`);
    const index = value[0]! | (value[1]! << 8) | (value[2]! << 16) | (value[3]! << 24);
    const expected = this.#views[index];
    const version = (index - indexOf(n, 0)) & (VALUES - 1);
    // With ends given, since lmdb's quickest value is a longer buffer whose `length` is only a property.
    const isRight =
      expected !== undefined &&
      version <= versionMax &&
      value.length === expected.length &&
      value[value.length - 1] === expected[expected.length - 1] &&
      ((++this.#checks & (WHOLE_EVERY - 1)) !== 0 || expected.compare(value, 0, value.length) === 0);
    if (!isRight) throw new Error(`pair ${n} has a wrong value, of ${value.length} bytes`);
  }
}

function indexOf(n: number, version: number): number {
  return ((Math.imul(n, 0x9e37_79b1) >>> 16) + version) & (VALUES - 1);
}

/** 0 .. count-1 in random order. */
export function permutation(count: number, random: SeededRandom): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const other = order[j]!;
    order[j] = order[i]!;
    order[i] = other;
  }
  return order;
}

/**
 * A seeded source of random numbers, the only one of the runtime: production seeds it from the system's entropy, a simulation
 * from its plan. Not for secrets.
 * Source: sfc32 of PractRand (Chris Doty-Humphrey), 128 bits of state, period at least 2^32.
 */
import type { Random } from './doors.ts';
import { invalidArgument } from './errors.ts';

const WARM_UP_DRAWS = 12;
const TWO_TO_26 = 67_108_864;
const TWO_TO_32 = 4_294_967_296;
const TWO_TO_53 = 9_007_199_254_740_992;
/** First words of the fractional part of pi: nothing up the sleeve. */
const ROOT: Words = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344];

type Words = readonly [number, number, number, number];

/** Equal seeds give equal draws on every machine; a number and its decimal text are the same seed. */
export class SeededRandom implements Random {
  /** What forks are made from; draws don't move it. */
  readonly #seed: Words;
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  constructor(seed: number | string, base: Words = ROOT) {
    const words = hashWords(base, String(seed));
    this.#seed = words;
    this.#a = words[0];
    this.#b = words[1];
    this.#c = words[2];
    this.#counter = words[3];
    for (let i = 0; i < WARM_UP_DRAWS; i++) this.u32();
  }

  u32(): number {
    const drawn = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + drawn) | 0;
    return drawn >>> 0;
  }

  below(n: number): number {
    if (!(Number.isInteger(n) && n >= 1 && n <= TWO_TO_32)) throw invalidArgument(`random: expected n in 1..2^32, got ${n}`);
    if (n === 1) return 0;
    // Draws of the fewest bits that hold n-1, until one is below n: exactly uniform, and fewer than two draws on average.
    const mask = 0xffff_ffff >>> Math.clz32(n - 1);
    for (;;) {
      const drawn = (this.u32() & mask) >>> 0;
      if (drawn < n) return drawn;
    }
  }

  float(): number {
    const high = this.u32() >>> 5;
    const low = this.u32() >>> 6;
    return (high * TWO_TO_26 + low) / TWO_TO_53;
  }

  chance(p: number): boolean {
    return this.float() < p;
  }

  fork(label: string): SeededRandom {
    return new SeededRandom(label, this.#seed);
  }
}

/** Hashes `text` under the key `words`: four lanes of multiply and xor per UTF-16 unit, then a full avalanche across the lanes. */
function hashWords(words: Words, text: string): Words {
  let a = words[0];
  let b = words[1];
  let c = words[2];
  let d = words[3] ^ text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    a = b ^ Math.imul(a ^ unit, 0x238f_13af);
    b = c ^ Math.imul(b ^ unit, 0xb505_9e3b);
    c = d ^ Math.imul(c ^ unit, 0x4a2f_9d1f);
    d = a ^ Math.imul(d ^ unit, 0x9e37_79b1);
  }
  a = avalanche(a ^ (b >>> 16));
  b = avalanche(b ^ a);
  c = avalanche(c ^ b);
  d = avalanche(d ^ c);
  return [avalanche(a ^ d), avalanche(b + d), avalanche(c ^ (a + b)), avalanche(d + c)];
}

/** The finalizer of MurmurHash3 (32 bits), a bijection. */
function avalanche(word: number): number {
  let h = word | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return (h ^ (h >>> 16)) | 0;
}

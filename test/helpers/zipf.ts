/**
 * Zipfian numbers: rank `r` of 0 .. n-1 is drawn with a probability in proportion to 1 / (r + 1)^theta.
 * Source: Gray et al., "Quickly Generating Billion-Record Synthetic Databases" (SIGMOD 1994), as in YCSB's ZipfianGenerator. The formula is exact for
 * ranks 0 and 1 and an approximation beyond.
 */

export class Zipf {
  readonly #items: number;
  readonly #zeta: number;
  readonly #exponent: number;
  readonly #eta: number;
  readonly #half: number;

  /** Requires: 0 < theta < 1, items >= 3. Cost: O(items), once. */
  constructor(items: number, theta: number) {
    if (!(Number.isInteger(items) && items >= 3)) throw new RangeError(`zipf: expected at least 3 items, got ${items}`);
    if (!(theta > 0 && theta < 1)) throw new RangeError(`zipf: expected theta between 0 and 1, got ${theta}`);
    this.#items = items;
    this.#zeta = zeta(items, theta);
    this.#exponent = 1 / (1 - theta);
    this.#eta = (1 - (2 / items) ** (1 - theta)) / (1 - zeta(2, theta) / this.#zeta);
    this.#half = 1 + 0.5 ** theta;
  }

  /** The rank for `uniform` of [0, 1). Rises with it. */
  rank(uniform: number): number {
    const scaled = uniform * this.#zeta;
    if (scaled < 1) return 0;
    if (scaled < this.#half) return 1;
    // Close to 1 the sum rounds up to 1.
    return Math.min(this.#items - 1, Math.floor(this.#items * (this.#eta * uniform - this.#eta + 1) ** this.#exponent));
  }
}

function zeta(items: number, theta: number): number {
  let sum = 0;
  for (let i = 1; i <= items; i++) sum += 1 / i ** theta;
  return sum;
}

import { quantileOf } from '../lib/stats.ts';

/** Numbers, as many as come. */
export class Samples {
  #values = new Float64Array(65_536);
  #count = 0;

  add(value: number): void {
    if (this.#count === this.#values.length) {
      const grown = new Float64Array(this.#count * 2);
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[this.#count++] = value;
  }

  /** NaN when there are none. */
  quantile(share: number): number {
    return quantileOf(this.#values.slice(0, this.#count).sort(), share);
  }
}

/** RotatingKeys: a few keys are in use at a time, so that clients meet; a key that has been used so often gives way to a new one, so that histories stay short enough to be checked. */
import type { Random } from '../../runtime/doors.ts';

export class RotatingKeys<T> {
  readonly all: T[] = [];
  readonly #inUse: { readonly key: T; uses: number }[] = [];
  readonly #usesMax: number;
  readonly #make: (number: number) => T;

  constructor(inUse: number, usesMax: number, make: (number: number) => T) {
    this.#usesMax = usesMax;
    this.#make = make;
    for (let i = 0; i < inUse; i++) this.#inUse.push(this.#fresh());
  }

  /** One of those in use. */
  take(random: Random): T {
    const at = random.below(this.#inUse.length);
    const taken = this.#inUse[at]!;
    if (++taken.uses >= this.#usesMax) this.#inUse[at] = this.#fresh();
    return taken.key;
  }

  #fresh(): { readonly key: T; uses: number } {
    const key = this.#make(this.all.length);
    this.all.push(key);
    return { key, uses: 0 };
  }
}

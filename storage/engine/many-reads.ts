/** Several point reads of one moment, answered together. */
import { type StorageDone, StorageError } from '../errors.ts';
import { LATER } from './api.ts';
import type { PointReads } from './point-reads.ts';

type Value = Uint8Array | undefined;

export class ManyReads {
  readonly #values: Value[];
  readonly #done: StorageDone<readonly Value[]>;
  #missing = 0;
  #error: StorageError | undefined;

  constructor(count: number, done: StorageDone<readonly Value[]>) {
    this.#values = new Array<Value>(count);
    this.#done = done;
  }

  /** Throws StorageError of what fails at once, unless others are under way: then it comes by `done`. */
  start(reads: PointReads, keys: readonly Uint8Array[], sequence: number): readonly Value[] | typeof LATER {
    const values = this.#values;
    for (let i = 0; i < keys.length && this.#error === undefined; i++) {
      const value = this.#get(reads, keys[i]!, i, sequence);
      if (value === LATER) this.#missing++;
      else values[i] = value;
    }
    if (this.#missing > 0) return LATER;
    if (this.#error !== undefined) throw this.#error;
    return values;
  }

  #get(reads: PointReads, key: Uint8Array, i: number, sequence: number): Value | typeof LATER {
    try {
      return reads.get(key, sequence, (result) => {
        if (result.ok) this.#values[i] = result.value;
        else this.#error ??= result.error;
        this.#missing--;
        if (this.#missing === 0) {
          this.#done(this.#error === undefined ? { ok: true, value: this.#values } : { ok: false, error: this.#error });
        }
      });
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.#error = error;
      return undefined;
    }
  }
}

/** Several point reads of one moment, answered together. */
import type { StorageDone, StorageError } from '../errors.ts';
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

  start(reads: PointReads, keys: readonly Uint8Array[], sequence: number): readonly Value[] | typeof LATER {
    const values = this.#values;
    for (let i = 0; i < keys.length; i++) {
      const value = reads.get(keys[i]!, sequence, (result) => {
        if (result.ok) values[i] = result.value;
        else this.#error ??= result.error;
        this.#missing--;
        if (this.#missing === 0) this.#done(this.#error === undefined ? { ok: true, value: values } : { ok: false, error: this.#error });
      });
      if (value === LATER) this.#missing++;
      else values[i] = value;
    }
    return this.#missing === 0 ? values : LATER;
  }
}

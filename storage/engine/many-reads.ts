/** Several point reads of one moment, answered together; in groups, whose waits for memory overlap (`ReadGroup`). */
import { type StorageDone, StorageError } from '../errors.ts';
import { LATER } from './api.ts';
import { HELD, heldValue, IN_TABLES, type PointReads } from './point-reads.ts';
import { READ_GROUP } from './read-group.ts';
import type { Search } from './search.ts';

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
    for (let from = 0; from < keys.length && this.#error === undefined; from += READ_GROUP) {
      this.#startGroup(reads, keys, from, Math.min(from + READ_GROUP, keys.length), sequence);
    }
    if (this.#missing > 0) return LATER;
    if (this.#error !== undefined) throw this.#error;
    return this.#values;
  }

  #startGroup(reads: PointReads, keys: readonly Uint8Array[], from: number, to: number, sequence: number): void {
    const values = this.#values;
    const { searches, indexes } = reads.group;
    let count = 0;
    for (let i = from; i < to; i++) {
      const search = searches[count]!;
      const answer = reads.begin(search, keys[i]!, sequence);
      if (answer === IN_TABLES) indexes[count++] = i;
      else values[i] = answer === HELD ? heldValue(search) : undefined;
    }
    if (count === 0) return;
    reads.group.touch(count);
    for (let j = 0; j < count && this.#error === undefined; j++) {
      const i = indexes[j]!;
      const value = this.#goOn(reads, searches[j]!, i);
      if (value === LATER) this.#missing++;
      else values[i] = value;
    }
  }

  #goOn(reads: PointReads, search: Search, i: number): Value | typeof LATER {
    try {
      return reads.goOn(search, (result) => {
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

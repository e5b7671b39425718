/** A scan of a store: an async iterable over entries that are fetched many at a time. */
import type { EngineIterator, Entry } from '../engine/api.ts';
import { LATER } from '../engine/api.ts';
import { StorageError } from '../errors.ts';
import { asBuffer } from './bytes.ts';
import { Completions, type MaybePromise } from './completion.ts';

export interface StoreEntry {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Entries of the first fetch; each further one doubles it, since most scans are short or very long. */
const FETCH_COUNT_FIRST = 16;
const FETCH_COUNT_MAX = 1_024;
const FETCH_BYTES_MAX = 256 * 1_024;

export class StoreIterator<T> implements AsyncIterableIterator<T, undefined> {
  readonly #iterator: EngineIterator;
  readonly #signal: AbortSignal | undefined;
  readonly #shape: (entry: StoreEntry) => T;
  readonly #fetches = new Completions<readonly Entry[]>();
  readonly #onAbort = (): void => this.#end();
  /** Entries that may still be fetched. */
  #left: number;
  #fetchCount = FETCH_COUNT_FIRST;
  #ready: readonly T[] = [];
  #at = 0;
  /** The fetch under way. */
  #fetching: Promise<readonly T[]> | undefined;
  #ended = false;

  constructor(iterator: EngineIterator, limit: number, signal: AbortSignal | undefined, shape: (entry: StoreEntry) => T) {
    this.#iterator = iterator;
    this.#left = limit;
    this.#signal = signal;
    this.#shape = shape;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** Rejects with StorageError, or the reason of the signal; then the scan has ended. */
  async next(): Promise<IteratorResult<T, undefined>> {
    this.#signal?.throwIfAborted();
    // Calls that did not wait for the one before them take turns.
    while (this.#at === this.#ready.length) {
      if (this.#fetching !== undefined) await this.#fetching;
      else if (this.#ended) return { done: true, value: undefined };
      else {
        const items = this.#fetch(this.#fetchCount, true);
        this.#fetchCount = Math.min(this.#fetchCount * 2, FETCH_COUNT_MAX);
        if (items instanceof Promise) await items;
      }
    }
    const value = this.#ready[this.#at++] as T;
    return { done: false, value };
  }

  /**
   * The next items, at most `count` (at least 1): fewer only where fetching more would take a while; none at the end. At once when the engine
   * has them in memory. The fast way to scan: no promise per entry. Not to be called while a call is under way.
   */
  nextMany(count: number): MaybePromise<readonly T[]> {
    if (!(Number.isInteger(count) && count >= 1))
      throw new StorageError('INVALID_ARGUMENT', `count: expected an integer from 1, got ${count}`);
    if (this.#fetching !== undefined) throw new StorageError('INVALID_ARGUMENT', 'nextMany: expected no call under way, got one');
    this.#signal?.throwIfAborted();
    if (this.#at === this.#ready.length) return this.#ended ? [] : this.#fetch(count, false);
    const items = this.#ready.slice(this.#at, this.#at + count);
    this.#at += items.length;
    return items;
  }

  /** Ends the scan and gives up what it holds. Idempotent. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.#end();
    this.#ready = [];
    this.#at = 0;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** `keep`: the items are also made ready for `next`, in the same turn in which the fetch is over. */
  #fetch(count: number, keep: boolean): MaybePromise<readonly T[]> {
    let answer: readonly Entry[] | typeof LATER;
    try {
      const wanted = Math.min(count, this.#left);
      answer = wanted === 0 ? [] : this.#iterator.next(wanted, FETCH_BYTES_MAX, this.#fetches.next);
    } catch (error) {
      this.#end();
      throw error;
    }
    if (answer !== LATER) return this.#take(answer, keep);
    const fetching = this.#fetches
      .wait((entries) => this.#take(entries, keep))
      .catch((error: unknown) => {
        this.#fetching = undefined;
        this.#end();
        this.#signal?.throwIfAborted();
        throw error;
      });
    this.#fetching = fetching;
    return fetching;
  }

  #take(entries: readonly Entry[], keep: boolean): readonly T[] {
    this.#fetching = undefined;
    this.#left -= entries.length;
    if (entries.length === 0 || this.#left === 0) this.#end();
    const items = entries.map((entry) => this.#shape(bufferEntry(entry)));
    if (keep) {
      this.#ready = items;
      this.#at = 0;
    }
    return items;
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#iterator.close();
  }
}

function bufferEntry(entry: Entry): StoreEntry {
  const { key, value } = entry;
  return key instanceof Buffer && value instanceof Buffer ? (entry as StoreEntry) : { key: asBuffer(key), value: asBuffer(value) };
}

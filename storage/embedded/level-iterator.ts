/** Iterators of a `DynactorLevel`: the three classes of abstract-level over one kind of puller, which fetches many entries at a time. */
import { AbstractIterator, AbstractKeyIterator, type AbstractSnapshot, AbstractValueIterator } from 'abstract-level';
import type { EngineApi, EngineIterator, Entry } from '../engine/api.ts';
import { LATER } from '../engine/api.ts';
import { type Bytes, type RangeOf, toBytes, toRange } from './bytes.ts';
import { Completions, type MaybePromise } from './completion.ts';
import { abortError, asLevelError, levelError } from './level-error.ts';
import { fromCopy, type LevelData, type LevelFormat } from './level-format.ts';
import { openTakenOf } from './level-snapshot.ts';

/** Entries fetched for the first `next`; each further fetch doubles it, since most scans are short or very long. */
const FETCH_COUNT_FIRST = 16;
const FETCH_COUNT_MAX = 1_024;
const FETCH_BYTES_MAX = 256 * 1_024;

/** As abstract-level hands them to `_iterator`, `_keys` and `_values`. */
export interface ScanOptions extends RangeOf<Bytes> {
  readonly reverse: boolean;
  /** -1: none. */
  readonly limit: number;
  readonly keys?: boolean;
  readonly values?: boolean;
  readonly keyEncoding: LevelFormat;
  readonly valueEncoding: LevelFormat;
  readonly snapshot?: AbstractSnapshot | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type Shape<T> = (entry: Entry) => T;

/** Pulls entries of an engine's iterator and makes items of them. Calls come one after the other, as abstract-level sees to. */
export class Puller<T> {
  readonly #iterator: EngineIterator;
  readonly #signal: AbortSignal | undefined;
  readonly #shape: Shape<T>;
  readonly #fetches = new Completions<readonly Entry[]>();
  readonly #take = (entries: readonly Entry[]): T[] => entries.map(this.#shape);
  /** Items that were fetched and not yet given. */
  #ready: T[] = [];
  #at = 0;
  #fetchCount: number;

  constructor(engine: EngineApi, options: ScanOptions, values: boolean, shape: Shape<T>) {
    const snapshot = openTakenOf(options);
    const taken = snapshot === undefined ? undefined : { snapshot };
    this.#signal = options.signal ?? undefined;
    this.#shape = shape;
    this.#fetchCount = options.limit === -1 ? FETCH_COUNT_FIRST : Math.max(1, Math.min(options.limit, FETCH_COUNT_MAX));
    try {
      this.#iterator = engine.iterator({ ...toRange(options), reverse: options.reverse, values, ...taken });
    } catch (error) {
      throw asLevelError(error);
    }
  }

  next(): MaybePromise<T | undefined> {
    return this.#unlessAborted(this.#next());
  }

  /** At most `size`; none at the end. */
  nextv(size: number): MaybePromise<T[]> {
    return this.#unlessAborted(this.#nextv(size));
  }

  seek(target: Bytes): void {
    this.#ready = [];
    this.#at = 0;
    this.#iterator.seek(toBytes(target));
  }

  close(): void {
    this.#iterator.close();
  }

  #next(): MaybePromise<T | undefined> {
    if (this.#at < this.#ready.length) return this.#ready[this.#at++];
    const items = this.#fetch(this.#fetchCount);
    this.#fetchCount = Math.min(this.#fetchCount * 2, FETCH_COUNT_MAX);
    return items instanceof Promise ? items.then((fetched) => this.#first(fetched)) : this.#first(items);
  }

  #nextv(size: number): MaybePromise<T[]> {
    if (this.#at === this.#ready.length) return this.#fetch(size);
    const items = this.#ready.slice(this.#at, this.#at + size);
    this.#at += items.length;
    return items;
  }

  /** An abort in the turn of the call counts too. */
  #unlessAborted<R>(answer: MaybePromise<R>): MaybePromise<R> {
    const signal = this.#signal;
    if (signal === undefined) return answer;
    return Promise.resolve(answer).then((items) => {
      if (signal.aborted) throw abortError(signal.reason);
      return items;
    });
  }

  #first(items: T[]): T | undefined {
    this.#ready = items;
    this.#at = Math.min(1, items.length);
    return items[0];
  }

  #fetch(count: number): MaybePromise<T[]> {
    let answer: readonly Entry[] | typeof LATER;
    try {
      answer = this.#iterator.next(count, FETCH_BYTES_MAX, this.#fetches.next);
    } catch (error) {
      throw asLevelError(error);
    }
    return answer === LATER ? this.#fetches.wait(this.#take, levelError) : this.#take(answer);
  }
}

type LevelEntry = [LevelData | undefined, LevelData | undefined];

export function entryShape(options: ScanOptions): Shape<LevelEntry> {
  const { keys = true, values = true, keyEncoding, valueEncoding } = options;
  return ({ key, value }) => [keys ? fromCopy(key, keyEncoding) : undefined, values ? fromCopy(value, valueEncoding) : undefined];
}

/** One of abstract-level's classes of iterators, as far as it matters here. */
type IteratorBase = new (db: unknown, options: ScanOptions) => object;
type PullingIterator = new <T>(db: unknown, options: ScanOptions, puller: Puller<T>) => object;

/** What AbstractLevel asks of an iterator of any class, as calls of a puller. */
function pulling(Base: IteratorBase): PullingIterator {
  return class<T> extends Base {
    readonly #puller: Puller<T>;

    constructor(db: unknown, options: ScanOptions, puller: Puller<T>) {
      super(db, options);
      this.#puller = puller;
    }

    _next(): MaybePromise<T | undefined> {
      return this.#puller.next();
    }

    _nextv(size: number): MaybePromise<T[]> {
      return this.#puller.nextv(size);
    }

    _seek(target: Bytes): void {
      this.#puller.seek(target);
    }

    _close(): void {
      this.#puller.close();
    }
  };
}

export const LevelIterator = pulling(AbstractIterator);
export const LevelKeyIterator = pulling(AbstractKeyIterator);
export const LevelValueIterator = pulling(AbstractValueIterator);

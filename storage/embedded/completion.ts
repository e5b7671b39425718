/** From the engine's completions to promises. */
import type { WriteDone } from '../engine/api.ts';
import type { StorageDone, StorageError, StorageResult } from '../errors.ts';

/** At once when it can be had at once: no promise is made then. `await` takes both. */
export type MaybePromise<T> = T | Promise<T>;

/** Rejects with what `failed` makes of the error. */
export function done(call: (settled: WriteDone) => void, failed: (error: StorageError) => Error = same): Promise<void> {
  return new Promise((resolve, reject) => {
    call((error) => {
      if (error === undefined) resolve();
      else reject(failed(error));
    });
  });
}

export function completed<T>(call: (settled: StorageDone<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    call((result) => {
      if (result.ok) resolve(result.value);
      else reject(result.error);
    });
  });
}

/**
 * The completion to hand to a read of which it is not known yet whether it needs one: `next` is handed in; when the read said LATER, `wait` is
 * called, in the same turn. So a read that is answered at once makes neither closure nor promise.
 */
export class Completions<T> {
  next: StorageDone<T>;
  #waiter: Waiter<T>;

  constructor() {
    this.#waiter = new Waiter();
    this.next = this.#waiter.done;
  }

  /** The answer to the call that was given `next`. `shape` makes of it what the caller wants. Rejects with what `failed` makes of the error. */
  wait<R>(shape: (value: T) => R, failed: (error: StorageError) => Error = same): Promise<R> {
    const waiter = this.#waiter;
    this.abandon();
    return new Promise((resolve, reject) => {
      waiter.settle = (result) => {
        if (!result.ok) return reject(failed(result.error));
        try {
          resolve(shape(result.value));
        } catch (error) {
          reject(error);
        }
      };
    });
  }

  /** Instead of `wait`: nobody wants the answer. */
  abandon(): void {
    this.#waiter = new Waiter();
    this.next = this.#waiter.done;
  }
}

class Waiter<T> {
  settle: (result: StorageResult<T>) => void = ignore;
  readonly done: StorageDone<T> = (result) => this.settle(result);
}

function ignore(): void {}

function same(error: StorageError): Error {
  return error;
}

/** Writes that were handed to the engine and are not done: made once and used again, so that a write costs no closure. */
import type { WriteDone } from '../../storage/engine/api.ts';
import type { StorageError } from '../../storage/errors.ts';
import type { ReplicaCall, ReplicaSink } from './replica-call.ts';

class Store {
  sink: ReplicaSink | null = null;
  token = 0;
  error: StorageError | undefined;
  readonly done: WriteDone;

  constructor(ended: (store: Store) => void) {
    this.done = (error) => {
      this.error = error;
      ended(this);
    };
  }
}

export class Stores {
  readonly #ring: () => void;
  readonly #free: Store[] = [];
  #ended: Store[] = [];
  #telling: Store[] = [];
  /** Handed over, and not told of yet. */
  pending = 0;

  /** `ring` is called when one has ended, outside of turns. */
  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** What the engine calls when the write of this call is done. */
  begin({ sink, token }: ReplicaCall): WriteDone {
    const store = this.#free.pop() ?? new Store(this.#onEnded);
    store.sink = sink;
    store.token = token;
    this.pending++;
    return store.done;
  }

  /** Tells all sinks whose writes have ended, in that order. */
  drain(failed: (sink: ReplicaSink, token: number, error: StorageError) => void): void {
    const ended = this.#ended;
    this.#ended = this.#telling;
    this.#telling = ended;
    for (const store of ended) {
      const { sink, token, error } = store;
      store.sink = null;
      store.error = undefined;
      this.pending--;
      this.#free.push(store);
      if (sink === null) continue;
      if (error === undefined) sink.stored(token);
      else failed(sink, token, error);
    }
    ended.length = 0;
  }

  readonly #onEnded = (store: Store): void => {
    this.#ended.push(store);
    this.#ring();
  };
}

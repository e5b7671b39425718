/** Writes that were handed to the engine and are not done: made once and used again, so that a write costs no closure. */
import type { WriteDone } from '../../storage/engine/api.ts';
import type { StorageError } from '../../storage/errors.ts';
import { RecordView } from '../version/record-view.ts';
import type { ReplicaCall, ReplicaSink } from './replica-call.ts';

export class Store {
  /** Made by a write that waits for room: to be told before it is stored. */
  record: Uint8Array | undefined;
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
  readonly #made = new RecordView();
  /** Handed over, and not told of yet. */
  pending = 0;

  /** `ring` is called when one has ended, outside of turns. */
  constructor(ring: () => void) {
    this.#ring = ring;
  }

  /** Its `done` is what the engine calls when the write of this call is done. */
  begin({ sink, token }: ReplicaCall): Store {
    const store = this.#free.pop() ?? new Store(this.#onEnded);
    store.sink = sink;
    store.token = token;
    this.pending++;
    return store;
  }

  /** Tells all sinks whose writes have ended, in that order. */
  drain(failed: (sink: ReplicaSink, token: number, error: StorageError) => void): void {
    const ended = this.#ended;
    this.#ended = this.#telling;
    this.#telling = ended;
    for (const store of ended) {
      const { sink, token, error, record } = store;
      store.sink = null;
      store.record = undefined;
      store.error = undefined;
      this.pending--;
      this.#free.push(store);
      if (sink === null) continue;
      if (error !== undefined) failed(sink, token, error);
      else {
        if (record !== undefined) {
          this.#made.open(record, 0, record.length);
          sink.made(token, this.#made);
        }
        sink.stored(token);
      }
    }
    ended.length = 0;
  }

  readonly #onEnded = (store: Store): void => {
    this.#ended.push(store);
    this.#ring();
  };
}

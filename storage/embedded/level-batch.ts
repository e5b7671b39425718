/** A chained batch of a `DynactorLevel`: operations are encoded as they come. */
import { AbstractChainedBatch } from 'abstract-level';
import { WriteBatch } from '../write-batch.ts';
import { type Bytes, toBytes } from './bytes.ts';
import { asLevelError } from './level-error.ts';

export type WriteOfBatch = (batch: WriteBatch, options: object) => Promise<void>;

export class LevelBatch<D, K, V> extends AbstractChainedBatch<D, K, V> {
  readonly #batch = new WriteBatch();
  readonly #writeBatch: WriteOfBatch;

  constructor(db: D, writeBatch: WriteOfBatch) {
    super(db);
    this.#writeBatch = writeBatch;
  }

  _put(key: Bytes, value: Bytes): void {
    try {
      this.#batch.put(toBytes(key), toBytes(value));
    } catch (error) {
      throw asLevelError(error);
    }
  }

  _del(key: Bytes): void {
    try {
      this.#batch.delete(toBytes(key));
    } catch (error) {
      throw asLevelError(error);
    }
  }

  _clear(): void {
    this.#batch.clear();
  }

  _write(options: object): Promise<void> {
    return this.#writeBatch(this.#batch, options);
  }
}

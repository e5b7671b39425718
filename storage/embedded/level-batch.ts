/** A chained batch of a `DynactorLevel`: operations are encoded as they come. */
import { AbstractChainedBatch } from 'abstract-level';
import { WriteBatch } from '../write-batch.ts';
import type { Bytes } from './bytes.ts';
import { asLevelError } from './level-error.ts';
import type { TextScratch } from './text-scratch.ts';

export type WriteOfBatch = (batch: WriteBatch, options: object) => Promise<void>;

export class LevelBatch<D, K, V> extends AbstractChainedBatch<D, K, V> {
  readonly #batch = new WriteBatch();
  readonly #writeBatch: WriteOfBatch;
  readonly #keyText: TextScratch;
  readonly #valueText: TextScratch;

  constructor(db: D, keyText: TextScratch, valueText: TextScratch, writeBatch: WriteOfBatch) {
    super(db);
    this.#keyText = keyText;
    this.#valueText = valueText;
    this.#writeBatch = writeBatch;
  }

  _put(key: Bytes, value: Bytes): void {
    try {
      this.#batch.put(this.#keyText.encode(key), this.#valueText.encode(value));
    } catch (error) {
      throw asLevelError(error);
    }
  }

  _del(key: Bytes): void {
    try {
      this.#batch.delete(this.#keyText.encode(key));
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

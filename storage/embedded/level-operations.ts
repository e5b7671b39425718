/**
 * The operations of a `batch` call as they come from the program, encoded into a batch of the engine. Why not by AbstractLevel: it makes an object of
 * each operation and its options for hooks and listeners, which takes longer than all else (bench:storage, batch).
 */
import type { WriteBatch } from '../write-batch.ts';
import type { Bytes } from './bytes.ts';
import { LevelError } from './level-error.ts';
import type { TextScratch } from './text-scratch.ts';

/** As programs give it; unchecked. */
export interface GivenOperation {
  readonly type?: unknown;
  readonly key?: unknown;
  readonly value?: unknown;
  readonly keyEncoding?: unknown;
  readonly valueEncoding?: unknown;
  readonly sublevel?: unknown;
}

/** An encoding of AbstractLevel. */
interface ToBytes {
  encode(data: unknown): Bytes;
}

/** The encodings of a database; undefined: its default. Throws where there is none of that name. */
export interface Encodings {
  readonly key: (name: unknown) => ToBytes;
  readonly value: (name: unknown) => ToBytes;
}

export class OperationEncoder {
  readonly #encodings: Encodings;
  readonly #keyText: TextScratch;
  readonly #valueText: TextScratch;

  constructor(encodings: Encodings, keyText: TextScratch, valueText: TextScratch) {
    this.#encodings = encodings;
    this.#keyText = keyText;
    this.#valueText = valueText;
  }

  /** Into `batch`. Returns false where an operation is of a sublevel. Errors: as AbstractLevel's, of the first operation that is wrong. */
  encode(operations: readonly GivenOperation[], batch: WriteBatch): boolean {
    const encodings = this.#encodings;
    // Mostly all operations name the same ones, or none.
    let keyName: unknown;
    let valueName: unknown;
    let keys = encodings.key(keyName);
    let values = encodings.value(valueName);
    for (const operation of operations) {
      const { type, key, value } = operation;
      if (operation.sublevel !== undefined && operation.sublevel !== null) return false;
      if (key === null || key === undefined) throw new LevelError('LEVEL_INVALID_KEY', 'Key cannot be null or undefined');
      if (operation.keyEncoding !== keyName) {
        keyName = operation.keyEncoding;
        keys = encodings.key(keyName);
      }
      if (type === 'put') {
        if (value === null || value === undefined) throw new LevelError('LEVEL_INVALID_VALUE', 'Value cannot be null or undefined');
        if (operation.valueEncoding !== valueName) {
          valueName = operation.valueEncoding;
          values = encodings.value(valueName);
        }
        // Both, before a text goes through the scratch: encodings may be the program's own.
        const encodedKey = keys.encode(key);
        const encodedValue = values.encode(value);
        batch.put(this.#keyText.encode(encodedKey), this.#valueText.encode(encodedValue));
      } else if (type === 'del') batch.delete(this.#keyText.encode(keys.encode(key)));
      else throw new TypeError("A batch operation must have a type property that is 'put' or 'del'");
    }
    return true;
  }
}

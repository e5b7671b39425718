/** Several changes that take effect together. Holds them as bytes, in the order they were made; of one key the last counts. */
import { StorageError } from './errors.ts';
import { KEY_BYTES_MAX } from './key.ts';
import { DELETE, PUT, RANGE_DELETE, RECORD_ALIGNMENT, RECORD_HEADER_BYTES, type RecordKind, recordBytes } from './record.ts';

const INITIAL_BYTES = 4_096;
/** Bytes of all records of a batch at most: one batch is one group of the commit log. */
export const BATCH_BYTES_MAX = 1 << 30;
/** What a record takes beside its key and value at most. */
const RECORD_BYTES_MORE = RECORD_HEADER_BYTES + RECORD_ALIGNMENT - 1;

/**
 * `bytes[0, length)` is a row of records as `record.ts` lays them out, their `previous` and `sequence` zero: the engine copies them as they are
 * and fills those in.
 */
export class WriteBatch {
  bytes: Buffer;
  words: Uint32Array;
  length = 0;
  count = 0;
  /** Largest value in the batch, in bytes. */
  valueBytesMax = 0;

  constructor() {
    this.bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES);
    this.words = new Uint32Array(this.bytes.buffer);
  }

  /** Copies both. Errors: INVALID_ARGUMENT. */
  put(key: Uint8Array, value: Uint8Array): this {
    this.#add(PUT, key, value);
    return this;
  }

  delete(key: Uint8Array): this {
    this.#add(DELETE, key, NOTHING);
    return this;
  }

  /** Deletes all keys in [start, end) that are there or came earlier in the batch. */
  deleteRange(start: Uint8Array, end: Uint8Array): this {
    this.#add(RANGE_DELETE, start, end);
    return this;
  }

  clear(): void {
    this.length = 0;
    this.count = 0;
    this.valueBytesMax = 0;
  }

  clone(): WriteBatch {
    const copy = new WriteBatch();
    if (this.length > copy.bytes.length) copy.#grow(this.length);
    this.bytes.copy(copy.bytes, 0, 0, this.length);
    copy.length = this.length;
    copy.count = this.count;
    copy.valueBytesMax = this.valueBytesMax;
    return copy;
  }

  #add(kind: RecordKind, key: Uint8Array, value: Uint8Array): void {
    const keyLength = key.length;
    const valueLength = value.length;
    const at = this.length;
    if (keyLength > KEY_BYTES_MAX || at + RECORD_BYTES_MORE + keyLength + valueLength > this.bytes.length)
      this.#makeRoom(keyLength, valueLength);
    const end = at + recordBytes(keyLength, valueLength);
    const word = at >>> 2;
    const { words, bytes } = this;
    // The padding, before what is not padding.
    words[(end >>> 2) - 1] = 0;
    words[word] = 0;
    words[word + 1] = 0;
    words[word + 2] = kind | (keyLength << 4);
    words[word + 3] = valueLength;
    bytes.set(key, at + RECORD_HEADER_BYTES);
    bytes.set(value, at + RECORD_HEADER_BYTES + keyLength);
    this.length = end;
    this.count++;
    if (kind === PUT && valueLength > this.valueBytesMax) this.valueBytesMax = valueLength;
  }

  #makeRoom(keyLength: number, valueLength: number): void {
    if (keyLength > KEY_BYTES_MAX)
      throw new StorageError('INVALID_ARGUMENT', `key: expected at most ${KEY_BYTES_MAX} bytes, got ${keyLength}`);
    // In numbers beyond 32 bits: a value may be that long.
    const needed = this.length + RECORD_HEADER_BYTES + Math.ceil((keyLength + valueLength) / RECORD_ALIGNMENT) * RECORD_ALIGNMENT;
    if (needed > BATCH_BYTES_MAX)
      throw new StorageError('INVALID_ARGUMENT', `batch: expected at most ${BATCH_BYTES_MAX} bytes, got ${needed}`);
    if (needed > this.bytes.length) this.#grow(needed);
  }

  #grow(needed: number): void {
    let size = this.bytes.length;
    while (size < needed) size *= 2;
    const grown = Buffer.allocUnsafeSlow(size);
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
    this.words = new Uint32Array(grown.buffer);
  }
}

const NOTHING = new Uint8Array(0);

/** The engine for programs that await: open it, read, write, close it. One process at a time has a directory open. */
import { absolutePath } from '../../runtime/real/host.ts';
import type { Durability, EngineApi, EngineStats, Snapshot } from '../engine/api.ts';
import { LATER } from '../engine/api.ts';
import type { ScrubbedFile } from '../engine/scrubbed-file.ts';
import { StorageError } from '../errors.ts';
import { WriteBatch } from '../write-batch.ts';
import { asBuffer, type Bytes, ownValue, type RangeOf, toBytes, toRange } from './bytes.ts';
import { clearSpan } from './clear-span.ts';
import { Completions, completed, done, type MaybePromise } from './completion.ts';
import { type OpenedEngine, type OpenOptions, openEngine } from './open-engine.ts';
import { type StoreEntry, StoreIterator } from './store-iterator.ts';
import { TextScratch } from './text-scratch.ts';

export type { Durability, EngineStats } from '../engine/api.ts';
export type { EngineOptions } from '../engine/options.ts';
export type { ScrubbedFile } from '../engine/scrubbed-file.ts';
export type { CorruptionPlace, StorageErrorCode } from '../errors.ts';
export { StorageError } from '../errors.ts';
export { WriteBatch } from '../write-batch.ts';
export type { Bytes, RangeOf } from './bytes.ts';
export type { MaybePromise } from './completion.ts';
export type { OpenEngine, OpenedEngine, OpenOptions } from './open-engine.ts';
export type { StoreEntry, StoreIterator } from './store-iterator.ts';

export interface ReadOptions {
  /** What to read; default: the state at the call. */
  readonly snapshot?: StoreSnapshot;
  /**
   * Default true: values are the caller's own. False: where that saves a copy, views of memory that others may have views of too: the caller must not change them, and
   * each may keep its whole block in memory.
   */
  readonly copy?: boolean;
}

export interface WriteOptions {
  /** When the promise resolves; default: that of the store. */
  readonly durability?: Durability;
}

export interface ScanOptions extends RangeOf<Bytes> {
  /** From the end to the beginning. Default false. */
  readonly reverse?: boolean;
  /** Entries at most. Default: all. */
  readonly limit?: number;
  readonly snapshot?: StoreSnapshot;
  /** Ends the scan: its promises reject with the signal's reason. */
  readonly signal?: AbortSignal;
}

export type Operation =
  | { readonly type: 'put'; readonly key: Bytes; readonly value: Bytes }
  | { readonly type: 'delete'; readonly key: Bytes }
  | { readonly type: 'deleteRange'; readonly start: Bytes; readonly end: Bytes };

/** Calls reject or throw with StorageError. Writes take effect in the order of the calls, whenever they are awaited. */
export class Store {
  readonly #opened: OpenedEngine;
  readonly #engine: EngineApi;
  readonly #gets = new Completions<Uint8Array | undefined>();
  readonly #getManys = new Completions<readonly (Uint8Array | undefined)[]>();
  readonly #keyText = new TextScratch();
  readonly #valueText = new TextScratch();
  #closing: Promise<void> | undefined;

  private constructor(opened: OpenedEngine) {
    this.#opened = opened;
    this.#engine = opened.engine;
  }

  /** Errors: NOT_FOUND, NOT_A_DATABASE, LOCKED, CORRUPTION, UNKNOWN_FORMAT, INVALID_ARGUMENT, IO. */
  static async open(dir: string, options: OpenOptions = {}): Promise<Store> {
    return new Store(await openEngine(dir, options));
  }

  /** Returns the value, undefined where there is none; a promise only when the disk has to be read. Throws what fails at once. */
  get(key: Bytes, options?: ReadOptions): MaybePromise<Buffer | undefined> {
    const shape = options?.copy === false ? viewOrNothing : ownOrNothing;
    const answer = this.#engine.get(toBytes(key), options?.snapshot?.taken, this.#gets.next);
    return answer === LATER ? this.#gets.wait(shape) : shape(answer);
  }

  /** The values of `keys`, in their order, of one moment. Otherwise as `get`. */
  getMany(keys: readonly Bytes[], options?: ReadOptions): MaybePromise<(Buffer | undefined)[]> {
    const shape = options?.copy === false ? viewOrNothing : ownOrNothing;
    const answer = this.#engine.getMany(keys.map(toBytes), options?.snapshot?.taken, this.#getManys.next);
    return answer === LATER ? this.#getManys.wait((values) => values.map(shape)) : answer.map(shape);
  }

  /**
   * As `get`, but never a promise: a block that is not in memory is read within the call, and this thread, with all that runs on it, waits for the disk. For
   * programs that can't wait in another way; `get` is as quick where the value is in memory.
   */
  getSync(key: Bytes, options?: ReadOptions): Buffer | undefined {
    const value = this.#engine.getNow(toBytes(key), options?.snapshot?.taken);
    return options?.copy === false ? viewOrNothing(value) : ownOrNothing(value);
  }

  put(key: Bytes, value: Bytes, options?: WriteOptions): Promise<void> {
    return done((settled) => this.#engine.put(this.#keyText.encode(key), this.#valueText.encode(value), options?.durability, settled));
  }

  delete(key: Bytes, options?: WriteOptions): Promise<void> {
    return done((settled) => this.#engine.delete(this.#keyText.encode(key), options?.durability, settled));
  }

  /** Deletes all keys in [start, end). Cost: that of one write, however many there are. */
  deleteRange(start: Bytes, end: Bytes, options?: WriteOptions): Promise<void> {
    return done((settled) => this.#engine.deleteRange(toBytes(start), toBytes(end), options?.durability, settled));
  }

  /** Deletes all keys of a range, or all there are. Cost: as `deleteRange`. */
  clear(range: RangeOf<Bytes> = {}, options?: WriteOptions): Promise<void> {
    return done((settled) => clearSpan(this.#engine, toRange(range), options?.durability, settled));
  }

  /** All or nothing, also over a crash. Later operations win over earlier ones. A WriteBatch can be used again at once. */
  batch(operations: readonly Operation[] | WriteBatch, options?: WriteOptions): Promise<void> {
    return done((settled) => {
      const batch = operations instanceof WriteBatch ? operations : this.#batchOf(operations);
      this.#engine.write(batch, options?.durability, settled);
    });
  }

  /** The entries of a range, in order, of the state at the call. It holds resources until it has ended or is closed, as `for await` does. */
  entries(options: ScanOptions = {}): StoreIterator<StoreEntry> {
    return this.#scan(options, true, entryOf);
  }

  keys(options: ScanOptions = {}): StoreIterator<Buffer> {
    return this.#scan(options, false, ({ key }) => asBuffer(key));
  }

  values(options: ScanOptions = {}): StoreIterator<Buffer> {
    return this.#scan(options, true, ({ value }) => asBuffer(value));
  }

  [Symbol.asyncIterator](): StoreIterator<StoreEntry> {
    return this.entries();
  }

  /** Keeps this moment readable until it is released, at a cost in disk space: what is deleted or replaced since stays. */
  snapshot(): StoreSnapshot {
    return new StoreSnapshot(this.#engine.snapshot());
  }

  /** Resolves when all that was written before the call is in tables. Not needed for durability. */
  flush(): Promise<void> {
    return done((settled) => this.#engine.flush(settled));
  }

  /** Merges the tables of a range, or all. Takes as long as rewriting them. */
  compact(range: RangeOf<Bytes> = {}): Promise<void> {
    return done((settled) => this.#engine.compact(toRange(range), settled));
  }

  /** Bytes of tables that hold keys of [start, end), estimated. */
  approximateBytes(start: Bytes, end: Bytes): number {
    return this.#engine.approximateBytes(toBytes(start), toBytes(end));
  }

  /** A copy of the state at the call in the new directory `dir`, on the same disk: tables are hard links. It opens as a store of its own. */
  checkpoint(dir: string): Promise<void> {
    return done((settled) => this.#engine.checkpoint(absolutePath(dir), settled));
  }

  /**
   * Reads every file of the database again and verifies every checksum in it, on the threads that compact, as slowly as compactions are told to be. Resolves to
   * what it found, damage too. `dynactor repair` mends what can be mended.
   */
  scrub(): Promise<readonly ScrubbedFile[]> {
    return completed((scrubbed) => this.#engine.scrub(scrubbed));
  }

  stats(): EngineStats {
    return this.#engine.stats();
  }

  /** Waits for writes under way, then closes; other calls fail with CLOSED from now on. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#opened.close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #batchOf(operations: readonly Operation[]): WriteBatch {
    const batch = new WriteBatch();
    const keyText = this.#keyText;
    const valueText = this.#valueText;
    for (const operation of operations) {
      switch (operation.type) {
        case 'put':
          batch.put(keyText.encode(operation.key), valueText.encode(operation.value));
          break;
        case 'delete':
          batch.delete(keyText.encode(operation.key));
          break;
        case 'deleteRange':
          batch.deleteRange(keyText.encode(operation.start), valueText.encode(operation.end));
          break;
        default:
          throw new StorageError('INVALID_ARGUMENT', `operation: expected put, delete or deleteRange, got ${JSON.stringify(operation)}`);
      }
    }
    return batch;
  }

  #scan<T>(options: ScanOptions, values: boolean, shape: (entry: StoreEntry) => T): StoreIterator<T> {
    const { reverse = false, limit = Infinity, snapshot, signal } = options;
    if (!(limit >= 0)) throw new StorageError('INVALID_ARGUMENT', `limit: expected a number from 0, got ${limit}`);
    signal?.throwIfAborted();
    const taken = snapshot === undefined ? undefined : { snapshot: snapshot.taken };
    const iterator = this.#engine.iterator({ ...toRange(options), reverse, values, ...taken });
    return new StoreIterator(iterator, limit, signal, shape);
  }
}

/** A moment of a store. `using` releases it at the end of the block. */
export class StoreSnapshot {
  /** The engine's own. */
  readonly taken: Snapshot;

  constructor(taken: Snapshot) {
    this.taken = taken;
  }

  /** Idempotent. Reads under way end as they began. */
  release(): void {
    this.taken.release();
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

function ownOrNothing(value: Uint8Array | undefined): Buffer | undefined {
  return value === undefined ? undefined : ownValue(value);
}

function viewOrNothing(value: Uint8Array | undefined): Buffer | undefined {
  return value === undefined ? undefined : asBuffer(value);
}

function entryOf(entry: StoreEntry): StoreEntry {
  return entry;
}

/**
 * The engine behind the interface of the `level` ecosystem (abstract-level 3): what works on `classic-level` works on it. Where the
 * engine has the answer in memory, the only cost beyond its own is that of abstract-level.
 */
import {
  type AbstractBatchOperation,
  type AbstractBatchOptions,
  type AbstractChainedBatch,
  type AbstractDatabaseOptions,
  type AbstractDelOptions,
  AbstractLevel,
  type AbstractOpenOptions,
  type AbstractPutOptions,
  type AbstractSnapshot,
  type Transcoder,
} from 'abstract-level';
import { type EngineApi, type Entry, LATER } from '../engine/api.ts';
import { WriteBatch } from '../write-batch.ts';
import { type Bytes, type RangeOf, toBytes, toRange } from './bytes.ts';
import { clearSpan } from './clear-span.ts';
import { Completions, done, type MaybePromise } from './completion.ts';
import { LevelBatch } from './level-batch.ts';
import { clearSome } from './level-clear.ts';
import { asLevelError, LevelError, levelError, openError } from './level-error.ts';
import { fromCopy, fromEngine, type LevelData, type LevelFormat } from './level-format.ts';
import { entryShape, LevelIterator, LevelKeyIterator, LevelValueIterator, Puller, type ScanOptions } from './level-iterator.ts';
import { type GivenOperation, OperationEncoder } from './level-operations.ts';
import { type DurabilityOptions, type DynactorLevelOptions, durabilityOf, isDurability, openOptionsOf } from './level-options.ts';
import { LevelSnapshot, type SnapshotOptions, takenOf } from './level-snapshot.ts';
import { type OpenEngine, type OpenedEngine, type OpenOptions, openEngine } from './open-engine.ts';
import { TextScratch } from './text-scratch.ts';

export { LevelError } from './level-error.ts';
export type { DurabilityOptions, DynactorLevelOptions } from './level-options.ts';

interface KeyOptions {
  readonly keyEncoding?: string;
}
type Snapshots = { readonly snapshot?: AbstractSnapshot | undefined };
type Reading = Snapshots & { readonly valueEncoding: LevelFormat };
type Clearing = Snapshots & RangeOf<Bytes> & DurabilityOptions & { readonly limit: number; readonly reverse: boolean };
type EncodedOperation =
  | { readonly type: 'put'; readonly key: Bytes; readonly value: Bytes }
  | { readonly type: 'del'; readonly key: Bytes };
/** Of a hook: it has no functions. Not among its types. */
interface MaybeNoop {
  readonly noop?: boolean;
}
type Operations<D, K, V> = AbstractBatchOperation<D, K, V>[];
type BatchOptions<K, V> = AbstractBatchOptions<K, V> & DurabilityOptions;

const MANIFEST = {
  encodings: { utf8: true, buffer: true, view: true },
  has: true,
  getSync: true,
  createIfMissing: true,
  errorIfExists: true,
  implicitSnapshots: true,
  explicitSnapshots: true,
  additionalMethods: { approximateSize: true, compactRange: true },
  signals: { iterators: true },
};

/** A batch larger than this is not kept for the next call. */
const KEPT_BATCH_BYTES_MAX = 1_024 * 1_024;

/** AbstractLevel hands all options on; these are what we make of those of writes. */
interface LevelBase<KDefault, VDefault> extends AbstractLevel<LevelData, KDefault, VDefault> {
  put(key: KDefault, value: VDefault): Promise<void>;
  put<K = KDefault, V = VDefault>(key: K, value: V, options: AbstractPutOptions<K, V> & DurabilityOptions): Promise<void>;
  del(key: KDefault): Promise<void>;
  del<K = KDefault>(key: K, options: AbstractDelOptions<K> & DurabilityOptions): Promise<void>;
  batch(operations: Operations<this, KDefault, VDefault>): Promise<void>;
  batch<K = KDefault, V = VDefault>(operations: Operations<this, K, V>, options: BatchOptions<K, V>): Promise<void>;
  batch(): AbstractChainedBatch<this, KDefault, VDefault>;
}

const Base = AbstractLevel as unknown as new <K, V>(manifest: object, options: AbstractDatabaseOptions<K, V>) => LevelBase<K, V>;

/** Errors are of code `LEVEL_...`; `cause` is the engine's. */
export class DynactorLevel<KDefault = string, VDefault = string> extends Base<KDefault, VDefault> {
  readonly #location: string;
  readonly #openEngine: OpenEngine | undefined;
  readonly #gets = new Completions<Uint8Array | undefined>();
  readonly #getManys = new Completions<readonly (Uint8Array | undefined)[]>();
  readonly #keyText = new TextScratch();
  readonly #valueText = new TextScratch();
  readonly #operations = new OperationEncoder(
    {
      key: (name) => this.keyEncoding(name as Transcoder.KnownEncodingName),
      value: (name) => this.valueEncoding(name as Transcoder.KnownEncodingName),
    },
    this.#keyText,
    this.#valueText,
  );
  #opened: OpenedEngine | undefined;
  /** To be used again; undefined: it is in use. */
  #batch: WriteBatch | undefined;

  /** `location` is a directory. It is opened soon, without a call of `open`. */
  constructor(location: string, options: DynactorLevelOptions<KDefault, VDefault> = {}) {
    if (typeof location !== 'string' || location === '') {
      throw new TypeError("The first argument 'location' must be a non-empty string");
    }
    const { openEngine: other, ...given } = options;
    super(MANIFEST, given);
    this.#location = location;
    this.#openEngine = other;
  }

  get location(): string {
    return this.#location;
  }

  /** Bytes of tables that hold keys of [start, end), estimated. What is still in memory does not count. */
  async approximateSize<K = KDefault>(start: K, end: K, options?: KeyOptions): Promise<number> {
    if (this.status === 'opening') await this.open({ passive: true });
    return this.#engine.approximateBytes(this.#encoded(start, options), this.#encoded(end, options));
  }

  /** Merges the tables of [start, end]. */
  async compactRange<K = KDefault>(start: K, end: K, options?: KeyOptions): Promise<void> {
    if (this.status === 'opening') await this.open({ passive: true });
    const range = { gte: this.#encoded(start, options), lte: this.#encoded(end, options) };
    await done((settled) => this.#engine.compact(range, settled), levelError);
  }

  /** As AbstractLevel's, and most often without it: see `OperationEncoder`. */
  override batch(operations: Operations<this, KDefault, VDefault>): Promise<void>;
  override batch<K = KDefault, V = VDefault>(operations: Operations<this, K, V>, options: BatchOptions<K, V>): Promise<void>;
  override batch(): AbstractChainedBatch<this, KDefault, VDefault>;
  override batch(...given: [] | [Operations<this, KDefault, VDefault>, BatchOptions<KDefault, VDefault>?]): unknown {
    if (given.length === 0) return super.batch();
    const [operations, options] = given;
    return this.#batchAtOnce(operations, options) ?? super.batch(operations, options as BatchOptions<KDefault, VDefault>);
  }

  // What follows is called by AbstractLevel. Keys and values are encoded, as the manifest says.

  async _open(options: AbstractOpenOptions & OpenOptions): Promise<void> {
    try {
      this.#opened = await openEngine(this.#location, {
        ...openOptionsOf(options),
        ...(this.#openEngine && { openEngine: this.#openEngine }),
      });
    } catch (error) {
      throw openError(error, this.#location);
    }
  }

  async _close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    try {
      await opened?.close();
    } catch (error) {
      throw asLevelError(error);
    }
  }

  _get(key: Bytes, options: Reading): MaybePromise<LevelData | undefined> {
    const format = options.valueEncoding;
    const answer = this.#read(key, options);
    return answer === LATER ? this.#gets.wait((value) => toLevel(value, format), levelError) : toLevel(answer, format);
  }

  /** Waits for the disk, on this thread, where the value is not in memory. */
  _getSync(key: Bytes, options: Reading): LevelData | undefined {
    try {
      return toLevel(this.#engine.getNow(toBytes(key), takenOf(options)), options.valueEncoding);
    } catch (error) {
      throw asLevelError(error);
    }
  }

  _getMany(keys: readonly Bytes[], options: Reading): MaybePromise<(LevelData | undefined)[]> {
    const format = options.valueEncoding;
    return this.#readMany(keys, options, (value) => toLevel(value, format));
  }

  _has(key: Bytes, options: Snapshots): MaybePromise<boolean> {
    const answer = this.#read(key, options);
    return answer === LATER ? this.#gets.wait(isThere, levelError) : isThere(answer);
  }

  _hasMany(keys: readonly Bytes[], options: Snapshots): MaybePromise<boolean[]> {
    return this.#readMany(keys, options, isThere);
  }

  _put(key: Bytes, value: Bytes, options: DurabilityOptions): Promise<void> {
    return done(
      (settled) => this.#engine.put(this.#keyText.encode(key), this.#valueText.encode(value), durabilityOf(options), settled),
      levelError,
    );
  }

  _del(key: Bytes, options: DurabilityOptions): Promise<void> {
    return done((settled) => this.#engine.delete(this.#keyText.encode(key), durabilityOf(options), settled), levelError);
  }

  _batch(operations: readonly EncodedOperation[], options: DurabilityOptions): Promise<void> {
    const batch = this.#takeBatch();
    const keyText = this.#keyText;
    const valueText = this.#valueText;
    try {
      for (const operation of operations) {
        if (operation.type === 'put') batch.put(keyText.encode(operation.key), valueText.encode(operation.value));
        else batch.delete(keyText.encode(operation.key));
      }
      return this.#write(batch, options);
    } catch (error) {
      throw asLevelError(error);
    } finally {
      this.#giveBatch(batch);
    }
  }

  _chainedBatch(): LevelBatch<this, KDefault, VDefault> {
    return new LevelBatch(this, this.#keyText, this.#valueText, (batch, options) => this.#write(batch, options));
  }

  async _clear(options: Clearing): Promise<void> {
    const { limit, reverse } = options;
    const snapshot = takenOf(options);
    const range = { ...toRange(options), reverse, ...(snapshot === undefined ? undefined : { snapshot }) };
    const durability = durabilityOf(options);
    try {
      if (limit === -1 && snapshot === undefined) await done((settled) => clearSpan(this.#engine, toRange(options), durability, settled));
      else await clearSome(this.#engine, range, limit === -1 ? Infinity : limit, durability);
    } catch (error) {
      throw asLevelError(error);
    }
  }

  _iterator(options: ScanOptions): object {
    return new LevelIterator(this, options, new Puller(this.#engine, options, options.values !== false, entryShape(options)));
  }

  _keys(options: ScanOptions): object {
    const shape = ({ key }: Entry) => fromCopy(key, options.keyEncoding);
    return new LevelKeyIterator(this, options, new Puller(this.#engine, options, false, shape));
  }

  _values(options: ScanOptions): object {
    const shape = ({ value }: Entry) => fromCopy(value, options.valueEncoding);
    return new LevelValueIterator(this, options, new Puller(this.#engine, options, true, shape));
  }

  _snapshot(options: SnapshotOptions): LevelSnapshot {
    return new LevelSnapshot(options, this.#engine.snapshot());
  }

  get #engine(): EngineApi {
    if (this.#opened === undefined) throw new LevelError('LEVEL_DATABASE_NOT_OPEN', 'Database is not open');
    return this.#opened.engine;
  }

  /** Undefined: it is for AbstractLevel, which knows hooks, listeners, sublevels, what is not open, and what else can't be written. */
  #batchAtOnce(operations: readonly GivenOperation[], options: DurabilityOptions | undefined): Promise<void> | undefined {
    const isPlain = this.status === 'open' && (this.hooks.prewrite as MaybeNoop).noop === true && this.listenerCount('write') === 0;
    if (!isPlain || !Array.isArray(operations) || operations.length === 0 || !isDurability(options)) return undefined;
    const batch = this.#takeBatch();
    try {
      return this.#operations.encode(operations, batch) ? this.#write(batch, options ?? {}) : undefined;
    } catch (error) {
      return Promise.reject(asLevelError(error));
    } finally {
      this.#giveBatch(batch);
    }
  }

  /** An empty one. */
  #takeBatch(): WriteBatch {
    const batch = this.#batch ?? new WriteBatch();
    this.#batch = undefined;
    batch.clear();
    return batch;
  }

  /** The engine copied it. */
  #giveBatch(batch: WriteBatch): void {
    if (batch.bytes.length <= KEPT_BATCH_BYTES_MAX) this.#batch = batch;
  }

  #encoded(key: unknown, options: KeyOptions | undefined): Uint8Array {
    return toBytes(this.keyEncoding(options?.keyEncoding as Transcoder.KnownEncodingName).encode(key));
  }

  #read(key: Bytes, options: Snapshots): Uint8Array | undefined | typeof LATER {
    try {
      return this.#engine.get(toBytes(key), takenOf(options), this.#gets.next);
    } catch (error) {
      throw asLevelError(error);
    }
  }

  #readMany<R>(keys: readonly Bytes[], options: Snapshots, shape: (value: Uint8Array | undefined) => R): MaybePromise<R[]> {
    let answer: readonly (Uint8Array | undefined)[] | typeof LATER;
    try {
      answer = this.#engine.getMany(keys.map(toBytes), takenOf(options), this.#getManys.next);
    } catch (error) {
      throw asLevelError(error);
    }
    return answer === LATER ? this.#getManys.wait((values) => values.map(shape), levelError) : answer.map(shape);
  }

  #write(batch: WriteBatch, options: DurabilityOptions): Promise<void> {
    return done((settled) => this.#engine.write(batch, durabilityOf(options), settled), levelError);
  }
}

function toLevel(value: Uint8Array | undefined, format: LevelFormat): LevelData | undefined {
  return value === undefined ? undefined : fromEngine(value, format);
}

function isThere(value: Uint8Array | undefined): boolean {
  return value !== undefined;
}

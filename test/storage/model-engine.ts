/**
 * The engine as its interface says it, and nothing more: a sorted array in memory, copied with each write. The oracle of the model tests, so
 * naive on purpose; what is written is kept by `ModelDisk`, over closing and opening.
 */

import type { OpenedEngine, OpenOptions } from '../../storage/embedded/open-engine.ts';
import {
  type Durability,
  type EngineApi,
  type EngineIterator,
  type EngineStats,
  type Entry,
  type Found,
  type IteratorOptions,
  type KeyRange,
  LATER,
  type Snapshot,
  type WriteDone,
} from '../../storage/engine/api.ts';
import type { ScrubbedFile } from '../../storage/engine/scrubbed-file.ts';
import { type StorageDone, StorageError } from '../../storage/errors.ts';
import { compareWhole, KEY_BYTES_MAX } from '../../storage/key.ts';
import { DELETE, PUT, RECORD_HEADER_BYTES, recordBytes } from '../../storage/record.ts';
import { WriteBatch } from '../../storage/write-batch.ts';

export interface ModelOptions {
  /** Which reads are answered LATER. Default none. */
  readonly later?: 'none' | 'all' | 'everyOther';
  /** Planted bugs: `keepDeleted`, `dropSnapshots`. */
  readonly mutants?: ReadonlySet<string>;
}

type State = readonly Entry[];

/** Directories with databases in them. */
export class ModelDisk {
  readonly states = new Map<string, State>();
  readonly opened = new Set<string>();
  readonly options: ModelOptions;
  /** The engines, in the order they were opened, with the options they were opened with. */
  readonly openings: { readonly engine: ModelEngine; readonly options: OpenOptions }[] = [];

  constructor(options: ModelOptions = {}) {
    this.options = options;
  }

  readonly open = async (dir: string, options: OpenOptions): Promise<OpenedEngine> => {
    const exists = this.states.has(dir);
    if (this.opened.has(dir)) throw new StorageError('LOCKED', `${dir} is open`);
    if (!exists && options.createIfMissing === false) throw new StorageError('NOT_FOUND', `${dir} has no database`);
    if (exists && options.errorIfExists === true) throw new StorageError('EXISTS', `${dir} has a database`);
    if (!exists) this.states.set(dir, []);
    this.opened.add(dir);
    const engine = new ModelEngine(this, dir);
    this.openings.push({ engine, options });
    return { engine, close: () => new Promise((resolve, reject) => engine.close((error) => (error ? reject(error) : resolve()))) };
  };
}

export class ModelEngine implements EngineApi {
  /** Durability of each write, as it was given. */
  readonly durabilities: (Durability | undefined)[] = [];
  readonly iterators = new Set<ModelIterator>();
  readonly #disk: ModelDisk;
  readonly #dir: string;
  readonly #snapshots = new Map<Snapshot, State>();
  #sequence = 0;
  #reads = 0;
  #closed = false;

  constructor(disk: ModelDisk, dir: string) {
    this.#disk = disk;
    this.#dir = dir;
  }

  get snapshotCount(): number {
    return this.#snapshots.size;
  }

  put(key: Uint8Array, value: Uint8Array, durability: Durability | undefined, done: WriteDone): boolean {
    this.#attempt(done, () => this.write(new WriteBatch().put(key, value), durability, done));
    return !this.#closed;
  }

  delete(key: Uint8Array, durability: Durability | undefined, done: WriteDone): void {
    this.#attempt(done, () => this.write(new WriteBatch().delete(key), durability, done));
  }

  deleteRange(start: Uint8Array, end: Uint8Array | undefined, durability: Durability | undefined, done: WriteDone): void {
    const last = end ?? this.state.at(-1)?.key ?? start;
    const batch = new WriteBatch();
    if (end !== undefined || compareWhole(start, last) < 0) batch.deleteRange(start, last);
    if (end === undefined && compareWhole(start, last) <= 0) batch.delete(last);
    this.#attempt(done, () => this.write(batch, durability, done));
  }

  write(batch: WriteBatch, durability: Durability | undefined, done: WriteDone): void {
    this.#attempt(done, () => {
      this.#checkOpen();
      let state = this.state;
      for (const change of changesOf(batch)) state = this.#changed(state, change);
      this.#disk.states.set(this.#dir, state);
      this.#sequence += batch.count;
      this.durabilities.push(durability);
      setImmediate(done, undefined);
    });
  }

  get(key: Uint8Array, snapshot: Snapshot | undefined, done: StorageDone<Uint8Array | undefined>): Uint8Array | undefined | typeof LATER {
    this.#checkOpen();
    checkKey(key);
    return this.answer(this.#valueOf(key, snapshot), done);
  }

  look(key: Uint8Array, into: Found, done: StorageDone<Uint8Array | undefined>): boolean | typeof LATER {
    const value = this.get(key, undefined, done);
    if (value === LATER) return LATER;
    if (value === undefined) return false;
    into.bytes = value;
    into.start = 0;
    into.end = value.length;
    return true;
  }

  getNow(key: Uint8Array, snapshot: Snapshot | undefined): Uint8Array | undefined {
    this.#checkOpen();
    checkKey(key);
    return this.#valueOf(key, snapshot);
  }

  getMany(
    keys: readonly Uint8Array[],
    snapshot: Snapshot | undefined,
    done: StorageDone<readonly (Uint8Array | undefined)[]>,
  ): readonly (Uint8Array | undefined)[] | typeof LATER {
    this.#checkOpen();
    keys.forEach(checkKey);
    return this.answer(
      keys.map((key) => this.#valueOf(key, snapshot)),
      done,
    );
  }

  iterator(options: IteratorOptions): EngineIterator {
    this.#checkOpen();
    const iterator = new ModelIterator(this, this.#stateOf(options.snapshot), options);
    this.iterators.add(iterator);
    return iterator;
  }

  snapshot(): Snapshot {
    this.#checkOpen();
    const snapshot = { sequence: this.#sequence, release: () => void this.#snapshots.delete(snapshot) };
    this.#snapshots.set(snapshot, this.state);
    return snapshot;
  }

  flush(done: WriteDone): void {
    setImmediate(done, this.#closed ? closed() : undefined);
  }

  compact(_range: KeyRange, done: WriteDone): void {
    this.flush(done);
  }

  approximateBytes(start: Uint8Array, end: Uint8Array): number {
    this.#checkOpen();
    return bytesOf(this.state.filter(({ key }) => isInRange(key, { gte: start, lt: end })));
  }

  stats(): EngineStats {
    this.#checkOpen();
    return { entryCount: this.state.length, entryBytes: bytesOf(this.state) };
  }

  scrub(done: StorageDone<readonly ScrubbedFile[]>): void {
    setImmediate(done, this.#closed ? { ok: false, error: closed() } : { ok: true, value: [] });
  }

  checkpoint(dir: string, done: WriteDone): void {
    this.#disk.states.set(dir, this.state);
    this.flush(done);
  }

  close(done: WriteDone): void {
    this.#closed = true;
    for (const iterator of this.iterators) iterator.close();
    this.#disk.opened.delete(this.#dir);
    setImmediate(done, undefined);
  }

  get state(): State {
    return this.#disk.states.get(this.#dir) as State;
  }

  /** At once or LATER, as the model was told to. */
  answer<T>(value: T, done: StorageDone<T>, isCancelled: () => boolean = () => this.#closed): T | typeof LATER {
    const { later = 'none' } = this.#disk.options;
    if (later === 'none' || (later === 'everyOther' && this.#reads++ % 2 === 0)) return value;
    setImmediate(() => {
      if (isCancelled()) done({ ok: false, error: new StorageError('CANCELLED', 'given up') });
      else done({ ok: true, value });
    });
    return LATER;
  }

  #attempt(done: WriteDone, write: () => void): void {
    try {
      write();
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      setImmediate(done, error);
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw closed();
  }

  #stateOf(snapshot: Snapshot | undefined): State {
    if (snapshot === undefined || this.#disk.options.mutants?.has('dropSnapshots')) return this.state;
    const state = this.#snapshots.get(snapshot);
    if (state === undefined) throw new StorageError('INVALID_ARGUMENT', 'snapshot: expected one that is held');
    return state;
  }

  /** A view of its own memory, so no Buffer. */
  #valueOf(key: Uint8Array, snapshot: Snapshot | undefined): Uint8Array | undefined {
    const value = this.#stateOf(snapshot).find((entry) => compareWhole(entry.key, key) === 0)?.value;
    return value && new Uint8Array(value.buffer, value.byteOffset, value.length);
  }

  #changed(state: State, { kind, key, value }: Change): State {
    if (kind === PUT) {
      const others = state.filter((entry) => compareWhole(entry.key, key) !== 0);
      return [...others, { key, value }].sort((a, b) => compareWhole(a.key, b.key));
    }
    if (this.#disk.options.mutants?.has('keepDeleted')) return state;
    const range: KeyRange = kind === DELETE ? { gte: key, lte: key } : { gte: key, lt: value };
    return state.filter((entry) => !isInRange(entry.key, range));
  }
}

class ModelIterator implements EngineIterator {
  readonly #engine: ModelEngine;
  /** What is left, in the order of the iterator. */
  #left: State;
  readonly #all: State;
  readonly #isReverse: boolean;
  #closed = false;

  constructor(engine: ModelEngine, state: State, options: IteratorOptions) {
    const { reverse = false, values = true } = options;
    const entries = state
      .filter(({ key }) => isInRange(key, options))
      .map(({ key, value }) => ({ key: key.slice(), value: values ? value.slice() : new Uint8Array(0) }));
    this.#engine = engine;
    this.#isReverse = reverse;
    this.#all = reverse ? entries.reverse() : entries;
    this.#left = this.#all;
  }

  next(count: number, bytes: number, done: StorageDone<readonly Entry[]>): readonly Entry[] | typeof LATER {
    if (this.#closed) throw new StorageError('CANCELLED', 'the iterator is closed');
    let taken = 0;
    while (taken < Math.min(count, this.#left.length) && (taken === 0 || bytesOf(this.#left.slice(0, taken + 1)) <= bytes)) taken++;
    const entries = this.#left.slice(0, taken);
    this.#left = this.#left.slice(taken);
    return this.#engine.answer(entries, done, () => this.#closed);
  }

  seek(target: Uint8Array): void {
    this.#left = this.#all.filter(({ key }) => isInRange(key, this.#isReverse ? { lte: target } : { gte: target }));
  }

  close(): void {
    this.#closed = true;
    this.#engine.iterators.delete(this);
  }
}

interface Change {
  readonly kind: number;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

function changesOf(batch: WriteBatch): Change[] {
  const changes: Change[] = [];
  for (let at = 0; at < batch.length; ) {
    const kindAndLength = batch.bytes.readUInt32LE(at + 8);
    const keyEnd = at + RECORD_HEADER_BYTES + (kindAndLength >>> 4);
    const valueLength = batch.bytes.readUInt32LE(at + 12);
    const key = Buffer.from(batch.bytes.subarray(at + RECORD_HEADER_BYTES, keyEnd));
    changes.push({ kind: kindAndLength & 15, key, value: Buffer.from(batch.bytes.subarray(keyEnd, keyEnd + valueLength)) });
    at += recordBytes(key.length, valueLength);
  }
  return changes;
}

function isInRange(key: Uint8Array, { gt, gte, lt, lte }: KeyRange): boolean {
  return (
    (gt === undefined || compareWhole(key, gt) > 0) &&
    (gte === undefined || compareWhole(key, gte) >= 0) &&
    (lt === undefined || compareWhole(key, lt) < 0) &&
    (lte === undefined || compareWhole(key, lte) <= 0)
  );
}

function bytesOf(entries: State): number {
  return entries.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
}

function checkKey(key: Uint8Array): void {
  if (key.length > KEY_BYTES_MAX)
    throw new StorageError('INVALID_ARGUMENT', `key: expected at most ${KEY_BYTES_MAX} bytes, got ${key.length}`);
}

function closed(): StorageError {
  return new StorageError('CLOSED', 'the engine is closed');
}

/** What the engine offers, in the form its shard uses: callbacks, no promises. `storage/embedded/` has the same for code that awaits. */
import type { StorageDone, StorageError } from '../errors.ts';
import type { WriteBatch } from '../write-batch.ts';
import type { ScrubbedFile } from './scrubbed-file.ts';

/**
 * When a write counts as done:
 * - `sync`: on disk; survives a loss of power.
 * - `periodic`: handed to the operating system, which survives the end of this process; on disk within the engine's `periodMs`.
 * - `none`: handed to the operating system.
 */
export type Durability = 'sync' | 'periodic' | 'none';

/** Undefined: done. Called once, later, never within the call. After an error the write may or may not survive a restart. */
export type WriteDone = (error: StorageError | undefined) => void;

/** Answer of `get` when a block has to be read first: the value comes by `done`. */
export const LATER: unique symbol = Symbol('later');

/** Where `look` has found a value: `bytes[start, end)`. */
export interface Found {
  bytes: Uint8Array;
  start: number;
  end: number;
}

/** Of two bounds at one end the inclusive one counts: `gte` and not `gt`, `lte` and not `lt`, as abstract-level demands. */
export interface KeyRange {
  readonly gt?: Uint8Array;
  readonly gte?: Uint8Array;
  readonly lt?: Uint8Array;
  readonly lte?: Uint8Array;
}

export interface IteratorOptions extends KeyRange {
  /** From the end to the beginning. Default false. */
  readonly reverse?: boolean;
  /** What to read; default: the state at the call. */
  readonly snapshot?: Snapshot;
  /** Default true; false: entries have an empty value, and it is not copied. */
  readonly values?: boolean;
}

/**
 * The state of the engine at one moment, kept readable until released. Reads and iterators that began before the release end as they began: an iterator
 * outlives its snapshot.
 */
export interface Snapshot {
  readonly sequence: number;
  release(): void;
}

export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export interface EngineIterator {
  /**
   * The next entries, in order, at most `count` and, but for the first, `bytes` of keys and values; fewer than that at the end only or where
   * a block was not in memory; none at the end. Copies, the caller's own. Called never while another call is under way.
   * Returns them at once when all was in memory, else LATER.
   */
  next(count: number, bytes: number, done: StorageDone<readonly Entry[]>): readonly Entry[] | typeof LATER;
  /** To the first key >= `target` (reverse: the last <= it), within the range of the iterator. */
  seek(target: Uint8Array): void;
  /** Idempotent. A call under way ends with CANCELLED. */
  close(): void;
}

/** Counters and sizes by name, units in the name: for people and metrics. */
export type EngineStats = Readonly<Record<string, number>>;

export interface EngineApi {
  /**
   * Key and value are copied within the call. Errors by `done`: all of them, also of arguments. Returns whether it can be read from now on; false: it waits for room and
   * can be read once it is done, or it fails.
   */
  put(key: Uint8Array, value: Uint8Array, durability: Durability | undefined, done: WriteDone): boolean;
  delete(key: Uint8Array, durability: Durability | undefined, done: WriteDone): void;
  /** Deletes all keys in [start, end); `end` undefined: from `start` on. Cost: that of one write, however many there are. */
  deleteRange(start: Uint8Array, end: Uint8Array | undefined, durability: Durability | undefined, done: WriteDone): void;
  /** All or nothing, also over a crash. The batch can be used again after the call. */
  write(batch: WriteBatch, durability: Durability | undefined, done: WriteDone): void;
  /**
   * Returns the value, undefined where there is none, or LATER. A value stays as it is. A Buffer is the caller's own; another Uint8Array is a view,
   * which others may have too and which keeps its whole block in memory (of a block that was waited for, or is larger than a quarter of a segment of the cache). The memory of `key` can be used again after the call, also when it said LATER.
   * Throws StorageError of what fails at once: CLOSED, INVALID_ARGUMENT, and of blocks that are read within the call CORRUPTION, IO.
   */
  get(key: Uint8Array, snapshot: Snapshot | undefined, done: StorageDone<Uint8Array | undefined>): Uint8Array | undefined | typeof LATER;
  /**
   * As `get` of what is newest, but where the value lies is put into `into`: nothing is copied or allocated. It stays as it is until the next call to the engine, as long as the caller does not return to whoever called it.
   * Returns whether there is one.
   */
  look(key: Uint8Array, into: Found, done: StorageDone<Uint8Array | undefined>): boolean | typeof LATER;
  /**
   * As `get`, but never LATER: a block that is not in memory is read within the call, on this thread, which waits for the disk as long as that takes.
   * Throws StorageError.
   */
  getNow(key: Uint8Array, snapshot: Snapshot | undefined): Uint8Array | undefined;
  /** As `get` of each, of one moment, and quicker than these, since they wait for memory together. Returns the values where all were in memory. The memory of the keys can be used again after the call. */
  getMany(
    keys: readonly Uint8Array[],
    snapshot: Snapshot | undefined,
    done: StorageDone<readonly (Uint8Array | undefined)[]>,
  ): readonly (Uint8Array | undefined)[] | typeof LATER;
  iterator(options: IteratorOptions): EngineIterator;
  snapshot(): Snapshot;
  /** Done when all that was written before the call is in tables on disk. */
  flush(done: WriteDone): void;
  /** Done when the range is in as few tables as can be, without what is deleted or superseded (as far as no snapshot needs it). */
  compact(range: KeyRange, done: WriteDone): void;
  /** Bytes of tables that hold keys of [start, end), estimated. */
  approximateBytes(start: Uint8Array, end: Uint8Array): number;
  stats(): EngineStats;
  /**
   * Reads every file of the database again and verifies every checksum in it, in the pool, as slowly as merges are told to be. Damage is what it gives, no error:
   * those are CLOSED, CANCELLED, and IO where the pool fails.
   */
  scrub(done: StorageDone<readonly ScrubbedFile[]>): void;
  /** A copy of the state at the call in the directory `dir`, which is made; tables are hard links. It opens as a database of its own. */
  checkpoint(dir: string, done: WriteDone): void;
  /** Waits for writes under way, flushes nothing (the log has it). Idempotent. Iterators are closed. */
  close(done: WriteDone): void;
}

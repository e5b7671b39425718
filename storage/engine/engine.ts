/**
 * The storage engine of one shard: a log-structured merge tree.
 *
 * ```
 * write -> Writes -> memtable (arena) = commit log segment        read -> PointReads / RangeIterator
 *                        | full                                              |
 *                    immutable memtables -> flush job -> level 0 tables      v
 *                                                    -> merge jobs -> levels below      memtables, then tables
 * ```
 * Single-threaded: everything here runs on the thread that calls it; merges run in the pool.
 * Source: [O'Neil 1996], [LevelDB impl], RocksDB.
 */
import { type StorageDone, StorageError } from '../errors.ts';
import { compareWhole, KEY_BYTES_MAX } from '../key.ts';
import { DELETE, PUT, RANGE_DELETE, recordBytes } from '../record.ts';
import { WriteBatch } from '../write-batch.ts';
import type {
  Durability,
  EngineApi,
  EngineIterator,
  EngineStats,
  Found,
  IteratorOptions,
  KeyRange,
  LATER,
  Snapshot,
  WriteDone,
} from './api.ts';
import { checkpointEngine } from './checkpoint.ts';
import { openCursor } from './engine-cursor.ts';
import { boundsOf, RangeIterator } from './engine-iterator.ts';
import type { EngineParts } from './engine-parts.ts';
import { lastKey } from './last-key.ts';
import { ManyReads } from './many-reads.ts';
import { openParts } from './opening.ts';
import { DURABILITIES, type EngineDoors, type EngineOptions } from './options.ts';
import { scrubEngine } from './scrub.ts';
import type { ScrubbedFile } from './scrubbed-file.ts';

const NOTHING = new Uint8Array(0);

export class Engine implements EngineApi {
  readonly #parts: EngineParts;
  readonly #iterators = new Set<RangeIterator>();
  #closing: WriteDone[] | undefined;
  #closed = false;

  /** Errors: as `StorageErrorCode` says. `dir` is absolute, with '/'; the directory above it exists. */
  static open(dir: string, options: EngineOptions, doors: EngineDoors, done: StorageDone<Engine>): void {
    openParts(dir, options, doors, (result) => done(result.ok ? { ok: true, value: new Engine(result.value) } : result));
  }

  private constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  put(key: Uint8Array, value: Uint8Array, durability: Durability | undefined, done: WriteDone): boolean {
    const { options, writes } = this.#parts;
    const refusal =
      this.#refusal(key, durability) ?? (value.length > options.valueBytesMax ? tooLarge(value, options.valueBytesMax) : undefined);
    if (refusal === undefined) return writes.add(PUT, key, value, durability ?? options.durability, done);
    writes.fail(done, refusal);
    return false;
  }

  delete(key: Uint8Array, durability: Durability | undefined, done: WriteDone): void {
    const { options, writes } = this.#parts;
    const refusal = this.#refusal(key, durability);
    if (refusal !== undefined) writes.fail(done, refusal);
    else writes.add(DELETE, key, NOTHING, durability ?? options.durability, done);
  }

  deleteRange(start: Uint8Array, end: Uint8Array | undefined, durability: Durability | undefined, done: WriteDone): void {
    const { options, writes } = this.#parts;
    const refusal =
      this.#refusal(start, durability) ??
      (end === undefined ? undefined : (keyRefusal(end) ?? rangeRefusal(start, end, this.#parts.batchBytesMax)));
    if (refusal !== undefined) writes.fail(done, refusal);
    else if (end === undefined) this.#deleteFrom(start, durability ?? options.durability, done);
    else writes.add(RANGE_DELETE, start, end, durability ?? options.durability, done);
  }

  write(batch: WriteBatch, durability: Durability | undefined, done: WriteDone): void {
    const { options, writes, batchBytesMax, doors } = this.#parts;
    const refusal = this.#refusal(NOTHING, durability);
    if (refusal !== undefined) writes.fail(done, refusal);
    else if (batch.valueBytesMax > options.valueBytesMax)
      writes.fail(done, tooLarge({ length: batch.valueBytesMax }, options.valueBytesMax));
    else if (batch.length > batchBytesMax) {
      const message = `batch: expected at most ${batchBytesMax} bytes, what a memtable holds (memtableBytes), got ${batch.length}`;
      writes.fail(done, new StorageError('INVALID_ARGUMENT', message));
    } else if (batch.count === 0) doors.timers.soon(() => done(undefined));
    else writes.write(batch, durability ?? options.durability, done);
  }

  get(key: Uint8Array, snapshot: Snapshot | undefined, done: StorageDone<Uint8Array | undefined>): Uint8Array | undefined | typeof LATER {
    this.#mustBeOpen();
    checkKey(key);
    const { reads, memory } = this.#parts;
    return reads.get(key, snapshot === undefined ? memory.sequence : snapshot.sequence, done);
  }

  look(key: Uint8Array, into: Found, done: StorageDone<Uint8Array | undefined>): boolean | typeof LATER {
    this.#mustBeOpen();
    checkKey(key);
    const { reads, memory } = this.#parts;
    return reads.look(key, memory.sequence, into, done);
  }

  getNow(key: Uint8Array, snapshot: Snapshot | undefined): Uint8Array | undefined {
    this.#mustBeOpen();
    checkKey(key);
    const { reads, memory } = this.#parts;
    return reads.getNow(key, snapshot === undefined ? memory.sequence : snapshot.sequence);
  }

  getMany(
    keys: readonly Uint8Array[],
    snapshot: Snapshot | undefined,
    done: StorageDone<readonly (Uint8Array | undefined)[]>,
  ): readonly (Uint8Array | undefined)[] | typeof LATER {
    this.#mustBeOpen();
    for (const key of keys) checkKey(key);
    const { reads, memory } = this.#parts;
    return new ManyReads(keys.length, done).start(reads, keys, snapshot?.sequence ?? memory.sequence);
  }

  iterator(options: IteratorOptions): EngineIterator {
    this.#mustBeOpen();
    const { memory, versions, doors, context } = this.#parts;
    const version = versions.hold();
    const now = this.#parts.options.mutants.has('iteratorSeesLater') ? Number.MAX_SAFE_INTEGER : memory.sequence;
    const sequence = options.snapshot?.sequence ?? now;
    const tables = memory.hold();
    const iterator: RangeIterator = new RangeIterator(
      {
        timers: doors.timers,
        open: (bounds, onReady) => openCursor(tables, version, sequence, bounds, onReady),
        beginRun: () => context.runs.begin(),
        release: () => {
          this.#iterators.delete(iterator);
          memory.release(tables);
          versions.release(version);
        },
      },
      options,
      options.reverse === true,
      options.values !== false,
    );
    this.#iterators.add(iterator);
    return iterator;
  }

  snapshot(): Snapshot {
    this.#mustBeOpen();
    return this.#parts.snapshots.take(this.#parts.memory.sequence);
  }

  /** Writes wait for room in memory, and are not seen by reads yet: who reads to decide what to write waits too. The next one that is done may have ended it. */
  get hasWaitingWrites(): boolean {
    return this.#parts.writes.waitingCount > 0;
  }

  flush(done: WriteDone): void {
    const refusal = this.#refusal(NOTHING, undefined);
    if (refusal !== undefined) this.#parts.writes.fail(done, refusal);
    else this.#parts.flusher.flushAll(done);
  }

  compact(range: KeyRange, done: WriteDone): void {
    const refusal = this.#refusal(NOTHING, undefined);
    if (refusal !== undefined) {
      this.#parts.writes.fail(done, refusal);
      return;
    }
    const { lower, upper } = boundsOf(range);
    this.#parts.flusher.flushAll((error) => {
      if (error !== undefined) done(error);
      else this.#parts.compactor.compactRange(lower, upper, done);
    });
  }

  approximateBytes(start: Uint8Array, end: Uint8Array): number {
    this.#mustBeOpen();
    let bytes = 0;
    for (const level of this.#parts.versions.current.levels) {
      for (const { reader } of level) bytes += Math.max(0, reader.approximateOffset(end) - reader.approximateOffset(start));
    }
    return bytes;
  }

  checkpoint(dir: string, done: WriteDone): void {
    const refusal = this.#refusal(NOTHING, undefined);
    if (refusal !== undefined) {
      this.#parts.writes.fail(done, refusal);
      return;
    }
    this.#parts.flusher.flushAll((error) => {
      if (error !== undefined) done(error);
      else checkpointEngine(this.#parts, dir, done);
    });
  }

  scrub(done: StorageDone<readonly ScrubbedFile[]>): void {
    if (this.#closing === undefined) scrubEngine(this.#parts, done);
    else this.#parts.doors.timers.soon(() => done({ ok: false, error: closedError() }));
  }

  stats(): EngineStats {
    return this.#parts.stats();
  }

  close(done: WriteDone): void {
    if (this.#closed) {
      this.#parts.doors.timers.soon(() => done(undefined));
      return;
    }
    if (this.#closing !== undefined) {
      this.#closing.push(done);
      return;
    }
    const closing = [done];
    this.#closing = closing;
    for (const iterator of [...this.#iterators]) iterator.close();
    this.#parts.close((error) => {
      this.#closed = true;
      for (const each of closing) each(error);
    });
  }

  /** Up to the last key there is: an end behind all keys that can be would be longer than a key may be. */
  #deleteFrom(start: Uint8Array, durability: Durability, done: WriteDone): void {
    const { doors } = this.#parts;
    const last = lastKey(this.#parts);
    if (last === undefined || compareWhole(start, last) > 0) doors.timers.soon(() => done(undefined));
    else this.write(new WriteBatch().deleteRange(start, last).delete(last), durability, done);
  }

  #mustBeOpen(): void {
    if (this.#closing !== undefined) throw closedError();
  }

  #refusal(key: Uint8Array, durability: Durability | undefined): StorageError | undefined {
    if (this.#closing !== undefined) return closedError();
    if (this.#parts.options.readOnly) return new StorageError('READ_ONLY', 'the database was opened for reading only');
    if (durability !== undefined && !DURABILITIES.includes(durability)) {
      return new StorageError('INVALID_ARGUMENT', `durability: expected ${DURABILITIES.join(', ')}, got ${String(durability)}`);
    }
    return keyRefusal(key);
  }
}

function checkKey(key: Uint8Array): void {
  const refusal = keyRefusal(key);
  if (refusal !== undefined) throw refusal;
}

function keyRefusal(key: Uint8Array): StorageError | undefined {
  if (key.length <= KEY_BYTES_MAX) return undefined;
  return new StorageError('INVALID_ARGUMENT', `key: expected at most ${KEY_BYTES_MAX} bytes, got ${key.length}`);
}

/** Two of the longest keys are more than the smallest memtable holds. */
function rangeRefusal(start: Uint8Array, end: Uint8Array, most: number): StorageError | undefined {
  const bytes = recordBytes(start.length, end.length);
  if (bytes <= most) return undefined;
  return new StorageError(
    'INVALID_ARGUMENT',
    `range: expected a record of at most ${most} bytes, what a memtable holds (memtableBytes), got ${bytes}`,
  );
}

function tooLarge(value: { readonly length: number }, most: number): StorageError {
  return new StorageError('INVALID_ARGUMENT', `value: expected at most ${most} bytes (valueBytesMax), got ${value.length}`);
}

function closedError(): StorageError {
  return new StorageError('CLOSED', 'the database is closed');
}

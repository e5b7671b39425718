/**
 * A table on a shard: point lookups and cursors that never wait. Filter, index and range deletes are in memory; a data block that isn't in the cache is read
 * inline while that is fast (`InlinePolicy`), else asynchronously, one read however many wait for it.
 */
import type { Clock } from '../../runtime/doors.ts';
import type { OpenFile } from '../../runtime/files.ts';
import { copyBytes } from '../byte-reader.ts';
import type { Codecs } from '../codec.ts';
import type { Cursor } from '../cursor.ts';
import { type StorageDone, StorageError } from '../errors.ts';
import type { InlinePolicy } from '../inline-policy.ts';
import { type BlockCache, type BlockOwner, NO_SLOT } from './block-cache.ts';
import { type BlockRun, openBlock } from './block-run.ts';
import { BlockView, IN_NEXT } from './block-view.ts';
import { CursorBuffers } from './cursor-buffers.ts';
import { ABSENT, type BlockWaiter, FOUND, LOOKUP_PENDING, type Lookup, type LookupOutcome, type LookupTable } from './lookup.ts';
import type { RangeDelete } from './range-delete-block.ts';
import type { DeferredRead, ReadRuns } from './read-runs.ts';
import { ReaderBlocks } from './reader-blocks.ts';
import { TableCursor } from './table-cursor.ts';
import type { TableIndex } from './table-index.ts';
import { attempt, checkRead, readFully, storageError, type TableParts } from './table-parts.ts';
import type { TableProperties } from './table-properties.ts';

/** What all tables of an engine share. */
export interface TableContext {
  readonly cache: BlockCache;
  readonly policy: InlinePolicy;
  readonly clock: Clock;
  readonly codecs: Codecs;
  readonly scratch: Scratch;
  /** Undefined: no read waits for the next run. */
  readonly runs?: ReadRuns;
  readonly mutants?: ReadonlySet<string>;
}

/** Blocks up to this size are read into one buffer, which the value is lent from; larger ones have a buffer of their own. */
export const SCRATCH_BYTES = 16 * 1_024;

/** Memory for one call, and buffers for cursors, shared by the tables of a thread. */
export class Scratch {
  readonly view: BlockView = new BlockView();
  readonly buffers: CursorBuffers = new CursorBuffers();
  readonly #bytes: Buffer = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  /** `#bytes` cut to each length that blocks have had: cutting costs more than looking up. */
  readonly #cuts: (Buffer | undefined)[] = [];

  /** Requires: length <= SCRATCH_BYTES. Valid until the next call. */
  take(length: number): Buffer {
    let cut = this.#cuts[length];
    if (cut === undefined) {
      cut = this.#bytes.subarray(0, length);
      this.#cuts[length] = cut;
    }
    return cut;
  }

  owns(bytes: Buffer): boolean {
    return this.#cuts[bytes.length] === bytes;
  }
}

/** Where a cursor has the block that it stands in. */
export interface BlockMemory {
  /** So many bytes, until the next call. */
  into(length: number): Buffer;
}

/** In `slots`, of a block that is being read: READING - index into `#reads`. */
const READING = -2;

/** A block that is waited for. */
interface BlockRead extends DeferredRead {
  readonly block: number;
  readonly waiters: BlockWaiter[];
  /** The first waiter keeps the bytes, so they may not be those of the scratch. */
  readonly stays: boolean;
  /** The call to the file is under way. */
  begun: boolean;
}

export class TableReader implements BlockOwner, LookupTable {
  readonly properties: TableProperties;
  readonly rangeDeletes: readonly RangeDelete[];
  readonly index: TableIndex;
  readonly slots: Int32Array;
  readonly cacheId: number;
  readonly cache: BlockCache;
  readonly #file: OpenFile;
  readonly #parts: TableParts;
  readonly #context: TableContext;
  readonly #reads: (BlockRead | undefined)[] = [];
  readonly #freeReads: number[] = [];
  #closed = false;

  constructor(file: OpenFile, parts: TableParts, context: TableContext) {
    this.properties = parts.properties;
    this.rangeDeletes = parts.rangeDeletes;
    this.index = parts.index;
    this.slots = new Int32Array(parts.index.count).fill(NO_SLOT);
    this.cache = context.cache;
    this.cacheId = context.cache.ownerId();
    this.#file = file;
    this.#parts = parts;
    this.#context = context;
  }

  /** Bytes of memory that the open table takes beside the cache. */
  get memoryBytes(): number {
    return this.index.bytes + this.slots.length * 4 + (this.#parts.filter?.bytes ?? 0);
  }

  get filtered(): boolean {
    return this.#parts.filter !== undefined;
  }

  /**
   * Finds the newest entry of `key` with a sequence <= `maxSequence`. Asks the filter first. Requires: `hash` is the key's hashKey.
   * Returns FOUND, the answer in `lookup`; ABSENT; or LOOKUP_PENDING, and `lookup` is in use until its `onReady`. Throws StorageError of what fails at once: CORRUPTION,
   * IO, CLOSED. Cost: 1 us from the cache, 4 us from the page cache, of which the read is 1.6 and
   * the checksum 1 (16 B keys, 100 B values, blocks of 4 KiB, 1 M entries).
   */
  get(key: Uint8Array, hash: number, maxSequence: number, lookup: Lookup): LookupOutcome {
    const block = this.locate(key, hash);
    return block < 0 ? ABSENT : this.getFrom(block, key, hash, maxSequence, lookup);
  }

  /** The block that `get` would look at first; -1: filter or index say that no entry of the key is here; range deletes may still cover it. Touches no block. */
  locate(key: Uint8Array, hash: number): number {
    const { filter } = this.#parts;
    if (filter !== undefined && !filter.mayHold(hash)) return -1;
    const block = this.index.find(key, 0, key.length);
    return block < this.index.count ? block : -1;
  }

  /** On a shard's thread. Must be closed. */
  cursor(onReady: () => void): Cursor {
    return new TableCursor(new ReaderBlocks(this, this.#parts, this.#context.codecs, this.#context.scratch.buffers), onReady);
  }

  /** Bytes of the file before the entries with a key >= `key`, within a block. */
  approximateOffset(key: Uint8Array): number {
    return this.index.offsets[this.index.find(key, 0, key.length)]!;
  }

  /** Lets its blocks go. Reads under way end first, and their waiters are served; later calls fail with CLOSED. */
  close(done: StorageDone<void>): void {
    for (const read of this.#reads) if (read?.begun === false) this.#begin(read);
    this.#closed = true;
    this.cache.drop(this);
    this.#file.close((result) => done(result.ok ? result : { ok: false, error: storageError(result.error) }));
  }

  resume(lookup: Lookup, bytes: Buffer | undefined, error: StorageError | undefined): void {
    if (bytes === undefined) return lookup.onReady(ABSENT, error);
    const { key, hash, maxSequence, block } = lookup;
    let outcome: LookupOutcome = ABSENT;
    try {
      lookup.isLent = this.#context.scratch.owns(bytes);
      const found = this.#inBlock(bytes, 0, key, hash, maxSequence, lookup, 0);
      outcome = found === IN_NEXT ? this.getFrom(block + 1, key, hash, maxSequence, lookup) : found;
    } catch (thrown) {
      return lookup.onReady(ABSENT, storageError(thrown));
    }
    if (outcome !== LOOKUP_PENDING) lookup.onReady(outcome, undefined);
  }

  /** As `get`, from the block on that `locate` gave: an entry whose newer versions fill a block is in a later one. */
  getFrom(from: number, key: Uint8Array, hash: number, maxSequence: number, lookup: Lookup, fromEntry = 0): LookupOutcome {
    const { cache } = this;
    for (let block = from; block < this.index.count; block++) {
      let found: typeof ABSENT | typeof FOUND | typeof IN_NEXT;
      if (this.slots[block]! >= 0) {
        const slot = cache.use(this, block);
        lookup.isLent = !cache.lasts(slot);
        found = this.#inBlock(cache.bytesOf(slot), cache.startOf(slot), key, hash, maxSequence, lookup, block === from ? fromEntry : 0);
      } else {
        const bytes = this.#readForLookup(block);
        if (bytes === undefined) {
          lookup.key = copyBytes(key, 0, key.length);
          lookup.hash = hash;
          lookup.maxSequence = maxSequence;
          lookup.block = block;
          lookup.table = this;
          this.#await(block, lookup, false);
          return LOOKUP_PENDING;
        }
        lookup.isLent = this.#context.scratch.owns(bytes);
        found = this.#inBlock(bytes, 0, key, hash, maxSequence, lookup, 0);
      }
      if (found !== IN_NEXT) return found;
    }
    return ABSENT;
  }

  #inBlock(
    bytes: Buffer,
    at: number,
    key: Uint8Array,
    hash: number,
    maxSequence: number,
    lookup: Lookup,
    fromEntry: number,
  ): typeof ABSENT | typeof FOUND | typeof IN_NEXT {
    const { view } = this.#context.scratch;
    view.open(bytes, at);
    const entry = view.find(key, hash, maxSequence, fromEntry);
    if (entry < 0) return entry === IN_NEXT ? IN_NEXT : ABSENT;
    lookup.kind = view.kind(entry);
    lookup.sequence = view.sequence(entry);
    lookup.valueBytes = bytes;
    lookup.valueStart = view.valueStart(entry);
    lookup.valueEnd = view.valueEnd(entry);
    return FOUND;
  }

  /** Inline if it may be; into the scratch unless it is large. */
  #readForLookup(block: number): Buffer | undefined {
    if (!this.#mayGoInline(block)) return undefined;
    const length = this.index.storedBytes(block);
    // What is being read already is kept by that read.
    const keep = this.slots[block]! > READING && this.cache.wants(this, block, length);
    const into = length > SCRATCH_BYTES ? Buffer.allocUnsafeSlow(length) : this.#context.scratch.take(length);
    return this.#readInline(block, into, keep);
  }

  /** For a cursor: in its own memory, or where the cache has it, if it lasts there; one that has to be waited for in a buffer of its own. Undefined: it comes by `waiter`. */
  load(block: number, waiter: BlockWaiter, memory: BlockMemory): Buffer | undefined {
    const { cache } = this;
    if (this.slots[block]! >= 0) {
      const slot = cache.use(this, block);
      const cached = cache.blockOf(slot);
      if (cache.lasts(slot) || this.#context.mutants?.has('lentBlockKept')) return cached;
      const own = memory.into(cached.length);
      cached.copy(own);
      return own;
    }
    if (!this.#mayGoInline(block)) {
      this.#await(block, waiter, true);
      return undefined;
    }
    const length = this.index.storedBytes(block);
    return this.#readInline(block, memory.into(length), this.cache.wants(this, block, length));
  }

  /** Fills a run; true when it is done, else `done` is called later. Throws StorageError. */
  fill(run: BlockRun, done: (error: StorageError | undefined) => void): boolean {
    this.#checkOpen();
    const { policy, clock } = this.#context;
    const startMs = clock.now();
    if (policy.mayGoInline(startMs)) {
      readFully(this.#file, run.bytes, run.offset);
      policy.tookInline(startMs, clock.now());
      return true;
    }
    policy.asyncCount++;
    const { bytes, offset } = run;
    this.#file.pread(bytes, offset, (result) => {
      if (!result.ok) return done(storageError(result.error));
      done(attempt(() => checkRead(result.value, bytes.length, offset, this.#file.path)));
    });
    return false;
  }

  #mayGoInline(block: number): boolean {
    this.#checkOpen();
    const { policy, clock } = this.#context;
    if (this.slots[block]! <= READING && !policy.forced) return false;
    return policy.mayGoInline(clock.now());
  }

  #checkOpen(): void {
    if (this.#closed) throw new StorageError('CLOSED', `${this.#file.path}: expected an open table, got a closed one`);
  }

  #readInline(block: number, into: Buffer, keep: boolean): Buffer {
    const { policy, clock } = this.#context;
    const startMs = clock.now();
    readFully(this.#file, into, this.index.offsets[block]!);
    const endMs = clock.now();
    policy.tookInline(startMs, endMs);
    const bytes = this.#take(block, into, keep);
    policy.spend(clock.now() - endMs);
    return bytes;
  }

  /** Verifies what was read, and keeps it in the cache. */
  #take(block: number, stored: Buffer, keep: boolean): Buffer {
    const { cache, codecs, scratch } = this.#context;
    const bytes = openBlock(stored, this.index.offsets[block]!, this.#parts.seal, codecs, scratch.view);
    if (keep && !this.#closed) cache.insert(this, block, bytes);
    return bytes;
  }

  /** Joins the read of `block` that is waited for, or begins one, or leaves that to the next run. */
  #await(block: number, waiter: BlockWaiter, stays: boolean): void {
    const slot = this.slots[block]!;
    if (slot <= READING) {
      this.#reads[READING - slot]!.waiters.push(waiter);
      return;
    }
    const number = this.#freeReads.pop() ?? this.#reads.length;
    const read: BlockRead = { block, waiters: [waiter], stays, begun: false, goOn: () => this.#goOn(read) };
    this.#reads[number] = read;
    this.slots[block] = READING - number;
    const { runs, policy, clock } = this.#context;
    if (runs !== undefined && policy.waitsForRun(clock.now())) runs.defer(read);
    else this.#begin(read);
  }

  #goOn(read: BlockRead): boolean {
    if (read.begun) return true;
    const { policy, clock, scratch } = this.#context;
    const nowMs = clock.now();
    if (policy.mayGoInline(nowMs)) {
      const { block } = read;
      const length = this.index.storedBytes(block);
      this.#ended(read, () => {
        // With the scratch, the first waiter could begin a read that overwrites what the second one waits for.
        const own = read.stays || read.waiters.length > 1 || length > SCRATCH_BYTES;
        const keep = this.cache.wants(this, block, length);
        return this.#readInline(block, own ? Buffer.allocUnsafeSlow(length) : scratch.take(length), keep);
      });
      return true;
    }
    if (policy.waitsForRun(nowMs)) return false;
    this.#begin(read);
    return true;
  }

  #begin(read: BlockRead): void {
    const { block } = read;
    const offset = this.index.offsets[block]!;
    const bytes = Buffer.allocUnsafeSlow(this.index.storedBytes(block));
    read.begun = true;
    this.#context.policy.asyncCount++;
    this.#file.pread(bytes, offset, (result) => {
      this.#ended(read, () => {
        if (!result.ok) throw result.error;
        checkRead(result.value, bytes.length, offset, this.#file.path);
        return this.#take(block, bytes, this.cache.wants(this, block, bytes.length));
      });
    });
  }

  /** `take` gives the block, or throws. */
  #ended(read: BlockRead, take: () => Buffer): void {
    const number = READING - this.slots[read.block]!;
    this.#reads[number] = undefined;
    this.#freeReads.push(number);
    this.slots[read.block] = NO_SLOT;
    let bytes: Buffer | undefined;
    const error = attempt(() => {
      bytes = take();
    });
    for (const each of read.waiters) each.onBlock(bytes, error);
  }
}

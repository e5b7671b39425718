/**
 * The commit log: every change before it counts as made. Records come by the memtable's arena; the log puts them into groups, writes these,
 * and says when each write is as durable as was asked for.
 *
 * Two lanes run beside each other, each with at most one call to the file system under way:
 *
 * ```
 * write   collects -> sealed -> pwrite ---------------------> written: who need no more is acknowledged     inline, where there are such (inline-writes.ts; write-mix.ts)
 *                            \> pwrite that syncs (one call) -> on disk: the others are
 * sync                                            datasync -/    oldest file first
 * ```
 * Invariants: writes of one durability are acknowledged in the order they came; one that asked for `sync` only when every byte before it, of earlier segments too, is on
 * disk; after a failed write or sync nothing more is acknowledged until the engine has flushed its memtables and rotated.
 */
import { assert } from '../../runtime/errors.ts';
import type { FileResult } from '../../runtime/files.ts';
import { closeAll } from '../close-all.ts';
import type { Durability, WriteDone } from '../engine/api.ts';
import { StorageError } from '../errors.ts';
import { AckQueue, WriteGroup } from './ack-queue.ts';
import type { CommitLogOptions, CommitLogStats } from './commit-log-options.ts';
import type { PreviousSegment } from './group.ts';
import type { LogArena } from './log-arena.ts';
import { FIRST_GROUP, GROUP_HEADER_BYTES, GROUP_MARK, GROUP_RECORDS } from './log-format.ts';
import { isHole, isOnDisk, LogSegment } from './log-segment.ts';
import { Prefill } from './prefill.ts';
import { SegmentPool } from './segment-pool.ts';
import { WriteMix } from './write-mix.ts';

const IDLE = 0;
const SCHEDULED = 1;
const WRITING = 2;

export class CommitLog {
  readonly #options: CommitLogOptions;
  readonly #pool: SegmentPool;
  readonly #acks: AckQueue;
  readonly #prefill: Prefill;
  /** Not wholly on disk, oldest first; the last is the one that records are added to. */
  #live: LogSegment[] = [];
  /** Ended ones that may still be released, by number. */
  readonly #ended = new Map<number, LogSegment>();
  #current: LogSegment | undefined;
  /** Last segment with groups. */
  #previous: PreviousSegment | undefined;
  #open = new WriteGroup();
  /** Groups of segments rotated away, not written yet. */
  #sealed: WriteGroup[] = [];
  #writing: WriteGroup | undefined;
  #writeState: typeof IDLE | typeof SCHEDULED | typeof WRITING = IDLE;
  #writeSynced = false;
  readonly #mix = new WriteMix();
  #syncing: LogSegment | undefined;
  #syncEnd = 0;
  /** Where a `periodic` sync, or the one at the close, has to reach. */
  #dueSegment: LogSegment | undefined;
  #dueOffset = 0;
  #cancelPeriod: (() => void) | undefined;
  #cancelIdle: (() => void) | undefined;
  #cancelRetry: (() => void) | undefined;
  #poison: StorageError | undefined;
  #closing: WriteDone | undefined;
  #footerBegun = false;
  #groups = 0;
  #bytes = 0;
  #syncs = 0;
  #largest = 0;

  constructor(options: CommitLogOptions) {
    this.#options = options;
    this.#previous = options.previous;
    this.#acks = new AckQueue(options.timers);
    this.#prefill = new Prefill({
      onEnded: () => this.#advance(),
      onSyncFailed: (segment, error) => {
        if (this.#live.includes(segment) && !segment.poisoned && this.#closing === undefined) this.#fail(error, this.#writing);
      },
    });
    this.#pool = new SegmentPool({
      ...options,
      fileBytes: options.arenaBytes + GROUP_HEADER_BYTES,
      onPrepared: (error) => this.#onPrepared(error),
    });
    this.#pool.prepare();
  }

  /** Whether `rotate` can be called. */
  get ready(): boolean {
    return this.#pool.ready;
  }

  get poisoned(): StorageError | undefined {
    return this.#poison;
  }

  /** Of the segment that records are added to. */
  get segmentNumber(): number | undefined {
    return this.#current?.prepared.number;
  }

  get stats(): CommitLogStats {
    const groups = [this.#open, ...this.#sealed, ...(this.#writing === undefined ? [] : [this.#writing])];
    const queue = groups.reduce((sum, { count }) => sum + count, this.#acks.count);
    const inlineGroups = this.#options.inline?.count ?? 0;
    return { groups: this.#groups, inlineGroups, bytes: this.#bytes, syncs: this.#syncs, largestGroupBytes: this.#largest, queue };
  }

  /**
   * From now on records are added to `memtable`, which is empty; what was added to the one before is written first. Returns the number of its segment.
   * Requires: `ready`; and while the log is poisoned, that all that was written before is in tables on disk.
   */
  rotate(memtable: LogArena, baseSequence: number, firstSequence: number): number {
    const prepared = this.#pool.take();
    assert(prepared !== undefined && this.#closing === undefined, 'commit log: rotate without a spare segment, or while closing');
    assert(
      memtable.length === 0 && memtable.arena.bytes.length === this.#options.arenaBytes,
      `commit log: expected an empty arena of ${this.#options.arenaBytes} bytes`,
    );
    const old = this.#current;
    if (old !== undefined) {
      old.ended = true;
      this.#ended.set(old.prepared.number, old);
      if (this.#open.count > 0) this.#sealed.push(this.#seal(old));
    }
    if (this.#poison !== undefined) {
      this.#poison = undefined;
      this.#previous = undefined;
      this.#live = [];
    }
    this.#current = new LogSegment(prepared, memtable, baseSequence, firstSequence);
    this.#live.push(this.#current);
    this.#forgetSynced();
    this.#pool.prepare();
    if (this.#sealed.length > 0) this.#schedule();
    return prepared.number;
  }

  /** After `records` records, all of one write, were added to the arena. `done` as of `WriteDone`. */
  enqueue(records: number, durability: Durability, done: WriteDone): void {
    const segment = this.#current;
    if (segment === undefined || this.#poison !== undefined || this.#closing !== undefined) {
      this.#acks.fail(done, this.#poison ?? new StorageError('CLOSED', 'commit log: it is closed, or not started yet'));
      return;
    }
    segment.openCount += records;
    segment.nextSequence += records;
    const open = this.#open;
    if (durability === 'sync') {
      open.sync = true;
      open.syncDones.push(done);
    } else {
      if (durability === 'periodic') open.periodic = true;
      open.dones.push(done);
    }
    if (this.#writeState === IDLE) this.#schedule();
  }

  /** The segment's records are in tables on disk, and the manifest says so. Requires: it was rotated away. Its file is used again or removed. */
  release(number: number): void {
    const segment = this.#ended.get(number);
    assert(segment !== undefined, `commit log: segment ${number} can't be released`);
    segment.released = true;
    this.#maybeRetire(segment);
  }

  /** Writes and syncs all that was enqueued, says so at the end of the log, and closes its files. Called once. */
  close(done: WriteDone): void {
    assert(this.#closing === undefined, 'commit log: closed twice');
    this.#closing = done;
    this.#cancelIdle?.();
    this.#cancelPeriod?.();
    this.#cancelRetry?.();
    this.#options.timers.soon(this.#advance);
  }

  readonly #advance = (): void => {
    if (this.#writeState === SCHEDULED) this.#writeState = IDLE;
    this.#pump();
    this.#settle();
  };

  #schedule(): void {
    if (this.#writeState !== IDLE) return;
    this.#writeState = SCHEDULED;
    this.#options.timers.soon(this.#advance);
  }

  /** Takes the group that collects. */
  #seal(segment: LogSegment, kind: typeof GROUP_RECORDS | typeof GROUP_MARK = GROUP_RECORDS): WriteGroup {
    const group = this.#open;
    const from = segment.sealed;
    group.segment = segment;
    group.end = segment.seal(kind);
    this.#open = this.#acks.spare();
    this.#groups++;
    if (group.end - from > this.#largest) this.#largest = group.end - from;
    return group;
  }

  #pump(): void {
    if (this.#writeState === WRITING || this.#poison !== undefined) return;
    const segment = this.#current;
    const { segment: next = segment, end } = this.#sealed[0] ?? {};
    if (next !== undefined && this.#prefill.blocks(next, end ?? next.memtable.length)) return;
    let group = this.#sealed.shift();
    if (group === undefined && segment !== undefined && this.#open.count > 0) group = this.#seal(segment);
    if (group !== undefined) this.#write(group);
  }

  #write(group: WriteGroup): void {
    const { segment, end } = group;
    assert(segment !== undefined, 'commit log: a group without segment');
    const { prepared, memtable } = segment;
    const from = segment.written;
    if (from < FIRST_GROUP) segment.open(this.#previous);
    this.#writeState = WRITING;
    this.#writing = group;
    const mayTakeLong = this.#mix.mayTakeLong(group);
    this.#writeSynced = mayTakeLong && this.#live[0] === segment && segment.synced === from && !this.#options.mutants.has('skipLogSync');
    this.#bytes += end - from;
    if (this.#writeSynced) this.#syncs++;
    const file = this.#writeSynced ? prepared.syncedFile : prepared.file;
    const bytes = memtable.arena.bytes.subarray(from, end);
    if (this.#options.mutants.has('ackBeforeWrite')) this.#acks.early(group);
    const written = group.dones.length > 0 ? this.#options.inline?.write(file, bytes, from) : undefined;
    if (written !== undefined) return this.#onWritten(written);
    file.pwrite([bytes], from, this.#onWritten);
    // What comes next would wait for the zeros: no write that needs no disk is to.
    if (mayTakeLong) this.#prefill.ahead(segment, end);
  }

  readonly #onWritten = (result: FileResult<void>): void => {
    const group = this.#writing;
    const segment = group?.segment;
    assert(group !== undefined && segment !== undefined, 'commit log: a write ended that was not begun');
    this.#writing = undefined;
    this.#writeState = IDLE;
    if (segment.poisoned) {
      // Its writes were told already.
      this.#maybeRetire(segment);
      this.#pump();
    } else if (result.ok || (this.#writeSynced && this.#options.mutants.has('swallowSyncError'))) {
      segment.written = group.end;
      if (this.#writeSynced || (group.sync && this.#options.mutants.has('skipLogSync'))) segment.synced = group.end;
      this.#previous = segment.asPrevious();
      this.#acks.push(group);
      if (group.periodic) this.#startPeriod();
      this.#forgetSynced();
      // The next write first: it runs while the acknowledgements do.
      this.#pump();
      this.#acknowledge();
      this.#maybeRetire(segment);
    } else this.#fail(result.error, group);
    this.#settle();
  };

  #settle(): void {
    this.#maybeSync();
    this.#maybeClose();
  }

  #maybeSync(): void {
    if (this.#syncing !== undefined || this.#poison !== undefined) return;
    if (this.#dueSegment !== undefined && this.#covered(this.#dueSegment, this.#dueOffset)) this.#dueSegment = undefined;
    if (this.#dueSegment === undefined && !this.#acks.syncWanted) return;
    const segment = this.#live.find(({ synced, written }) => synced < written);
    if (segment === undefined) return;
    this.#syncing = segment;
    this.#syncEnd = segment.written;
    this.#syncs++;
    segment.prepared.file.datasync(this.#onSynced);
  }

  readonly #onSynced = (result: FileResult<void>): void => {
    const segment = this.#syncing;
    assert(segment !== undefined, 'commit log: a sync ended that was not begun');
    this.#syncing = undefined;
    if (segment.poisoned) this.#maybeRetire(segment);
    else if (result.ok || this.#options.mutants.has('swallowSyncError')) {
      if (this.#syncEnd > segment.synced) segment.synced = this.#syncEnd;
      if (this.#previous?.number === segment.prepared.number) this.#previous = segment.asPrevious();
      this.#forgetSynced();
      this.#acknowledge();
      this.#maybeRetire(segment);
    } else this.#fail(result.error, this.#writing);
    this.#settle();
  };

  #acknowledge(): void {
    this.#acks.acknowledge(this.#covered);
    this.#startIdle();
  }

  /** Whether all up to there is on disk, earlier segments included. */
  readonly #covered = (segment: LogSegment, end: number): boolean => {
    const at = this.#live.indexOf(segment);
    return at < 0 || (at === 0 && segment.synced >= end);
  };

  /** Drops from the front what is wholly on disk and ended. */
  #forgetSynced(): void {
    for (let first = this.#live[0]; first?.ended === true && isOnDisk(first); first = this.#live[0]) this.#live.shift();
  }

  /** A failed write or sync leaves unknown what is on disk, and no later sync would tell: nothing more is acknowledged on this file's strength. */
  #fail(cause: Error, begun: WriteGroup | undefined): void {
    const error = new StorageError('IO', `commit log: ${cause.message}`, { cause });
    this.#poison = error;
    for (const segment of this.#live) segment.poisoned = true;
    if (this.#current !== undefined) this.#current.poisoned = true;
    this.#dueSegment = undefined;
    this.#cancelPeriod?.();
    this.#cancelPeriod = undefined;
    const groups = [...(begun === undefined ? [] : [begun]), ...this.#sealed.splice(0), this.#open];
    this.#open = new WriteGroup();
    this.#acks.failAll(groups, error);
    this.#options.onPoisoned(error);
  }

  #maybeRetire(segment: LogSegment): void {
    if (!segment.released || this.#syncing === segment || this.#writing?.segment === segment) return;
    if (!segment.poisoned && segment.written < segment.sealed && segment.used) return;
    if (!this.#ended.delete(segment.prepared.number)) return;
    this.#live = this.#live.filter((other) => other !== segment);
    const { syncedFile, file, path } = segment.prepared;
    closeAll([syncedFile, file], () => {
      // A file that is a hole behind its records is as soon made anew.
      if (segment.poisoned || isHole(segment)) this.#pool.discard(path, () => undefined);
      else this.#pool.recycle(path, segment.filled);
    });
    this.#forgetSynced();
    this.#acknowledge();
  }

  #startPeriod(): void {
    if (this.#cancelPeriod !== undefined || this.#closing !== undefined) return;
    this.#cancelPeriod = this.#options.timers.after(this.#options.periodMs, () => {
      this.#cancelPeriod = undefined;
      this.#syncAll();
      this.#maybeSync();
    });
  }

  #syncAll(): void {
    this.#dueSegment = this.#live.at(-1);
    this.#dueOffset = this.#dueSegment?.written ?? 0;
  }

  #startIdle(): void {
    if (this.#cancelIdle !== undefined || this.#closing !== undefined || this.#current?.markable !== true) return;
    const groups = this.#groups;
    this.#cancelIdle = this.#options.timers.after(this.#options.idleMs, () => {
      this.#cancelIdle = undefined;
      if (this.#groups === groups) this.#mark();
      else this.#startIdle();
    });
  }

  #mark(): void {
    const segment = this.#current;
    if (segment?.markable !== true || this.#poison !== undefined || this.#writeState !== IDLE) return;
    // Not all is on disk (writes without sync): there is nothing to say yet, and a later sync starts the wait again.
    if (this.#live[0] !== segment || segment.synced < segment.sealed) return;
    if (this.#prefill.blocks(segment, segment.memtable.length)) return this.#startIdle();
    const group = this.#seal(segment, GROUP_MARK);
    group.sync = true;
    this.#write(group);
  }

  #onPrepared(error: StorageError | undefined): void {
    if (error !== undefined && this.#closing === undefined) {
      this.#cancelRetry = this.#options.timers.after(this.#options.retryMs, () => this.#pool.prepare());
    }
    this.#options.onSpare(error);
  }

  #maybeClose(): void {
    if (this.#closing === undefined || this.#footerBegun || this.#writeState === WRITING || this.#syncing !== undefined) return;
    if (this.#poison === undefined) {
      if (this.#sealed.length > 0 || this.#open.count > 0) return;
      this.#syncAll();
      if (this.#dueSegment !== undefined && !this.#live.every(isOnDisk)) return this.#maybeSync();
    }
    const segment = this.#current;
    if (segment !== undefined && this.#prefill.blocks(segment, segment.written + GROUP_HEADER_BYTES)) return;
    this.#footerBegun = true;
    if (segment === undefined || this.#poison !== undefined) return this.#closeFiles(this.#poison);
    // Of a segment without records too: its opening vouches for the one before.
    segment.prepared.syncedFile.pwrite(segment.closing(this.#previous), segment.written, (result) => {
      this.#closeFiles(result.ok ? undefined : new StorageError('IO', `commit log: ${result.error.message}`, { cause: result.error }));
    });
  }

  #closeFiles(error: StorageError | undefined): void {
    const segments = [...new Set([...this.#ended.values(), ...(this.#current === undefined ? [] : [this.#current])])];
    const files = segments.flatMap(({ prepared }) => [prepared.file, prepared.syncedFile]);
    closeAll(files, () => this.#pool.close(() => this.#closing?.(error)));
  }
}

/** Turns full memtables into tables of level 0, the oldest first, one at a time. */
import type { JobOutcome } from '../../runtime/jobs.ts';
import { FLUSH, type ScheduledJob, type WorkTicket } from '../compaction/scheduler.ts';
import { StorageError } from '../errors.ts';
import type { WriteDone } from './api.ts';
import type { EngineParts } from './engine-parts.ts';
import type { LoggedMemtable } from './memory.ts';
import { mergeInput, openOutputs } from './merge-run.ts';

const RETRY_MS = 250;

interface Waiter {
  /** The newest memtable that has to be flushed; undefined: the active one could not be put aside yet. */
  last: LoggedMemtable | undefined;
  readonly done: WriteDone;
}

export class Flusher {
  readonly #parts: EngineParts;
  #flushing: LoggedMemtable | undefined;
  #ticket: WorkTicket | undefined;
  #cancelRetry: (() => void) | undefined;
  #waiters: Waiter[] = [];
  /** Why the last flush failed; undefined once one succeeded. */
  error: StorageError | undefined;
  flushes = 0;

  constructor(parts: EngineParts) {
    this.#parts = parts;
  }

  /** Begins to flush what waits, unless that is under way. */
  pump(): void {
    const { memory, scheduler, isClosing } = this.#parts;
    const oldest = memory.immutables.at(-1);
    if (this.#flushing !== undefined || oldest === undefined || isClosing || this.#cancelRetry !== undefined) return;
    this.#flushing = oldest;
    this.#ticket = scheduler.submit(FLUSH, memory.immutables.length, {
      begin: () => this.#job(oldest),
      ended: (outcome) => this.#ended(oldest, outcome),
    });
  }

  /** Done when all that is in memory now is in tables. */
  flushAll(done: WriteDone): void {
    this.#waiters.push({ last: undefined, done });
    this.advance();
  }

  /** A memtable was put aside or is flushed, or can be put aside now. */
  advance(): void {
    for (const waiter of this.#waiters) this.#place(waiter);
    this.#settle();
    this.pump();
  }

  /** Nothing is begun any more; what runs is cancelled. */
  close(): void {
    this.#cancelRetry?.();
    this.#ticket?.cancel();
    this.failAll(new StorageError('CANCELLED', 'the database was closed before the flush ended'));
  }

  #job({ table }: LoggedMemtable): ScheduledJob | undefined {
    if (this.#parts.isClosing) return undefined;
    this.#parts.beginWork();
    return mergeInput(this.#parts, {
      memtables: [table.snapshot()],
      runs: [],
      older: this.#parts.versions.current.levels.flat().map(({ meta: { smallest, largest } }) => ({ smallest, largest })),
      unnumber: false,
      // One table, whatever its size.
      cuts: { targetBytes: Number.POSITIVE_INFINITY, boundaries: [], grandparents: [], grandparentBytesMax: Number.POSITIVE_INFINITY },
      throttle: undefined,
      placeCount: 1,
      note: 'flush',
    });
  }

  #ended(table: LoggedMemtable, outcome: JobOutcome): void {
    this.#ticket = undefined;
    openOutputs(this.#parts, outcome, 0, (opened) => {
      this.#parts.endWork();
      if (!opened.ok) {
        this.#failed(opened.error);
        return;
      }
      const added = opened.value.map(({ meta }) => meta);
      if (this.#parts.options.mutants.has('releaseLogEarly')) this.#parts.onFlushed(table);
      this.#parts.edits.add(
        () => ({ logNumber: this.#logNumberAfter(table), lastSequence: this.#lastSequence(table), removed: [], added }),
        opened.value,
        () => this.#flushed(table),
      );
    });
  }

  #place(waiter: Waiter): void {
    if (waiter.last !== undefined) return;
    const { memory } = this.#parts;
    const { active } = memory;
    if (active.table.recordCount === 0) waiter.last = memory.immutables[0] ?? active;
    else if (this.#parts.rotate() === true) waiter.last = active;
  }

  /** Tells those whose memtables are flushed. */
  #settle(): void {
    const { immutables } = this.#parts.memory;
    const ended = this.#waiters.filter(
      ({ last }) => last !== undefined && (last.flushed || (last.table.recordCount === 0 && immutables.length === 0)),
    );
    if (ended.length === 0) return;
    this.#waiters = this.#waiters.filter((waiter) => !ended.includes(waiter));
    for (const { done } of ended) this.#parts.doors.timers.soon(() => done(undefined));
  }

  #flushed(table: LoggedMemtable): void {
    this.#flushing = undefined;
    this.error = undefined;
    this.flushes++;
    this.#parts.memory.remove(table);
    if (!this.#parts.options.mutants.has('releaseLogEarly')) this.#parts.onFlushed(table);
    this.advance();
  }

  #failed(error: StorageError): void {
    this.#flushing = undefined;
    if (this.#parts.isClosing) return;
    this.error = error;
    this.#parts.doors.log.error('flushFailed', { error });
    this.failAll(error);
    this.#cancelRetry = this.#parts.doors.timers.after(RETRY_MS, () => {
      this.#cancelRetry = undefined;
      this.advance();
    });
    this.#parts.onFlushFailed(error);
  }

  /** Tells those who wait for a flush. It goes on without them. */
  failAll(error: StorageError): void {
    this.#failThose(this.#waiters.splice(0), error);
  }

  /** Tells those whose memtable can't be put aside. */
  failUnplaced(error: StorageError): void {
    const unplaced = this.#waiters.filter(({ last }) => last === undefined);
    this.#waiters = this.#waiters.filter(({ last }) => last !== undefined);
    this.#failThose(unplaced, error);
  }

  #failThose(waiters: readonly Waiter[], error: StorageError): void {
    for (const { done } of waiters) this.#parts.doors.timers.soon(() => done(error));
  }

  /** Segments below are obsolete when `table` is flushed. */
  #logNumberAfter(table: LoggedMemtable): number {
    const { memory, versions, options } = this.#parts;
    if (options.mutants.has('forgetLogNumber')) return versions.current.state.logNumber;
    const { active, immutables } = memory;
    // Planted bug: segments of memtables that still wait are given up too.
    const next = options.mutants.has('logNumberTooHigh') ? active : (immutables[immutables.indexOf(table) - 1] ?? active);
    const number = next.segment === 0 ? table.segment + 1 : next.segment;
    return Math.max(number, versions.current.state.logNumber);
  }

  #lastSequence({ table }: LoggedMemtable): number {
    return Math.max(this.#parts.versions.current.state.lastSequence, table.baseSequence + table.recordCount);
  }
}

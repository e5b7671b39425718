/**
 * The way of a write: into the active memtable and, by the same bytes, into the open group of the commit log. It can be read at once; `done` is
 * called when it is as durable as was asked for.
 *
 * A full memtable is put aside for its flush, and a fresh one with a segment of its own takes over. When too many wait, writes queue here, up to
 * a number of bytes; while one is queued all later ones queue behind it.
 */
import type { Clock, Timers } from '../../runtime/doors.ts';
import { StorageError } from '../errors.ts';
import { DELETE, PUT, RANGE_DELETE, type RecordKind, recordBytes } from '../record.ts';
import { WriteBatch } from '../write-batch.ts';
import type { Durability, WriteDone } from './api.ts';
import type { LogPort } from './log-port.ts';
import type { Memory } from './memory.ts';

const LATE_MS = 2;

interface WaitingWrite {
  readonly batch: WriteBatch;
  readonly durability: Durability;
  readonly done: WriteDone;
}

export interface WritesContext {
  readonly memory: Memory;
  readonly log: LogPort;
  readonly timers: Timers;
  readonly waitingBytesMax: number;
  /** Of the records of one write: what an empty memtable has room for. */
  readonly writeBytesMax: number;
  readonly clock: Clock;
  /**
   * Puts the active memtable aside and makes an empty one. Returns false while that must wait: for a flush, or for a segment of the log; an error
   * where these fail.
   */
  readonly rotate: () => true | false | StorageError;
}

export class Writes {
  readonly #context: WritesContext;
  #waiting: WaitingWrite[] = [];
  #waitingBytes = 0;
  #resuming = false;
  /** Why no write is taken: the log is broken, or the engine closes. */
  #refusal: StorageError | undefined;
  /** Bytes per ms that may pass while writers are slowed down; Infinity: all. */
  #bytesPerMs = Number.POSITIVE_INFINITY;
  /** While writers are slowed down: when the next write may pass. */
  #freeAtMs = 0;
  /** A timer lets the next one pass. */
  #paced = false;

  constructor(context: WritesContext) {
    this.#context = context;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** In their order. */
  waiting(): readonly WriteBatch[] {
    return this.#waiting.map(({ batch }) => batch);
  }

  /** Requires: sizes were checked. Returns whether it can be read from now on. */
  add(kind: RecordKind, key: Uint8Array, value: Uint8Array, durability: Durability, done: WriteDone): boolean {
    const { memory, log, writeBytesMax } = this.#context;
    // Whether a write is too large must not depend on how full the memtable is: one that may not fit an empty one is refused below.
    const fits = recordBytes(key.length, value.length) <= writeBytesMax;
    if (fits && this.#waiting.length === 0 && this.#refusal === undefined && this.#mayPass(key.length + value.length)) {
      // Twice, since after a rotation there is room.
      for (let attempt = 0; attempt < 2; attempt++) {
        if (memory.active.table.add(kind, memory.sequence + 1, key, value) !== 0) {
          memory.sequence++;
          log.enqueue(1, durability, done);
          return true;
        }
        const rotated = this.#context.rotate();
        if (rotated === false) break;
        if (rotated !== true) {
          this.fail(done, rotated);
          return false;
        }
      }
    }
    this.#wait(batchOf(kind, key, value), durability, done);
    return false;
  }

  write(batch: WriteBatch, durability: Durability, done: WriteDone): void {
    if (this.#waiting.length === 0 && this.#refusal === undefined && this.#mayPass(batch.length)) {
      const taken = this.#take(batch, durability, done);
      if (taken === true) return;
      if (taken !== false) {
        this.fail(done, taken);
        return;
      }
    }
    this.#wait(batch, durability, done);
  }

  /** Slows writers down, or no more: Infinity. */
  pace(bytesPerMs: number): void {
    this.#bytesPerMs = bytesPerMs;
    if (bytesPerMs === Number.POSITIVE_INFINITY) this.resume();
  }

  /** There may be room again. */
  resume(): void {
    // A rotation on the way ends here again.
    if (this.#resuming) return;
    this.#resuming = true;
    for (let first = this.#waiting[0]; first !== undefined && this.#refusal === undefined; first = this.#waiting[0]) {
      const { batch, durability, done } = first;
      if (!this.#mayPass(batch.length)) break;
      const outcome = this.#take(batch, durability, done);
      if (outcome === false) break;
      this.#waiting.shift();
      this.#waitingBytes -= batch.length;
      if (outcome !== true) this.fail(done, outcome);
    }
    this.#resuming = false;
  }

  /** No write is taken from now on; those that wait fail. */
  refuse(error: StorageError): void {
    this.#refusal = error;
    this.failWaiting(error);
  }

  failWaiting(error: StorageError): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    for (const { done } of waiting) this.fail(done, error);
  }

  /** Writes are taken again. */
  allow(): void {
    this.#refusal = undefined;
  }

  fail(done: WriteDone, error: StorageError): void {
    this.#context.timers.soon(() => done(error));
  }

  /** Counts the bytes as passing, unless they have to wait. */
  #mayPass(bytes: number): boolean {
    if (this.#bytesPerMs === Number.POSITIVE_INFINITY) return true;
    const now = this.#context.clock.now();
    if (now < this.#freeAtMs) {
      if (!this.#paced) {
        this.#paced = true;
        this.#context.timers.after(this.#freeAtMs - now, () => {
          this.#paced = false;
          this.resume();
        });
      }
      return false;
    }
    // Timers are late by a millisecond or so: what was lost by that is made up for.
    this.#freeAtMs = Math.max(this.#freeAtMs, now - LATE_MS) + bytes / this.#bytesPerMs;
    return true;
  }

  #take(batch: WriteBatch, durability: Durability, done: WriteDone): true | false | StorageError {
    const { memory, log } = this.#context;
    for (let attempt = 0; attempt < 2; attempt++) {
      if (memory.active.table.addBatch(batch, memory.sequence + 1)) {
        memory.sequence += batch.count;
        log.enqueue(batch.count, durability, done);
        return true;
      }
      const rotated = this.#context.rotate();
      if (rotated !== true) return rotated;
    }
    return false;
  }

  #wait(batch: WriteBatch, durability: Durability, done: WriteDone): void {
    if (this.#refusal !== undefined) {
      this.fail(done, this.#refusal);
      return;
    }
    const { waitingBytesMax, writeBytesMax } = this.#context;
    if (batch.length > writeBytesMax) {
      const message = `write: expected at most ${writeBytesMax} bytes, what a memtable holds (memtableBytes), got ${batch.length}`;
      this.fail(done, new StorageError('INVALID_ARGUMENT', message));
      return;
    }
    if (this.#waitingBytes + batch.length > waitingBytesMax && this.#waiting.length > 0) {
      const message = `${this.#waiting.length} writes of ${this.#waitingBytes} bytes wait for a flush, expected at most ${waitingBytesMax} bytes`;
      this.fail(done, new StorageError('OVERLOADED', message));
      return;
    }
    this.#waiting.push({ batch: batch.clone(), durability, done });
    this.#waitingBytes += batch.length;
  }
}

function batchOf(kind: RecordKind, key: Uint8Array, value: Uint8Array): WriteBatch {
  const batch = new WriteBatch();
  if (kind === PUT) batch.put(key, value);
  else if (kind === DELETE) batch.delete(key);
  else if (kind === RANGE_DELETE) batch.deleteRange(key, value);
  return batch;
}

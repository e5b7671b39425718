/**
 * The way of a write: into the active memtable and, by the same bytes, into the open group of the commit log. It can be read at once; `done` is
 * called when it is as durable as was asked for.
 *
 * A full memtable is put aside for its flush, and a fresh one with a segment of its own takes over. When too many wait, writes queue here, up to
 * a number of bytes; while one is queued all later ones queue behind it.
 */
import type { Timers } from '../../runtime/doors.ts';
import { StorageError } from '../errors.ts';
import type { CommitLog } from '../log/commit-log.ts';
import { DELETE, PUT, RANGE_DELETE, type RecordKind } from '../record.ts';
import { WriteBatch } from '../write-batch.ts';
import type { Durability, WriteDone } from './api.ts';
import type { Memory } from './memory.ts';

interface WaitingWrite {
  readonly batch: WriteBatch;
  readonly durability: Durability;
  readonly done: WriteDone;
}

export interface WritesContext {
  readonly memory: Memory;
  readonly log: CommitLog;
  readonly timers: Timers;
  readonly waitingBytesMax: number;
  /** Puts the active memtable aside and makes an empty one. Returns false while that must wait: for a flush, or for a segment of the log. */
  readonly rotate: () => boolean;
}

export class Writes {
  readonly #context: WritesContext;
  #waiting: WaitingWrite[] = [];
  #waitingBytes = 0;
  /** Why no write is taken: the log is broken, or the engine closes. */
  #refusal: StorageError | undefined;

  constructor(context: WritesContext) {
    this.#context = context;
  }

  get waitingCount(): number {
    return this.#waiting.length;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Requires: sizes were checked. */
  add(kind: RecordKind, key: Uint8Array, value: Uint8Array, durability: Durability, done: WriteDone): void {
    if (this.#waiting.length === 0 && this.#refusal === undefined) {
      const { memory, log } = this.#context;
      // Twice, since after a rotation there is room.
      for (let attempt = 0; attempt < 2; attempt++) {
        if (memory.active.table.add(kind, memory.sequence + 1, key, value) !== 0) {
          memory.sequence++;
          log.enqueue(1, durability, done);
          return;
        }
        if (!this.#context.rotate()) break;
      }
    }
    this.#wait(batchOf(kind, key, value), durability, done);
  }

  write(batch: WriteBatch, durability: Durability, done: WriteDone): void {
    if (this.#waiting.length === 0 && this.#refusal === undefined && this.#take(batch, durability, done)) return;
    this.#wait(batch, durability, done);
  }

  /** There may be room again. */
  resume(): void {
    let taken = 0;
    for (const { batch, durability, done } of this.#waiting) {
      if (this.#refusal !== undefined || !this.#take(batch, durability, done)) break;
      this.#waitingBytes -= batch.length;
      taken++;
    }
    if (taken > 0) this.#waiting = this.#waiting.slice(taken);
  }

  /** No write is taken from now on; those that wait fail. */
  refuse(error: StorageError): void {
    this.#refusal = error;
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

  #take(batch: WriteBatch, durability: Durability, done: WriteDone): boolean {
    const { memory, log } = this.#context;
    for (let attempt = 0; attempt < 2; attempt++) {
      if (memory.active.table.addBatch(batch, memory.sequence + 1)) {
        memory.sequence += batch.count;
        log.enqueue(batch.count, durability, done);
        return true;
      }
      if (!this.#context.rotate()) return false;
    }
    return false;
  }

  #wait(batch: WriteBatch, durability: Durability, done: WriteDone): void {
    if (this.#refusal !== undefined) {
      this.fail(done, this.#refusal);
      return;
    }
    const { waitingBytesMax } = this.#context;
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

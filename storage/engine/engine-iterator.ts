/**
 * An iterator over a range, at one moment: it keeps the memtables and tables of that moment, so nothing written or compacted since shows or
 * disturbs it.
 */
import type { Timers } from '../../runtime/doors.ts';
import type { Move } from '../cursor.ts';
import { PENDING } from '../cursor.ts';
import { type StorageDone, StorageError, type StorageResult } from '../errors.ts';
import { compareWhole } from '../key.ts';
import type { VisibleCursor } from '../visible-cursor.ts';
import { type EngineIterator, type Entry, type KeyRange, LATER } from './api.ts';

export interface IteratorSource {
  /** Makes the cursor; `onReady` is its. */
  open(bounds: Bounds, onReady: () => void): VisibleCursor;
  /** Before each piece of work. */
  beginRun(): void;
  /** Called once, when the iterator is closed. */
  release(): void;
  readonly timers: Timers;
}

/** [lower, upper); undefined: without bound. */
export interface Bounds {
  readonly lower: Uint8Array | undefined;
  readonly upper: Uint8Array | undefined;
}

const NOTHING = Buffer.alloc(0);
const CLOSED: Readonly<StorageResult<never>> = { ok: false, error: new StorageError('CANCELLED', 'the iterator was closed') };

export class RangeIterator implements EngineIterator {
  readonly #source: IteratorSource;
  readonly #cursor: VisibleCursor;
  readonly #bounds: Bounds;
  readonly #reverse: boolean;
  readonly #values: boolean;
  /** Where to go before the next entry is read; 'begin' at first. */
  #target: Uint8Array | 'begin' | undefined = 'begin';
  #moving = false;
  #closed = false;
  #wanted = { count: 0, bytes: 0 };
  #done: StorageDone<readonly Entry[]> | undefined;

  constructor(source: IteratorSource, range: KeyRange, reverse: boolean, values: boolean) {
    this.#source = source;
    this.#bounds = boundsOf(range);
    this.#reverse = reverse;
    this.#values = values;
    this.#cursor = source.open(this.#bounds, this.#onReady);
  }

  next(count: number, bytes: number, done: StorageDone<readonly Entry[]>): readonly Entry[] | typeof LATER {
    if (this.#closed) return this.#answerLater(done, CLOSED);
    if (this.#done !== undefined) {
      return this.#answerLater(done, {
        ok: false,
        error: new StorageError('INVALID_ARGUMENT', 'iterator: next was called while another call is under way'),
      });
    }
    this.#wanted = { count, bytes };
    if (!this.#moving) {
      const entries = this.#fill(count, bytes);
      if (entries !== undefined) {
        if (entries.length > 0 || this.#cursor.error === undefined) return entries;
        return this.#answerLater(done, { ok: false, error: this.#cursor.error });
      }
    }
    this.#done = done;
    return LATER;
  }

  seek(target: Uint8Array): void {
    this.#target = Uint8Array.prototype.slice.call(target);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cursor.close();
    this.#source.release();
    const done = this.#done;
    this.#done = undefined;
    if (done !== undefined) this.#source.timers.soon(() => done(CLOSED));
  }

  /** A move of the cursor that was pending has ended. */
  readonly #onReady = (): void => {
    this.#moving = false;
    const done = this.#done;
    if (done === undefined || this.#closed) return;
    const entries = this.#fill(this.#wanted.count, this.#wanted.bytes);
    if (entries === undefined) return;
    this.#done = undefined;
    const { error } = this.#cursor;
    done(entries.length === 0 && error !== undefined ? { ok: false, error } : { ok: true, value: entries });
  };

  /** Undefined: nothing to give before a pending move has ended. */
  #fill(count: number, bytes: number): readonly Entry[] | undefined {
    const entries: Entry[] = [];
    this.#source.beginRun();
    if (this.#target !== undefined && !this.#moved(this.#position(this.#target))) return undefined;
    const cursor = this.#cursor;
    let size = 0;
    while (entries.length < count && cursor.valid) {
      size += cursor.keyEnd - cursor.keyStart + (this.#values ? cursor.valueEnd - cursor.valueStart : 0);
      if (size > bytes && entries.length > 0) break;
      entries.push(this.#entry());
      if (!this.#moved(this.#reverse ? cursor.prev() : cursor.next())) break;
    }
    return entries.length === 0 && this.#moving ? undefined : entries;
  }

  #entry(): Entry {
    const cursor = this.#cursor;
    const key = copyOf(cursor.keyBytes, cursor.keyStart, cursor.keyEnd);
    return { key, value: this.#values ? copyOf(cursor.valueBytes, cursor.valueStart, cursor.valueEnd) : NOTHING };
  }

  #moved(move: Move): boolean {
    this.#moving = move === PENDING;
    return !this.#moving;
  }

  #position(target: Uint8Array | 'begin'): Move {
    this.#target = undefined;
    const { lower, upper } = this.#bounds;
    const cursor = this.#cursor;
    if (this.#reverse) {
      // The last key <= target is the last one before the next possible key.
      const before = target === 'begin' ? upper : least(successor(target), upper);
      return before === undefined ? cursor.seekLast() : cursor.seekBefore(before, 0, before.length);
    }
    const from = target === 'begin' ? lower : greatest(target, lower);
    return from === undefined ? cursor.seekFirst() : cursor.seek(from, 0, from.length);
  }

  #answerLater(done: StorageDone<readonly Entry[]>, result: StorageResult<never>): typeof LATER {
    this.#source.timers.soon(() => done(result));
    return LATER;
  }
}

export function boundsOf({ gt, gte, lt, lte }: KeyRange): Bounds {
  const lower = gte ?? (gt === undefined ? undefined : successor(gt));
  const upper = lte === undefined ? lt : successor(lte);
  return { lower: owned(lower), upper: owned(upper) };
}

/** The least key above `key`. */
function successor(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

function greatest<T extends Uint8Array | undefined>(a: T, b: Uint8Array | undefined): Uint8Array | T {
  if (a === undefined) return b as Uint8Array | T;
  return b !== undefined && compareWhole(b, a) > 0 ? b : a;
}

function least<T extends Uint8Array | undefined>(a: T, b: Uint8Array | undefined): Uint8Array | T {
  if (a === undefined) return b as Uint8Array | T;
  return b !== undefined && compareWhole(b, a) < 0 ? b : a;
}

function owned(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes === undefined ? undefined : Uint8Array.prototype.slice.call(bytes);
}

/** Below this a loop beats a call of `set` (bench:micro). */
const LOOP_BYTES_MAX = 24;

export function copyOf(bytes: Uint8Array, start: number, end: number): Buffer {
  const length = end - start;
  const copy = Buffer.allocUnsafe(length);
  if (length <= LOOP_BYTES_MAX) for (let i = 0; i < length; i++) copy[i] = bytes[start + i]!;
  else Buffer.prototype.copy.call(bytes, copy, 0, start, end);
  return copy;
}

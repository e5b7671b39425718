/** A cursor over tables that follow each other without overlap: one level above 0. At most one of them is open at a time. */
import { type Cursor, type Move, PENDING, READY } from './cursor.ts';
import type { StorageError } from './errors.ts';
import { compareKeys } from './key.ts';
import type { RecordKind } from './record.ts';

export interface RunCursorOptions {
  /** Of the tables, in order. The largest of one may be the smallest of the next where only a range delete of the first reaches it. */
  readonly spans: readonly { readonly smallest: Uint8Array; readonly largest: Uint8Array }[];
  /** Opens a cursor over the table at this place, with the given function as its onReady. It is closed when the run leaves the table. */
  readonly open: (index: number, ready: () => void) => Cursor;
  readonly onReady?: () => void;
}

export class RunCursor implements Cursor {
  valid = false;
  error: StorageError | undefined;
  readonly #options: RunCursorOptions;
  readonly #childReady = (): void => {
    if (this.#settle(READY) === READY) this.#options.onReady?.();
  };
  #child: Cursor | undefined;
  #index = -1;
  #forward = true;

  constructor(options: RunCursorOptions) {
    this.#options = options;
  }

  seek(key: Uint8Array, start: number, end: number): Move {
    const { spans } = this.#options;
    let low = 0;
    let high = spans.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { largest } = spans[middle]!;
      if (compareKeys(largest, 0, largest.length, key, start, end) < 0) low = middle + 1;
      else high = middle;
    }
    this.#forward = true;
    return this.#enter(low) ? this.#settle(this.#current.seek(key, start, end)) : READY;
  }

  seekBefore(key: Uint8Array, start: number, end: number): Move {
    const { spans } = this.#options;
    let low = 0;
    let high = spans.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const { smallest } = spans[middle]!;
      if (compareKeys(smallest, 0, smallest.length, key, start, end) < 0) low = middle + 1;
      else high = middle;
    }
    this.#forward = false;
    return this.#enter(low - 1) ? this.#settle(this.#current.seekBefore(key, start, end)) : READY;
  }

  seekFirst(): Move {
    this.#forward = true;
    return this.#enter(0) ? this.#settle(this.#current.seekFirst()) : READY;
  }

  seekLast(): Move {
    this.#forward = false;
    return this.#enter(this.#options.spans.length - 1) ? this.#settle(this.#current.seekLast()) : READY;
  }

  next(): Move {
    this.#forward = true;
    return this.#settle(this.#current.next());
  }

  prev(): Move {
    this.#forward = false;
    return this.#settle(this.#current.prev());
  }

  get keyBytes(): Uint8Array {
    return this.#current.keyBytes;
  }
  get keyStart(): number {
    return this.#current.keyStart;
  }
  get keyEnd(): number {
    return this.#current.keyEnd;
  }
  get kind(): RecordKind {
    return this.#current.kind;
  }
  get sequence(): number {
    return this.#current.sequence;
  }
  get valueBytes(): Uint8Array {
    return this.#current.valueBytes;
  }
  get valueStart(): number {
    return this.#current.valueStart;
  }
  get valueEnd(): number {
    return this.#current.valueEnd;
  }

  close(): void {
    this.#child?.close();
    this.#child = undefined;
    this.valid = false;
  }

  get #current(): Cursor {
    return this.#child as Cursor;
  }

  /** Makes the table's cursor the current one. Returns false, and the run is not valid: there is no such table. */
  #enter(index: number): boolean {
    if (index < 0 || index >= this.#options.spans.length || this.error !== undefined) {
      this.valid = false;
      return false;
    }
    if (index === this.#index && this.#child !== undefined) return true;
    this.#child?.close();
    this.#index = index;
    this.#child = this.#options.open(index, this.#childReady);
    return true;
  }

  /** A move of the child has ended or waits: goes on through the neighbours while there is nothing. */
  #settle(first: Move): Move {
    let move = first;
    for (;;) {
      if (move === PENDING) return PENDING;
      const child = this.#current;
      this.valid = child.valid;
      if (child.valid) return READY;
      if (child.error !== undefined) {
        this.error = child.error;
        return READY;
      }
      if (!this.#enter(this.#index + (this.#forward ? 1 : -1))) return READY;
      move = this.#forward ? this.#current.seekFirst() : this.#current.seekLast();
    }
  }
}

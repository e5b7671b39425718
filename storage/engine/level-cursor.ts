/** One cursor over the tables of a level, which don't overlap: only the table it stands in is read. */
import type { Cursor, Move } from '../cursor.ts';
import { PENDING, READY } from '../cursor.ts';
import type { StorageError } from '../errors.ts';
import { compareKeys } from '../key.ts';
import type { RecordKind } from '../record.ts';
import type { OpenTable } from './open-table.ts';

export class LevelCursor implements Cursor {
  /** By key, ascending. */
  readonly #tables: readonly OpenTable[];
  readonly #onReady: () => void;
  #index = -1;
  #child: Cursor | undefined;
  #forward = true;
  error: StorageError | undefined;

  constructor(tables: readonly OpenTable[], onReady: () => void) {
    this.#tables = tables;
    this.#onReady = onReady;
  }

  get valid(): boolean {
    return this.#child?.valid === true;
  }

  seek(key: Uint8Array, start: number, end: number): Move {
    this.#forward = true;
    this.#open(firstEndingAtOrAfter(this.#tables, key, start, end));
    return this.#child === undefined ? READY : this.#settle(this.#child.seek(key, start, end));
  }

  seekBefore(key: Uint8Array, start: number, end: number): Move {
    this.#forward = false;
    this.#open(lastBeginningBefore(this.#tables, key, start, end));
    return this.#child === undefined ? READY : this.#settle(this.#child.seekBefore(key, start, end));
  }

  seekFirst(): Move {
    this.#forward = true;
    this.#open(0);
    return this.#child === undefined ? READY : this.#settle(this.#child.seekFirst());
  }

  seekLast(): Move {
    this.#forward = false;
    this.#open(this.#tables.length - 1);
    return this.#child === undefined ? READY : this.#settle(this.#child.seekLast());
  }

  next(): Move {
    this.#forward = true;
    const child = this.#child!;
    const move = child.next();
    return move === READY && child.valid ? READY : this.#settle(move);
  }

  prev(): Move {
    this.#forward = false;
    const child = this.#child!;
    const move = child.prev();
    return move === READY && child.valid ? READY : this.#settle(move);
  }

  get keyBytes(): Uint8Array {
    return this.#child!.keyBytes;
  }
  get keyStart(): number {
    return this.#child!.keyStart;
  }
  get keyEnd(): number {
    return this.#child!.keyEnd;
  }
  get kind(): RecordKind {
    return this.#child!.kind;
  }
  get sequence(): number {
    return this.#child!.sequence;
  }
  get valueBytes(): Uint8Array {
    return this.#child!.valueBytes;
  }
  get valueStart(): number {
    return this.#child!.valueStart;
  }
  get valueEnd(): number {
    return this.#child!.valueEnd;
  }

  close(): void {
    this.#child?.close();
    this.#child = undefined;
  }

  /** Makes the cursor of table `index` the child; none where there is no such table. */
  #open(index: number): void {
    if (index === this.#index && this.#child !== undefined) return;
    this.close();
    this.#index = index;
    const table = this.#tables[index];
    this.#child = table?.reader.cursor(this.#onChildReady);
  }

  readonly #onChildReady = (): void => {
    if (this.#settle(READY) === READY) this.#onReady();
  };

  /** After a move of the child: on to the next table while it stands at its end. */
  #settle(move: Move): Move {
    let last = move;
    while (last === READY) {
      const child = this.#child;
      if (child === undefined || child.valid) return READY;
      if (child.error !== undefined) {
        this.error = child.error;
        return READY;
      }
      this.#open(this.#index + (this.#forward ? 1 : -1));
      if (this.#child === undefined) return READY;
      last = this.#forward ? this.#child.seekFirst() : this.#child.seekLast();
    }
    return PENDING;
  }
}

/** Index of the first of `tables` whose largest key is >= `key`; their number where there is none. */
export function firstEndingAtOrAfter(tables: readonly OpenTable[], key: Uint8Array, start: number, end: number): number {
  let low = 0;
  let high = tables.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const { largest } = tables[middle]!.meta;
    if (compareKeys(largest, 0, largest.length, key, start, end) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the last of `tables` whose smallest key is < `key`; -1 where there is none. */
function lastBeginningBefore(tables: readonly OpenTable[], key: Uint8Array, start: number, end: number): number {
  let low = 0;
  let high = tables.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const { smallest } = tables[middle]!.meta;
    if (compareKeys(smallest, 0, smallest.length, key, start, end) < 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

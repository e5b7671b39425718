/** A cursor over a list of entries in memory, which answers PENDING when it is told to. */
import type { Cursor, Move } from '../../../storage/cursor.ts';
import { PENDING, READY } from '../../../storage/cursor.ts';
import type { StorageError } from '../../../storage/errors.ts';
import { compareKeys, compareWhole } from '../../../storage/key.ts';
import type { RecordKind } from '../../../storage/record.ts';

export interface ListEntry {
  readonly key: Uint8Array;
  readonly sequence: number;
  readonly kind: RecordKind;
  readonly value: Uint8Array;
}

export function inOrder(entries: readonly ListEntry[]): ListEntry[] {
  return [...entries].sort((a, b) => compareWhole(a.key, b.key) || b.sequence - a.sequence);
}

/** Moves that wait, to be finished by the test in any order. */
export class Waiting {
  readonly #tasks: (() => void)[] = [];
  readonly #pend: () => boolean;

  constructor(pend: () => boolean) {
    this.#pend = pend;
  }

  move(task: () => void, ready: () => void): Move {
    if (!this.#pend()) {
      task();
      return READY;
    }
    this.#tasks.push(() => {
      task();
      ready();
    });
    return PENDING;
  }

  /** Finishes the moves that wait, the latest first. */
  finish(): void {
    for (let task = this.#tasks.pop(); task !== undefined; task = this.#tasks.pop()) task();
  }
}

export class ListCursor implements Cursor {
  error: StorageError | undefined;
  closed = false;
  readonly #entries: readonly ListEntry[];
  readonly #waiting: Waiting;
  readonly #ready: () => void;
  #at = -1;
  /** While a move waits, what is read of the cursor is nonsense. */
  #moving = false;

  /** Requires: entries in order. */
  constructor(entries: readonly ListEntry[], waiting: Waiting = new Waiting(() => false), ready: () => void = () => undefined) {
    this.#entries = entries;
    this.#waiting = waiting;
    this.#ready = ready;
  }

  /** The next move ends here, with `error`. */
  fail(error: StorageError): void {
    this.error = error;
  }

  get valid(): boolean {
    if (this.#moving) throw new Error('looked at while a move waits');
    return this.error === undefined && this.#at >= 0 && this.#at < this.#entries.length;
  }

  seek(key: Uint8Array, start: number, end: number): Move {
    const found = this.#entries.findIndex((entry) => compareKeys(entry.key, 0, entry.key.length, key, start, end) >= 0);
    return this.#to(found < 0 ? this.#entries.length : found);
  }
  seekBefore(key: Uint8Array, start: number, end: number): Move {
    return this.#to(this.#entries.findLastIndex((entry) => compareKeys(entry.key, 0, entry.key.length, key, start, end) < 0));
  }
  seekFirst(): Move {
    return this.#to(0);
  }
  seekLast(): Move {
    return this.#to(this.#entries.length - 1);
  }
  next(): Move {
    return this.#step(1);
  }
  prev(): Move {
    return this.#step(-1);
  }
  get keyBytes(): Uint8Array {
    return this.#entry.key;
  }
  get keyStart(): number {
    return 0;
  }
  get keyEnd(): number {
    return this.#entry.key.length;
  }
  get kind(): RecordKind {
    return this.#entry.kind;
  }
  get sequence(): number {
    return this.#entry.sequence;
  }
  get valueBytes(): Uint8Array {
    return this.#entry.value;
  }
  get valueStart(): number {
    return 0;
  }
  get valueEnd(): number {
    return this.#entry.value.length;
  }
  close(): void {
    this.closed = true;
  }

  get #entry(): ListEntry {
    if (!this.valid) throw new Error('read though not valid');
    return this.#entries[this.#at]!;
  }

  #step(by: number): Move {
    if (!this.valid) throw new Error('moved though not valid');
    return this.#to(this.#at + by);
  }

  #to(at: number): Move {
    if (this.#moving) throw new Error('moved while a move waits');
    this.#moving = true;
    return this.#waiting.move(() => {
      this.#moving = false;
      this.#at = at;
    }, this.#ready);
  }
}

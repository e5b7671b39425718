/**
 * What a reader sees at one sequence: of each key the newest version that is not newer than it, unless that is a DELETE or covered by a range
 * delete. The iterator of the engine is built on it.
 *
 * Going forward, versions come newest first: the first that is old enough decides, and the others of the key are passed over. Going back they
 * come oldest first: the last that is old enough decides, which is known only at the key before it, so it is kept in a buffer of this cursor.
 * To turn round is a seek.
 *
 * Entries that a live source gets meanwhile do no harm wherever they turn up: they are newer than what is read.
 */
import { type Cursor, type Move, PENDING, READY } from './cursor.ts';
import type { StorageError } from './errors.ts';
import { compareKeys } from './key.ts';
import type { RangeDeletes } from './range-deletes.ts';
import { PUT, RANGE_DELETE, type RecordKind } from './record.ts';
import { ReusedBytes } from './reused-bytes.ts';

export interface VisibleCursorOptions {
  /** Opens what is read, with the given function as its onReady. */
  readonly open: (inputReady: () => void) => Cursor;
  /** Of all sources of the input. */
  readonly rangeDeletes: RangeDeletes;
  /** What is newer is not seen. */
  readonly sequence: number;
  /** The cursor ends before the first key that is not >= `lower`, and at the first that is >= `upper`. Seeks don't look at them. */
  readonly lower?: Uint8Array | undefined;
  readonly upper?: Uint8Array | undefined;
  /** As for every cursor. */
  readonly onReady: () => void;
}

export class VisibleCursor implements Cursor {
  valid = false;
  readonly kind: RecordKind = PUT;
  sequence = 0;
  readonly #input: Cursor;
  readonly #options: VisibleCursorOptions;
  readonly #lower: Uint8Array | undefined;
  readonly #upper: Uint8Array | undefined;
  readonly #rangeDeletes: RangeDeletes;
  readonly #snapshot: number;
  /** Key of the current entry, or of the versions being looked at. */
  readonly #key = new ReusedBytes();
  /** Value of the current entry, going back. */
  readonly #value = new ReusedBytes();
  #forward = true;
  /** `#key` is set: forward, what it names is passed over; back, its versions are being looked at. */
  #keyed = false;
  /** Going back: kind of the newest version so far that is old enough; RANGE_DELETE: none. */
  #found: RecordKind = RANGE_DELETE;

  constructor(options: VisibleCursorOptions) {
    this.#options = options;
    this.#lower = options.lower;
    this.#upper = options.upper;
    this.#rangeDeletes = options.rangeDeletes;
    this.#snapshot = options.sequence;
    this.#input = options.open(() => this.#inputReady());
  }

  get error(): StorageError | undefined {
    return this.#input.error;
  }
  get keyBytes(): Uint8Array {
    return this.#key.bytes;
  }
  get keyStart(): number {
    return 0;
  }
  get keyEnd(): number {
    return this.#key.length;
  }
  get valueBytes(): Uint8Array {
    return this.#forward ? this.#input.valueBytes : this.#value.bytes;
  }
  get valueStart(): number {
    return this.#forward ? this.#input.valueStart : 0;
  }
  get valueEnd(): number {
    return this.#forward ? this.#input.valueEnd : this.#value.length;
  }

  seek(key: Uint8Array, start: number, end: number): Move {
    return this.#start(true, this.#input.seek(key, start, end));
  }

  seekBefore(key: Uint8Array, start: number, end: number): Move {
    return this.#start(false, this.#input.seekBefore(key, start, end));
  }

  seekFirst(): Move {
    return this.#start(true, this.#input.seekFirst());
  }

  seekLast(): Move {
    return this.#start(false, this.#input.seekLast());
  }

  next(): Move {
    if (!this.#forward) {
      const move = this.#input.seek(this.#key.bytes, 0, this.#key.length);
      this.#forward = true;
      return move === PENDING ? PENDING : this.#scan();
    }
    return this.#input.next() === PENDING ? PENDING : this.#scan();
  }

  prev(): Move {
    if (this.#forward) return this.#start(false, this.#input.seekBefore(this.#key.bytes, 0, this.#key.length));
    // The input is at the key before already, or at its end.
    return this.#scanBack();
  }

  close(): void {
    this.#input.close();
  }

  #start(forward: boolean, move: Move): Move {
    this.#forward = forward;
    this.#keyed = false;
    this.#found = RANGE_DELETE;
    if (move === PENDING) return PENDING;
    return forward ? this.#scan() : this.#scanBack();
  }

  #inputReady(): void {
    const move = this.#forward ? this.#scan() : this.#scanBack();
    if (move === READY) this.#options.onReady();
  }

  #scan(): Move {
    const input = this.#input;
    while (input.valid) {
      const { keyBytes, keyStart, keyEnd } = input;
      if (this.#upper !== undefined && compareKeys(keyBytes, keyStart, keyEnd, this.#upper, 0, this.#upper.length) >= 0) break;
      const { sequence } = input;
      if (sequence <= this.#snapshot && !this.#sameKey(keyBytes, keyStart, keyEnd)) {
        const { kind } = input;
        if (kind !== RANGE_DELETE) {
          this.#key.take(keyBytes, keyStart, keyEnd);
          this.#keyed = true;
          if (kind === PUT && !this.#covered(sequence)) {
            this.sequence = sequence;
            this.valid = true;
            return READY;
          }
        }
      }
      if (input.next() === PENDING) return PENDING;
    }
    this.valid = false;
    return READY;
  }

  #scanBack(): Move {
    const input = this.#input;
    while (input.valid) {
      const { keyBytes, keyStart, keyEnd } = input;
      if (this.#lower !== undefined && compareKeys(keyBytes, keyStart, keyEnd, this.#lower, 0, this.#lower.length) < 0) break;
      const { sequence } = input;
      if (sequence <= this.#snapshot) {
        if (!this.#sameKey(keyBytes, keyStart, keyEnd)) {
          if (this.#concluded()) return READY;
          this.#key.take(keyBytes, keyStart, keyEnd);
          this.#keyed = true;
        }
        const { kind } = input;
        if (kind === PUT) this.#value.take(input.valueBytes, input.valueStart, input.valueEnd);
        if (kind !== RANGE_DELETE) {
          this.#found = kind;
          this.sequence = sequence;
        }
      }
      if (input.prev() === PENDING) return PENDING;
    }
    this.valid = input.error === undefined && this.#concluded();
    return READY;
  }

  /** Going back, all versions of `#key` were seen. Returns whether it is there, and then it is the current entry. */
  #concluded(): boolean {
    const found = this.#found;
    this.#found = RANGE_DELETE;
    this.valid = found === PUT && !this.#covered(this.sequence);
    return this.valid;
  }

  #covered(sequence: number): boolean {
    return this.#rangeDeletes.covering(this.#key.bytes, 0, this.#key.length, this.#snapshot) > sequence;
  }

  #sameKey(bytes: Uint8Array, start: number, end: number): boolean {
    return this.#keyed && this.#key.equals(bytes, start, end);
  }
}

/** A cursor over one table. Where its blocks come from, and whether it waits for them, is the business of its `BlockSource`. */
import { copyBytes } from '../byte-reader.ts';
import { type Cursor, type Move, PENDING, READY } from '../cursor.ts';
import type { StorageError } from '../errors.ts';
import { PUT, type RecordKind } from '../record.ts';
import { BlockView } from './block-view.ts';
import type { BlockWaiter } from './lookup.ts';
import type { TableIndex } from './table-index.ts';
import { storageError } from './table-parts.ts';

/** The blocks of a table for one cursor. */
export interface BlockSource {
  readonly index: TableIndex;
  /**
   * Block `block`, its structure checked; valid until the next call. Undefined: it comes by `waiter`. `step` is 1 or -1 when the cursor comes from a neighbour,
   * going up or down, else 0. Throws StorageError.
   */
  load(block: number, step: number, waiter: BlockWaiter): Buffer | undefined;
  close(): void;
}

/** What is wanted of the block that is being entered. */
const SEEK = 0;
const SEEK_BEFORE = 1;
const FIRST = 2;
const LAST = 3;
type Intent = typeof SEEK | typeof SEEK_BEFORE | typeof FIRST | typeof LAST;

const INITIAL_KEY_BYTES = 128;
const SHORT = 32;

export class TableCursor implements Cursor, BlockWaiter {
  valid = false;
  error: StorageError | undefined;
  keyBytes: Buffer = Buffer.allocUnsafe(INITIAL_KEY_BYTES);
  readonly keyStart = 0;
  keyEnd = 0;
  kind: RecordKind = PUT;
  sequence = 0;
  valueBytes: Uint8Array = NOTHING;
  valueStart = 0;
  valueEnd = 0;

  readonly #source: BlockSource;
  /** Undefined: a job's cursor, which throws. */
  readonly #onReady: (() => void) | undefined;
  readonly #view: BlockView = new BlockView();
  /** Where it stands: the open block and the number of the entry. */
  #block = -1;
  #entry = 0;
  /** Whether `keyBytes` begins with the prefix of the open block. Not before it stands: a move's target may be `keyBytes`. */
  #prefixed = false;
  #intent: Intent = FIRST;
  #entering = 0;
  /** Bounds of `SEEK...` while it waits. */
  #target: Uint8Array = NOTHING;
  #closed = false;

  constructor(source: BlockSource, onReady: (() => void) | undefined) {
    this.#source = source;
    this.#onReady = onReady;
  }

  seek(key: Uint8Array, start: number, end: number): Move {
    return this.#seek(SEEK, key, start, end);
  }

  seekBefore(key: Uint8Array, start: number, end: number): Move {
    return this.#seek(SEEK_BEFORE, key, start, end);
  }

  seekFirst(): Move {
    return this.#enter(0, FIRST, 0);
  }

  seekLast(): Move {
    return this.#enter(this.#source.index.count - 1, LAST, 0);
  }

  next(): Move {
    if (this.#entry + 1 < this.#view.count) {
      this.#stand(this.#entry + 1);
      return READY;
    }
    return this.#enter(this.#block + 1, FIRST, 1);
  }

  prev(): Move {
    if (this.#entry > 0) {
      this.#stand(this.#entry - 1);
      return READY;
    }
    return this.#enter(this.#block - 1, LAST, -1);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.valid = false;
    this.valueBytes = NOTHING;
    this.#source.close();
  }

  /** Of the source. */
  onBlock(bytes: Buffer | undefined, error: StorageError | undefined): void {
    if (this.#closed) return;
    let move: Move = READY;
    if (bytes === undefined) this.#fail(error as StorageError);
    else move = this.#arrive(bytes);
    if (move === READY) this.#onReady?.();
  }

  #seek(intent: Intent, key: Uint8Array, start: number, end: number): Move {
    if (this.error !== undefined) return READY;
    const { index } = this.#source;
    const block = index.find(key, start, end);
    if (block === index.count) {
      if (intent === SEEK) return this.#end();
      return this.#enter(block - 1, LAST, 0);
    }
    // Near moves of a merge stay in the block at hand.
    if (this.valid && block === this.#block) return this.#pick(intent, key, start, end);
    this.#intent = intent;
    this.#entering = block;
    const bytes = this.#load(block, 0);
    if (bytes !== undefined) {
      this.#open(block, bytes);
      return this.#pick(intent, key, start, end);
    }
    if (this.error !== undefined) return READY;
    this.#target = copyBytes(key, start, end);
    return PENDING;
  }

  /** Into `block` for FIRST or LAST. */
  #enter(block: number, intent: Intent, step: number): Move {
    if (this.error !== undefined || block < 0 || block >= this.#source.index.count) return this.#end();
    this.#intent = intent;
    this.#entering = block;
    const bytes = this.#load(block, step);
    if (bytes !== undefined) return this.#arrive(bytes);
    return this.error === undefined ? PENDING : READY;
  }

  #arrive(bytes: Buffer): Move {
    this.#open(this.#entering, bytes);
    const target = this.#target;
    this.#target = NOTHING;
    return this.#pick(this.#intent, target, 0, target.length);
  }

  /** Stands at the entry of the open block that the intent says, or goes on to a neighbour. */
  #pick(intent: Intent, key: Uint8Array, start: number, end: number): Move {
    const { count } = this.#view;
    let entry = 0;
    if (intent === LAST) entry = count - 1;
    else if (intent !== FIRST) {
      entry = this.#view.lowerBound(key, start, end);
      if (intent === SEEK_BEFORE) entry--;
    }
    if (entry === count) return this.#enter(this.#block + 1, FIRST, 0);
    if (entry < 0) return this.#enter(this.#block - 1, LAST, 0);
    this.#stand(entry);
    return READY;
  }

  #load(block: number, step: number): Buffer | undefined {
    this.valid = false;
    try {
      return this.#source.load(block, step, this);
    } catch (error) {
      this.#fail(storageError(error));
      return undefined;
    }
  }

  #fail(error: StorageError): void {
    this.#end();
    if (this.#onReady === undefined) throw error;
    this.error = error;
  }

  #end(): Move {
    this.valid = false;
    this.#block = -1;
    return READY;
  }

  #open(block: number, bytes: Buffer): void {
    const view = this.#view;
    view.open(bytes);
    this.#block = block;
    this.valueBytes = bytes;
    this.#prefixed = false;
  }

  #stand(entry: number): void {
    const view = this.#view;
    const { bytes, prefixBytes } = view;
    const suffixStart = view.suffixStart(entry);
    const suffixLength = view.suffixLength(entry);
    const suffixEnd = suffixStart + suffixLength;
    this.#entry = entry;
    this.keyEnd = prefixBytes + suffixLength;
    if (this.keyEnd > this.keyBytes.length) this.#growKey(this.keyEnd);
    if (!this.#prefixed) {
      for (let i = 0; i < prefixBytes; i++) this.keyBytes[i] = bytes[view.prefixStart + i]!;
      this.#prefixed = true;
    }
    const key = this.keyBytes;
    if (suffixLength <= SHORT) for (let from = suffixStart, to = prefixBytes; from < suffixEnd; ) key[to++] = bytes[from++]!;
    else key.set(bytes.subarray(suffixStart, suffixEnd), prefixBytes);
    this.kind = view.kind(entry);
    this.sequence = view.sequence(entry);
    this.valueStart = suffixEnd;
    this.valueEnd = view.valueEnd(entry);
    this.valid = true;
  }

  #growKey(bytes: number): void {
    const grown = Buffer.allocUnsafeSlow(bytes * 2);
    this.keyBytes.copy(grown);
    this.keyBytes = grown;
  }
}

const NOTHING = new Uint8Array(0);

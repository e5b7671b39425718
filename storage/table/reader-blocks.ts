/** The blocks of a table on a shard for one cursor: from the cache, singly, and in longer and longer runs when the cursor goes on and on. */
import type { Codecs } from '../codec.ts';
import type { StorageError } from '../errors.ts';
import { BlockRun } from './block-run.ts';
import type { CursorBuffers } from './cursor-buffers.ts';
import type { BlockWaiter } from './lookup.ts';
import type { BlockSource } from './table-cursor.ts';
import type { TableIndex } from './table-index.ts';
import { attempt, type TableParts } from './table-parts.ts';
import type { BlockMemory, TableReader } from './table-reader.ts';

const AHEAD_BYTES_MIN = 32 * 1_024;
const AHEAD_BYTES_MAX = 256 * 1_024;

export class ReaderBlocks implements BlockSource, BlockMemory {
  readonly index: TableIndex;
  readonly #reader: TableReader;
  readonly #run: BlockRun;
  readonly #buffers: CursorBuffers;
  /** Of the last block that was loaded singly. */
  #single: Buffer = NOTHING;
  #aheadBytes = 0;
  #isFilling = false;
  #closed = false;

  constructor(reader: TableReader, parts: TableParts, codecs: Codecs, buffers: CursorBuffers) {
    this.index = reader.index;
    this.#reader = reader;
    this.#run = new BlockRun(parts.index, parts.seal, codecs, buffers);
    this.#buffers = buffers;
  }

  load(block: number, step: number, waiter: BlockWaiter): Buffer | undefined {
    if (this.#run.has(block)) return this.#run.open(block);
    if (step === 0 || this.#reader.slots[block]! >= 0) {
      if (step === 0) this.#aheadBytes = 0;
      return this.#reader.load(block, waiter, this);
    }
    this.#aheadBytes = Math.min(Math.max(this.#aheadBytes * 2, AHEAD_BYTES_MIN), AHEAD_BYTES_MAX);
    this.#run.plan(block, step, this.#aheadBytes);
    this.#isFilling = !this.#reader.fill(this.#run, (error) => this.#filled(block, waiter, error));
    if (this.#isFilling) return undefined;
    this.#run.filled();
    return this.#run.open(block);
  }

  #filled(block: number, waiter: BlockWaiter, error: StorageError | undefined): void {
    this.#isFilling = false;
    if (this.#closed) return this.#run.release();
    let bytes: Buffer | undefined;
    const failed =
      error ??
      attempt(() => {
        this.#run.filled();
        bytes = this.#run.open(block);
      });
    waiter.onBlock(bytes, failed);
  }

  /** What was loaded is not looked at any more. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#buffers.give(this.#single);
    this.#single = NOTHING;
    if (!this.#isFilling) this.#run.release();
  }

  /** Memory for a block that is read at once: that of the one before, if it is long enough. */
  into(length: number): Buffer {
    if (this.#single.length < length) {
      this.#buffers.give(this.#single);
      this.#single = this.#buffers.take(length);
    }
    return this.#single.subarray(0, length);
  }
}

const NOTHING = Buffer.alloc(0);

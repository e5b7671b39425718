/**
 * Searches that go on side by side. Each of them waits for memory several times in a row: for the head of its block, then for its entry. `touch` does one step for
 * all of them before the next, in loops so short that the processor waits for many of them at once.
 * Source: group prefetching [Chen, Ailamaki, Gibbons, Mowry 2004].
 */
import { BlockView } from '../table/block-view.ts';
import { Search } from './search.ts';

/** More would outlast the nearest cache, fewer overlap less. */
export const READ_GROUP = 64;

const LINE_BYTES = 64;

export class ReadGroup {
  readonly searches: readonly Search[] = Array.from({ length: READ_GROUP }, () => new Search());
  /** For whoever uses it: which key each is of. */
  readonly indexes: Int32Array = new Int32Array(READ_GROUP);
  readonly #bytes: Buffer[] = new Array<Buffer>(READ_GROUP).fill(NO_BLOCK);
  /** Of the block, then of the entry. */
  readonly #starts: Int32Array = new Int32Array(READ_GROUP);
  readonly #ends: Int32Array = new Int32Array(READ_GROUP);
  readonly #view: BlockView = new BlockView();
  #touched = 0;

  /** Reads what the first `count` searches will read of blocks that are in memory. Changes nothing. Returns a number of no meaning, so that no compiler leaves it out. */
  touch(count: number): number {
    this.#locate(count);
    this.#touchHeads(count);
    this.#findEntries(count);
    this.#touchEntries(count);
    // So that it keeps no memory alive.
    this.#bytes.fill(NO_BLOCK, 0, count);
    return this.#touched;
  }

  #locate(count: number): void {
    for (let i = 0; i < count; i++) {
      const { table, block } = this.searches[i]!;
      const slot = table === undefined ? -1 : table.reader.slots[block]!;
      if (table === undefined || slot < 0) {
        this.#bytes[i] = NO_BLOCK;
        this.#starts[i] = 0;
        continue;
      }
      const { cache } = table.reader;
      this.#bytes[i] = cache.bytesOf(slot);
      this.#starts[i] = cache.startOf(slot);
    }
  }

  #touchHeads(count: number): void {
    const bytes = this.#bytes;
    const starts = this.#starts;
    let touched = 0;
    for (let i = 0; i < count; i++) {
      const from = bytes[i]!;
      const at = starts[i]!;
      touched ^= from[at]! ^ from[at + LINE_BYTES]! ^ from[at + 2 * LINE_BYTES]!;
    }
    this.#touched = touched;
  }

  #findEntries(count: number): void {
    const view = this.#view;
    for (let i = 0; i < count; i++) {
      const search = this.searches[i]!;
      const { key, hash } = search;
      view.open(this.#bytes[i]!, this.#starts[i]);
      const entry = view.candidate(key, hash);
      if (entry < 0) {
        this.#ends[i] = this.#starts[i]!;
        continue;
      }
      search.entry = entry;
      this.#starts[i] = view.suffixStart(entry);
      this.#ends[i] = view.valueEnd(entry) - 1;
    }
  }

  #touchEntries(count: number): void {
    const bytes = this.#bytes;
    const starts = this.#starts;
    const ends = this.#ends;
    let touched = 0;
    for (let i = 0; i < count; i++) {
      const from = bytes[i]!;
      touched ^= from[starts[i]!]! ^ from[ends[i]!]!;
    }
    this.#touched ^= touched;
  }
}

const NO_BLOCK = Buffer.alloc(4 * LINE_BYTES);

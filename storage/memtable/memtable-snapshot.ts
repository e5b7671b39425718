/** A full memtable as the flush job gets it: the job reads the records where they are, in shared memory. */
import type { Cursor } from '../cursor.ts';
import { compareKeys } from '../key.ts';
import { RECORD_HEADER_BYTES } from '../record.ts';
import { Arena } from './arena.ts';
import type { OrderedKeys } from './key-order.ts';
import type { RangeDelete } from './memtable.ts';
import { MemtableCursor } from './memtable-cursor.ts';

/** Plain data: cloning it takes no longer than its range deletes. */
export interface MemtableSnapshot {
  /** Of the arena. */
  readonly memory: SharedArrayBuffer;
  readonly capacityBytes: number;
  /** Of the newest record of each key, in the order of the keys; shared. */
  readonly offsets: Int32Array;
  readonly baseSequence: number;
  readonly recordCount: number;
  /** Bytes of the arena in use. */
  readonly length: number;
  readonly rangeDeletes: readonly RangeDelete[];
}

/** As the memtable's own; `isNewestOnly`: of each key the newest record alone. */
export function snapshotCursor({ memory, capacityBytes, offsets, baseSequence }: MemtableSnapshot, isNewestOnly = false): Cursor {
  return new MemtableCursor(new FixedOrder(new Arena(capacityBytes, memory), offsets), baseSequence, isNewestOnly);
}

/** Of the processor's cache: 64 bytes; of each record its first 256 bytes, of so many records at a time. */
const WORDS_PER_LINE = 16;
const TOUCHED_LINES = 4;
const TOUCHED_RECORDS = 16;

/** One leaf with everything in it. */
class FixedOrder implements OrderedKeys {
  readonly arena: Arena;
  readonly changes = 0;
  readonly leafCount = 1;
  readonly leafAt = 0;
  placeAt = 0;
  /** Says nothing; without it nothing would be read. */
  touched = 0;
  readonly #offsets: Int32Array;

  constructor(arena: Arena, offsets: Int32Array) {
    this.arena = arena;
    this.#offsets = offsets;
  }

  locate(key: Uint8Array, start: number, end: number): boolean {
    const { bytes, words } = this.arena;
    let low = 0;
    let high = this.#offsets.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const offset = this.#offsets[middle]!;
      const own = offset + RECORD_HEADER_BYTES;
      const order = compareKeys(bytes, own, own + (words[(offset >>> 2) + 2]! >>> 4), key, start, end);
      if (order === 0) {
        this.placeAt = middle;
        return true;
      }
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    this.placeAt = low;
    return false;
  }

  countAt(): number {
    return this.#offsets.length;
  }

  offsetAt(_leafIndex: number, place: number): number {
    if (place % TOUCHED_RECORDS === 0) this.#touch(place);
    return this.#offsets[place]!;
  }

  /** Has the records from that place on fetched side by side: keys in order lie anywhere in the arena, and each would be waited for by itself. Of use to who goes up, as jobs do. */
  #touch(place: number): void {
    const { words } = this.arena;
    const offsets = this.#offsets;
    const end = Math.min(offsets.length, place + TOUCHED_RECORDS);
    const last = words.length - 1;
    let sum = 0;
    for (let i = place; i < end; i++) {
      const word = offsets[i]! >>> 2;
      for (let line = 0; line < TOUCHED_LINES; line++) sum += words[Math.min(word + line * WORDS_PER_LINE, last)]!;
    }
    this.touched = sum;
  }
}

/**
 * A cursor over a memtable. It holds the offset of its record, which never moves, and the place of the key in the order, which it finds again when keys
 * were added since.
 */
import { type Cursor, type Move, READY } from '../cursor.ts';
import { PUT, RECORD_HEADER_BYTES, type RecordKind } from '../record.ts';
import type { OrderedKeys } from './key-order.ts';

export class MemtableCursor implements Cursor {
  valid = false;
  readonly error = undefined;
  readonly keyBytes: Uint8Array;
  keyStart = 0;
  keyEnd = 0;
  kind: RecordKind = PUT;
  sequence = 0;
  readonly valueBytes: Uint8Array;
  valueStart = 0;
  valueEnd = 0;
  readonly #order: OrderedKeys;
  readonly #words: Uint32Array;
  readonly #baseSequence: number;
  readonly #isNewestOnly: boolean;
  /** Of the current record, of the newest of its key that this visit of the key shows, and how many are between. */
  #offset = 0;
  #newest = 0;
  #depth = 0;
  /** The chain from `#chained` on, for going back up it; empty until needed. */
  #chain: number[] = [];
  #chained = 0;
  /** Where the key is, when `order.changes` was `#changes`. */
  #leaf = 0;
  #place = 0;
  #changes = 0;

  /** `isNewestOnly`: of each key the newest record alone, so that older ones are not even read: each is a miss of the processor's cache. */
  constructor(order: OrderedKeys, baseSequence: number, isNewestOnly = false) {
    this.#order = order;
    this.#isNewestOnly = isNewestOnly;
    this.#words = order.arena.words;
    this.#baseSequence = baseSequence;
    this.keyBytes = order.arena.bytes;
    this.valueBytes = order.arena.bytes;
  }

  seek(key: Uint8Array, start: number, end: number): Move {
    this.#locate(key, start, end);
    return this.#enterFromBelow();
  }

  seekBefore(key: Uint8Array, start: number, end: number): Move {
    this.#locate(key, start, end);
    return this.#enterKeyBefore();
  }

  seekFirst(): Move {
    this.#goTo(0, 0);
    return this.#enterFromBelow();
  }

  seekLast(): Move {
    const order = this.#order;
    const last = order.leafCount - 1;
    this.#goTo(last, order.countAt(last));
    return this.#enterKeyBefore();
  }

  next(): Move {
    const older = this.#isNewestOnly ? 0 : this.#words[this.#offset >>> 2]!;
    if (older !== 0) {
      this.#depth++;
      return this.#show(older);
    }
    this.#findAgain();
    this.#place++;
    return this.#enterFromBelow();
  }

  prev(): Move {
    if (this.#depth > 0) {
      this.#fillChain();
      this.#depth--;
      return this.#show(this.#chain[this.#depth]!);
    }
    this.#findAgain();
    return this.#enterKeyBefore();
  }

  close(): void {
    this.valid = false;
    this.#chain = [];
  }

  #goTo(leaf: number, place: number): void {
    this.#leaf = leaf;
    this.#place = place;
    this.#changes = this.#order.changes;
  }

  #locate(key: Uint8Array, start: number, end: number): void {
    const order = this.#order;
    order.locate(key, start, end);
    this.#goTo(order.leafAt, order.placeAt);
  }

  #findAgain(): void {
    if (this.#changes !== this.#order.changes) this.#locate(this.keyBytes, this.keyStart, this.keyEnd);
  }

  /** To the newest record of the key at the place, which may be just behind its leaf. */
  #enterFromBelow(): Move {
    const order = this.#order;
    if (this.#place >= order.countAt(this.#leaf)) {
      if (this.#leaf === order.leafCount - 1) {
        this.valid = false;
        return READY;
      }
      this.#leaf++;
      this.#place = 0;
    }
    this.#newest = order.offsetAt(this.#leaf, this.#place);
    this.#depth = 0;
    return this.#show(this.#newest);
  }

  /** To the oldest record of the key before the place. */
  #enterKeyBefore(): Move {
    const order = this.#order;
    if (this.#place === 0) {
      if (this.#leaf === 0) {
        this.valid = false;
        return READY;
      }
      this.#leaf--;
      this.#place = order.countAt(this.#leaf);
    }
    this.#place--;
    const newest = order.offsetAt(this.#leaf, this.#place);
    this.#newest = newest;
    this.#depth = 0;
    if (this.#isNewestOnly || this.#words[newest >>> 2] === 0) return this.#show(newest);
    this.#fillChain();
    this.#depth = this.#chain.length - 1;
    return this.#show(this.#chain[this.#depth]!);
  }

  #fillChain(): void {
    if (this.#chained === this.#newest) return;
    const words = this.#words;
    this.#chain.length = 0;
    for (let offset = this.#newest; offset !== 0; offset = words[offset >>> 2]!) this.#chain.push(offset);
    this.#chained = this.#newest;
  }

  #show(offset: number): Move {
    const words = this.#words;
    const word = offset >>> 2;
    const head = words[word + 2]!;
    const keyStart = offset + RECORD_HEADER_BYTES;
    const keyEnd = keyStart + (head >>> 4);
    this.#offset = offset;
    this.keyStart = keyStart;
    this.keyEnd = keyEnd;
    this.kind = (head & 15) as RecordKind;
    this.sequence = this.#baseSequence + words[word + 1]!;
    this.valueStart = keyEnd;
    this.valueEnd = keyEnd + words[word + 3]!;
    this.valid = true;
    return READY;
  }
}

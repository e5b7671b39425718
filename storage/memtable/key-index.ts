/**
 * From a key to its number in the `KeyOrder` of a memtable: a hash table with open addressing, one word per slot. It does not grow, for no put is to wait for that: when it is
 * full, `isFull`, and keys that come then are in the order alone.
 *
 * ```
 *   slot    0: free     or     8 more bits of the hash | 24 bits: number of the key
 * ```
 * Numbers in place of offsets, so that an overwrite changes neither the table nor the order. Why not one alone of the two: figures in bench/memtable.ts.
 */
import { RECORD_HEADER_BYTES } from '../record.ts';
import type { KeyOrder } from './key-order.ts';

const SLOTS_MIN = 64;
/** 4 bytes of 64: keys of 85 bytes with their records have room, at three quarters full. */
const ARENA_BYTES_PER_SLOT = 64;
const NUMBER_BITS = 24;
const NUMBER_MASK = (1 << NUMBER_BITS) - 1;
const TAG_MASK = 0xff;

export class KeyIndex {
  readonly #order: KeyOrder;
  readonly #slots: Int32Array;
  readonly #shift: number;
  readonly #most: number;
  #count = 0;

  constructor(order: KeyOrder) {
    const bits = Math.min(NUMBER_BITS, 32 - Math.clz32(Math.max(SLOTS_MIN, order.arena.bytes.length / ARENA_BYTES_PER_SLOT) - 1));
    this.#order = order;
    this.#slots = new Int32Array(2 ** bits);
    this.#shift = 32 - bits;
    this.#most = this.#slots.length * 0.75;
  }

  /** Keys may be in the order that are not here. */
  get isFull(): boolean {
    return this.#count === this.#most;
  }

  /** Number of `key[start, end)`, whose `hashKey` is `hash`; 0: not here. Requires: in the arena a key begins where a record's does. */
  find(hash: number, key: Uint8Array, start: number, end: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const tag = hash & TAG_MASK;
    for (let at = hash >>> this.#shift; ; at = (at + 1) & mask) {
      const slot = slots[at]!;
      if (slot === 0) return 0;
      if (slot >>> NUMBER_BITS === tag && this.#hasKey(slot & NUMBER_MASK, key, start, end)) return slot & NUMBER_MASK;
    }
  }

  /** Requires: the key is not here. Does nothing when it is full. */
  add(hash: number, number: number): void {
    if (this.isFull) return;
    this.#count++;
    const slots = this.#slots;
    const mask = slots.length - 1;
    let at = hash >>> this.#shift;
    while (slots[at] !== 0) at = (at + 1) & mask;
    slots[at] = (hash << NUMBER_BITS) | number;
  }

  /** A key in the arena itself is compared in words: records are aligned. */
  #hasKey(number: number, key: Uint8Array, start: number, end: number): boolean {
    const { bytes, words } = this.#order.arena;
    const offset = this.#order.newestOf(number);
    const length = end - start;
    if (words[(offset >>> 2) + 2]! >>> 4 !== length) return false;
    const own = offset + RECORD_HEADER_BYTES;
    let i = 0;
    if (key === bytes) {
      const whole = length & ~3;
      for (; i < whole; i += 4) if (words[(own + i) >>> 2] !== words[(start + i) >>> 2]) return false;
    }
    for (; i < length; i++) if (bytes[own + i] !== key[start + i]) return false;
    return true;
  }
}

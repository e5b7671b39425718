/**
 * From a key to its newest record: open addressing with linear probing. A slot is two words, the key's hash and the record's offset (0: free), so
 * that a miss hardly ever reads the arena, and growing never does. The slot of a hash is given by its upper bits: growing reads and writes memory
 * in order.
 *
 * Growing is spread over the puts that follow: the table before stays beside the new one, and each new key moves some of its slots. A slot that has
 * moved is not cleared, which does no harm, since the new table is asked first.
 *
 * Why: bench:memtable; a search in `KeyOrder` instead takes three times as long.
 */
import { RECORD_HEADER_BYTES } from '../record.ts';
import type { Arena } from './arena.ts';

/** Slots taken, of 8, before the table doubles. */
const LOAD_EIGHTHS = 5;

/** Slots of the old table that a new key moves. The new one has room for 5/8 of the old one's slots in new keys: it is done long before. */
const SLOTS_MOVED = 8;
const NO_SLOTS = new Int32Array(0);

export class HashIndex {
  /** Keys in it. */
  count = 0;
  readonly #arena: Arena;
  #slots: Int32Array;
  #shift: number;
  #countMax: number;
  /** The table before this one, until all has moved; and where in it moving goes on. */
  #old: Int32Array = NO_SLOTS;
  #moved = 0;

  /** It begins with 2^slotBits slots of 8 bytes. Requires: `slotBits` from 3 to 27. */
  constructor(arena: Arena, slotBits: number) {
    this.#arena = arena;
    this.#slots = new Int32Array(2 << slotBits);
    this.#shift = 32 - slotBits;
    this.#countMax = ((1 << slotBits) >>> 3) * LOAD_EIGHTHS;
  }

  /** Offset of the newest record of `key[start, end)`, whose hash that is; 0: none. */
  find(key: Uint8Array, start: number, end: number, hash: number): number {
    const { bytes, words } = this.#arena;
    const slots = this.#slots;
    const offset = slots[slotOf(slots, this.#shift, bytes, words, key, start, end, hash) + 1]!;
    if (offset !== 0 || this.#old.length === 0) return offset;
    return this.#old[slotOf(this.#old, this.#shift + 1, bytes, words, key, start, end, hash) + 1]!;
  }

  /** Puts the record in the place of the key's newest one. Returns what that was, 0: none. */
  exchange(key: Uint8Array, start: number, end: number, hash: number, offset: number): number {
    const { bytes, words } = this.#arena;
    const slots = this.#slots;
    const slot = slotOf(slots, this.#shift, bytes, words, key, start, end, hash);
    let older = slots[slot + 1]!;
    if (older === 0 && this.#old.length > 0) {
      const oldSlot = slotOf(this.#old, this.#shift + 1, bytes, words, key, start, end, hash);
      older = this.#old[oldSlot + 1]!;
      if (older !== 0) {
        this.#old[oldSlot + 1] = offset;
        return older;
      }
    }
    slots[slot + 1] = offset;
    if (older !== 0) return older;
    slots[slot] = hash;
    this.count++;
    if (this.#old.length > 0) this.#moveSome();
    else if (this.count > this.#countMax) this.#grow();
    return 0;
  }

  #grow(): void {
    this.#old = this.#slots;
    this.#moved = 0;
    this.#slots = new Int32Array(this.#old.length * 2);
    this.#shift--;
    this.#countMax *= 2;
  }

  #moveSome(): void {
    const old = this.#old;
    const slots = this.#slots;
    const last = slots.length - 1;
    const end = this.#moved + 2 * SLOTS_MOVED;
    for (let i = this.#moved; i < end; i += 2) {
      const offset = old[i + 1]!;
      if (offset === 0) continue;
      const hash = old[i]!;
      let slot = (hash >>> this.#shift) << 1;
      while (slots[slot + 1] !== 0) slot = (slot + 2) & last;
      slots[slot] = hash;
      slots[slot + 1] = offset;
    }
    this.#moved = end;
    if (end === old.length) this.#old = NO_SLOTS;
  }
}

/** The slot that has the key, else the free one where it would be. */
function slotOf(
  slots: Int32Array,
  shift: number,
  bytes: Uint8Array,
  words: Uint32Array,
  key: Uint8Array,
  start: number,
  end: number,
  hash: number,
): number {
  const last = slots.length - 1;
  const keyLength = end - start;
  let slot = (hash >>> shift) << 1;
  for (;;) {
    const offset = slots[slot + 1]!;
    if (offset === 0) return slot;
    if (slots[slot] === hash && words[(offset >>> 2) + 2]! >>> 4 === keyLength) {
      const at = offset + RECORD_HEADER_BYTES;
      let i = 0;
      while (i < keyLength && bytes[at + i] === key[start + i]) i++;
      if (i === keyLength) return slot;
    }
    slot = (slot + 2) & last;
  }
}

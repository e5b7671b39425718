/**
 * KeysInFlight: which keys a connection's commands are at work on. A command waits for those before it on the same key of which either writes, so that a pipeline
 * is what its client believes it to be: SET k, GET k gives what was set, whatever replicas and retries are between. Those on other keys go on at once.
 *
 * Keys are known by a hash of 32 bits; two that share one wait for each other without need. Open addressing with linear probing; no allocation per command.
 */
const SLOTS_MIN = 32;
/** A write counts as this many readers, more than there can be. */
const WRITER = 1 << 20;

export class KeysInFlight {
  #mask = SLOTS_MIN - 1;
  #hashes = new Int32Array(SLOTS_MIN);
  /** Readers and WRITER for each writer; 0: the slot is free. */
  #users = new Int32Array(SLOTS_MIN);
  #count = 0;

  /** Whether a command that reads, or writes, that key has to wait. */
  isBusy(hash: number, isWrite: boolean): boolean {
    if (this.#count === 0) return false;
    const users = this.#users[this.#find(hash)]!;
    return isWrite ? users !== 0 : users >= WRITER;
  }

  add(hash: number, isWrite: boolean): void {
    const slot = this.#find(hash);
    if (this.#users[slot] === 0) {
      this.#hashes[slot] = hash;
      this.#count++;
    }
    this.#users[slot]! += isWrite ? WRITER : 1;
    if (2 * this.#count > this.#mask) this.#grow();
  }

  /** Requires: added so before. */
  remove(hash: number, isWrite: boolean): void {
    const slot = this.#find(hash);
    this.#users[slot]! -= isWrite ? WRITER : 1;
    if (this.#users[slot] !== 0) return;
    this.#count--;
    this.#closeGap(slot);
  }

  /** Its slot, or the free one where it would be. */
  #find(hash: number): number {
    let slot = hash & this.#mask;
    while (this.#users[slot] !== 0 && this.#hashes[slot] !== hash) slot = (slot + 1) & this.#mask;
    return slot;
  }

  /** Moves up what had been pushed behind a slot that is free now. */
  #closeGap(free: number): void {
    const mask = this.#mask;
    let gap = free;
    for (let slot = (free + 1) & mask; this.#users[slot] !== 0; slot = (slot + 1) & mask) {
      const home = this.#hashes[slot]! & mask;
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      this.#hashes[gap] = this.#hashes[slot]!;
      this.#users[gap] = this.#users[slot]!;
      this.#users[slot] = 0;
      gap = slot;
    }
  }

  #grow(): void {
    const hashes = this.#hashes;
    const users = this.#users;
    const size = 2 * users.length;
    this.#mask = size - 1;
    this.#hashes = new Int32Array(size);
    this.#users = new Int32Array(size);
    for (let i = 0; i < users.length; i++) {
      if (users[i] === 0) continue;
      const slot = this.#find(hashes[i]!);
      this.#hashes[slot] = hashes[i]!;
      this.#users[slot] = users[i]!;
    }
  }
}

/** Body and finalizer of MurmurHash3 x86-32 (Austin Appleby, public domain). */
export function hashKey(bytes: Uint8Array, start: number, end: number): number {
  let h = end - start;
  let at = start;
  for (; at + 4 <= end; at += 4) h = mixed(h, bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
  let rest = 0;
  for (; at < end; at++) rest = (rest << 8) | bytes[at]!;
  h = mixed(h, rest);
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}

function mixed(h: number, word: number): number {
  const k = Math.imul(word, 0xcc9e_2d51);
  const next = h ^ Math.imul((k << 15) | (k >>> 17), 0x1b87_3593);
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe654_6b64) | 0;
}

/**
 * ReplyRing: puts the replies of one connection into the order of its commands, whatever the order in which they are made.
 *
 * ```
 *            head                       tail
 *   slots     | waiting | ready | waiting |             a slot per command; its number is the token of the request
 *                          |
 *   side      ...          "$3\r\nabc\r\n"  ...          replies made before their turn
 *   out       "+OK\r\n" ...                              what goes to the client next; the head's reply is made here
 * ```
 * Only a reply that comes out of turn is copied, once. For each slot, in this order: `open`, `outOf`, the reply appended to it, `close`.
 */
import { copyBytes, type OutBuffer } from '../../runtime/bytes.ts';
import { assert, BugError } from '../../runtime/errors.ts';
import type { Render } from './render.ts';

/** What is known of a command in flight, as bits. */
export const WRITES = 1;
/** The client wants no reply (CLIENT REPLY). */
export const IS_SILENT = 2;
/** Its key is in `KeysInFlight`, under the slot's hash. */
export const HAS_KEY = 4;
const READY = 8;

const SLOTS_MIN = 16;
/** The side buffer is tidied up when it is longer than this and more than half of it is no longer needed. */
const SIDE_BYTES_MIN = 65_536;

export class ReplyRing {
  readonly #out: OutBuffer;
  readonly #side: OutBuffer;
  readonly #slotsMax: number;
  readonly #mutants: ReadonlySet<string> | undefined;
  /** Slots there are now; grows to `slotsMax`. */
  #capacity = SLOTS_MIN;
  #flags = new Uint8Array(SLOTS_MIN);
  #hashes = new Int32Array(SLOTS_MIN);
  #renders: (Render | undefined)[] = new Array<Render | undefined>(SLOTS_MIN).fill(undefined);
  /** Where the reply of a ready slot lies in the side buffer. */
  #starts = new Int32Array(SLOTS_MIN);
  #lengths = new Int32Array(SLOTS_MIN);
  /** Counted on and on; index = count modulo capacity. */
  #head = 0;
  #tail = 0;
  /** Bytes of ready slots in the side buffer. */
  #sideBytes = 0;
  #replyStart = 0;

  /** `slotsMax`: commands in flight at most, a power of two from 16 on. */
  constructor(out: OutBuffer, side: OutBuffer, slotsMax: number, mutants?: ReadonlySet<string>) {
    assert(
      slotsMax >= SLOTS_MIN && (slotsMax & (slotsMax - 1)) === 0,
      `reply ring: expected a power of two from ${SLOTS_MIN} on, got ${slotsMax}`,
    );
    this.#out = out;
    this.#side = side;
    this.#slotsMax = slotsMax;
    this.#mutants = mutants;
  }

  /** Commands whose replies are not out yet. */
  get size(): number {
    return this.#tail - this.#head;
  }

  get isFull(): boolean {
    return this.size >= this.#slotsMax;
  }

  /** Replies made out of turn that wait, in bytes. */
  get sideBytes(): number {
    return this.#sideBytes;
  }

  /** A slot for the next command. Requires: not full. Returns its number, 0 to slotsMax - 1, which is its own until it is closed. */
  open(flags: number, hash: number, render: Render | undefined): number {
    if (this.size === this.#capacity) this.#grow();
    const count = this.#tail++;
    const index = count & (this.#capacity - 1);
    this.#flags[index] = flags;
    this.#hashes[index] = hash;
    this.#renders[index] = render;
    return count & (this.#slotsMax - 1);
  }

  flagsOf(slot: number): number {
    return this.#flags[this.#indexOf(slot)]!;
  }

  hashOf(slot: number): number {
    return this.#hashes[this.#indexOf(slot)]!;
  }

  renderOf(slot: number): Render | undefined {
    return this.#renders[this.#indexOf(slot)];
  }

  /** Where the reply of this slot is to be appended, all at once. */
  outOf(slot: number): OutBuffer {
    const out = this.#isNext(slot) ? this.#out : this.#side;
    this.#replyStart = out.length;
    return out;
  }

  /** The reply is there. It and those ready behind it go to `out`, when all before it have gone. False: they don't fit there. */
  close(slot: number): boolean {
    const index = this.#indexOf(slot);
    const flags = this.#flags[index]!;
    // Not `assert`: its text would be made each time.
    if (this.size === 0 || (flags & READY) !== 0) throw new BugError(`reply ring: slot ${slot} is not open`);
    if (this.#isNext(slot)) {
      if ((flags & IS_SILENT) !== 0) this.#out.length = this.#replyStart;
      this.#head++;
      return this.#takeReady();
    }
    if ((flags & IS_SILENT) !== 0) this.#side.length = this.#replyStart;
    this.#flags[index] = flags | READY;
    this.#starts[index] = this.#replyStart;
    this.#lengths[index] = this.#side.length - this.#replyStart;
    this.#sideBytes += this.#side.length - this.#replyStart;
    return true;
  }

  #isNext(slot: number): boolean {
    return (this.#head & (this.#slotsMax - 1)) === slot || this.#mutants?.has('answersOutOfOrder') === true;
  }

  #indexOf(slot: number): number {
    const count = this.#head + ((slot - this.#head) & (this.#slotsMax - 1));
    return count & (this.#capacity - 1);
  }

  #takeReady(): boolean {
    const side = this.#side;
    while (this.#head < this.#tail) {
      const index = this.#head & (this.#capacity - 1);
      if ((this.#flags[index]! & READY) === 0) break;
      const start = this.#starts[index]!;
      const length = this.#lengths[index]!;
      if (!this.#out.ensure(length)) return false;
      copyBytes(side.bytes, start, start + length, this.#out.bytes, this.#out.length);
      this.#out.length += length;
      this.#sideBytes -= length;
      this.#flags[index] = 0;
      this.#head++;
    }
    if (this.#sideBytes === 0) side.clear();
    else if (side.length > SIDE_BYTES_MIN && side.length > 2 * this.#sideBytes) this.#tidy();
    return true;
  }

  /** Moves what is still needed to the front of the side buffer. Cost: O(slots log slots + bytes), once per as many bytes given up. */
  #tidy(): void {
    const ready: number[] = [];
    for (let count = this.#head; count < this.#tail; count++) {
      const index = count & (this.#capacity - 1);
      if ((this.#flags[index]! & READY) !== 0) ready.push(index);
    }
    ready.sort((a, b) => this.#starts[a]! - this.#starts[b]!);
    const side = this.#side;
    let to = 0;
    for (const index of ready) {
      const start = this.#starts[index]!;
      const length = this.#lengths[index]!;
      side.bytes.copyWithin(to, start, start + length);
      this.#starts[index] = to;
      to += length;
    }
    side.length = to;
  }

  #grow(): void {
    const old = { flags: this.#flags, hashes: this.#hashes, renders: this.#renders, starts: this.#starts, lengths: this.#lengths };
    const oldMask = this.#capacity - 1;
    const capacity = 2 * this.#capacity;
    this.#capacity = capacity;
    this.#flags = new Uint8Array(capacity);
    this.#hashes = new Int32Array(capacity);
    this.#renders = new Array<Render | undefined>(capacity).fill(undefined);
    this.#starts = new Int32Array(capacity);
    this.#lengths = new Int32Array(capacity);
    for (let count = this.#head; count < this.#tail; count++) {
      const from = count & oldMask;
      const to = count & (capacity - 1);
      this.#flags[to] = old.flags[from]!;
      this.#hashes[to] = old.hashes[from]!;
      this.#renders[to] = old.renders[from];
      this.#starts[to] = old.starts[from]!;
      this.#lengths[to] = old.lengths[from]!;
    }
  }
}

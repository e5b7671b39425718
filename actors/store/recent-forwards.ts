/**
 * RecentForwards: the writes that lately came by FORWARD, so that one that comes again is not done again: it gets the dot and the answer of the first time (T12). A frame
 * may come twice, and who has lost its connection sends what was not answered once more, with the same origin and number.
 *
 * ```
 *   add(origin, number, token) ---> under way ---- answered(entry, FORWARDED) ---> answered
 *              find(origin, number): who sent it last gets the answer       find: the same answer again
 * ```
 * Refusals are kept too: what was said not to have been done must not be done by a copy that comes late (A14). Who wants to try again takes another number.
 *
 * Of fixed size: the oldest entry makes room for the newest, and a write that comes again after that many others is done again, as is one that comes again after a restart. So
 * an origin repeats only what is at most as old as the time in which that many come, and only to the same start of this coordinator; else its answer is INDETERMINATE.
 */

import { copyBytes } from '../../runtime/bytes.ts';
import { assert } from '../../runtime/errors.ts';
import { FORWARDED_HEAD_BYTES } from './forward-frames.ts';

const CAPACITY = 32_768;
const ANSWER_BYTES = 1_024 * 1_024;
const UNDER_WAY = 1;
const ANSWERED = 2;
const END = -1;

export interface RecentForwardsOptions {
  /** A power of two. Default 32,768: 1.5 MB. */
  readonly capacity?: number;
  /** Of answers kept whole; of older ones the record is lost, not the status. Default 1 MB. */
  readonly answerBytes?: number;
  readonly mutants?: ReadonlySet<string>;
}

export class RecentForwards {
  readonly #capacity: number;
  readonly #mutants: ReadonlySet<string>;
  /** Entry e lies at e modulo capacity: the next one is `#next`. A double counts them without an end. */
  #next = 0;
  readonly #origins: Uint32Array;
  readonly #numbers: Uint32Array;
  readonly #tokens: Int32Array;
  readonly #states: Uint8Array;
  /** Chains of places by hash. */
  readonly #heads: Int32Array;
  readonly #nexts: Int32Array;
  /** A ring of answers; positions count without an end. */
  readonly #bytes: Uint8Array;
  #written = 0;
  readonly #answerAt: Float64Array;
  readonly #answerBytes: Uint32Array;
  readonly #answerHeads: Uint8Array;
  readonly #short = new Uint8Array(FORWARDED_HEAD_BYTES);

  constructor({ capacity = CAPACITY, answerBytes = ANSWER_BYTES, mutants = new Set() }: RecentForwardsOptions = {}) {
    assert(capacity >= 2 && (capacity & (capacity - 1)) === 0, `recent forwards: expected a power of two from 2 on, got ${capacity}`);
    this.#capacity = capacity;
    this.#mutants = mutants;
    this.#origins = new Uint32Array(capacity);
    this.#numbers = new Uint32Array(capacity);
    this.#tokens = new Int32Array(capacity);
    this.#states = new Uint8Array(capacity);
    this.#heads = new Int32Array(capacity).fill(END);
    this.#nexts = new Int32Array(capacity);
    this.#bytes = new Uint8Array(answerBytes);
    this.#answerAt = new Float64Array(capacity);
    this.#answerBytes = new Uint32Array(capacity);
    this.#answerHeads = new Uint8Array(capacity * FORWARDED_HEAD_BYTES);
  }

  /** The entry of a write that has come before; -1: it is new, or long ago. Cost: O(1), but for hashes that agree. */
  find(origin: number, number: number): number {
    if (this.#mutants.has('forwardMintsTwice')) return -1;
    for (let at = this.#heads[this.#bucket(origin, number)]!; at !== END; at = this.#nexts[at]!) {
      if (this.#origins[at] === origin && this.#numbers[at] === number) return this.#entryAt(at);
    }
    return -1;
  }

  /** Returns the entry of a write that is begun now; `token` is its caller's. Requires: `find` has not found it. */
  add(origin: number, number: number, token: number): number {
    const entry = this.#next++;
    const at = entry % this.#capacity;
    if (entry >= this.#capacity) this.#unlink(at);
    this.#origins[at] = origin;
    this.#numbers[at] = number;
    this.#tokens[at] = token;
    this.#states[at] = UNDER_WAY;
    const bucket = this.#bucket(origin, number);
    this.#nexts[at] = this.#heads[bucket]!;
    this.#heads[bucket] = at;
    return entry;
  }

  /** `bytes[0, length)`: the FORWARDED payload that was sent. An entry that is there no more is ignored. */
  answered(entry: number, bytes: Uint8Array, length: number): void {
    if (!this.#has(entry)) return;
    const at = entry % this.#capacity;
    this.#states[at] = ANSWERED;
    copyBytes(bytes, 0, FORWARDED_HEAD_BYTES, this.#answerHeads, at * FORWARDED_HEAD_BYTES);
    this.#answerBytes[at] = 0;
    const size = this.#bytes.length;
    if (length > size / 4) return;
    const left = size - (this.#written % size);
    if (left < length) this.#written += left;
    copyBytes(bytes, 0, length, this.#bytes, this.#written % size);
    this.#answerAt[at] = this.#written;
    this.#answerBytes[at] = length;
    this.#written += length;
  }

  /** Token of an entry that is under way; -1: it is answered. Requires: what `find` has just returned. */
  tokenOf(entry: number): number {
    const at = entry % this.#capacity;
    return this.#states[at] === UNDER_WAY ? this.#tokens[at]! : -1;
  }

  /** The FORWARDED payload of an answered entry, a view: without message and record, when those are kept no more. Requires: as `tokenOf`. */
  answerOf(entry: number): Uint8Array {
    const at = entry % this.#capacity;
    const [from, length, size] = [this.#answerAt[at]!, this.#answerBytes[at]!, this.#bytes.length];
    if (length > 0 && this.#written - from <= size) return this.#bytes.subarray(from % size, (from % size) + length);
    // Status and counts, then lengths of 0.
    this.#short.fill(0);
    copyBytes(this.#answerHeads, at * FORWARDED_HEAD_BYTES, at * FORWARDED_HEAD_BYTES + 4, this.#short, 0);
    return this.#short;
  }

  #has(entry: number): boolean {
    return entry >= 0 && entry < this.#next && entry >= this.#next - this.#capacity;
  }

  #entryAt(at: number): number {
    const newest = this.#next - 1;
    const back = (newest - at) % this.#capacity;
    return newest - back;
  }

  #bucket(origin: number, number: number): number {
    const mixed = Math.imul(origin ^ (number >>> 16) ^ number, 0x9e37_79b1);
    return (mixed ^ (mixed >>> 15)) & (this.#capacity - 1);
  }

  #unlink(place: number): void {
    const bucket = this.#bucket(this.#origins[place]!, this.#numbers[place]!);
    let before = END;
    let at = this.#heads[bucket]!;
    while (at !== place) {
      before = at;
      at = this.#nexts[at]!;
    }
    if (before === END) this.#heads[bucket] = this.#nexts[place]!;
    else this.#nexts[before] = this.#nexts[place]!;
  }
}

/**
 * Keys in order, searched by comparing numbers: the first 6 bytes of each behind what all of them begin with, as one double, its head. Bytes are compared only where
 * those are equal.
 *
 * A guide narrows the search: it cuts the numbers from the least head to the largest into as many equal parts as there are keys, and says for each part which
 * key is the first in it. Why: each halving is a branch that the processor guesses wrong half of the time, and 27,000 keys take 15 of them. Keys that are spread evenly take two,
 * decimal digits eight.
 */
import { compareKeys } from './key.ts';

const HEAD_BYTES = 6;

export class SortedKeys {
  readonly count: number;
  /** Of key i, which is `prefix` and suffixes[ends[i], ends[i + 1]). */
  readonly prefix: Uint8Array;
  readonly suffixes: Uint8Array;
  readonly ends: Uint32Array;
  readonly #heads: Float64Array;
  /** Keys of part p begin at guide[p] and end at guide[p + 1]. */
  readonly #guide: Uint32Array;
  /** Part of a head: (head - least) * scale. */
  readonly #least: number;
  readonly #scale: number;

  /** Keys of which each is >= the one before: all begin with `prefix`, and go on as suffixes[ends[i], ends[i + 1]). Nothing is copied. */
  constructor(prefix: Uint8Array, suffixes: Uint8Array, ends: Uint32Array) {
    this.count = ends.length - 1;
    this.prefix = prefix;
    this.suffixes = suffixes;
    this.ends = ends;
    this.#heads = new Float64Array(this.count);
    for (let i = 0; i < this.count; i++) this.#heads[i] = headOf(suffixes, ends[i]!, ends[i + 1]!);
    const least = this.#heads[0] ?? 0;
    const range = (this.#heads[this.count - 1] ?? 0) - least;
    const parts = range === 0 ? 1 : Math.max(1, this.count);
    this.#least = least;
    this.#scale = range === 0 ? 0 : (parts - 1) / range;
    this.#guide = new Uint32Array(parts + 1).fill(this.count);
    for (let i = this.count - 1; i >= 0; i--) this.#guide[this.#partOf(this.#heads[i]!)] = i;
    for (let part = parts - 1; part >= 0; part--) this.#guide[part] = Math.min(this.#guide[part]!, this.#guide[part + 1]!);
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.prefix.length + this.suffixes.length + this.ends.byteLength + this.#heads.byteLength + this.#guide.byteLength;
  }

  /** Copies. Requires: in order. */
  static of(keys: readonly Uint8Array[]): SortedKeys {
    const first = keys[0] ?? NOTHING;
    const last = keys.at(-1) ?? NOTHING;
    let common = 0;
    while (common < first.length && common < last.length && first[common] === last[common]) common++;
    const ends = new Uint32Array(keys.length + 1);
    for (let i = 0; i < keys.length; i++) ends[i + 1] = ends[i]! + keys[i]!.length - common;
    const suffixes = new Uint8Array(ends[keys.length]!);
    for (let i = 0; i < keys.length; i++) suffixes.set(keys[i]!.subarray(common), ends[i]);
    return new SortedKeys(Uint8Array.from(first.subarray(0, common)), suffixes, ends);
  }

  /** The first that is >= `key[start, end)`; `count` when there is none. */
  find(key: Uint8Array, start: number, end: number): number {
    const { prefix } = this;
    const prefixBytes = prefix.length;
    for (let i = 0; i < prefixBytes; i++) {
      if (start + i >= end) return 0;
      const difference = key[start + i]! - prefix[i]!;
      if (difference !== 0) return difference < 0 ? 0 : this.count;
    }
    const suffixStart = start + prefixBytes;
    const head = headOf(key, suffixStart, end);
    const heads = this.#heads;
    const { count } = this;
    if (count === 0 || head < this.#least) return 0;
    if (head > heads[count - 1]!) return count;
    const guide = this.#guide;
    const part = this.#partOf(head);
    let low = guide[part]!;
    let high = guide[part + 1]!;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (heads[middle]! < head) low = middle + 1;
      else high = middle;
    }
    if (heads[low] !== head) return low;
    return this.#findAmongEqual(low, key, suffixStart, end);
  }

  /** Of a head that is in the range. Never goes down when the head goes up, rounding included. */
  #partOf(head: number): number {
    return ((head - this.#least) * this.#scale) | 0;
  }

  /** As `find`; the keys before `from` are below the key, and that one has its head. */
  #findAmongEqual(from: number, key: Uint8Array, start: number, end: number): number {
    const head = this.#heads[from]!;
    let low = from;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const below =
        this.#heads[middle] === head && compareKeys(this.suffixes, this.ends[middle]!, this.ends[middle + 1]!, key, start, end) < 0;
      if (below) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The first bytes as a number that orders as they do, as far as they go. */
function headOf(bytes: Uint8Array, start: number, end: number): number {
  if (end - start >= HEAD_BYTES) {
    const high = (bytes[start]! << 16) | (bytes[start + 1]! << 8) | bytes[start + 2]!;
    const low = (bytes[start + 3]! << 16) | (bytes[start + 4]! << 8) | bytes[start + 5]!;
    return high * 0x100_0000 + low;
  }
  let head = 0;
  for (let i = 0; i < HEAD_BYTES; i++) head = head * 0x100 + (start + i < end ? bytes[start + i]! : 0);
  return head;
}

const NOTHING = new Uint8Array(0);

/**
 * The keys of a memtable in order: a directory of leaves, and leaves of up to 128 keys each.
 *
 * ```
 *   directory   separators  | none | k1 | k2 | ...     leaf i holds keys k with separator i <= k < separator i+1
 *   leaf        prefixes    | 4 bytes of each key after `skip`, as a number |
 *               numbers     | of the keys, from 1 on as they came          |
 * ```
 * Any key of a leaf begins with what the separators on both sides of it have in common, the leaf's `skip` bytes: the prefix is of the bytes
 * behind them. The directory does the same with 6 bytes behind what all separators have in common; a key without that beginning counts as below or above
 * all of them. Prefixes are in the order of the keys but may be equal where keys are not: then the keys in the arena decide.
 *
 * What a key's newest record is, stands by its number: an overwrite changes that alone.
 *
 * Nothing leaves it, so leaves are never empty (but the only one at the start), and separators are offsets of records, whose keys stay where they are.
 * Source: prefix B-trees [Bayer and Unterauer 1977]. Why not a skip list or sorted runs: figures in bench/memtable.ts.
 */
import { compareKeys } from '../key.ts';
import { RECORD_HEADER_BYTES } from '../record.ts';
import type { Arena } from './arena.ts';

export const LEAF_KEYS = 128;
const LEAF_WORDS = 2 * LEAF_KEYS;
const FIRST_LEAVES = 16;
const SLAB_BITS = 6;
const SLAB_LEAVES = 1 << SLAB_BITS;
const FIRST_NUMBERS = 1_024;
const BELOW_ALL = -1;
const ABOVE_ALL = 2 ** 48;
/** Where a loop is quicker than the call of `copyWithin`. */
const SHIFT_LOOP_MAX = 16;

/** What a cursor needs of an order. */
export interface OrderedKeys {
  readonly arena: Arena;
  /** Goes up when a key is added: what `locate` found is then no longer valid. */
  readonly changes: number;
  readonly leafCount: number;
  /** What `locate` found: number of the leaf in order, and place in it, from 0 to its count. */
  readonly leafAt: number;
  readonly placeAt: number;
  /** Sets `leafAt` and `placeAt` to the first key >= `key[start, end)`, or where it would be in its leaf. Returns whether it is that key. */
  locate(key: Uint8Array, start: number, end: number): boolean;
  /** Keys of a leaf: none only where there are no keys at all. */
  countAt(leafIndex: number): number;
  /** Offset of the newest record of the key there. */
  offsetAt(leafIndex: number, place: number): number;
}

export class KeyOrder implements OrderedKeys {
  readonly arena: Arena;
  keyCount = 0;
  changes = 0;
  leafCount = 1;
  leafAt = 0;
  placeAt = 0;
  /** The record that was put in last, and where. */
  #last = 0;
  #lastLeafAt = 0;
  #lastPlaceAt = 0;
  /** That one came right behind the one before it: the next may again. */
  #inOrder = false;
  /** Of the directory: how many bytes are left out, and the record in whose key they are. */
  #skip = 0;
  #common = 0;
  /** By index in the directory; those of index 0 are never looked at. */
  #separators = new Int32Array(FIRST_LEAVES);
  #separatorPrefixes = new Float64Array(FIRST_LEAVES);
  #leaves = new Int32Array(FIRST_LEAVES);
  /** By number of the leaf. */
  #counts = new Int32Array(FIRST_LEAVES);
  #skips = new Int32Array(FIRST_LEAVES);
  /** By number of the key: its newest record. */
  #newest = new Int32Array(FIRST_NUMBERS);
  /** Leaves, a fixed number in each: there is nothing to copy when they grow in number. */
  readonly #slabs: Int32Array[] = [new Int32Array(SLAB_LEAVES * LEAF_WORDS)];

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** Offsets of the newest record of each key, in order, in memory of their own that jobs can share. Cost: about 20 ns per key. */
  offsets(): Int32Array {
    const offsets = new Int32Array(new SharedArrayBuffer(this.keyCount * 4));
    let at = 0;
    for (let leafIndex = 0; leafIndex < this.leafCount; leafIndex++) {
      const leaf = this.#leaves[leafIndex]!;
      const slab = this.#slabOf(leaf);
      const base = baseOf(leaf) + LEAF_KEYS;
      const end = base + this.#counts[leaf]!;
      for (let i = base; i < end; i++) offsets[at++] = this.#newest[slab[i]!]!;
    }
    return offsets;
  }

  countAt(leafIndex: number): number {
    return this.#counts[this.#leaves[leafIndex]!]!;
  }

  offsetAt(leafIndex: number, place: number): number {
    const leaf = this.#leaves[leafIndex]!;
    return this.#newest[this.#slabOf(leaf)[baseOf(leaf) + LEAF_KEYS + place]!]!;
  }

  /** Offset of the newest record of the key with that number. */
  newestOf(number: number): number {
    return this.#newest[number]!;
  }

  /** Puts the record in the place of the newest one of its key, which has that number. Returns what that was. */
  replace(number: number, offset: number): number {
    const older = this.#newest[number]!;
    this.#newest[number] = offset;
    return older;
  }

  locate(key: Uint8Array, start: number, end: number): boolean {
    const leafIndex = this.#leafIndexOf(key, start, end);
    const leaf = this.#leaves[leafIndex]!;
    const count = this.#counts[leaf]!;
    const base = baseOf(leaf);
    const pool = this.#slabOf(leaf);
    const prefix = prefixOf(key, start + this.#skips[leaf]!, end);
    this.leafAt = leafIndex;
    let low = 0;
    let high = count;
    // Keys that come in order.
    if (count > 0 && leafIndex === this.leafCount - 1) {
      const last = pool[base + count - 1]!;
      if (last < prefix || (last === prefix && this.#compareNumber(pool[base + LEAF_KEYS + count - 1]!, key, start, end) < 0)) low = count;
    }
    while (low < high) {
      const middle = (low + high) >>> 1;
      const found = pool[base + middle]!;
      if (found < prefix) low = middle + 1;
      else if (found > prefix) high = middle;
      else {
        const order = this.#compareNumber(pool[base + LEAF_KEYS + middle]!, key, start, end);
        if (order === 0) {
          this.placeAt = middle;
          return true;
        }
        if (order < 0) low = middle + 1;
        else high = middle;
      }
    }
    this.placeAt = low;
    return false;
  }

  /** Offset of the newest record of `key[start, end)`; 0: none. */
  find(key: Uint8Array, start: number, end: number): number {
    return this.locate(key, start, end) ? this.offsetAt(this.leafAt, this.placeAt) : 0;
  }

  /** Same, of a key that need not be there: it gets the next number, `keyCount`. The record is in the arena. Returns 0 then. */
  exchange(offset: number): number {
    const { bytes, words } = this.arena;
    const start = offset + RECORD_HEADER_BYTES;
    const end = start + (words[(offset >>> 2) + 2]! >>> 4);
    if (this.#inOrder && this.#followsLast(offset)) {
      this.leafAt = this.#lastLeafAt;
      this.placeAt = this.#lastPlaceAt + 1;
    } else if (this.locate(bytes, start, end)) {
      const found = this.#leaves[this.leafAt]!;
      return this.replace(this.#slabOf(found)[baseOf(found) + LEAF_KEYS + this.placeAt]!, offset);
    } else this.#inOrder = this.leafAt === this.#lastLeafAt && this.placeAt === this.#lastPlaceAt + 1;
    const number = ++this.keyCount;
    this.changes++;
    if (number === this.#newest.length) this.#newest = doubled(this.#newest);
    this.#newest[number] = offset;
    if (this.#counts[this.#leaves[this.leafAt]!] === LEAF_KEYS) this.#split(offset);
    const leaf = this.#leaves[this.leafAt]!;
    const count = this.#counts[leaf]!;
    const pool = this.#slabOf(leaf);
    const at = baseOf(leaf) + this.placeAt;
    const top = baseOf(leaf) + count;
    if (top - at <= SHIFT_LOOP_MAX) {
      for (let i = top; i > at; i--) {
        pool[i] = pool[i - 1]!;
        pool[i + LEAF_KEYS] = pool[i + LEAF_KEYS - 1]!;
      }
    } else {
      pool.copyWithin(at + 1, at, top);
      pool.copyWithin(at + LEAF_KEYS + 1, at + LEAF_KEYS, top + LEAF_KEYS);
    }
    pool[at] = prefixOf(bytes, start + this.#skips[leaf]!, end);
    pool[at + LEAF_KEYS] = number;
    this.#counts[leaf] = count + 1;
    this.#last = offset;
    this.#lastLeafAt = this.leafAt;
    this.#lastPlaceAt = this.placeAt;
    return 0;
  }

  /** Whether the record's key is new and its place right behind the last one: one comparison or two in place of two searches. */
  #followsLast(offset: number): boolean {
    if (this.#compareRecords(offset, this.#last) <= 0) return false;
    const leafAt = this.#lastLeafAt;
    const place = this.#lastPlaceAt + 1;
    const leaf = this.#leaves[leafAt]!;
    if (place < this.#counts[leaf]!)
      return this.#compareRecords(offset, this.#newest[this.#slabOf(leaf)[baseOf(leaf) + LEAF_KEYS + place]!]!) < 0;
    return leafAt === this.leafCount - 1 || this.#compareRecords(offset, this.#separators[leafAt + 1]!) < 0;
  }

  /** Their keys, as `compareKeys`. Records are aligned: what is equal is passed over in words. */
  #compareRecords(a: number, b: number): number {
    const { bytes, words } = this.arena;
    const aWord = (a + RECORD_HEADER_BYTES) >>> 2;
    const bWord = (b + RECORD_HEADER_BYTES) >>> 2;
    const aLength = words[aWord - 2]! >>> 4;
    const bLength = words[bWord - 2]! >>> 4;
    const wholeWords = Math.min(aLength, bLength) >>> 2;
    let i = 0;
    while (i < wholeWords && words[aWord + i] === words[bWord + i]) i++;
    const aStart = a + RECORD_HEADER_BYTES;
    const bStart = b + RECORD_HEADER_BYTES;
    return compareKeys(bytes, aStart + i * 4, aStart + aLength, bytes, bStart + i * 4, bStart + bLength);
  }

  /** The last leaf whose separator is not above the key. */
  #leafIndexOf(key: Uint8Array, start: number, end: number): number {
    const { leafCount } = this;
    if (leafCount === 1) return 0;
    const prefix = this.#separatorPrefixOf(key, start, end);
    const prefixes = this.#separatorPrefixes;
    let low = 1;
    let high = leafCount;
    if (prefixes[high - 1]! < prefix) return high - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const found = prefixes[middle]!;
      if (found < prefix || (found === prefix && this.#compare(this.#separators[middle]!, key, start, end) <= 0)) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #separatorPrefixOf(key: Uint8Array, start: number, end: number): number {
    const skip = this.#skip;
    if (skip > 0) {
      const { bytes } = this.arena;
      const common = this.#common + RECORD_HEADER_BYTES;
      const order = compareKeys(key, start, Math.min(end, start + skip), bytes, common, common + skip);
      if (order !== 0) return order < 0 ? BELOW_ALL : ABOVE_ALL;
    }
    return longPrefixOf(key, start + skip, end);
  }

  #compareNumber(number: number, key: Uint8Array, start: number, end: number): number {
    return this.#compare(this.#newest[number]!, key, start, end);
  }

  /** The record's key against another, as `compareKeys`. */
  #compare(offset: number, key: Uint8Array, start: number, end: number): number {
    const { bytes, words } = this.arena;
    const own = offset + RECORD_HEADER_BYTES;
    return compareKeys(bytes, own, own + (words[(offset >>> 2) + 2]! >>> 4), key, start, end);
  }

  /** Splits the full leaf at `leafAt`, and moves `leafAt` and `placeAt` to where the record, which was to be put there, now belongs. */
  #split(offset: number): void {
    const left = this.leafAt;
    const leaf = this.#leaves[left]!;
    const added = this.leafCount;
    if (added === this.#counts.length) this.#growDirectory();
    if (added % SLAB_LEAVES === 0) this.#slabs.push(new Int32Array(SLAB_LEAVES * LEAF_WORDS));
    const pool = this.#slabOf(leaf);
    const addedPool = this.#slabOf(added);
    // At the end of all, keys most likely come in order, and the leaf stays full.
    const kept = left === this.leafCount - 1 && this.placeAt === LEAF_KEYS ? LEAF_KEYS : LEAF_KEYS / 2;
    const from = baseOf(leaf);
    const to = baseOf(added);
    for (let i = kept; i < LEAF_KEYS; i++) {
      addedPool[to + i - kept] = pool[from + i]!;
      addedPool[to + LEAF_KEYS + i - kept] = pool[from + LEAF_KEYS + i]!;
    }
    this.#counts[leaf] = kept;
    this.#counts[added] = LEAF_KEYS - kept;
    this.#skips[added] = this.#skips[leaf]!;
    const separator = kept === LEAF_KEYS ? offset : this.#newest[addedPool[to + LEAF_KEYS]!]!;
    this.#addToDirectory(left + 1, added, separator);
    this.#maybeSkipMore(left);
    this.#maybeSkipMore(left + 1);
    if (this.placeAt >= kept && (kept === LEAF_KEYS || this.placeAt > kept)) {
      this.leafAt = left + 1;
      this.placeAt -= kept;
    }
  }

  #addToDirectory(index: number, leaf: number, separator: number): void {
    const { leafCount } = this;
    this.#separators.copyWithin(index + 1, index, leafCount);
    this.#separatorPrefixes.copyWithin(index + 1, index, leafCount);
    this.#leaves.copyWithin(index + 1, index, leafCount);
    this.#separators[index] = separator;
    this.#leaves[index] = leaf;
    this.leafCount++;
    // With each doubling, what the separators have in common is found anew.
    if ((this.leafCount & leafCount) === 0) this.#renewDirectory();
    else this.#separatorPrefixes[index] = this.#prefixOfSeparator(index);
  }

  #renewDirectory(): void {
    this.#skip = this.#inCommon(1, this.leafCount - 1);
    this.#common = this.#separators[1]!;
    for (let i = 1; i < this.leafCount; i++) this.#separatorPrefixes[i] = this.#prefixOfSeparator(i);
  }

  #prefixOfSeparator(index: number): number {
    const offset = this.#separators[index]!;
    const start = offset + RECORD_HEADER_BYTES;
    return this.#separatorPrefixOf(this.arena.bytes, start, start + (this.arena.words[(offset >>> 2) + 2]! >>> 4));
  }

  /** How many bytes the two separators have in common from their beginnings. */
  #inCommon(a: number, b: number): number {
    const { bytes, words } = this.arena;
    const aOffset = this.#separators[a]!;
    const bOffset = this.#separators[b]!;
    const length = Math.min(words[(aOffset >>> 2) + 2]! >>> 4, words[(bOffset >>> 2) + 2]! >>> 4);
    let i = 0;
    while (i < length && bytes[aOffset + RECORD_HEADER_BYTES + i] === bytes[bOffset + RECORD_HEADER_BYTES + i]) i++;
    return i;
  }

  #maybeSkipMore(leafIndex: number): void {
    // The first leaf and the last have no bound on one side.
    if (leafIndex === 0 || leafIndex === this.leafCount - 1) return;
    const leaf = this.#leaves[leafIndex]!;
    const skip = this.#inCommon(leafIndex, leafIndex + 1);
    if (skip <= this.#skips[leaf]!) return;
    this.#skips[leaf] = skip;
    const { bytes, words } = this.arena;
    const pool = this.#slabOf(leaf);
    const base = baseOf(leaf);
    const end = base + this.#counts[leaf]!;
    for (let at = base; at < end; at++) {
      const offset = this.#newest[pool[at + LEAF_KEYS]!]!;
      const start = offset + RECORD_HEADER_BYTES;
      pool[at] = prefixOf(bytes, start + skip, start + (words[(offset >>> 2) + 2]! >>> 4));
    }
  }

  #slabOf(leaf: number): Int32Array {
    return this.#slabs[leaf >>> SLAB_BITS]!;
  }

  #growDirectory(): void {
    this.#separators = doubled(this.#separators);
    this.#leaves = doubled(this.#leaves);
    this.#counts = doubled(this.#counts);
    this.#skips = doubled(this.#skips);
    const prefixes = new Float64Array(this.#separatorPrefixes.length * 2);
    prefixes.set(this.#separatorPrefixes);
    this.#separatorPrefixes = prefixes;
  }
}

/** Of a leaf in its slab. */
function baseOf(leaf: number): number {
  return (leaf & (SLAB_LEAVES - 1)) * LEAF_WORDS;
}

function doubled(old: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const grown = new Int32Array(old.length * 2);
  grown.set(old);
  return grown;
}

/** The first 4 bytes as a signed number in the order of the bytes; behind the end there are zeros. */
function prefixOf(bytes: Uint8Array, start: number, end: number): number {
  if (start + 4 <= end) {
    return ((bytes[start]! << 24) | (bytes[start + 1]! << 16) | (bytes[start + 2]! << 8) | bytes[start + 3]!) ^ 0x8000_0000;
  }
  let prefix = 0;
  for (let i = 0; i < 4; i++) prefix = (prefix << 8) | (start + i < end ? bytes[start + i]! : 0);
  return prefix ^ 0x8000_0000;
}

/** The first 6 bytes, likewise, from 0 on. */
function longPrefixOf(bytes: Uint8Array, start: number, end: number): number {
  if (start + 6 <= end) {
    const high = (bytes[start]! << 16) | (bytes[start + 1]! << 8) | bytes[start + 2]!;
    return high * 0x100_0000 + ((bytes[start + 3]! << 16) | (bytes[start + 4]! << 8) | bytes[start + 5]!);
  }
  let prefix = 0;
  for (let i = 0; i < 6; i++) prefix = prefix * 256 + (start + i < end ? bytes[start + i]! : 0);
  return prefix;
}

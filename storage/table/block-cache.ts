/**
 * The block cache of an engine: data blocks of all its tables, in memory up to a number of bytes.
 *
 * Blocks are copied one behind the other into segments, and there is no object per block: each table has an array from block number to place, so a hit is one
 * read of that and then the block. Why: a Buffer per block is two more objects to load, from memory that is as far away as the block's.
 *
 * ```
 * segment   | owner, block, length | block | owner, block, length | block | ...     offsets are multiples of 16
 * slot      segment number (14 bits) | offset / 16 (16 bits) | used (1 bit)
 * ```
 * When there is no room for a new segment the oldest one is used again: of its blocks those that were hit since they came move to its front, as CLOCK would keep
 * them, and new ones come behind. So what `bytesOf` and `blockOf` give stays as it is only until the next `insert`, unless it `lasts`. Rejected: a new segment for
 * each, left to the collector. Such memory is outside of V8's heap, and V8 marks all of that heap for every 64 MiB of it: every two seconds on a node of 128 MiB
 * that got 8,000 writes of 1 KiB per second to 100 MB of data, with 10 ms of the shard and 25 of another thread, so that writes were late.
 *
 * A full cache takes a block in only when it is asked for a second time within about as many misses as the cache has blocks: blocks that
 * are read once don't drive out those that are read often. (Source: the ghost list of 2Q, Johnson and Shasha.)
 */
import { u32At } from '../byte-reader.ts';
import { putU32 } from '../byte-writer.ts';

/** What a segment costs beside its bytes: Buffer and ArrayBuffer objects, malloc header. */
export const SEGMENT_OVERHEAD_BYTES = 256;

/** In `slots`, of a block that is not in the cache. */
export const NO_SLOT = -1;

/** Whoever owns cached blocks: slots[block] is the slot of the block or negative. */
export interface BlockOwner {
  readonly slots: Int32Array;
  /** Distinguishes the owners of a cache. */
  readonly cacheId: number;
}

export interface BlockCacheStats {
  readonly blocks: number;
  /** Of segments, overhead included. */
  readonly bytes: number;
  readonly bytesMax: number;
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
}

const GHOSTS = 1 << 14;
const ALIGNMENT = 16;
const USED = 1;
const OFFSET_BITS = 16;
const SEGMENT_SHIFT = OFFSET_BITS + 1;
const OFFSET_MASK = (1 << OFFSET_BITS) - 1;
const SEGMENT_BYTES_MAX = ALIGNMENT << OFFSET_BITS;
const SEGMENT_BYTES_MIN = 4_096;
const SEGMENTS_MAX = 1 << 14;
/** Owner, block, length: u32 each. */
const ENTRY_BYTES = 16;
/** A larger block has a segment of its own. */
const SHARED_RATIO_MAX = 0.25;
/** When what was kept of one segment has filled the new one, at most so much of the next one is filled so. */
const KEPT_RATIO_MAX = 0.75;

export class BlockCache {
  readonly bytesMax: number;
  hits = 0;
  misses = 0;
  readonly #segmentBytes: number;
  readonly #segments: Buffer[] = [];
  /** Of each segment: where its last block ends. */
  readonly #filled: number[] = [];
  /** Numbers of segments, oldest first. */
  readonly #order: number[] = [];
  readonly #free: number[] = [];
  /** Memory of segments that went with the tables of their blocks. With it and all segments the cache is within its bound. */
  readonly #spares: Buffer[] = [];
  /** The segment that takes small blocks; -1: none. */
  #open = -1;
  readonly #owners = new Map<number, BlockOwner>();
  readonly #ghosts: Int32Array;
  #count = 0;
  #bytes = 0;
  #evictions = 0;
  #nextOwner = 1;

  /** 0: caches nothing. */
  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
    let segmentBytes = SEGMENT_BYTES_MIN;
    while (segmentBytes < SEGMENT_BYTES_MAX && segmentBytes * 128 <= bytesMax) segmentBytes *= 2;
    this.#segmentBytes = segmentBytes;
    let ghosts = 256;
    while (ghosts < GHOSTS && ghosts * 4_096 < bytesMax) ghosts *= 2;
    this.#ghosts = new Int32Array(ghosts);
  }

  /** A number for a new owner. */
  ownerId(): number {
    return this.#nextOwner++;
  }

  /** Marks a block as hit, so that it stays. Requires: its slot is not negative. Returns the slot. */
  use(owner: BlockOwner, block: number): number {
    this.hits++;
    const slot = owner.slots[block]! | USED;
    owner.slots[block] = slot;
    return slot;
  }

  /** The memory that the block of this slot is in, from `startOf` on. */
  bytesOf(slot: number): Buffer {
    return this.#segments[slot >>> SEGMENT_SHIFT]!;
  }

  startOf(slot: number): number {
    return ((slot >>> 1) & OFFSET_MASK) * ALIGNMENT;
  }

  /** Whether the memory of this slot's block stays as it is, whatever becomes of the block: it is not shared with others. */
  lasts(slot: number): boolean {
    return this.#segments[slot >>> SEGMENT_SHIFT]!.length !== this.#segmentBytes;
  }

  /** The block of this slot alone. */
  blockOf(slot: number): Buffer {
    const bytes = this.bytesOf(slot);
    const start = this.startOf(slot);
    return bytes.subarray(start, start + u32At(bytes, start - ENTRY_BYTES + 8));
  }

  /** Whether a block of so many bytes that was just missed is worth keeping. */
  wants(owner: BlockOwner, block: number, bytes: number): boolean {
    this.misses++;
    const charge = chargeOf(bytes);
    if (this.#hasRoom(charge)) return true;
    if (charge * 8 > this.bytesMax) return false;
    const hash = Math.imul(Math.imul(owner.cacheId, 0x9e37_79b1) ^ block, 0x85eb_ca6b);
    const at = (hash ^ (hash >>> 15)) & (this.#ghosts.length - 1);
    if (this.#ghosts[at] === hash) return true;
    this.#ghosts[at] = hash;
    return false;
  }

  /** Takes a copy of a block in, and lets others go for it. Requires: not in the cache; `wants` said so. */
  insert(owner: BlockOwner, block: number, bytes: Buffer): void {
    const charge = chargeOf(bytes.length);
    if (charge > this.#segmentBytes * SHARED_RATIO_MAX) {
      const number = this.#segmentFor(charge);
      if (number >= 0) this.#put(number, owner, block, bytes);
      return;
    }
    if (!this.#openHas(charge)) this.#open = this.#sharedSegment(1);
    if (this.#open >= 0 && !this.#openHas(charge)) this.#open = this.#sharedSegment(KEPT_RATIO_MAX);
    if (this.#open >= 0) this.#put(this.#open, owner, block, bytes);
  }

  /** Lets all blocks of an owner go, and the segments where nothing else is. Cost: O(its blocks, and blocks of the cache): it may look at all of them. */
  drop(owner: BlockOwner): void {
    this.#owners.delete(owner.cacheId);
    for (let block = 0; block < owner.slots.length; block++) {
      const slot = owner.slots[block]!;
      if (slot < 0) continue;
      owner.slots[block] = NO_SLOT;
      this.#count--;
    }
    for (const number of [...this.#order]) if (!this.#isNeeded(number)) this.#remove(number);
  }

  stats(): BlockCacheStats {
    const { bytesMax, hits, misses } = this;
    return { blocks: this.#count, bytes: this.#bytes, bytesMax, hits, misses, evictions: this.#evictions };
  }

  #hasRoom(charge: number): boolean {
    const shared = charge <= this.#segmentBytes * SHARED_RATIO_MAX;
    if (shared && this.#openHas(charge)) return true;
    return this.#fits(shared ? this.#segmentBytes : charge);
  }

  #openHas(charge: number): boolean {
    return this.#open >= 0 && this.#filled[this.#open]! + charge <= this.#segmentBytes;
  }

  #fits(bytes: number): boolean {
    return this.#bytes + bytes + SEGMENT_OVERHEAD_BYTES <= this.bytesMax && this.#order.length < SEGMENTS_MAX;
  }

  /** For small blocks: a new segment, or where there is no room the oldest one, with the used blocks of it that fit into `keptRatio` of it. Returns its number; -1: there is no room. */
  #sharedSegment(keptRatio: number): number {
    const bytes = this.#segmentBytes;
    while (!this.#fits(bytes)) {
      const oldest = this.#order[0];
      if (oldest === undefined) return -1;
      if (this.#segments[oldest]!.length === bytes) return this.#useAgain(oldest, keptRatio);
      this.#evictOldest();
    }
    return this.#add(this.#spares.pop() ?? Buffer.allocUnsafeSlow(bytes));
  }

  /** For one block. Returns the number of its segment; -1: there is no room. */
  #segmentFor(bytes: number): number {
    while (!this.#fits(bytes)) {
      if (this.#order.length === 0) return -1;
      this.#evictOldest();
    }
    const spareBytes = this.#segmentBytes + SEGMENT_OVERHEAD_BYTES;
    while (
      this.#bytes + this.#spares.length * spareBytes + bytes + SEGMENT_OVERHEAD_BYTES > this.bytesMax &&
      this.#spares.pop() !== undefined
    );
    return this.#add(Buffer.allocUnsafeSlow(bytes));
  }

  #add(segment: Buffer): number {
    const number = this.#free.pop() ?? this.#segments.length;
    this.#segments[number] = segment;
    this.#filled[number] = 0;
    this.#order.push(number);
    this.#bytes += segment.length + SEGMENT_OVERHEAD_BYTES;
    return number;
  }

  /** Of the oldest segment. Used blocks move to its front and are not marked as used any more; the others go. */
  #useAgain(number: number, keptRatio: number): number {
    const segment = this.#segments[number]!;
    const end = this.#filled[number]!;
    const keptMax = segment.length * keptRatio;
    let to = 0;
    for (let at = 0; at < end; ) {
      const from = at;
      const charge = chargeOf(u32At(segment, from + 8));
      const block = u32At(segment, from + 4);
      const owner = this.#owners.get(u32At(segment, from));
      const slot = owner?.slots[block] ?? NO_SLOT;
      at += charge;
      if (owner === undefined || (slot & ~USED) !== slotOf(number, from + ENTRY_BYTES)) continue;
      if ((slot & USED) !== 0 && to + charge <= keptMax) {
        segment.copyWithin(to, from, at);
        owner.slots[block] = slotOf(number, to + ENTRY_BYTES);
        to += charge;
      } else this.#forget(owner, block);
    }
    this.#filled[number] = to;
    this.#order.push(this.#order.shift()!);
    return number;
  }

  #forget(owner: BlockOwner, block: number): void {
    owner.slots[block] = NO_SLOT;
    this.#count--;
    this.#evictions++;
  }

  #put(number: number, owner: BlockOwner, block: number, bytes: Buffer): void {
    const segment = this.#segments[number]!;
    const at = this.#filled[number]!;
    putU32(segment, at, owner.cacheId);
    putU32(segment, at + 4, block);
    putU32(segment, at + 8, bytes.length);
    segment.set(bytes, at + ENTRY_BYTES);
    this.#filled[number] = at + chargeOf(bytes.length);
    owner.slots[block] = slotOf(number, at + ENTRY_BYTES);
    this.#owners.set(owner.cacheId, owner);
    this.#count++;
  }

  /** Lets the oldest segment go with its blocks; of a block alone in its segment and used, only the mark. */
  #evictOldest(): void {
    const number = this.#order[0]!;
    const bytes = this.#segments[number]!;
    for (let at = 0; at < this.#filled[number]!; at += chargeOf(u32At(bytes, at + 8))) {
      const block = u32At(bytes, at + 4);
      const owner = this.#owners.get(u32At(bytes, at));
      const slot = owner?.slots[block] ?? NO_SLOT;
      if (owner === undefined || (slot & ~USED) !== slotOf(number, at + ENTRY_BYTES)) continue;
      if ((slot & USED) !== 0 && bytes.length !== this.#segmentBytes) {
        owner.slots[block] = slot & ~USED;
        this.#order.push(this.#order.shift()!);
        return;
      }
      this.#forget(owner, block);
    }
    this.#remove(number);
  }

  /** Whether a block is left in it. */
  #isNeeded(number: number): boolean {
    const bytes = this.#segments[number]!;
    for (let at = 0; at < this.#filled[number]!; at += chargeOf(u32At(bytes, at + 8))) {
      const slot = this.#owners.get(u32At(bytes, at))?.slots[u32At(bytes, at + 4)] ?? NO_SLOT;
      if ((slot & ~USED) === slotOf(number, at + ENTRY_BYTES)) return true;
    }
    return false;
  }

  #remove(number: number): void {
    this.#order.splice(this.#order.indexOf(number), 1);
    const segment = this.#segments[number]!;
    this.#bytes -= segment.length + SEGMENT_OVERHEAD_BYTES;
    this.#segments[number] = NOTHING;
    if (segment.length === this.#segmentBytes) this.#spares.push(segment);
    this.#free.push(number);
    if (number === this.#open) this.#open = -1;
  }
}

/** Bytes that a block takes in a segment. */
function chargeOf(bytes: number): number {
  return ENTRY_BYTES + Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** Not marked as used. */
function slotOf(number: number, start: number): number {
  return ((number << OFFSET_BITS) | (start / ALIGNMENT)) << 1;
}

const NOTHING = Buffer.alloc(0);

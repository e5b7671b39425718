/**
 * The block cache of an engine: data blocks of all its tables, in memory up to a number of bytes.
 *
 * There is no map: each table has an array from block number to slot of the cache, so a hit is two array reads. Eviction is CLOCK, which needs one
 * byte written per hit where LRU relinks a list. A block that is evicted is only forgotten: whoever has it goes on reading it, and the
 * collector frees it, so buffers are never used again.
 *
 * A full cache takes a block in only when it is asked for a second time within about as many misses as the cache has blocks: blocks that
 * are read once don't drive out those that are read often. (Source: the ghost list of 2Q, Johnson and Shasha.)
 */

/** What a cached block costs beside its bytes: Buffer and ArrayBuffer objects, malloc header, slot. */
export const BLOCK_OVERHEAD_BYTES = 240;

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
  /** Overhead included. */
  readonly bytes: number;
  readonly bytesMax: number;
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
}

const GHOSTS = 1 << 14;

export class BlockCache {
  readonly bytesMax: number;
  hits = 0;
  misses = 0;
  /** The block in each slot; undefined: free. */
  readonly #blocks: (Buffer | undefined)[] = [];
  readonly #owners: (BlockOwner | undefined)[] = [];
  readonly #numbers: number[] = [];
  /** 1: hit since the hand came by. */
  #used: Uint8Array = new Uint8Array(1_024);
  readonly #free: number[] = [];
  readonly #ghosts: Int32Array;
  #hand = 0;
  #count = 0;
  #bytes = 0;
  #evictions = 0;
  #nextOwner = 1;

  /** 0: caches nothing. */
  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
    let ghosts = 256;
    while (ghosts < GHOSTS && ghosts * 4_096 < bytesMax) ghosts *= 2;
    this.#ghosts = new Int32Array(ghosts);
  }

  /** A number for a new owner. */
  ownerId(): number {
    return this.#nextOwner++;
  }

  /** The block in `slot`, for a reader. Requires: slot >= 0, as its owner has it. */
  use(slot: number): Buffer {
    this.hits++;
    this.#used[slot] = 1;
    return this.#blocks[slot]!;
  }

  /** Whether a block of so many bytes that was just missed is worth keeping. */
  wants(owner: BlockOwner, block: number, bytes: number): boolean {
    this.misses++;
    const charge = bytes + BLOCK_OVERHEAD_BYTES;
    if (this.#bytes + charge <= this.bytesMax) return true;
    if (charge * 8 > this.bytesMax) return false;
    const hash = Math.imul(Math.imul(owner.cacheId, 0x9e37_79b1) ^ block, 0x85eb_ca6b);
    const at = (hash ^ (hash >>> 15)) & (this.#ghosts.length - 1);
    if (this.#ghosts[at] === hash) return true;
    this.#ghosts[at] = hash;
    return false;
  }

  /** Takes a block in, and lets others go for it. Requires: not in the cache; `wants` said so. */
  insert(owner: BlockOwner, block: number, bytes: Buffer): void {
    const charge = bytes.length + BLOCK_OVERHEAD_BYTES;
    if (charge > this.bytesMax) return;
    while (this.#bytes + charge > this.bytesMax) this.#evictOne();
    const slot = this.#free.pop() ?? this.#blocks.length;
    if (slot === this.#used.length) this.#growUsed();
    this.#blocks[slot] = bytes;
    this.#owners[slot] = owner;
    this.#numbers[slot] = block;
    this.#used[slot] = 0;
    this.#count++;
    this.#bytes += charge;
    owner.slots[block] = slot;
  }

  /** Lets all blocks of an owner go. Cost: O(its blocks). */
  drop(owner: BlockOwner): void {
    for (const slot of owner.slots) if (slot >= 0) this.#release(slot);
  }

  stats(): BlockCacheStats {
    const { bytesMax, hits, misses } = this;
    return { blocks: this.#count, bytes: this.#bytes, bytesMax, hits, misses, evictions: this.#evictions };
  }

  #evictOne(): void {
    for (;;) {
      if (this.#hand >= this.#blocks.length) this.#hand = 0;
      const slot = this.#hand++;
      if (this.#blocks[slot] === undefined) continue;
      if (this.#used[slot] === 0) {
        this.#evictions++;
        return this.#release(slot);
      }
      this.#used[slot] = 0;
    }
  }

  #release(slot: number): void {
    const owner = this.#owners[slot]!;
    owner.slots[this.#numbers[slot]!] = NO_SLOT;
    this.#bytes -= this.#blocks[slot]!.length + BLOCK_OVERHEAD_BYTES;
    this.#count--;
    this.#blocks[slot] = undefined;
    this.#owners[slot] = undefined;
    this.#free.push(slot);
  }

  #growUsed(): void {
    const grown = new Uint8Array(this.#used.length * 2);
    grown.set(this.#used);
    this.#used = grown;
  }
}

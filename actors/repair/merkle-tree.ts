/**
 * MerkleTree: the hash tree of one partition of one keyspace as one replica holds it [Dynamo 4.7].
 *
 * ```
 *   level 0   root                                        a node is the hash of its children, made when leaves have been read
 *   level 1   16 nodes
 *   level 2   256
 *   level 3   4,096 leaves: sums of entry hashes          each with a bit that writes set (dirty-marks.ts): it is to be read again
 * ```
 * A write sets a bit and reads no hash, so a tree says nothing of what was written since its leaves were last read (forest.ts). No tree is on disk: after a start all leaves are dirty.
 * Memory: 8.5 bytes per leaf, 35 KiB for 4,096.
 */
import { withChild } from './entry-hash.ts';
import { FAN_OUT_BITS, levelsOf } from './leaves.ts';

interface Level {
  readonly bits: number;
  readonly low: Int32Array;
  readonly high: Int32Array;
  /** 1: to be made again from the level below. None of leaves. */
  readonly isStale: Uint8Array;
}

/** Leaves [from, to). */
export interface LeafRun {
  readonly from: number;
  readonly to: number;
}

export class MerkleTree {
  readonly leafCount: number;
  /** A bit per leaf, shared with who sets them. */
  readonly #dirty: Uint32Array;
  readonly #levels: readonly Level[];

  /** `dirty`: a word for 32 leaves. All leaves are dirty to begin with. */
  constructor(leafBits: number, dirty: Uint32Array) {
    this.leafCount = 2 ** leafBits;
    this.#dirty = dirty;
    dirty.fill(0xffff_ffff);
    this.#levels = levelsOf(leafBits).map((bits) => ({
      bits,
      low: new Int32Array(2 ** bits),
      high: new Int32Array(2 ** bits),
      isStale: new Uint8Array(bits === leafBits ? 0 : 2 ** bits).fill(1),
    }));
  }

  /** From the root, 0, to the leaves, `levelCount` - 1. */
  get levelCount(): number {
    return this.#levels.length;
  }

  /** Nodes of a level. */
  nodesOf(level: number): number {
    return 2 ** this.#levels[level]!.bits;
  }

  /** The children of a node of a level are as many nodes of the next one, from the first one on. Requires: no leaf. */
  childrenOf(level: number): number {
    return 2 ** (this.#levels[level + 1]!.bits - this.#levels[level]!.bits);
  }

  /** Makes the hashes of all nodes above leaves that have changed, which else are made when they are asked for. Returns how many: what it has cost. */
  settle(): number {
    return this.#settle(0, 0);
  }

  /** Halves of a node's hash, integers of 32 bits. Cost: that of all below it that has changed. */
  low(level: number, node: number): number {
    this.#settle(level, node);
    return this.#levels[level]!.low[node]!;
  }
  high(level: number, node: number): number {
    this.#settle(level, node);
    return this.#levels[level]!.high[node]!;
  }

  /** What a leaf was found to hold. */
  setLeaf(leaf: number, low: number, high: number): void {
    const last = this.#levels.length - 1;
    const leaves = this.#levels[last]!;
    if (leaves.low[leaf] === low && leaves.high[leaf] === high) return;
    leaves.low[leaf] = low;
    leaves.high[leaf] = high;
    for (let level = last - 1; level >= 0; level--) {
      const { bits, isStale } = this.#levels[level]!;
      const node = leaf >>> (leaves.bits - bits);
      if (isStale[node] === 1) return;
      isStale[node] = 1;
    }
  }

  /** The next dirty leaves from a leaf on, at most `most` in a row, which are clean from now on; null: there are none. Who doesn't set all of them has to call `markDirty`. */
  takeDirty(from: number, most: number): LeafRun | null {
    let first = from;
    while (first < this.leafCount && !this.isDirty(first)) first += this.#dirty[first >>> 5] === 0 ? 32 - (first & 31) : 1;
    if (first >= this.leafCount) return null;
    let to = first;
    while (to < this.leafCount && to - first < most && this.isDirty(to)) {
      this.#dirty[to >>> 5]! &= ~(1 << (to & 31));
      to++;
    }
    return { from: first, to };
  }

  markDirty({ from, to }: LeafRun): void {
    for (let leaf = from; leaf < to; leaf++) this.#dirty[leaf >>> 5]! |= 1 << (leaf & 31);
  }

  isDirty(leaf: number): boolean {
    return (this.#dirty[leaf >>> 5]! & (1 << (leaf & 31))) !== 0;
  }

  #settle(level: number, node: number): number {
    const { low, high, isStale } = this.#levels[level]!;
    if (level === this.#levels.length - 1 || isStale[node] === 0) return 0;
    let made = 1;
    const below = this.#levels[level + 1]!;
    const children = this.childrenOf(level);
    let [sumLow, sumHigh] = [0, 0];
    for (let child = node * children; child < (node + 1) * children; child++) {
      made += this.#settle(level + 1, child);
      sumLow = withChild(sumLow, below.low[child]!);
      sumHigh = withChild(sumHigh, below.high[child]!);
    }
    low[node] = sumLow;
    high[node] = sumHigh;
    isStale[node] = 0;
    return made;
  }
}

/** Of a node, at most. */
export const CHILDREN_MAX = 2 ** FAN_OUT_BITS;

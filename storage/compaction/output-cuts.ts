/** Where a merge ends one output table and begins the next: always between two keys, never between versions of one. */
import { compareKeys } from '../key.ts';
import type { KeySpan } from './key-ranges.ts';

/** A boundary cuts once the table has this part of its target. */
const BOUNDARY_PART = 4;

/** A table of the level below the outputs. */
export interface Grandparent extends KeySpan {
  readonly bytes: number;
}

export interface CutOptions {
  /** Bytes of an output table at which it ends. */
  readonly targetBytes: number;
  /** Keys, ascending, at which tables are preferably cut: from a quarter of the target on. A key that equals a boundary begins the new table. */
  readonly boundaries: readonly Uint8Array[];
  /** Ascending. An output ends before it overlaps more than `grandparentBytesMax` of them, so that its own merge will not be too large. */
  readonly grandparents: readonly Grandparent[];
  readonly grandparentBytesMax: number;
}

export class OutputCuts {
  readonly #options: CutOptions;
  #boundary = 0;
  #grandparent = 0;
  /** Bytes of grandparents wholly behind the first key of the output. */
  #passedBytes = 0;

  constructor(options: CutOptions) {
    this.#options = options;
  }

  /**
   * Whether the output, `bytes` long (0: nothing is in it), ends before this key. Called for keys in ascending order; after true the next
   * output is empty but for this key.
   */
  before(key: Uint8Array, start: number, end: number, bytes: number): boolean {
    const crossed = this.#crossed(key, start, end);
    const passed = this.#pass(key, start, end);
    this.#passedBytes = bytes === 0 ? 0 : this.#passedBytes + passed;
    if (bytes === 0) return false;
    const { targetBytes, grandparentBytesMax } = this.#options;
    const cut = bytes >= targetBytes || (crossed && bytes * BOUNDARY_PART >= targetBytes) || this.#passedBytes > grandparentBytesMax;
    if (cut) this.#passedBytes = 0;
    return cut;
  }

  #crossed(key: Uint8Array, start: number, end: number): boolean {
    const { boundaries } = this.#options;
    const from = this.#boundary;
    while (this.#boundary < boundaries.length) {
      const boundary = boundaries[this.#boundary]!;
      if (compareKeys(boundary, 0, boundary.length, key, start, end) > 0) break;
      this.#boundary++;
    }
    return this.#boundary > from;
  }

  #pass(key: Uint8Array, start: number, end: number): number {
    const { grandparents } = this.#options;
    let bytes = 0;
    while (this.#grandparent < grandparents.length) {
      const { largest, bytes: size } = grandparents[this.#grandparent]!;
      if (compareKeys(largest, 0, largest.length, key, start, end) >= 0) break;
      bytes += size;
      this.#grandparent++;
    }
    return bytes;
  }
}

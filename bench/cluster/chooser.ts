/** Chooses the next operation: kind by the mix, key by the distribution. */

import { unreachable } from '../../runtime/errors.ts';
import type { SeededRandom } from '../../runtime/random.ts';
import { Zipf } from '../../test/helpers/zipf.ts';
import { permutation } from '../storage/data.ts';
import type { Operation, OperationKind } from './operation.ts';
import type { Records } from './records.ts';
import type { Distribution, Workload } from './workload.ts';

const THETA = 0.99;
/** Rows of a scan: 1 to this many, evenly. */
const SCAN_ROWS_MAX = 100;

/** Zipf's law over the records that were there first, each rank at a place of its own in the key space. */
export class HotKeys {
  readonly #zipf: Zipf;
  readonly #places: Uint32Array;

  constructor(records: number, random: SeededRandom) {
    this.#zipf = new Zipf(records, THETA);
    this.#places = permutation(records, random);
  }

  /** 0: the most frequent. */
  rank(uniform: number): number {
    return this.#zipf.rank(uniform);
  }

  keyAt(rank: number): number {
    return this.#places[rank]!;
  }
}

export class Chooser {
  readonly #kinds: readonly OperationKind[];
  readonly #distribution: Distribution;
  readonly #records: Records;
  readonly #hot: HotKeys;
  readonly #random: SeededRandom;
  #ordered = 0;

  constructor(workload: Workload, distribution: Distribution, parts: { records: Records; hot: HotKeys; random: SeededRandom }) {
    this.#kinds = Object.entries(workload.mix).flatMap(([kind, percent]) => new Array<OperationKind>(percent).fill(kind as OperationKind));
    this.#distribution = distribution;
    this.#records = parts.records;
    this.#hot = parts.hot;
    this.#random = parts.random;
  }

  /** Requires: records that are present, unless it inserts. */
  next(operation: Operation): void {
    const kind = this.#kinds.length === 1 ? this.#kinds[0]! : this.#kinds[this.#random.below(this.#kinds.length)]!;
    operation.kind = kind;
    operation.step = 'get';
    if (kind !== 'insert') operation.key = this.#key();
    switch (kind) {
      case 'read':
      case 'modify':
        return this.#records.beginRead(operation);
      case 'update':
        operation.step = 'put';
        return this.#records.beginWrite(operation);
      case 'insert':
        operation.step = 'put';
        return this.#records.beginInsert(operation);
      case 'scan':
        operation.step = 'scan';
        operation.rowsMax = 1 + this.#random.below(SCAN_ROWS_MAX);
        operation.rows = 0;
        operation.lastKey = -1;
        return;
      default:
        return unreachable(kind);
    }
  }

  #key(): number {
    const { present } = this.#records;
    switch (this.#distribution) {
      case 'uniform':
        return this.#random.below(present);
      case 'zipfian':
        return this.#hot.keyAt(this.#hot.rank(this.#random.float()));
      case 'latest':
        return present - 1 - this.#hot.rank(this.#random.float());
      case 'ordered':
        return this.#ordered++ % present;
      default:
        return unreachable(this.#distribution);
    }
  }
}

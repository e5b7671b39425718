/**
 * Run queue: the actors of a shard that have something to do, by lane. Strictly by lane, but every STARVATION_TURNS-th turn goes to the
 * lowest lane that waits, so that a flood above slows the lower lanes and never stops them.
 */
import type { Cell } from './cell.ts';
import { LANE_COUNT, type Lane } from './lanes.ts';

const STARVATION_TURNS = 61;

export class RunQueue {
  readonly #lanes: CellRing[] = Array.from({ length: LANE_COUNT }, () => new CellRing());
  /** Bit per lane that has actors waiting. */
  #waiting = 0;
  #turns = 0;

  get isEmpty(): boolean {
    return this.#waiting === 0;
  }

  /** Bounded by the number of actors: each is at most once in each lane. */
  push(cell: Cell, lane: Lane): void {
    (this.#lanes[lane] as CellRing).push(cell);
    this.#waiting |= 1 << lane;
  }

  /** Returns the actor whose turn it is; its mark of being queued in that lane is cleared. */
  take(pick: ((count: number) => number) | null): Cell | undefined {
    const waiting = this.#waiting;
    if (waiting === 0) return undefined;
    let lane: number;
    if (++this.#turns >= STARVATION_TURNS) {
      this.#turns = 0;
      lane = 31 - Math.clz32(waiting);
    } else {
      lane = 31 - Math.clz32(waiting & -waiting);
    }
    const ring = this.#lanes[lane] as CellRing;
    const cell = pick === null || ring.length === 1 ? ring.shift() : ring.takeAt(pick(ring.length));
    if (ring.length === 0) this.#waiting &= ~(1 << lane);
    cell.queuedLanes &= ~(1 << lane);
    return cell;
  }
}

class CellRing {
  #items: (Cell | undefined)[] = new Array(16).fill(undefined);
  #head = 0;
  length = 0;

  push(cell: Cell): void {
    const size = this.#items.length;
    if (this.length === size) {
      const items: (Cell | undefined)[] = new Array(size * 2).fill(undefined);
      for (let i = 0; i < size; i++) items[i] = this.#items[(this.#head + i) & (size - 1)];
      this.#items = items;
      this.#head = 0;
    }
    this.#items[(this.#head + this.length) & (this.#items.length - 1)] = cell;
    this.length++;
  }

  shift(): Cell {
    const at = this.#head;
    const cell = this.#items[at] as Cell;
    this.#items[at] = undefined;
    this.#head = (at + 1) & (this.#items.length - 1);
    this.length--;
    return cell;
  }

  /** For seeded scheduling: takes the entry `index` places behind the head; the order of the rest stays. */
  takeAt(index: number): Cell {
    const mask = this.#items.length - 1;
    const cell = this.#items[(this.#head + index) & mask] as Cell;
    for (let i = index; i > 0; i--) {
      this.#items[(this.#head + i) & mask] = this.#items[(this.#head + i - 1) & mask];
    }
    this.shift();
    return cell;
  }
}

/** RingKeeper: gives back the memory of mailboxes that were long once and have been empty since, so that one rush does not cost memory for ever. */
import type { Cell } from './cell.ts';
import { ENDED } from './cell-state.ts';
import { CONTROL, LANE_COUNT } from './lanes.ts';
import type { Tasks } from './link.ts';

const SWEEP_MS = 5000;

export class RingKeeper {
  readonly #tasks: Tasks;
  /** Actors with long queues, and how much they had handled at the last sweep. */
  readonly #handled = new Map<Cell, number>();

  constructor(tasks: Tasks) {
    this.#tasks = tasks;
  }

  /** `cell` has a long queue. Idempotent. */
  note(cell: Cell): void {
    if (this.#handled.has(cell)) return;
    if (this.#handled.size === 0) this.#tasks.after(SWEEP_MS, () => this.#sweep());
    this.#handled.set(cell, -1);
  }

  #sweep(): void {
    for (const [cell, before] of this.#handled) {
      const isIdle = cell.handled === before && cell.queued === 0;
      if (isIdle) releaseRings(cell);
      if (isIdle || cell.state === ENDED) this.#handled.delete(cell);
      else this.#handled.set(cell, cell.handled);
    }
    if (this.#handled.size > 0) this.#tasks.after(SWEEP_MS, () => this.#sweep());
  }
}

/** Why: a queue that goes round in a long array finds none of it in the processor's cache. Requires: none is queued, and no message is being handled. */
export function rewindRings(cell: Cell): void {
  for (let lane = CONTROL; lane < LANE_COUNT; lane++) cell.usedRing(lane)?.rewind();
}

/** Requires: none is queued. */
function releaseRings(cell: Cell): void {
  for (let lane = CONTROL; lane < LANE_COUNT; lane++) cell.usedRing(lane)?.release();
}

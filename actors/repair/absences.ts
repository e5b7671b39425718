/**
 * Absences: which members come back after they were out of reach for long, or have started anew. What was written just before they were suspected nobody has held for them: writes that had their W by then are
 * over, and what was on its way to who has ended is lost, however soon it is back. So whoever is back is compared with, and not only some minutes later, when the turn of its partitions comes. Pure.
 */
import type { Id } from '../ring/ring-state.ts';

/** As this node knows it. `boot`: another one for each start. */
export interface Presence {
  readonly id: Id;
  readonly isAway: boolean;
  readonly boot: number;
}

export class Absences {
  readonly #longMs: number;
  readonly #sinceMs = new Map<Id, number>();
  /** Of those who were within reach, when they last were. */
  readonly #boots = new Map<Id, number>();

  /** `longMs`: after less than that a member that has not ended is left to reads and to the next regular comparison. */
  constructor(longMs: number) {
    this.#longMs = longMs;
  }

  /** Of all members now; boot 0: never heard of. Returns who is back. */
  update(members: readonly Presence[], nowMs: number): readonly Id[] {
    const back: Id[] = [];
    for (const { id, isAway, boot } of members) {
      const sinceMs = this.#sinceMs.get(id);
      if (boot === 0) continue;
      if (isAway) {
        if (sinceMs === undefined) this.#sinceMs.set(id, nowMs);
        continue;
      }
      const before = this.#boots.get(id);
      this.#sinceMs.delete(id);
      this.#boots.set(id, boot);
      const wasLong = sinceMs !== undefined && nowMs - sinceMs >= this.#longMs;
      if (wasLong || (before !== undefined && before !== boot)) back.push(id);
    }
    const known = new Set(members.map(({ id }) => id));
    for (const map of [this.#sinceMs, this.#boots]) for (const id of [...map.keys()]) if (!known.has(id)) map.delete(id);
    return back;
  }
}

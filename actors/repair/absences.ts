/**
 * Absences: which members come back after they were out of reach for long. What was written just before they were suspected nobody has held for them: writes that had their W by then are over. So whoever
 * is back is compared with, and not only some minutes later, when the turn of its partitions comes. Pure.
 */
import type { Id } from '../ring/ring-state.ts';

export class Absences {
  readonly #longMs: number;
  readonly #sinceMs = new Map<Id, number>();

  /** `longMs`: after less than that a member is left to reads and to the next regular comparison. */
  constructor(longMs: number) {
    this.#longMs = longMs;
  }

  /** Of all members now. Returns who is back. */
  update(members: readonly { readonly id: Id; readonly isAway: boolean }[], nowMs: number): readonly Id[] {
    const back: Id[] = [];
    for (const { id, isAway } of members) {
      const sinceMs = this.#sinceMs.get(id);
      if (isAway && sinceMs === undefined) this.#sinceMs.set(id, nowMs);
      if (isAway || sinceMs === undefined) continue;
      this.#sinceMs.delete(id);
      if (nowMs - sinceMs >= this.#longMs) back.push(id);
    }
    const known = new Set(members.map(({ id }) => id));
    for (const id of [...this.#sinceMs.keys()]) if (!known.has(id)) this.#sinceMs.delete(id);
    return back;
  }
}

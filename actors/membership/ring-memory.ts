/**
 * RingMemory: the state of a RingActor, in memory and on disk, and what waits until both are the same. One write at a time; changes that come
 * meanwhile share the next one.
 */
import type { StoredRing } from './ring-file.ts';

export interface RingMemoryPorts {
  /** Requires: calls `ended` once, in a later turn. */
  readonly write: (state: StoredRing) => void;
  readonly mutants: ReadonlySet<string>;
}

interface Waiter {
  readonly change: number;
  readonly run: () => void;
}

export class RingMemory {
  readonly #ports: RingMemoryPorts;
  #now: StoredRing;
  #durable: StoredRing;
  #changes = 0;
  #durableChanges = 0;
  /** What is being written. */
  #writing: { readonly state: StoredRing; readonly changes: number } | null = null;
  #isHeld = false;
  #waiters: readonly Waiter[] = [];

  /** `state`: as it is on disk. */
  constructor(state: StoredRing, ports: RingMemoryPorts) {
    this.#now = state;
    this.#durable = state;
    this.#ports = ports;
  }

  /** The newest: to decide by. */
  get now(): StoredRing {
    return this.#now;
  }

  /** To be shown to others. */
  get durable(): StoredRing {
    return this.#durable;
  }

  /** `then` runs once `next`, or a later state, is on disk; never when the write fails, whose outcome nobody knows. `next` may be the present state. */
  change(next: StoredRing, then?: () => void): void {
    if (next !== this.#now) {
      this.#now = next;
      this.#changes++;
    }
    if (then !== undefined) {
      const isDurable = this.#durableChanges === this.#changes || this.#ports.mutants.has('answersBeforeDurable');
      if (isDurable) then();
      // Whoever asks again while nothing can be written would only make a longer list.
      else if (!this.#isHeld) this.#waiters = [...this.#waiters, { change: this.#changes, run: then }];
    }
    this.#pump();
  }

  /** The write is over. After a failure nothing is written until `retry`. */
  ended(isOnDisk: boolean): void {
    const written = this.#writing;
    if (written === null) return;
    this.#writing = null;
    const due = this.#waiters.filter(({ change }) => change <= written.changes);
    this.#waiters = this.#waiters.filter(({ change }) => change > written.changes);
    if (!isOnDisk) {
      this.#isHeld = true;
      return;
    }
    this.#durable = written.state;
    this.#durableChanges = written.changes;
    for (const { run } of due) run();
    this.#pump();
  }

  retry(): void {
    this.#isHeld = false;
    this.#pump();
  }

  #pump(): void {
    if (this.#writing !== null || this.#isHeld || this.#durableChanges === this.#changes) return;
    this.#writing = { state: this.#now, changes: this.#changes };
    const forgets = this.#ports.mutants.has('acceptorForgetsPromise');
    this.#ports.write(forgets ? { ...this.#now, promised: null, accepted: null } : this.#now);
  }
}

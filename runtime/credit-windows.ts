/** What actors of one other place have granted to this shard: a window for each, found by slot and uid without making a key for them. */
import type { RemoteRef } from './remote-ref.ts';
import { WaitList } from './wait-list.ts';

export class CreditWindow {
  readonly ref: RemoteRef;
  /** Messages that may be sent. */
  available = 0;
  /** More was asked for, and has not come yet. */
  requested = false;
  /** Set by use, cleared by `returnIdleCredit`. */
  used = true;
  /** Actors of this shard that were refused for want of credit. */
  readonly waiters = new WaitList();

  constructor(ref: RemoteRef) {
    this.ref = ref;
  }
}

export class CreditWindows {
  /** Hardly ever more than one per slot: those of a slot's earlier actors go when they are idle. */
  readonly #bySlot = new Map<number, CreditWindow[]>();
  size = 0;

  find(slot: number, uid: number): CreditWindow | undefined {
    const windows = this.#bySlot.get(slot);
    if (windows === undefined) return undefined;
    for (const window of windows) if (window.ref.uid === uid) return window;
    return undefined;
  }

  /** Requires: there is none for that actor. */
  add(window: CreditWindow): void {
    const { slot } = window.ref;
    const windows = this.#bySlot.get(slot);
    if (windows === undefined) this.#bySlot.set(slot, [window]);
    else windows.push(window);
    this.size++;
  }

  /** Requires: it is one of these. */
  remove(window: CreditWindow): void {
    const { slot } = window.ref;
    const rest = (this.#bySlot.get(slot) ?? []).filter((other) => other !== window);
    if (rest.length === 0) this.#bySlot.delete(slot);
    else this.#bySlot.set(slot, rest);
    this.size--;
  }

  clear(): void {
    this.#bySlot.clear();
    this.size = 0;
  }

  all(): CreditWindow[] {
    return [...this.#bySlot.values()].flat();
  }
}

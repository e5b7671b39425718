/** ViewSubscribers: who of this node wants to know how the members are, and when they are told: at each change, but not faster than they can use it. */
import { addressName } from '../../runtime/address.ts';
import { CONTROL } from '../../runtime/lanes.ts';
import type { AnyRef, Ref } from '../../runtime/ref.ts';
import type { MembershipView } from '../gossip-protocol.ts';

export interface ViewMessage {
  readonly type: 'view';
  readonly view: MembershipView;
}

const SUBSCRIBERS_MAX = 1024;

export class ViewSubscribers {
  readonly #minMs: number;
  readonly #refs = new Map<string, Ref<ViewMessage>>();
  #toldVersion = 0;
  #toldMs = Number.NEGATIVE_INFINITY;
  #isWaiting = false;

  /** Views are at least so many ms apart. */
  constructor(minMs: number) {
    this.#minMs = minMs;
  }

  /** Returns false when there are too many. */
  add(ref: Ref<ViewMessage>): boolean {
    const name = addressName(ref.address);
    if (this.#refs.size >= SUBSCRIBERS_MAX && !this.#refs.has(name)) return false;
    this.#refs.set(name, ref);
    return true;
  }

  remove(ref: AnyRef): void {
    this.#refs.delete(addressName(ref.address));
  }

  /**
   * `version`: changes when the view does. Returns 0: tell it now; more: ask again after so many ms, and not before; less: there is nothing to do.
   */
  due(version: number, nowMs: number): number {
    if (version === this.#toldVersion || this.#refs.size === 0) return -1;
    const waitMs = this.#toldMs + this.#minMs - nowMs;
    if (waitMs > 0) {
      if (this.#isWaiting) return -1;
      this.#isWaiting = true;
      return waitMs;
    }
    this.#toldVersion = version;
    this.#toldMs = nowMs;
    this.#isWaiting = false;
    return 0;
  }

  /** Who has no room gets the next one. */
  tell(view: MembershipView): void {
    for (const ref of this.#refs.values()) ref.tell({ type: 'view', view }, { lane: CONTROL });
  }
}

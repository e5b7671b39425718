/** Who of this node's main thread wants to hear of each new ring. */
import { CONTROL } from '../../runtime/lanes.ts';
import { type AnyRef, type Ref, sameRef } from '../../runtime/ref.ts';
import type { RingChanged } from '../ring-protocol.ts';
import type { KnownRing } from './known-ring.ts';

export class RingSubscribers {
  #refs: readonly Ref<RingChanged>[] = [];

  /** Tells it the ring, if there is one, also when it is known already: it may have forgotten. */
  add(subscriber: Ref<RingChanged>, ring: KnownRing | null): void {
    if (!this.#refs.some((known) => sameRef(known, subscriber))) this.#refs = [...this.#refs, subscriber];
    if (ring !== null) subscriber.tell(changed(ring), { lane: CONTROL });
  }

  remove(ref: AnyRef): void {
    this.#refs = this.#refs.filter((known) => !sameRef(known, ref));
  }

  tell(ring: KnownRing): void {
    for (const subscriber of this.#refs) subscriber.tell(changed(ring), { lane: CONTROL });
  }
}

/** What a subscriber is told can't leave the thread. */
export function isInOneThread({ address: a }: AnyRef, { address: b }: AnyRef): boolean {
  return a.node === b.node && a.shard === b.shard;
}

function changed({ state, encoded }: KnownRing): RingChanged {
  return { type: 'ringChanged', ring: state, encoded };
}

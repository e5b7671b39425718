/** ClusterDoor: an actor's way to the actors of other nodes whom it has not been sent a ref of. One per thread, made where the node is started. */
import type { NodeAddress } from '../../runtime/node-address.ts';
import type { Ref } from '../../runtime/ref.ts';

export interface ClusterDoor {
  /** The well-known actor at `slot` of that node's main thread, of this or another node; whether it runs shows when it is asked. */
  ref<M>(slot: number, node: string): Ref<M>;
  /** Lets all threads of this node know where that one listens. Idempotent; a new address replaces the old one. */
  introduce(address: NodeAddress): void;
}

/** Slots of the main thread's actors, the same on every node (runtime/address.ts keeps 0 and 1). */
export const RING_SLOT = 2;
export const GOSSIP_SLOT = 3;
export const COMPACTION_SLOT = 7;

/** The cluster door of a simulated thread. All nodes of a simulated world know each other's way already. */

import type { ClusterDoor } from '../../../actors/membership/cluster-door.ts';
import { MAIN_SHARD } from '../../../runtime/address.ts';
import type { Ref } from '../../../runtime/ref.ts';
import type { SimShard } from '../../../runtime/simulation/sim-node.ts';

export function simDoor(thread: SimShard): ClusterDoor {
  return {
    ref: <M>(slot: number, node: string) => thread.runtime.wellKnown(slot, { node, shard: MAIN_SHARD }) as unknown as Ref<M>,
    introduce() {
      // Addresses mean nothing here.
    },
  };
}

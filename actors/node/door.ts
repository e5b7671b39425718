/** The cluster door of a node's main thread. */
import { errorMessage } from '../../runtime/errors.ts';
import type { NodeAddress } from '../../runtime/node-address.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { ClusterDoor } from '../membership/cluster-door.ts';

export function clusterDoor(system: ActorSystem): ClusterDoor {
  return {
    ref: (slot, node) => system.wellKnown(slot, node),
    introduce(address: NodeAddress): void {
      // A shard that can't be told is dying, and hears all addresses when it is started again.
      system.introduce(address).catch((error: unknown) => {
        system.log.warn('node.notIntroduced', { node: address.node, error: errorMessage(error) });
      });
    },
  };
}

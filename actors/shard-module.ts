/** What every shard of a node loads: who of its actors starts with the thread, each time that it starts. */
import type { ShardStart } from '../runtime/definitions.ts';
import type { ClusterDoor } from './membership/cluster-door.ts';
import { type RingHolder, ringAgent } from './ring-agent.ts';

export function startShard(start: ShardStart): void {
  const door: ClusterDoor = { ref: (slot, node) => start.wellKnown(slot, node), introduce: (address) => start.introduce(address) };
  const holder: RingHolder = { ring: null, mayServe: false };
  start.spawn(ringAgent, [{ door, node: start.node, shard: start.shard, holder }]);
}

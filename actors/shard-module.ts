/** What every shard of a node loads: its actors, and who of them starts with the thread, each time that it starts. */
import type { ShardStart } from '../runtime/definitions.ts';
import { RING_SLOT } from './membership/cluster-door.ts';
import { ringAgent } from './ring-agent.ts';

export function startShard(start: ShardStart): void {
  start.spawn(ringAgent, [start.shard, start.wellKnown(RING_SLOT)]);
}

/** Who else has the partitions of this shard: what of a ring repair goes by. */
import type { Keyspace } from '../ring/ring-state.ts';
import type { Topology } from '../store/topology.ts';
import type { Peer } from './peer-asks.ts';

/** The partitions that are on this shard, of which this member is one of the readers' primaries; with the others. */
export function* partitionsOf(
  topology: Topology,
  { n }: Keyspace,
  shard: number,
): Generator<readonly [partition: number, peers: readonly Peer[]]> {
  for (let partition = 0; partition < topology.ring.owners.length; partition++) {
    if (!topology.isOn(shard, partition)) continue;
    const peers = peersOf(topology, n, partition);
    if (peers.length > 0) yield [partition, peers];
  }
}

/** Empty: this member has none of it, or has it alone. */
export function peersOf(topology: Topology, n: number, partition: number): readonly Peer[] {
  const { members, stride, primaries } = topology.lists.of(n).read;
  const all = [...members.subarray(partition * stride, partition * stride + primaries)];
  if (!all.includes(topology.self)) return [];
  const others = all.filter((member) => member !== topology.self && !topology.member(member).isExcluded);
  return others.map((member) => ({ id: topology.member(member).id, shard: topology.shardOf(member, partition) }));
}

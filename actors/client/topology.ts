/** Topology: what a program may know of the ring in use. */
import type { Keyspace, MemberState, RingState, RingVersion } from '../ring/ring-state.ts';

export interface TopologyNode {
  readonly id: string;
  readonly name: string;
  readonly host: string;
  /** Of the main thread, then of each shard. */
  readonly ports: readonly number[];
  readonly dataCenter: string;
  readonly rack: string;
  readonly state: MemberState;
}

export interface Topology extends RingVersion {
  readonly cluster: string;
  readonly clusterName: string;
  readonly partitions: number;
  readonly nodes: readonly TopologyNode[];
  readonly keyspaces: readonly Keyspace[];
}

export function topologyOf(ring: RingState): Topology {
  const { cluster, clusterName, generation, epoch, owners, keyspaces } = ring;
  const nodes = ring.members.map(({ id, name, address, dataCenter, rack, state }) => ({
    ...{ id, name, host: address.host, ports: address.ports },
    ...{ dataCenter, rack, state },
  }));
  return { cluster, clusterName, generation, epoch, partitions: owners.length, nodes, keyspaces };
}

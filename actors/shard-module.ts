/**
 * What every shard of a node loads: who of its actors starts with the thread, each time that it starts.
 *
 * ```
 *  RESP clients --> RespGateway --.                                .--> VNodeActors of other shards and nodes
 *  our clients  ------------------+--> CoordinatorActor -----------+
 *  other coordinators ------------'                                '--> Replicas of this shard <-- VNodeActor <-- other coordinators
 *                        MerkleActor --> Replicas, and MerkleActors of other nodes             PurgeActor --> MerkleActor, PurgeActors of other nodes
 *                        RingAgent --> ring of this thread, for all of them        StreamingActor <-- VNodeActors of old replicas
 * ```
 */
import type { ShardStart } from '../runtime/definitions.ts';
import type { AnyRef } from '../runtime/ref.ts';
import type { GossipMessage } from './gossip-protocol.ts';
import { hintStoreActor } from './hints/hint-store-actor.ts';
import { LeaveDesk } from './hints/leaving.ts';
import { type ClusterDoor, COMPACTION_SLOT, GOSSIP_SLOT, RING_SLOT } from './membership/cluster-door.ts';
import type { KnownRing } from './membership/known-ring.ts';
import { purgeActor } from './purge/purge-actor.ts';
import { DirtyMarks } from './repair/dirty-marks.ts';
import { merkleActor } from './repair/merkle-actor.ts';
import { MERKLE_SLOT } from './repair/repair-frames.ts';
import type { RepairHolder } from './repair/repair-protocol.ts';
import { RESP_SLOT, respGateway } from './resp/resp-gateway.ts';
import { type RingHolder, ringAgent } from './ring-agent.ts';
import { type ScanHolder, scanActor } from './scan/scan-actor.ts';
import type { ShardSettings } from './shard-settings.ts';
import { coordinatorActor } from './store/coordinator-actor.ts';
import { COORDINATOR_SLOT, HINT_SLOT, PURGE_SLOT, SCAN_SLOT, STREAMING_SLOT, VNODE_SLOT } from './store/data-frames.ts';
import { type CoordinatorHolder, doorOf } from './store/store-door.ts';
import { TopologyHolder } from './store/topology.ts';
import { type ReplicasHolder, vnodeActor } from './store/vnode-actor.ts';
import { StreamDesk } from './streaming/stream-desk.ts';
import { streamingActor } from './streaming/streaming-actor.ts';

export function startShard(start: ShardStart): void {
  const { node, shard, shards } = start;
  const { directory, name, clusterKey, engine, replicas: replicaOptions, hasPeers, resp } = start.settings as ShardSettings;
  const door: ClusterDoor = { ref: (slot, of) => start.wellKnown(slot, of), introduce: (address) => start.introduce(address) };
  const ring: RingHolder = { ring: null, mayServe: false };
  const topologies = new TopologyHolder(node);
  const replicas: ReplicasHolder = { replicas: null };
  const leave = new LeaveDesk();
  const coordinator: CoordinatorHolder = { coordinator: null };
  const scans: ScanHolder = { scans: null };
  const repair: RepairHolder = { repair: null };
  const marks = new DirtyMarks();
  const streams = new StreamDesk();

  const refTo = (slot: number, of: string, at: number): AnyRef => start.wellKnown<never>(slot, of, at);
  const gossip = hasPeers ? { gossip: start.wellKnown<GossipMessage>(GOSSIP_SLOT) } : {};

  start.spawnWellKnown(VNODE_SLOT, vnodeActor, [
    {
      node,
      shard,
      shards,
      dir: directory,
      ring,
      holder: replicas,
      engine,
      replicas: replicaOptions,
      marks,
      compaction: start.wellKnown(COMPACTION_SLOT),
    },
  ]);
  start.spawnWellKnown(COORDINATOR_SLOT, coordinatorActor, [
    {
      shard,
      ring,
      topologies,
      replicas,
      holder: coordinator,
      refTo,
      ...gossip,
    },
  ]);
  start.spawnWellKnown(HINT_SLOT, hintStoreActor, [{ ring, topologies, replicas, desk: leave, refTo, ...gossip }]);
  start.spawnWellKnown(SCAN_SLOT, scanActor, [{ ring, topologies, holder: scans, refTo, ...gossip }]);
  start.spawnWellKnown(MERKLE_SLOT, merkleActor, [{ shard, shards, ring, topologies, replicas, marks, holder: repair, refTo, ...gossip }]);
  start.spawnWellKnown(PURGE_SLOT, purgeActor, [{ shard, ring, topologies, replicas, repair, refTo, ...gossip }]);
  start.spawnWellKnown(STREAMING_SLOT, streamingActor, [{ node, shard, desk: streams, replicas, refTo }]);
  const beforeSwitched = (known: KnownRing, done: () => void): void => {
    const next = (): void => streams.switched(known, () => leave.switched(known.state, node, done));
    if (replicas.switchRing === undefined) next();
    else replicas.switchRing(next);
  };
  start.spawn(ringAgent, [{ door, node, shard, holder: ring, beforeSwitched }]);
  if (resp === null || (shard > 0 && !resp.isPortShared)) return;
  const { host, port, isPortShared, settings } = resp;
  start.spawnWellKnown(RESP_SLOT, respGateway, [
    {
      host,
      port,
      isPortShared,
      settings,
      store: doorOf(coordinator),
      scans,
      holder: ring,
      ringActor: start.wellKnown(RING_SLOT),
      clusterKey,
      node: name,
    },
  ]);
}

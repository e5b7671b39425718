/**
 * ReplicaDoor: the coordinator's way to replicas, its own shard's included, and to other coordinators. Whoever implements it encodes frames from the tables of the slot, and tells
 * the coordinator what comes of them by `id`, within the call or later, once or never: what is lost is the coordinator's to make good.
 *
 * Where the replica of an id stands in for another (`RequestTable.ownerOf`), read, merge and coordinate are of what it holds for others.
 *
 * | call | comes of it |
 * |---|---|
 * | read | `onRecord`, `onDigest` |
 * | merge | `onMerged` |
 * | coordinate | `onCoordinated` once the record is minted and may be sent, then `onMerged` once it is as durable as asked |
 * | forward | `onForwarded` |
 */
import type { Topology } from './topology.ts';

export interface ReplicaDoor {
  /** Null: no ring, or this node may not serve. The same object as long as the ring is the same. */
  topology(): Topology | null;
  /** As far as this node knows; of members of `topology`. Suspected ones are asked last. */
  isReachable(member: number): boolean;
  /** Whether a connection leads to that shard: without one, what was sent there and is not answered will hardly be. */
  isConnected(member: number, shard: number): boolean;
  /** These return false where surely nothing was sent. `member` and `shard`: whom. */
  read(member: number, shard: number, id: number, slot: number, wantsRecord: boolean): boolean;
  /** Of `[recordStarts, recordEnds)`; copied before this returns. */
  merge(member: number, shard: number, id: number, slot: number): boolean;
  /** At the replica of this shard: mints a dot, and writes. */
  coordinate(id: number, slot: number): boolean;
  /** This shard is to hold the slot's record for that member, as nobody else does. Nothing comes of it. */
  keep(owner: number, slot: number): void;
  forward(member: number, shard: number, id: number, slot: number): boolean;
  /** Clock of this thread, that deadlines are of. */
  nowMs(): number;
  /** Milliseconds since 1970, for expiry. */
  wallMs(): number;
  /** `Coordinator.wake` is to be called then; an earlier call stands as well. */
  wakeAt(ms: number): void;
}

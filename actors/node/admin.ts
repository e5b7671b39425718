/** Admin: what HTTP and the commands ask of a running node. */
import type { SystemStats } from '../../runtime/system.ts';
import type { MembershipView } from '../gossip-protocol.ts';
import type { NodeIdentity } from '../membership/node-identity.ts';
import type { PurgeState } from '../purge/purge-protocol.ts';
import type { RepairCommand, RepairFigures } from '../repair/repair-protocol.ts';
import type { RepairProgress } from '../repair/repair-queue.ts';
import type { RespFigures } from '../resp/resp-gateway.ts';
import type { Operation, OperationOutcome } from '../ring/operation.ts';
import type { Id, RingState } from '../ring/ring-state.ts';
import type { RingStatus } from '../ring-protocol.ts';
import type { StoreFigures } from '../store/coordinator-actor.ts';
import type { StreamFigures } from '../streaming/stream-figures.ts';
import type { HostAndPort } from './config/host-and-port.ts';

/** One look at the ring and at how its members are; the newest that this node knows. */
export interface Snapshot {
  readonly status: RingStatus;
  /** Of `status`, decoded; null: none yet. */
  readonly ring: RingState | null;
  /** Of `ring`; empty without one. */
  readonly hash: string;
  /** Null: GossipActor has not said anything yet. */
  readonly view: MembershipView | null;
}

export interface Admin {
  readonly self: NodeIdentity;
  /** Of dynactor. */
  readonly version: string;
  /** Where Redis clients are served. */
  readonly resp: HostAndPort;
  /** The node has been told to stop. */
  readonly isStopping: boolean;
  newId(): Id;
  look(): Promise<Snapshot>;
  /** Proposed by this node's RingActor, under a new id. */
  propose(operation: Operation): Promise<OperationOutcome>;
  force(survivors: readonly Id[]): Promise<OperationOutcome>;
  stats(): Promise<SystemStats>;
  /** Told to each shard. Of each, in order; null: it does not answer, or does not know the job. */
  repair(command: RepairCommand): Promise<readonly (RepairProgress | null)[]>;
  /** Of each shard, in order; null: it does not answer. */
  storeFigures(): Promise<readonly (StoreFigures | null)[]>;
  /** Same, of what each compares and repairs. */
  repairFigures(): Promise<readonly (RepairFigures | null)[]>;
  /** Same, of what each purges, and what holds that up. */
  purgeStates(): Promise<readonly (PurgeState | null)[]>;
  /** Same, of what each copies from others. */
  streamFigures(): Promise<readonly (StreamFigures | null)[]>;
  /** Same, of the shards that Redis clients are served by. */
  respFigures(): Promise<readonly (RespFigures | null)[]>;
}

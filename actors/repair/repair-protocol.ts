/** Messages of MerkleActor, and the door through which actors of its thread ask for an exchange. */
import type { Ref } from '../../runtime/ref.ts';
import type { ViewMessage } from '../gossip/view-subscribers.ts';
import type { Id } from '../ring/ring-state.ts';
import type { Direction } from './exchange.ts';
import type { CompletedExchange, RepairHistory } from './repair-history.ts';
import type { RepairProgress } from './repair-queue.ts';

/** Compares all partitions of this shard with all their other replicas. A job of that id that there is already is not begun again. */
export interface StartRepair {
  readonly type: 'startRepair';
  /** Chosen by who asks, for all shards of the node. */
  readonly jobId: string;
  /** Null: all keyspaces. */
  readonly keyspace: number | null;
  readonly direction: Direction;
  readonly replyTo: Ref<RepairAnswer>;
}
export interface LookAtRepair {
  readonly type: 'lookAtRepair';
  readonly jobId: string;
  readonly replyTo: Ref<RepairAnswer>;
}
export interface CancelRepair {
  readonly type: 'cancelRepair';
  readonly jobId: string;
  readonly replyTo: Ref<RepairAnswer>;
}
/** Asks what this shard has done since its start. */
export interface GetRepairFigures {
  readonly type: 'repairFigures';
  readonly replyTo: Ref<RepairFigures>;
}
export interface RepairAnswer {
  readonly type: 'repairProgress';
  /** Null: no job of that id is known. */
  readonly progress: RepairProgress | null;
}
export interface RepairFigures {
  readonly type: 'repairState';
  /** Sizes and counts by name, units in the name. */
  readonly figures: Readonly<Record<string, number>>;
  readonly completed: readonly CompletedExchange[];
}

/** Without who is to be told. */
export type RepairCommand = Omit<StartRepair, 'replyTo'> | Omit<LookAtRepair, 'replyTo'> | Omit<CancelRepair, 'replyTo'>;

export type MerkleMessage = ViewMessage | StartRepair | LookAtRepair | CancelRepair | GetRepairFigures;

/** For actors of the same thread, within their turns. */
export interface RepairDoor {
  /**
   * Has a partition of a keyspace compared with one other replica, soon and once, however often it is asked for before that. Returns false when nothing comes of it: the ring that this shard has
   * does not say that both are replicas.
   */
  requestRepair(keyspaceId: number, partition: number, ownerId: Id): boolean;
  /** What purging of tombstones goes by. */
  readonly history: RepairHistory;
}

/** Null: the actor is not there. */
export interface RepairHolder {
  repair: RepairDoor | null;
}

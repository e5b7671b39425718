/** Messages of MerkleActor, and the door through which actors of its thread ask for an exchange. */
import type { Ref } from '../../runtime/ref.ts';
import type { ViewMessage } from '../gossip/view-subscribers.ts';
import type { Direction } from './exchange.ts';
import type { Peer } from './peer-asks.ts';
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
}

/** Without who is to be told. */
export type RepairCommand = Omit<StartRepair, 'replyTo'> | Omit<LookAtRepair, 'replyTo'> | Omit<CancelRepair, 'replyTo'>;

export type MerkleMessage = ViewMessage | StartRepair | LookAtRepair | CancelRepair | GetRepairFigures;

/** For actors of the same thread, within their turns. */
export interface RepairDoor {
  /**
   * Has a partition of a keyspace compared with another replica of it. `done` is called once, in a turn: with undefined when an exchange was complete, both ways, that began after this call;
   * else with why there was none. Not at all, when repair is started anew.
   */
  exchange(keyspace: number, partition: number, peer: Peer, done: (fault: string | undefined) => void): void;
}

/** Null: the actor is not there. */
export interface RepairHolder {
  repair: RepairDoor | null;
}

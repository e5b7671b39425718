/**
 * RingState: all that a cluster agrees on, one value per generation and epoch: who is a member, who owns which partition, which keyspaces there
 * are, and how far a change of owners has come. Decided one epoch at a time (ring-actor.ts), spread by gossip, never changed in place.
 *
 * The token space (64 bits, farmhash `fingerprint64`) is cut into Q equal partitions, each with one owner; the replicas of a partition are
 * the first n distinct nodes met clockwise from it (placement.ts). Strategy 3 of [Dynamo 6.2].
 *
 * ```
 *   partition      0     1     2     3     4    ...   Q-1
 *   owner        | b   | a   | c   | b   | a   |     | c   |      replicas of 1 (n = 2): a, c
 *   tokens       ^ 0   ^ 2^64/Q                              ^ 2^64
 * ```
 */
import type { NodeAddress } from '../../runtime/node-address.ts';

/** 128 random bits as 32 lower-case hexadecimal digits: of a cluster, a member (one data directory), an operation. */
export type Id = string;

/**
 * joining: in the ring, owns nothing yet or only pending partitions, does not vote. up: full member. leaving: still owns and votes, until a transition has
 * taken its partitions away; then it is gone, and its id is banned.
 * There is no `down`: who can't be reached is the failure detector's business, and changes nothing here.
 */
export type MemberState = 'joining' | 'up' | 'leaving';

export interface Member {
  readonly id: Id;
  /** For people; unique among the members. 1 to 31 of `[A-Za-z0-9_-]`, begins with a letter. */
  readonly name: string;
  /** Where its threads listen; `address.node` is its name among transports, unique among the members. */
  readonly address: NodeAddress;
  readonly dataCenter: string;
  readonly rack: string;
  /** Its share of the data relative to others of its data center; an integer from 1 to 65,535. */
  readonly capacity: number;
  /** Worker threads that own data; at least 1. */
  readonly shards: number;
  readonly state: MemberState;
  /** Steps don't wait for it, and it serves nothing until it has fetched the ring from a majority and an `includeMember` was decided. */
  readonly isExcluded: boolean;
}

/** A count of replicas, or a share of those that the ring can give. */
export type ReplicaCount = number | 'one' | 'quorum' | 'all';

export interface Keyspace {
  /** u32 from 1, never used again. Part of engine keys. */
  readonly id: number;
  /** 1 to 64 of `[A-Za-z0-9_-]`, unique. */
  readonly name: string;
  /** Replicas, 1 to 16. */
  readonly n: number;
  readonly r: ReplicaCount;
  readonly w: ReplicaCount;
  /** Of those who answer a read, primaries; 0: no matter. In the place of 0 of a request. */
  readonly pr: ReplicaCount;
  /** Of those who confirm a write, the same. */
  readonly pw: ReplicaCount;
  readonly mode: 'ap' | 'cp';
  readonly conflict: 'siblings' | 'lww';
  readonly durability: 'sync' | 'periodic' | 'none';
  /** Expiry of values that are put without one, in ms; 0: they stay. */
  readonly ttlMs: number;
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
}

/**
 * How far a change of owners has come; each step is an epoch, and is complete when every shard of every member that is not excluded has
 * acknowledged that epoch and done what the step asks of it.
 *
 * | step | writes must meet their quorum in | reads in | complete when, besides |
 * |---|---|---|---|
 * | writeBoth | old and new replicas | old | writes begun before have ended |
 * | stream | both | old | the new replicas hold all data of before |
 * | readNew | both | new | |
 * | writeNew | new | new | the old replicas have dropped what is no longer theirs |
 */
export type Step = 'writeBoth' | 'stream' | 'readNew' | 'writeNew';

export interface Transition {
  /** The epoch that began it. */
  readonly startedAt: number;
  readonly step: Step;
  /** Pending owner of each partition, as `RingState.owners`. */
  readonly owners: Uint16Array;
}

export interface RingState {
  readonly cluster: Id;
  readonly clusterName: string;
  /** From 1. Raised only by `ring force`, which fences all that the generation before may still decide. */
  readonly generation: number;
  /** From 1; u32. */
  readonly epoch: number;
  /** `hashOfRing` of the ring that this one follows from; empty for epoch 1 of generation 1. */
  readonly parent: string;
  /** Id of the operation that made it. */
  readonly operationId: Id;
  /** Sorted by id. */
  readonly members: readonly Member[];
  /** Q entries, a power of two from 8 to 16,384: index in `members` of each partition's owner. */
  readonly owners: Uint16Array;
  readonly transition: Transition | null;
  /**
   * Q entries: epoch in which the replicas that a partition's reads or writes go to (the table of `Step`), of any keyspace, last changed; data frames
   * carry it. So for what moves each step but `stream` begins a new one, and a coordinator that missed a step is refused before others rely on it.
   */
  readonly changedAt: Uint32Array;
  /** Sorted by id. */
  readonly keyspaces: readonly Keyspace[];
  /** The id that the next keyspace gets. */
  readonly nextKeyspaceId: number;
  /** Ids of former members, sorted: none of them comes back. */
  readonly banned: readonly Id[];
}

/** What tells two rings apart; ordered by generation, then epoch. */
export interface RingVersion {
  readonly generation: number;
  readonly epoch: number;
}

/** Negative when `a` is older, 0 when they are the same, positive when `a` is newer. */
export function compareVersions(a: RingVersion, b: RingVersion): number {
  return a.generation - b.generation || a.epoch - b.epoch;
}

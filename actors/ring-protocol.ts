/**
 * What RingActors tell each other and are told on their own node. Between nodes every message names cluster and sender, so that neither
 * a foreign cluster nor a copied directory is believed.
 *
 * | message | from | to | answer |
 * |---|---|---|---|
 * | register | RingActor that has started | RingActors of its ring | registered |
 * | prepare, accept | RingActor that proposes | RingActors of the voters | promised or accepted, refused |
 * | ring | RingActor, GossipActor or EnteringActor that knows a newer one | RingActor | none |
 * | fetchRing | anybody | RingActor | fetched |
 * | propose | admin, node that joins, driver of transitions | any RingActor | OperationOutcome |
 * | init | start code of this node | RingActor that has no ring | OperationOutcome |
 * | force | admin | RingActor of a survivor | OperationOutcome |
 * | subscribe | GossipActor, EnteringActor, admin, of this node's main thread | RingActor | ringChanged, now and at each change |
 * | follow | shard agent of this node, again and again | RingActor | standing, also at each change |
 * | switched | shard agent of this node | RingActor | none |
 * | view | GossipActor of this node | RingActor | none |
 */
import type { Ref } from '../runtime/ref.ts';
import type { MembershipView } from './gossip-protocol.ts';
import type { Fence } from './membership/ring-keeper.ts';
import type { OperationOutcome, Proposal } from './ring/operation.ts';
import type { Id, RingState, RingVersion } from './ring/ring-state.ts';

/** Of a proposal; ordered by round, then proposer. Never used twice. */
export interface Ballot {
  readonly round: number;
  readonly proposer: Id;
}

export interface Sender {
  readonly cluster: Id;
  readonly id: Id;
  readonly boot: number;
  readonly instance: string;
}

/** Canonical encoding of a ring with its version, as it travels. */
export interface RingBytes extends RingVersion {
  readonly bytes: Uint8Array;
}

export interface Accepted {
  readonly ballot: Ballot;
  /** Canonical encoding of a `Proposal` (ring/codec): what is agreed on is bytes. */
  readonly proposal: Uint8Array;
}

/** `version` is that of the ring which the decision follows: it decides `epoch + 1`. */
export type PeerMessage =
  | { readonly type: 'register'; readonly from: Sender; readonly replyTo: Ref<RegisterAnswer> }
  | {
      readonly type: 'prepare';
      readonly from: Sender;
      readonly version: RingVersion;
      readonly ballot: Ballot;
      readonly replyTo: Ref<PrepareAnswer>;
    }
  | {
      readonly type: 'accept';
      readonly from: Sender;
      readonly version: RingVersion;
      readonly ballot: Ballot;
      readonly proposal: Uint8Array;
      readonly replyTo: Ref<AcceptAnswer>;
    }
  | { readonly type: 'ring'; readonly from: Sender; readonly ring: RingBytes };

/** A higher boot, or the same boot of another instance, was registered before: the asker's directory is a copy, or an old state of itself. */
export interface Superseded {
  readonly type: 'superseded';
  readonly boot: number;
  readonly instance: string;
}

export type RegisterAnswer =
  | { readonly type: 'registered'; readonly from: Sender; readonly version: RingVersion }
  | Superseded
  | { readonly type: 'notAMember'; readonly ring: RingBytes };

export type PrepareAnswer =
  | { readonly type: 'promised'; readonly from: Sender; readonly accepted: Accepted | null }
  | { readonly type: 'refused'; readonly promised: Ballot }
  /** The asker's ring is older than the answerer's, which is given; or newer, and the answerer has to catch up first. */
  | { readonly type: 'newer'; readonly ring: RingBytes }
  | { readonly type: 'behind'; readonly version: RingVersion }
  /** Not registered with a majority yet, or not a voter. */
  | { readonly type: 'notVoting'; readonly reason: string }
  | Superseded;

export type AcceptAnswer = Exclude<PrepareAnswer, { type: 'promised' }> | { readonly type: 'accepted'; readonly from: Sender };

export interface RingChanged {
  readonly type: 'ringChanged';
  readonly ring: RingState;
  readonly encoded: RingBytes;
}

/** What the shards of a node hear: bytes, since they are other threads. */
export interface Standing {
  readonly type: 'standing';
  /** Null: none, or none newer than what the agent said it has. */
  readonly ring: RingBytes | null;
  /** Whether this node may serve: it is confirmed, a member, and not excluded. */
  readonly mayServe: boolean;
}

export interface Fetched {
  /** Null: this node has no ring yet. */
  readonly ring: RingBytes | null;
}

/** How far the threads of this node are. */
export interface RingStatus {
  readonly ring: RingBytes | null;
  /** Registered with a majority; may vote, propose and serve. */
  readonly isConfirmed: boolean;
  /** The newest ring that every shard of this node has switched to. */
  readonly switchedTo: RingVersion | null;
  /** Why this node can't take part, for people; empty when it does. */
  readonly trouble: string;
  /** Why it never will again as it runs; null: it may. departing: removed, and it has to be there until the others know it. */
  readonly fence: Fence | 'departing' | null;
}

export type RingMessage =
  | PeerMessage
  | { readonly type: 'fetchRing'; readonly replyTo: Ref<Fetched> }
  | { readonly type: 'status'; readonly replyTo: Ref<RingStatus> }
  | { readonly type: 'propose'; readonly proposal: Proposal; readonly replyTo: Ref<OperationOutcome> }
  /** For a lost majority: the operator names who is left; all others are removed. A new generation. */
  | { readonly type: 'force'; readonly operationId: Id; readonly survivors: readonly Id[]; readonly replyTo: Ref<OperationOutcome> }
  /** Epoch 1, made by the start code of the cluster's first node. EXISTS when this node has a ring. */
  | { readonly type: 'init'; readonly ring: RingState; readonly replyTo: Ref<OperationOutcome> }
  /** Of the main thread: `ringChanged` can't leave it. */
  | { readonly type: 'subscribe'; readonly subscriber: Ref<RingChanged> }
  /** `has`: what that shard holds, whether or not it has switched to it. */
  | { readonly type: 'follow'; readonly shard: number; readonly has: RingVersion | null; readonly agent: Ref<Standing> }
  | { readonly type: 'switched'; readonly shard: number; readonly version: RingVersion }
  | { readonly type: 'view'; readonly view: MembershipView };

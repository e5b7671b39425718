/**
 * What GossipActors tell each other and their own node. The members are those of the newest ring; gossip says how they are.
 *
 * | message | from | to | answer |
 * |---|---|---|---|
 * | heartbeat | GossipActor, each interval | its direct observers | none |
 * | digest | GossipActor, each interval | a random member | delta, and digest back where the other is ahead |
 * | delta | GossipActor | who sent a digest | none |
 * | probe | GossipActor | a suspect | alive |
 * | probeFor | GossipActor that suspects | some other members | alive, relayed |
 * | ringChanged | RingActor of this node | GossipActor | none |
 * | subscribe | RingActor, shard agents, admin, of this node | GossipActor | view, now and at each change |
 *
 * Rings travel from GossipActor to RingActor (ring-protocol.ts, `ring`): a digest says which ring its sender has.
 */
import type { Ref } from '../runtime/ref.ts';
import type { Id, RingVersion } from './ring/ring-state.ts';
import type { RingChanged, Sender } from './ring-protocol.ts';

/** What one member says of itself; ordered by boot, then incarnation, then heartbeat. */
export interface Heartbeat {
  readonly id: Id;
  readonly boot: number;
  /** Raised by its owner to refute an accusation. */
  readonly incarnation: number;
  /** Raised by its owner each interval. */
  readonly heartbeat: number;
  /** The newest ring that all its shards have switched to. */
  readonly switchedTo: RingVersion;
}

/** `accuser` has observed `accused` directly, and neither it nor those it asked for help have reached it. Void at a higher boot or incarnation. */
export interface Accusation {
  readonly accused: Id;
  readonly accuser: Id;
  readonly boot: number;
  readonly incarnation: number;
}

export type Label =
  | 'up'
  /** Accused by at least two direct observers, or by the only one there can be. A shared label: not REMOVED, and ownership stays. */
  | 'down';

export interface MemberView {
  readonly id: Id;
  readonly label: Label;
  /** By this node alone, at once; for routing, never for ownership. */
  readonly isSuspected: boolean;
  readonly accusers: readonly Id[];
  readonly boot: number;
  readonly incarnation: number;
  readonly heartbeat: number;
  /** Ms since this node heard a new heartbeat of it, by whatever way. */
  readonly silentMs: number;
  readonly switchedTo: RingVersion;
}

/** Sorted by id; this node included, and always up. */
export interface MembershipView {
  readonly members: readonly MemberView[];
}

/** The wire form of digests, deltas and accusations is the business of gossip/; all that matters here is that they are bounded and checked. */
export type GossipPeerMessage =
  | { readonly type: 'heartbeat'; readonly from: Sender; readonly beat: Heartbeat }
  | {
      readonly type: 'digest';
      readonly from: Sender;
      readonly ring: RingVersion;
      readonly digest: Uint8Array;
      readonly replyTo: Ref<GossipMessage>;
    }
  | { readonly type: 'delta'; readonly from: Sender; readonly beats: readonly Heartbeat[]; readonly accusations: readonly Accusation[] }
  | { readonly type: 'probe'; readonly from: Sender; readonly probeId: number; readonly replyTo: Ref<GossipMessage> }
  | {
      readonly type: 'probeFor';
      readonly from: Sender;
      readonly probeId: number;
      readonly target: Id;
      readonly replyTo: Ref<GossipMessage>;
    }
  | { readonly type: 'alive'; readonly from: Sender; readonly probeId: number; readonly beat: Heartbeat };

export type GossipMessage =
  | GossipPeerMessage
  | RingChanged
  /** All shards of this node have switched to it. */
  | { readonly type: 'switchedTo'; readonly version: RingVersion }
  | { readonly type: 'subscribe'; readonly subscriber: Ref<{ readonly type: 'view'; readonly view: MembershipView }> };

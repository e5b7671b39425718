/** ClusterView: what an actor of a shard that asks replicas goes by: the ring it may serve under, who is suspected, and the way to the actors of other shards. */
import { BACKGROUND } from '../../runtime/lanes.ts';
import type { AnyRef, Ref } from '../../runtime/ref.ts';
import type { ViewMessage } from '../gossip/view-subscribers.ts';
import type { GossipMessage } from '../gossip-protocol.ts';
import type { KnownRing } from '../membership/known-ring.ts';
import type { Id } from '../ring/ring-state.ts';
import type { RingHolder } from '../ring-agent.ts';
import type { Topology, TopologyHolder } from './topology.ts';

export interface ClusterViewArguments {
  readonly ring: RingHolder;
  /** Of the thread. */
  readonly topologies: TopologyHolder;
  /** The well-known actor at that slot of a shard, of this or another node. */
  readonly refTo: (slot: number, node: string, shard: number) => AnyRef;
  /** Of this node: who is suspected. Default: nobody is. */
  readonly gossip?: Ref<GossipMessage>;
}

/** Suspicions are asked for again so often, as GossipActor may have been started anew. */
export const SUBSCRIBE_MS = 5_000;

export class ClusterView {
  readonly #args: ClusterViewArguments;
  readonly #refs = new Map<number, AnyRef>();
  readonly #suspects = new Set<Id>();
  #known: KnownRing | null = null;
  #topology: Topology | null = null;

  constructor(args: ClusterViewArguments) {
    this.#args = args;
  }

  /** Has GossipActor send views to `subscriber`. */
  subscribe(subscriber: Ref<ViewMessage>): void {
    this.#args.gossip?.tell({ type: 'subscribe', subscriber });
  }

  onView({ view }: ViewMessage): void {
    this.#suspects.clear();
    for (const member of view.members) if (isAway(member)) this.#suspects.add(member.id);
  }

  /** Null: there is no ring, or this node may not serve. */
  topology(): Topology | null {
    const { ring, topologies } = this.#args;
    if (ring.ring === null || !ring.mayServe) return null;
    if (ring.ring !== this.#known) {
      this.#known = ring.ring;
      this.#topology = topologies.of(ring.ring.state);
      this.#refs.clear();
    }
    return this.#topology;
  }

  isReachable(member: number): boolean {
    return this.#topology === null || !this.#suspects.has(this.#topology.member(member).id);
  }

  isHere(member: number): boolean {
    return this.#topology !== null && member === this.#topology.self;
  }

  /** Requires: `member` is one of the last topology. */
  ref(slot: number, member: number, shard: number): AnyRef {
    const at = (member * 256 + shard) * 16 + slot;
    const known = this.#refs.get(at);
    if (known !== undefined) return known;
    const made = this.#args.refTo(slot, this.#topology!.member(member).address.node, shard);
    this.#refs.set(at, made);
    return made;
  }

  /** To the actor at that slot of a member's shard, behind all that clients wait for. Returns false where surely nothing was sent. */
  tellBytes(
    { id, shard }: { readonly id: Id; readonly shard: number },
    slot: number,
    operation: number,
    bytes: Uint8Array,
    length: number,
    requestId: number,
  ): boolean {
    const member = this.topology()?.ring.members.findIndex((it) => it.id === id) ?? -1;
    return member >= 0 && this.ref(slot, member, shard).tellBytes(operation, bytes, 0, length, requestId, BACKGROUND);
  }
}

/** Out of reach, as far as this node knows. */
export function isAway({ isSuspected, label }: ViewMessage['view']['members'][number]): boolean {
  return isSuspected || label === 'down';
}

/** RingPeers: the way of a RingActor to the RingActors of others, and to the GossipActor of its node. */
import type { ActorContext } from '../../runtime/actor.ts';
import { CONTROL } from '../../runtime/lanes.ts';
import type { Ref } from '../../runtime/ref.ts';
import type { GossipMessage } from '../gossip-protocol.ts';
import type { Operation, OperationOutcome, Proposal } from '../ring/operation.ts';
import type { Id, Member, RingState } from '../ring/ring-state.ts';
import type { AcceptAnswer, Fetched, PrepareAnswer, RegisterAnswer, RingMessage, Sender } from '../ring-protocol.ts';
import { type ClusterDoor, GOSSIP_SLOT, RING_SLOT } from './cluster-door.ts';
import type { KnownRing } from './known-ring.ts';
import type { NodeIdentity } from './node-identity.ts';
import type { Ask } from './proposals.ts';
import { Own, type RingActorMessage } from './ring-messages.ts';

type VoteAnswer = PrepareAnswer | AcceptAnswer;

export interface PeerTimes {
  /** Of `register` and `fetchRing`. */
  readonly answerMs: number;
  /** Of `prepare` and `accept`: longer than the time after which they are repeated, so that a slow answer counts. */
  readonly voteMs: number;
}

export class RingPeers {
  readonly #context: ActorContext<RingActorMessage>;
  readonly #door: ClusterDoor;
  readonly #identity: NodeIdentity;
  readonly #times: PeerTimes;

  constructor(context: ActorContext<RingActorMessage>, door: ClusterDoor, identity: NodeIdentity, times: PeerTimes) {
    this.#context = context;
    this.#door = door;
    this.#identity = identity;
    this.#times = times;
  }

  sender(ring: RingState): Sender {
    const { id, boot, instance } = this.#identity;
    return { cluster: ring.cluster, id, boot, instance };
  }

  introduce(ring: RingState): void {
    for (const { id, address } of ring.members) if (id !== this.#identity.id) this.#door.introduce(address);
  }

  /** Gives a member of it the ring; nobody, when there is none or it has no such member. */
  teach(ring: KnownRing | null, id: Id): void {
    const member = ring?.state.members.find((known) => known.id === id);
    if (ring !== null && member !== undefined) this.#give(ring, member);
  }

  /** Gives all members the ring, also those whom only the one before had. Gossip tells those whom this misses. */
  spread(ring: KnownRing, before: KnownRing | null): void {
    // It is not published yet: whom it adds nobody here knows the address of.
    this.introduce(ring.state);
    const told = new Map([...(before?.state.members ?? []), ...ring.state.members].map((member) => [member.id, member]));
    for (const member of told.values()) this.#give(ring, member);
  }

  askRing(member: Member): void {
    this.#context.ask<RingMessage, Fetched>(
      this.#ringActorOf(member),
      (replyTo) => ({ type: 'fetchRing', replyTo }),
      { timeoutMs: this.#times.answerMs, lane: CONTROL },
      (answer) => new Own({ type: 'fetchAnswered', member, answer }),
    );
  }

  register(member: Member, ring: RingState): void {
    const from = this.sender(ring);
    this.#context.ask<RingMessage, RegisterAnswer>(
      this.#ringActorOf(member),
      (replyTo) => ({ type: 'register', from, replyTo }),
      { timeoutMs: this.#times.answerMs, lane: CONTROL },
      (answer) => new Own({ type: 'registerAnswered', member, answer }),
    );
  }

  askVoter(voter: Member, ring: RingState, attempt: number, ask: Ask): void {
    const from = this.sender(ring);
    this.#context.ask<RingMessage, VoteAnswer>(
      this.#ringActorOf(voter),
      (replyTo) => ({ ...ask, from, replyTo }),
      { timeoutMs: this.#times.voteMs, lane: CONTROL },
      (answer) => new Own({ type: 'voteAnswered', attempt, voter, answer }),
    );
  }

  /** To this node's own RingActor, as others do. */
  propose(operation: Operation, timeoutMs: number): void {
    const { random } = this.#context;
    const operationId = Array.from({ length: 4 }, () => random.u32().toString(16).padStart(8, '0')).join('');
    const proposal: Proposal = { operationId, operation };
    this.#context.ask<RingActorMessage, OperationOutcome>(
      this.#context.self,
      (replyTo) => ({ type: 'propose', proposal, replyTo }),
      { timeoutMs },
      (answer) => new Own({ type: 'driven', operation: operation.type, answer }),
    );
  }

  tellGossip(message: GossipMessage): void {
    this.#door.ref<GossipMessage>(GOSSIP_SLOT, this.#identity.address.node).tell(message, { lane: CONTROL });
  }

  #give({ state, encoded }: KnownRing, member: Member): void {
    if (member.id !== this.#identity.id)
      this.#ringActorOf(member).tell({ type: 'ring', from: this.sender(state), ring: encoded }, { lane: CONTROL });
  }

  #ringActorOf(member: Member): Ref<RingMessage> {
    return this.#door.ref(RING_SLOT, member.address.node);
  }
}

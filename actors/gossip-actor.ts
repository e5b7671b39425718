/**
 * GossipActor: says how the members are, and spreads what was decided. One per node, on its main thread, at GOSSIP_SLOT. It sees to it that
 * each member is observed by a few others, that nobody is called down on the word of one, that who is wrongly accused hears of it and
 * refutes, and that all come to hear the same. It changes no ownership, and carries no data.
 *
 * States: without a ring, or in one that this node is no member of, it only listens for one. Sent to by GossipActors, by the RingActor
 * of its node, and by those of its node who want to know (gossip-protocol.ts).
 * Invariants: heartbeats that came by gossip are no evidence for or against a direct observer (TRAPS T26); what this node says of others it
 * says only while its own timers keep time; messages that come twice, late or not at all change nothing that a later one does not mend; what
 * is malformed, or from somebody who has no say, is refused and counted.
 * Sources: [Dynamo 4.8], SWIM (Das, Gupta, Motivala 2002), Lifeguard (2017), phi accrual (2004).
 */
import { type Actor, type ActorContext, defineActor, type Signal } from '../runtime/actor.ts';
import { unreachable } from '../runtime/errors.ts';
import { CONTROL } from '../runtime/lanes.ts';
import { Ref } from '../runtime/ref.ts';
import { Admission } from './gossip/admission.ts';
import { DELTA_MAX, faultOf, isRingChanged, isVersion } from './gossip/checks.ts';
import { Membership, type News } from './gossip/membership.ts';
import { completeGossipOptions, type GossipOptions, type GossipTuning } from './gossip/options.ts';
import { pick } from './gossip/picks.ts';
import { Post } from './gossip/post.ts';
import { Refusals } from './gossip/refusals.ts';
import { Relays } from './gossip/relays.ts';
import { Rumors } from './gossip/rumors.ts';
import { SelfSuspicion } from './gossip/self-suspicion.ts';
import { Suspicions } from './gossip/suspicions.ts';
import { type ViewMessage, ViewSubscribers } from './gossip/view-subscribers.ts';
import type { GossipMessage, GossipPeerMessage } from './gossip-protocol.ts';
import { compareVersions, type Id, type RingVersion } from './ring/ring-state.ts';
import type { RingChanged } from './ring-protocol.ts';

/** What it sends itself. tick: a quarter of an interval is over. rumors, view: what was put off is due. */
type OwnMessage = { readonly type: 'tick' } | { readonly type: 'rumors' } | { readonly type: 'view' };

type Message = GossipMessage | OwnMessage;
type Of<T extends GossipMessage['type']> = Extract<GossipMessage, { type: T }>;

/** Ticks per interval: suspicion is noticed that much sooner. */
const TICKS = 4;
/** Members that a rumour, or a new ring, is told at once; they pass it on. */
const RUMOR_FANOUT = 3;
const RING_FANOUT = 2;
/** Chance, each interval, that somebody who is down is sent a digest as well: so partitions find each other again. */
const DOWN_RATIO = 0.25;
/** The RingActor is asked for its news again so often: it may have been restarted, and have forgotten who listens. */
const SUBSCRIBE_INTERVALS = 5;

export const gossipActor = defineActor<Message, readonly [GossipOptions]>(
  'gossip',
  (context, options) => new GossipActor(context, options),
  { mailbox: { capacity: 16_384 } },
);

class GossipActor implements Actor<Message> {
  readonly #context: ActorContext<Message>;
  readonly #tuning: GossipTuning;
  readonly #self: Id;
  readonly #membership: Membership;
  readonly #admission: Admission;
  readonly #suspicions: Suspicions;
  readonly #health: SelfSuspicion;
  readonly #relays: Relays;
  readonly #rumors: Rumors;
  readonly #post: Post;
  readonly #refusals: Refusals;
  readonly #subscribers: ViewSubscribers;
  /** When each was last told what it is accused of. */
  readonly #toldMs = new Map<Id, number>();
  /** Of the membership, when it was last worked out whom to observe. */
  #observedVersion = 0;
  #ticks = 0;

  constructor(context: ActorContext<Message>, options: GossipOptions) {
    const { identity, mutants } = options;
    const tuning = completeGossipOptions(options);
    const { intervalMs } = tuning;
    const nowMs = context.clock.now();
    this.#context = context;
    this.#tuning = tuning;
    this.#self = identity.id;
    this.#membership = new Membership(identity.id, identity.boot, mutants);
    this.#admission = new Admission(identity.id, mutants);
    this.#suspicions = new Suspicions(tuning, context.random.u32(), mutants);
    this.#health = new SelfSuspicion({ periodMs: intervalMs / TICKS, pauseMs: intervalMs / 2, graceMs: intervalMs * 2, mutants }, nowMs);
    this.#relays = new Relays(context.random.u32());
    this.#rumors = new Rumors();
    this.#post = new Post(context.self, context.random, options, this.#membership, intervalMs);
    this.#refusals = new Refusals(context.log, 'gossip');
    this.#subscribers = new ViewSubscribers(intervalMs / 10);
    // Nodes that start together must not go on in step.
    context.after('tick', context.random.float() * (intervalMs / TICKS), { type: 'tick' });
    this.#post.askForRings();
  }

  receive(message: Message): void {
    const nowMs = this.#context.clock.now();
    const pausedMs = this.#health.observe(nowMs);
    if (pausedMs > 0) this.#onPause(pausedMs, nowMs);
    if (typeof message !== 'object' || message === null) return this.#refusals.refuse('no message', { got: typeof message }, nowMs);
    switch (message.type) {
      case 'heartbeat':
      case 'digest':
      case 'delta':
      case 'probe':
      case 'probeFor':
      case 'alive':
        if (this.#admit(message, nowMs)) this.#onPeer(message, nowMs);
        break;
      case 'ringChanged':
        this.#onRingChanged(message, nowMs);
        break;
      case 'switchedTo':
        this.#onSwitchedTo(message.version, nowMs);
        break;
      case 'subscribe':
        this.#onSubscribe(message.subscriber, nowMs);
        break;
      case 'tick':
        this.#onTick(nowMs);
        break;
      case 'rumors':
        this.#onRumors();
        break;
      case 'view':
        break;
      default:
        this.#onStranger(message, nowMs);
    }
    this.#tellViews(nowMs);
  }

  signal(signal: Signal): void {
    if (signal.type === 'terminated') this.#subscribers.remove(signal.ref);
  }

  #onPeer(message: GossipPeerMessage, nowMs: number): void {
    switch (message.type) {
      case 'heartbeat':
        return this.#onHeartbeat(message, nowMs);
      case 'digest':
        return this.#onDigest(message, nowMs);
      case 'delta':
        this.#hear(message, nowMs);
        return;
      case 'probe':
        return this.#post.alive(message.from.id, message.probeId);
      case 'probeFor':
        return this.#onProbeFor(message, nowMs);
      case 'alive':
        return this.#onAlive(message, nowMs);
      default:
        unreachable(message);
    }
  }

  #onHeartbeat({ from, beat }: Of<'heartbeat'>, nowMs: number): void {
    if (beat.id !== from.id || beat.boot !== from.boot) return this.#refusals.refuse('a heartbeat of another', { from: from.id }, nowMs);
    this.#suspicions.heartbeat(beat, nowMs);
    this.#hear({ beats: [beat], accusations: [] }, nowMs);
  }

  #onDigest({ from, ring, digest }: Of<'digest'>, nowMs: number): void {
    this.#post.compareRings(from.id, ring, nowMs);
    const decoded = this.#post.decode(digest, ring);
    if (decoded.type === 'malformed') return this.#refusals.refuse('malformed digest', { from: from.id, fault: decoded.reason }, nowMs);
    if (decoded.type === 'otherMembers') {
      // Each has members that the other does not know: by their names, until the newer ring has come through.
      if (decoded.kind !== 'announcement') this.#post.digest(from.id, 'full', this.#membership.all(), true);
      return;
    }
    const { beats, accusations, kind } = decoded.digest;
    if (kind === 'announcement') return;
    this.#hear({ beats, accusations }, nowMs);
    if (kind !== 'full') return;
    const better = this.#membership.betterThan({ beats, accusations });
    if (better.beats.length > 0) this.#post.digest(from.id, 'answer', better, decoded.isNamed);
  }

  #onProbeFor({ from, probeId, target }: Of<'probeFor'>, nowMs: number): void {
    if (target === this.#self) return this.#post.alive(from.id, probeId);
    if (this.#membership.beatOf(target) === undefined) return;
    const untilMs = nowMs + this.#tuning.probeTimeoutMs * TICKS;
    const relayId = this.#relays.add({ target, asker: from.id, probeId, untilMs });
    if (relayId === undefined) return;
    this.#post.tell(target, { type: 'probe', from: this.#post.sender(), probeId: relayId, replyTo: this.#context.self });
    // With its own heartbeat: so the asker knows at least that it can be heard itself.
    this.#post.alive(from.id, probeId);
  }

  #onAlive({ from, probeId, beat }: Of<'alive'>, nowMs: number): void {
    this.#hear({ beats: [beat], accusations: [] }, nowMs);
    if (beat.id !== from.id) return this.#suspicions.answeredFor(beat.id, probeId, nowMs);
    const relay = this.#relays.take(from.id, probeId);
    if (relay !== undefined) this.#post.tell(relay.asker, { type: 'alive', from: this.#post.sender(), probeId: relay.probeId, beat });
    if (this.#suspicions.answered(from.id, probeId, nowMs)) this.#health.answered();
    else this.#suspicions.confirmed(probeId);
  }

  #onRingChanged(message: RingChanged, nowMs: number): void {
    if (!isRingChanged(message)) return this.#refusals.refuse('malformed ringChanged', {}, nowMs);
    const { ring, encoded } = message;
    if (compareVersions(encoded, this.#post.version) <= 0) return;
    const ids = ring.members.map(({ id }) => id).sort();
    this.#post.setRing(message, ids);
    for (const id of this.#toldMs.keys()) if (!ids.includes(id)) this.#toldMs.delete(id);
    this.#admission.setMembers(ring.cluster, ids);
    this.#membership.setMembers(ids, nowMs);
    this.#suspicions.setObserved(this.#membership.observed(), nowMs);
    this.#announce(RUMOR_FANOUT);
  }

  #onSwitchedTo(version: RingVersion, nowMs: number): void {
    if (!isVersion(version)) return this.#refusals.refuse('malformed switchedTo', {}, nowMs);
    // Whoever drives a change of owners waits for the last one to say so.
    if (this.#membership.switchTo(version, nowMs)) this.#gossip();
  }

  #onSubscribe(subscriber: Ref<ViewMessage>, nowMs: number): void {
    if (!(subscriber instanceof Ref) || subscriber.address.node !== this.#context.self.address.node)
      return this.#refusals.refuse('a subscriber of another node', { got: typeof subscriber }, nowMs);
    if (!this.#subscribers.add(subscriber))
      return this.#refusals.refuse('too many subscribers', { subscriber: subscriber.toString() }, nowMs);
    this.#context.watch(subscriber);
    subscriber.tell({ type: 'view', view: this.#view(nowMs) }, { lane: CONTROL });
  }

  #onTick(nowMs: number): void {
    const { intervalMs } = this.#tuning;
    if (this.#ticks === 0) this.#context.every('tick', intervalMs / TICKS, { type: 'tick' });
    this.#health.tick(nowMs);
    if (this.#ticks++ % TICKS === 0) this.#onInterval(nowMs);
    this.#checkSuspects(nowMs);
  }

  #onInterval(nowMs: number): void {
    if (Math.floor(this.#ticks / TICKS) % SUBSCRIBE_INTERVALS === 0 || this.#post.version.epoch === 0) this.#post.askForRings();
    this.#relays.forgetOld(nowMs);
    this.#membership.beat(nowMs);
    if (!this.#membership.isMember) return;
    this.#sendHeartbeats();
    this.#gossip();
    if (this.#post.spread.round()) this.#announce(RING_FANOUT);
  }

  #onRumors(): void {
    const news = this.#rumors.take(DELTA_MAX);
    const delta: GossipMessage = { type: 'delta', from: this.#post.sender(), ...news };
    const told = new Set(pick(this.#live(), RUMOR_FANOUT, this.#context.random));
    for (const { accused } of news.accusations) told.add(accused);
    for (const id of told) this.#post.tell(id, delta);
  }

  /** This node has stood still: what it believes of others is worth nothing, and others may have given it up. */
  #onPause(pausedMs: number, nowMs: number): void {
    this.#context.log.warn('this node stood still', { pausedMs: Math.round(pausedMs) });
    this.#suspicions.reset(nowMs);
    if (!this.#membership.isMember) return;
    this.#membership.refute(nowMs);
    this.#sendHeartbeats();
  }

  #onStranger(message: never, nowMs: number): void {
    const { type } = message as { readonly type?: unknown };
    this.#refusals.refuse('unknown message', { type: typeof type === 'string' ? type.slice(0, 32) : typeof type }, nowMs);
  }

  #admit(message: GossipPeerMessage, nowMs: number): boolean {
    const fault = faultOf(message);
    if (fault !== null) {
      this.#refusals.refuse('malformed message', { type: message.type, fault }, nowMs);
      return false;
    }
    const { from } = message;
    const refusal = this.#admission.refusal(from, this.#membership.beatOf(from.id)?.boot ?? 0);
    if (refusal !== null) {
      this.#refusals.refuse(refusal, { type: message.type, from: from.id, boot: from.boot }, nowMs);
      // It has no say here, but one of the two rings is the newer.
      if (message.type === 'digest' && this.#admission.isOfCluster(from)) {
        this.#post.compareStrangersRing(message.replyTo, message.ring, nowMs);
      }
      return false;
    }
    this.#tellAccused(from.id, nowMs);
    return true;
  }

  /** What came from whom does not matter here: it is merged, and what is new is passed on. */
  #hear(news: News, nowMs: number): void {
    for (const beat of news.beats) this.#suspicions.heardOf(beat, nowMs);
    const { beats, accusations, isAccused, copyBoot } = this.#membership.hear(news.beats, news.accusations, nowMs);
    if (copyBoot > 0)
      this.#refusals.refuse('a later start of this node is known: its directory was copied or rolled back', { boot: copyBoot }, nowMs);
    const passed = [...beats];
    if (isAccused) passed.push(this.#membership.refute(nowMs));
    for (const { accused } of accusations) passed.push(this.#membership.beatOf(accused)!);
    if (passed.length === 0) return;
    this.#passOn({ beats: passed, accusations });
  }

  #passOn(news: News): void {
    if (this.#rumors.add(news)) this.#context.after('rumors', this.#tuning.intervalMs / 50, { type: 'rumors' });
  }

  #checkSuspects(nowMs: number): void {
    const membership = this.#membership;
    if (this.#observedVersion !== membership.version) {
      this.#observedVersion = membership.version;
      this.#suspicions.setObserved(membership.observed(), nowMs, true);
    }
    const isSettled = (id: Id): boolean => membership.isAccusedBySelf(id) || membership.down.has(id);
    for (const action of this.#suspicions.check(nowMs, this.#health, isSettled)) {
      const { target } = action;
      if (action.type === 'probe') {
        this.#probe(target, action.probeId);
        continue;
      }
      const accusation = membership.accuse(target);
      if (accusation === null) continue;
      this.#context.log.warn('a member is silent', { accused: target, boot: accusation.boot, incarnation: accusation.incarnation });
      this.#passOn({ beats: [membership.beatOf(target)!], accusations: [accusation] });
    }
  }

  #probe(target: Id, probeId: number): void {
    const ask = { from: this.#post.sender(), probeId, replyTo: this.#context.self };
    this.#post.tell(target, { type: 'probe', ...ask });
    const able = this.#live().filter((id) => id !== target && !this.#suspicions.isSuspected(id));
    const helpers = pick(able, this.#tuning.indirectCount, this.#context.random);
    for (const helper of helpers) this.#post.tell(helper, { type: 'probeFor', target, ...ask });
  }

  /** Who is accused and speaks all the same must hear of it, to refute it. */
  #tellAccused(id: Id, nowMs: number): void {
    const accusations = this.#membership.accusationsAgainst(id);
    if (accusations.length === 0 || nowMs - (this.#toldMs.get(id) ?? Number.NEGATIVE_INFINITY) < this.#tuning.intervalMs) return;
    this.#toldMs.set(id, nowMs);
    this.#post.tell(id, { type: 'delta', from: this.#post.sender(), beats: [this.#membership.beatOf(id)!], accusations });
  }

  #sendHeartbeats(): void {
    const message: GossipMessage = { type: 'heartbeat', from: this.#post.sender(), beat: this.#membership.own };
    for (const id of this.#membership.ownObservers()) this.#post.tell(id, message);
  }

  /** A digest to a random member that lives, and now and then to one that does not. */
  #gossip(): void {
    const { random } = this.#context;
    const live = pick(this.#live(), 1, random);
    const down = live.length === 0 || random.chance(DOWN_RATIO) ? pick([...this.#membership.down], 1, random) : [];
    for (const id of [...live, ...down]) this.#post.digest(id, 'full', this.#membership.all());
  }

  #announce(count: number): void {
    for (const id of pick(this.#live(), count, this.#context.random)) this.#post.announce(id);
  }

  #tellViews(nowMs: number): void {
    const waitMs = this.#subscribers.due(this.#membership.version + this.#suspicions.version, nowMs);
    if (waitMs === 0) this.#subscribers.tell(this.#view(nowMs));
    else if (waitMs > 0) this.#context.after('view', waitMs, { type: 'view' });
  }

  #view(nowMs: number): ViewMessage['view'] {
    return this.#membership.view(nowMs, (id) => this.#suspicions.isSuspected(id));
  }

  #live(): Id[] {
    const { down } = this.#membership;
    return this.#membership.ids.filter((id) => id !== this.#self && !down.has(id));
  }
}

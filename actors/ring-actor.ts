/**
 * RingActor: one per node, on its main thread. Keeps the newest decided ring of this node on disk, votes on what follows from it, proposes, spreads, and tells
 * everybody of this node (ring-protocol.ts).
 *
 * | state | how it begins | what it does |
 * |---|---|---|
 * | opening | start | nothing: messages wait |
 * | empty | there is no ring on disk | waits for `init`, or for a ring that has this node as a joining member |
 * | unconfirmed | there is a ring | registers; spreads and learns rings; neither votes nor proposes |
 * | confirmed | registered with a majority | all |
 * | fenced | see `#fence` | answers `status` and `fetchRing`; an operator has to look |
 *
 * Invariants: nothing is answered before what the answer rests on is on disk. What is published is on disk and was decided. Versions published only rise.
 * Sources: [Paxos Made Simple], DESIGN section 5; registration: registering.ts.
 */
import { type Actor, type ActorContext, type Answer, defineActor, type Signal } from '../runtime/actor.ts';
import { errorMessage, unreachable } from '../runtime/errors.ts';
import type { FileResult } from '../runtime/files.ts';
import { CONTROL, RESPONSE } from '../runtime/lanes.ts';
import { type Ref, sameRef } from '../runtime/ref.ts';
import type { StorageResult } from '../storage/errors.ts';
import type { GossipMessage, MembershipView } from './gossip-protocol.ts';
import { faultOfAnswer, faultOfMessage, isFetched } from './membership/check-message.ts';
import { type ClusterDoor, GOSSIP_SLOT, RING_SLOT } from './membership/cluster-door.ts';
import { knownRing, type KnownRing } from './membership/known-ring.ts';
import type { NodeIdentity } from './membership/node-identity.ts';
import { Proposals } from './membership/proposals.ts';
import { Registering } from './membership/registering.ts';
import { register, supersededBy } from './membership/registry.ts';
import { RingKeeper } from './membership/ring-keeper.ts';
import { RING_DEFAULTS, type RingOptions } from './membership/ring-options.ts';
import { type OpenedRingStore, openRingStore } from './membership/ring-store.ts';
import { ShardFollowers } from './membership/shard-followers.ts';
import { TransitionDriver } from './membership/transition-driver.ts';
import { vote } from './membership/voting.ts';
import { applyOperation } from './ring/apply.ts';
import { forcedRing } from './ring/forced-ring.ts';
import { decodeProposal, encodeProposal } from './ring/operation-codec.ts';
import type { Operation, OperationOutcome } from './ring/operation.ts';
import { compareVersions, type Member, type RingState, type RingVersion } from './ring/ring-state.ts';
import type { AcceptAnswer, Fetched, PrepareAnswer, RegisterAnswer, RingChanged, RingMessage, Sender } from './ring-protocol.ts';

/** What it sends itself. */
type OwnMessage =
  | { readonly type: 'opened'; readonly result: StorageResult<OpenedRingStore> }
  | { readonly type: 'written'; readonly result: FileResult<void> }
  | { readonly type: 'retryWrite' }
  | { readonly type: 'registerAgain' }
  | { readonly type: 'registerAnswered'; readonly member: Member; readonly answer: Answer<RegisterAnswer> }
  | { readonly type: 'fetchAnswered'; readonly answer: Answer<Fetched> }
  | { readonly type: 'voteAnswered'; readonly attempt: number; readonly voter: Member; readonly answer: Answer<PrepareAnswer | AcceptAnswer> }
  | { readonly type: 'proposeAgain' }
  | { readonly type: 'drive' }
  | { readonly type: 'driven'; readonly operation: Operation['type']; readonly answer: Answer<OperationOutcome> }
  | { readonly type: 'listen' };

type Message = RingMessage | OwnMessage;
type Of<T extends Message['type']> = Extract<Message, { type: T }>;

export interface RingActorArguments {
  readonly identity: NodeIdentity;
  readonly door: ClusterDoor;
  /** The data directory of this node; the actor has `ring` in it for itself. */
  readonly directory: string;
  /** Epoch 1 of a new cluster; nothing where there is a ring already. Null: this node waits for a ring. */
  readonly initial: RingState | null;
  readonly options?: Partial<RingOptions>;
}

const STASH_MAX = 1_024;

export const ringActor = defineActor<Message, readonly [RingActorArguments]>(
  'ring',
  (context, args) => new RingActor(context, args),
  { mailbox: { capacity: 16_384 }, stashCapacity: STASH_MAX },
);

class RingActor implements Actor<Message> {
  readonly #context: ActorContext<Message>;
  readonly #identity: NodeIdentity;
  readonly #door: ClusterDoor;
  readonly #initial: RingState | null;
  readonly #options: RingOptions;
  readonly #keeper: RingKeeper;
  readonly #followers: ShardFollowers;
  readonly #registering: Registering;
  readonly #driver: TransitionDriver;
  readonly #proposals: Proposals;
  readonly #startedMs: number;
  #isOpening = true;
  #mayServe = false;
  #view: MembershipView | null = null;
  #isDriving = false;
  #drivesFromMs = 0;
  #subscribers: readonly Ref<RingChanged>[] = [];

  constructor(context: ActorContext<Message>, { identity, door, directory, initial, options }: RingActorArguments) {
    this.#context = context;
    this.#identity = identity;
    this.#door = door;
    this.#initial = initial;
    this.#options = { ...RING_DEFAULTS, ...options };
    this.#followers = new ShardFollowers(identity.shards);
    this.#registering = new Registering(identity.id);
    this.#driver = new TransitionDriver(this.#options);
    this.#startedMs = context.clock.now();
    this.#keeper = this.#makeKeeper();
    this.#proposals = this.#makeProposals();
    openRingStore(
      context.files,
      `${directory}/ring`,
      context.completion((result) => ({ type: 'opened', result })),
    );
  }

  receive(message: Message): void {
    if (isOwn(message)) return this.#onOwn(message);
    const fault = faultOfMessage(message);
    if (fault !== null) return this.#context.log.warn('malformed message refused', { fault });
    if (this.#isOpening) return this.#context.stash();
    switch (message.type) {
      case 'register':
        return this.#onRegister(message);
      case 'prepare':
      case 'accept':
        return this.#onBallot(message);
      case 'ring':
        return this.#onRing(message);
      case 'fetchRing':
        message.replyTo.tell({ ring: this.#keeper.ring?.encoded ?? null }, { lane: RESPONSE });
        return;
      case 'status':
        return this.#onStatus(message);
      case 'propose':
        return this.#onPropose(message);
      case 'init':
        return this.#onInit(message);
      case 'force':
        return this.#onForce(message);
      case 'subscribe':
        return this.#onSubscribe(message);
      case 'follow':
        return this.#onFollow(message);
      case 'switched':
        return this.#onSwitched(message.shard, message.version);
      case 'view':
        this.#view = message.view;
        return;
      default:
        unreachable(message);
    }
  }

  signal(signal: Signal): void {
    // Of `rejected` nothing is made: who did not hear something is told it again.
    if (signal.type === 'terminated') this.#subscribers = this.#subscribers.filter((subscriber) => !sameRef(subscriber, signal.ref));
  }

  #onRegister({ from, replyTo }: Of<'register'>): void {
    const { memory, newest: ring, fence } = this.#keeper;
    if (memory === null || ring === null || fence !== null || !this.#isOfCluster(from)) return;
    if (!ring.state.members.some(({ id }) => id === from.id)) {
      return memory.change(memory.now, () => replyTo.tell({ type: 'notAMember', ring: ring.encoded }, { lane: RESPONSE }));
    }
    const superseded = this.#options.mutants.has('acceptsLowerBoot') ? null : supersededBy(memory.now.registered, from);
    if (superseded !== null) return void replyTo.tell(superseded, { lane: RESPONSE });
    const registered = register(memory.now.registered, from);
    const next = registered === memory.now.registered ? memory.now : { ...memory.now, registered };
    const { generation, epoch } = ring.encoded;
    const answer: RegisterAnswer = { type: 'registered', from: this.#sender(), version: { generation, epoch } };
    memory.change(next, () => replyTo.tell(answer, { lane: RESPONSE }));
  }

  #onBallot(message: Of<'prepare'> | Of<'accept'>): void {
    const { memory, isVoter, fence } = this.#keeper;
    if (memory === null || fence !== null || !this.#isOfCluster(message.from)) return;
    const voter = { self: this.#sender(), isVoter, isConfirmed: this.#registering.isConfirmed, mutants: this.#options.mutants };
    const fault = message.type === 'accept' ? this.#faultOfProposal(message) : null;
    const { stored, answer } =
      fault === null ? vote(memory.now, message, voter) : { stored: memory.now, answer: { type: 'notVoting', reason: fault } as const };
    memory.change(stored, () => (message.replyTo as Ref<PrepareAnswer | AcceptAnswer>).tell(answer, { lane: RESPONSE }));
  }

  #onRing({ from, ring }: Of<'ring'>): void {
    const { memory } = this.#keeper;
    if (memory === null || !this.#isOfCluster(from)) return;
    if (supersededBy(memory.now.registered, from) !== null && from.id !== this.#identity.id) return;
    if (this.#keeper.learn(ring)?.type !== 'older') return;
    const sender = this.#keeper.newest?.state.members.find(({ id }) => id === from.id);
    if (sender !== undefined && sender.id !== this.#identity.id) this.#teach(sender);
  }

  #onStatus({ replyTo }: Of<'status'>): void {
    const { ring, trouble } = this.#keeper;
    const { switchedTo } = this.#followers;
    replyTo.tell({ ring: ring?.encoded ?? null, isConfirmed: this.#isConfirmed, switchedTo, trouble }, { lane: RESPONSE });
  }

  #onPropose({ proposal, replyTo }: Of<'propose'>): void {
    const { ring, fence, trouble } = this.#keeper;
    if (fence !== null || ring === null) {
      const message = fence === null ? 'this node has no ring: it is no member of a cluster yet' : trouble;
      return void replyTo.tell({ ok: false, code: 'NOT_A_MEMBER', message }, { lane: RESPONSE });
    }
    try {
      // It may come from another process: only what the encoding knows of it is used.
      this.#proposals.propose(decodeProposal(encodeProposal(proposal)), this.#context.remainingMs(), replyTo);
    } catch (error) {
      replyTo.tell({ ok: false, code: 'INVALID_ARGUMENT', message: errorMessage(error) }, { lane: RESPONSE });
    }
  }

  #onInit({ ring, replyTo }: Of<'init'>): void {
    const { newest, memory, trouble } = this.#keeper;
    const { operationId } = ring;
    const done = this.#keeper.decided.find((row) => row.operationId === operationId);
    const answer = (outcome: OperationOutcome): void => void replyTo.tell(outcome, { lane: RESPONSE });
    if (done !== undefined) return answer({ ok: true, version: { generation: done.generation, epoch: done.epoch } });
    if (newest !== null) {
      return answer({ ok: false, code: 'EXISTS', message: `this node is in cluster ${newest.state.clusterName} (${newest.state.cluster}) already` });
    }
    if (memory === null || this.#keeper.fence !== null) return answer({ ok: false, code: 'NOT_ALLOWED', message: trouble });
    try {
      this.#keeper.adopt(knownRing(ring), true, () => answer({ ok: true, version: { generation: ring.generation, epoch: ring.epoch } }));
    } catch (error) {
      answer({ ok: false, code: 'INVALID_ARGUMENT', message: errorMessage(error) });
    }
  }

  #onForce({ operationId, survivors, replyTo }: Of<'force'>): void {
    const { newest, memory, trouble, fence } = this.#keeper;
    const answer = (outcome: OperationOutcome): void => void replyTo.tell(outcome, { lane: RESPONSE });
    if (newest === null || memory === null) return answer({ ok: false, code: 'NOT_A_MEMBER', message: trouble || 'this node has no ring' });
    const done = this.#keeper.decided.find((row) => row.operationId === operationId);
    if (done !== undefined) return answer({ ok: true, version: { generation: done.generation, epoch: done.epoch } });
    if (fence !== null && fence !== 'conflict') return answer({ ok: false, code: 'NOT_ALLOWED', message: trouble });
    if (!survivors.includes(this.#identity.id)) {
      return answer({ ok: false, code: 'INVALID_ARGUMENT', message: `survivors: expected this node, ${this.#identity.id}, among them` });
    }
    const forced = forcedRing(newest.state, survivors, operationId);
    if (!forced.ok) return answer(forced);
    const { generation, epoch } = forced.ring;
    this.#context.log.warn('ring forced', { generation, epoch, survivors: survivors.length });
    this.#keeper.adopt(knownRing(forced.ring), true, () => answer({ ok: true, version: { generation, epoch } }));
  }

  #onSubscribe({ subscriber }: Of<'subscribe'>): void {
    this.#subscribers = [...this.#subscribers.filter((known) => !sameRef(known, subscriber)), subscriber];
    this.#context.watch(subscriber);
    const { ring } = this.#keeper;
    if (ring !== null) subscriber.tell({ type: 'ringChanged', ring: ring.state, encoded: ring.encoded }, { lane: CONTROL });
  }

  #onFollow({ shard, has, agent }: Of<'follow'>): void {
    if (!this.#followers.has(shard)) return this.#context.log.warn('a shard that is none follows', { shard });
    this.#followers.follow(shard, agent, has, this.#keeper.ring?.encoded ?? null, this.#mayServe);
    if (has !== null) this.#onSwitched(shard, has);
  }

  #onSwitched(shard: number, version: RingVersion): void {
    const { ring } = this.#keeper;
    if (!this.#followers.has(shard) || ring === null || compareVersions(version, ring.encoded) > 0) return;
    this.#followers.switched(shard, version);
    this.#tellSwitched();
  }

  #onOwn(message: OwnMessage): void {
    switch (message.type) {
      case 'opened':
        return this.#onOpened(message.result);
      case 'written':
        this.#keeper.written(message.result);
        if (!message.result.ok) this.#context.after('retryWrite', this.#options.writeRetryMs, { type: 'retryWrite' });
        return;
      case 'retryWrite':
        return this.#keeper.memory?.retry();
      case 'registerAgain':
        return this.#onRegisterAgain();
      case 'registerAnswered':
        return this.#onRegisterAnswered(message);
      case 'fetchAnswered':
        if (message.answer.ok && isFetched(message.answer.value) && message.answer.value.ring !== null) this.#keeper.learn(message.answer.value.ring);
        return;
      case 'voteAnswered':
        return this.#onVoteAnswered(message);
      case 'proposeAgain':
        return this.#proposals.wake();
      case 'drive':
        return this.#onDrive();
      case 'driven':
        return this.#onDriven(message);
      case 'listen':
        return this.#gossip().tell({ type: 'subscribe', subscriber: this.#context.self }, { lane: CONTROL }) ? undefined : undefined;
      default:
        unreachable(message);
    }
  }

  #onOpened(result: StorageResult<OpenedRingStore>): void {
    const { driveMs, subscribeMs } = this.#options;
    this.#isOpening = false;
    this.#keeper.opened(result);
    const { memory, ring, fence } = this.#keeper;
    if (memory !== null && ring === null && fence === null && this.#initial !== null) this.#keeper.adopt(knownRing(this.#initial), true);
    this.#context.every('drive', driveMs, { type: 'drive' });
    this.#context.every('listen', subscribeMs, { type: 'listen' });
    this.#context.unstashAll();
  }

  #onRegisterAgain(): void {
    const { ring, fence } = this.#keeper;
    if (ring === null || fence !== null) return;
    const { registerMs, reregisterMs } = this.#options;
    const from = this.#sender();
    for (const member of this.#registering.targets(ring.state)) {
      this.#context.ask<RingMessage, RegisterAnswer>(
        this.#ringActorOf(member),
        (replyTo) => ({ type: 'register', from, replyTo }),
        { timeoutMs: registerMs * 4, lane: CONTROL },
        (answer) => ({ type: 'registerAnswered', member, answer }),
      );
    }
    this.#context.after('registerAgain', this.#registering.isConfirmed ? reregisterMs : registerMs, { type: 'registerAgain' });
    this.#checkConfirmed();
  }

  #onRegisterAnswered({ member, answer }: Of<'registerAnswered'>): void {
    const { ring, fence } = this.#keeper;
    if (!answer.ok || ring === null || fence !== null) return;
    const given = answer.value;
    const fault = faultOfAnswer(given);
    if (fault !== null) return this.#context.log.warn('malformed answer refused', { fault, member: member.id });
    switch (given.type) {
      case 'registered':
        if (given.from.id !== member.id || given.from.cluster !== ring.state.cluster) return;
        // What it has registered counts once this node is no longer behind it.
        if (compareVersions(given.version, ring.encoded) > 0) return this.#fetch(member);
        this.#registering.registered(member.id, ring.state, this.#isPatient);
        return this.#checkConfirmed();
      case 'superseded':
        return this.#keeper.superseded(given.boot, given.instance);
      case 'notAMember':
        if (this.#keeper.learn(given.ring)?.type === 'older') this.#teach(member);
        return;
      default:
        unreachable(given);
    }
  }

  #onVoteAnswered({ attempt, voter, answer }: Of<'voteAnswered'>): void {
    const { ring, fence, memory } = this.#keeper;
    if (!answer.ok || ring === null || fence !== null || memory === null) return;
    const given = answer.value;
    const fault = faultOfAnswer(given);
    if (fault !== null) return this.#context.log.warn('malformed answer refused', { fault, member: voter.id });
    if (given.type === 'promised' || given.type === 'accepted') {
      const { from } = given;
      if (from.id !== voter.id || from.cluster !== ring.state.cluster) return;
      if (supersededBy(memory.now.registered, from) !== null && !this.#options.mutants.has('acceptsLowerBoot')) return;
    }
    this.#proposals.answered(attempt, voter, given);
  }

  #onDrive(): void {
    const { ring } = this.#keeper;
    const nowMs = this.#context.clock.now();
    if (ring === null || !this.#isConfirmed || this.#isDriving || nowMs < this.#drivesFromMs) return;
    const { id: self, address } = this.#identity;
    const planned = ring.state.transition === null ? this.#planned(ring) : null;
    const operation = this.#driver.due({ ring: ring.state, hash: ring.hash, self, address, view: this.#view, nowMs, planned });
    if (operation === null) return;
    this.#isDriving = true;
    const { random } = this.#context;
    const operationId = Array.from({ length: 4 }, () => random.u32().toString(16).padStart(8, '0')).join('');
    this.#context.ask<RingMessage, OperationOutcome>(
      this.#context.self,
      (replyTo) => ({ type: 'propose', proposal: { operationId, operation }, replyTo }),
      { timeoutMs: this.#options.proposeTimeoutMs },
      (answer) => ({ type: 'driven', operation: operation.type, answer }),
    );
  }

  #onDriven({ operation, answer }: Of<'driven'>): void {
    this.#isDriving = false;
    if (answer.ok && answer.value.ok) return;
    const why = !answer.ok ? answer.error.message : answer.value.ok ? '' : answer.value.message;
    this.#context.log.info('ring operation of its own accord not done', { operation, why });
    this.#drivesFromMs = this.#context.clock.now() + this.#options.takeOverMs * (0.5 + this.#context.random.float());
  }

  get #isConfirmed(): boolean {
    return this.#keeper.fence === null && this.#keeper.member !== undefined && this.#registering.isConfirmed;
  }

  get #isPatient(): boolean {
    return this.#context.clock.now() - this.#startedMs >= this.#options.registerGraceMs;
  }

  #published(ring: KnownRing, before: KnownRing | null, isDecidedHere: boolean): void {
    const { generation, epoch } = ring.encoded;
    this.#context.log.info('ring', { generation, epoch, hash: ring.hash });
    for (const { address } of ring.state.members) if (address.node !== this.#identity.address.node) this.#door.introduce(address);
    for (const subscriber of this.#subscribers)
      subscriber.tell({ type: 'ringChanged', ring: ring.state, encoded: ring.encoded }, { lane: CONTROL });
    if (isDecidedHere) this.#spread(ring, before);
    this.#checkConfirmed();
    this.#mayServe = this.#isConfirmed && this.#keeper.member?.isExcluded === false;
    this.#followers.tellAll(ring.encoded, this.#mayServe);
    this.#proposals.ringChanged();
    if (before === null || !this.#registering.isConfirmed) this.#onRegisterAgain();
  }

  /** Who left hears it too. Gossip tells those whom this misses. */
  #spread(ring: KnownRing, before: KnownRing | null): void {
    const gone = (before?.state.members ?? []).filter(({ id }) => !ring.state.members.some((member) => member.id === id));
    for (const member of [...ring.state.members, ...gone]) if (member.id !== this.#identity.id) this.#teach(member);
  }

  #checkConfirmed(): void {
    const { ring, member } = this.#keeper;
    const was = this.#registering.isConfirmed;
    if (ring !== null) this.#registering.check(ring.state, this.#isPatient);
    if (!was && this.#registering.isConfirmed) {
      this.#context.log.info('confirmed', { boot: this.#identity.boot });
      this.#proposals.ringChanged();
    }
    this.#tellStanding(this.#isConfirmed && member?.isExcluded === false);
  }

  #tellStanding(mayServe: boolean): void {
    if (mayServe === this.#mayServe) return;
    this.#mayServe = mayServe;
    this.#followers.tellAll(null, mayServe);
  }

  #tellSwitched(): void {
    const version = this.#followers.takeNews();
    if (version !== null) this.#gossip().tell({ type: 'switchedTo', version }, { lane: CONTROL });
  }

  #teach(member: Member): void {
    const ring = this.#keeper.ring?.encoded;
    if (ring !== undefined) this.#ringActorOf(member).tell({ type: 'ring', from: this.#sender(), ring }, { lane: CONTROL });
  }

  #fetch(member: Member): void {
    this.#context.ask<RingMessage, Fetched>(
      this.#ringActorOf(member),
      (replyTo) => ({ type: 'fetchRing', replyTo }),
      { timeoutMs: this.#options.registerMs * 4, lane: CONTROL },
      (answer) => ({ type: 'fetchAnswered', answer }),
    );
  }

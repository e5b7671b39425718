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
 * | departing | the newest ring does not have it | tells the others of that: departure.ts |
 * | fenced | see `#fence` | answers `status` and `fetchRing`; an operator has to look |
 *
 * Invariants: nothing is answered before what the answer rests on is on disk. What is published is on disk and was decided. Versions published only rise.
 * Sources: [Paxos Made Simple], DESIGN section 5; registration: registering.ts.
 */
import { type Actor, type ActorContext, defineActor, type Signal } from '../runtime/actor.ts';
import { unreachable } from '../runtime/errors.ts';
import { RESPONSE } from '../runtime/lanes.ts';
import type { StorageResult } from '../storage/errors.ts';
import type { MembershipView } from './gossip-protocol.ts';
import { answer, answerBallot, answerRegister, checkedProposal, refuseForeign } from './membership/answering.ts';
import { faultOfMessage, isFetched, isSound } from './membership/check-message.ts';
import type { ClusterDoor } from './membership/cluster-door.ts';
import { Departure } from './membership/departure.ts';
import { type KnownRing, knownRing } from './membership/known-ring.ts';
import type { NodeIdentity } from './membership/node-identity.ts';
import { Proposals } from './membership/proposals.ts';
import { Registering } from './membership/registering.ts';
import { supersededBy } from './membership/registry.ts';
import { forceRing, initRing } from './membership/ring-commands.ts';
import { RingKeeper } from './membership/ring-keeper.ts';
import { isRepeated, Own, type OwnMessage, type RingActorMessage } from './membership/ring-messages.ts';
import { RING_DEFAULTS, type RingOptions } from './membership/ring-options.ts';
import { RingPeers } from './membership/ring-peers.ts';
import { type OpenedRingStore, openRingStore } from './membership/ring-store.ts';
import { isInOneThread, RingSubscribers } from './membership/ring-subscribers.ts';
import { ShardFollowers } from './membership/shard-followers.ts';
import { TransitionDriver } from './membership/transition-driver.ts';
import { faultOfVote } from './membership/voting.ts';
import { compareVersions, type RingState, type RingVersion } from './ring/ring-state.ts';
import type { RingMessage } from './ring-protocol.ts';

type Message = RingActorMessage;
type Of<T extends (RingMessage | OwnMessage)['type']> = Extract<RingMessage | OwnMessage, { type: T }>;

export interface RingActorArguments {
  readonly identity: NodeIdentity;
  readonly door: ClusterDoor;
  /** The data directory of this node, which must be there; the actor has `ring` in it for itself. */
  readonly directory: string;
  /** Epoch 1 of a new cluster; nothing where there is a ring already. Null: this node waits for a ring. */
  readonly initial: RingState | null;
  readonly options?: Partial<RingOptions>;
}

const STASH_MAX = 1_024;
const ANSWER_INTERVALS = 4;

export const ringActor = defineActor<Message, readonly [RingActorArguments]>('ring', (context, args) => new RingActor(context, args), {
  mailbox: { capacity: 16_384 },
  stashCapacity: STASH_MAX,
});

class RingActor implements Actor<Message> {
  readonly #context: ActorContext<Message>;
  readonly #identity: NodeIdentity;
  readonly #initial: RingState | null;
  readonly #options: RingOptions;
  readonly #peers: RingPeers;
  readonly #keeper: RingKeeper;
  readonly #followers: ShardFollowers;
  readonly #registering: Registering;
  readonly #driver: TransitionDriver;
  readonly #proposals: Proposals;
  readonly #departure: Departure;
  readonly #subscribers = new RingSubscribers();
  readonly #startedMs: number;
  #isOpening = true;
  #waiting = 0;
  #mayServe = false;
  #view: MembershipView | null = null;

  constructor(context: ActorContext<Message>, { identity, door, directory, initial, options }: RingActorArguments) {
    const all = { ...RING_DEFAULTS, ...options };
    this.#context = context;
    this.#identity = identity;
    this.#initial = initial;
    this.#options = all;
    this.#peers = new RingPeers(context, door, identity, {
      answerMs: all.registerMs * ANSWER_INTERVALS,
      voteMs: all.resendMs * ANSWER_INTERVALS,
    });
    this.#followers = new ShardFollowers(identity.shards);
    this.#registering = new Registering(identity.id);
    this.#driver = new TransitionDriver(all, all.plan);
    this.#startedMs = context.clock.now();
    const departAgain = (): void => context.after('departAgain', all.registerMs, new Own({ type: 'departAgain' }));
    this.#departure = new Departure(this.#peers, departAgain, all.mutants);
    this.#keeper = this.#makeKeeper();
    this.#proposals = this.#makeProposals();
    const opened = context.completion<StorageResult<OpenedRingStore>>((result) => new Own({ type: 'opened', result }));
    openRingStore(context.files, `${directory}/ring`, opened);
  }

  receive(message: Message): void {
    if (message instanceof Own) return this.#onOwn(message.message);
    const fault = faultOfMessage(message);
    if (fault !== null) return this.#context.log.warn('malformed message refused', { fault });
    if (this.#isOpening) return this.#wait(message);
    switch (message.type) {
      case 'register':
      case 'prepare':
      case 'accept':
        return this.#onAsked(message);
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
        return initRing(this.#keeper, message.ring, (outcome) => answer(message.replyTo, outcome));
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
    if (signal.type === 'terminated') this.#subscribers.remove(signal.ref);
  }

  #onOwn(message: OwnMessage): void {
    switch (message.type) {
      case 'opened':
        return this.#onOpened(message.result);
      case 'written':
        return this.#onWritten(message);
      case 'retryWrite':
        return this.#keeper.memory?.retry();
      case 'registerAgain':
        return this.#onRegisterAgain();
      case 'registerAnswered':
        return this.#onRegisterAnswered(message);
      case 'fetchAnswered':
        return this.#onFetchAnswered(message);
      case 'departAgain':
        return this.#departure.tellUntold();
      case 'voteAnswered':
        return this.#onVoteAnswered(message);
      case 'proposeAgain':
        return this.#proposals.wake();
      case 'drive':
        return this.#onDrive();
      case 'driven':
        return this.#onDriven(message);
      case 'listen':
        return this.#peers.tellGossip({ type: 'subscribe', subscriber: this.#context.self });
      default:
        unreachable(message);
    }
  }

  #onAsked(message: Of<'register' | 'prepare' | 'accept'>): void {
    const { newest, fence } = this.#keeper;
    if (newest === null || fence !== null) return;
    if (message.from.cluster !== newest.state.cluster) return refuseForeign(message.from, newest, this.#context.log);
    const { mutants } = this.#options;
    const { isConfirmed } = this.#registering;
    const answerer = { keeper: this.#keeper, self: this.#peers.sender(newest.state), isConfirmed, mutants, log: this.#context.log };
    if (message.type === 'register') answerRegister(message, answerer);
    else answerBallot(message, answerer);
  }

  #onRing({ from, ring }: Of<'ring'>): void {
    const { memory, newest } = this.#keeper;
    if (memory === null || (newest !== null && from.cluster !== newest.state.cluster))
      return refuseForeign(from, newest, this.#context.log);
    if (from.id !== this.#identity.id && supersededBy(memory.now.registered, from) !== null) return;
    if (this.#keeper.learn(ring)?.type === 'older') this.#peers.teach(this.#keeper.ring, from.id);
  }

  #onStatus({ replyTo }: Of<'status'>): void {
    const { ring, trouble } = this.#keeper;
    const { switchedTo } = this.#followers;
    const fence = this.#departure.isUnderWay ? 'departing' : this.#keeper.fence;
    answer(replyTo, { ring: ring?.encoded ?? null, isConfirmed: this.#isConfirmed, switchedTo, trouble, fence });
  }

  #onPropose(message: Of<'propose'>): void {
    const proposal = checkedProposal(message, this.#keeper);
    if (proposal !== null) this.#proposals.propose(proposal, this.#context.remainingMs(), message.replyTo);
  }

  #onForce({ operationId, survivors, replyTo }: Of<'force'>): void {
    this.#context.log.warn('ring force asked for', { survivors: survivors.length });
    forceRing(this.#keeper, this.#identity.id, operationId, survivors, (outcome) => answer(replyTo, outcome));
  }

  #onSubscribe({ subscriber }: Of<'subscribe'>): void {
    if (!isInOneThread(subscriber, this.#context.self)) return this.#context.log.warn('subscriber refused', { by: String(subscriber) });
    this.#context.watch(subscriber);
    this.#subscribers.add(subscriber, this.#keeper.audible);
  }

  #onFollow({ shard, has, agent }: Of<'follow'>): void {
    if (!this.#followers.has(shard)) return this.#context.log.error('a shard follows that this node does not have', { shard });
    this.#followers.follow(shard, agent, has, this.#keeper.ring?.encoded ?? null, this.#mayServe);
  }

  #onSwitched(shard: number, version: RingVersion): void {
    const { ring } = this.#keeper;
    if (!this.#followers.has(shard) || ring === null || compareVersions(version, ring.encoded) > 0) return;
    const all = this.#followers.switched(shard, version);
    if (all !== null) this.#peers.tellGossip({ type: 'switchedTo', version: all });
  }

  #wait(message: RingMessage): void {
    if (isRepeated(message) || this.#waiting >= STASH_MAX) return;
    this.#waiting++;
    this.#context.stash();
  }

  #onOpened(result: StorageResult<OpenedRingStore>): void {
    const { driveMs, subscribeMs } = this.#options;
    this.#isOpening = false;
    this.#keeper.opened(result);
    const { memory, ring, fence } = this.#keeper;
    if (memory !== null && ring === null && fence === null && this.#initial !== null) this.#keeper.adopt(knownRing(this.#initial), true);
    this.#context.every('drive', driveMs, new Own({ type: 'drive' }));
    this.#context.every('listen', subscribeMs, new Own({ type: 'listen' }));
    this.#peers.tellGossip({ type: 'subscribe', subscriber: this.#context.self });
    this.#context.unstashAll();
  }

  #onWritten({ result }: Of<'written'>): void {
    this.#keeper.written(result);
    if (!result.ok) this.#context.after('retryWrite', this.#options.writeRetryMs, new Own({ type: 'retryWrite' }));
  }

  #onRegisterAgain(): void {
    const { ring, fence } = this.#keeper;
    if (ring === null || fence !== null) return;
    const { registerMs, reregisterMs } = this.#options;
    this.#checkConfirmed();
    for (const member of this.#registering.targets(ring.state)) this.#peers.register(member, ring.state);
    this.#context.after('registerAgain', this.#registering.isConfirmed ? reregisterMs : registerMs, new Own({ type: 'registerAgain' }));
  }

  #onRegisterAnswered({ member, answer: given }: Of<'registerAnswered'>): void {
    const { ring, fence } = this.#keeper;
    if (ring === null || fence !== null || !given.ok || !isSound(given.value, member, this.#context.log)) return;
    const { value } = given;
    switch (value.type) {
      case 'registered':
        if (value.from.id !== member.id || value.from.cluster !== ring.state.cluster) return;
        // What it has registered counts once this node is no longer behind it.
        if (compareVersions(value.version, ring.encoded) > 0) return this.#peers.askRing(member);
        this.#registering.registered(member.id, ring.state, this.#isPatient);
        return this.#checkConfirmed();
      case 'superseded':
        return this.#keeper.superseded(value.boot, value.instance);
      case 'notAMember':
        if (this.#keeper.learn(value.ring)?.type === 'older') this.#peers.teach(ring, member.id);
        return;
      default:
        unreachable(value);
    }
  }

  #onFetchAnswered({ member, answer: given }: Of<'fetchAnswered'>): void {
    if (!given.ok || !isFetched(given.value) || given.value.ring === null) return;
    this.#departure.heard(member.id, given.value.ring);
    // Who is behind it was not counted: it registers again at once, with what it has learned.
    if (this.#keeper.learn(given.value.ring)?.type === 'adopt') this.#context.after('registerAgain', 1, new Own({ type: 'registerAgain' }));
  }

  #onVoteAnswered({ attempt, voter, answer: given }: Of<'voteAnswered'>): void {
    const { ring, fence, memory } = this.#keeper;
    if (ring === null || fence !== null || memory === null || !given.ok || !isSound(given.value, voter, this.#context.log)) return;
    if (!this.#proposals.isFor(attempt, ring)) return;
    const fault = faultOfVote(given.value, voter, ring, memory.now.registered, this.#options.mutants);
    if (fault !== null) return this.#context.log.error('vote refused', { fault, from: voter.id });
    this.#proposals.answered(attempt, voter, given.value);
  }

  #onDrive(): void {
    const { ring } = this.#keeper;
    if (ring === null || !this.#isConfirmed) return;
    const { id: self, address } = this.#identity;
    const nowMs = this.#context.clock.now();
    const operation = this.#driver.due({ ring: ring.state, hash: ring.hash, self, address, view: this.#view, nowMs });
    if (operation !== null) this.#peers.propose(operation, this.#options.proposeTimeoutMs);
  }

  #onDriven({ operation, answer: given }: Of<'driven'>): void {
    const isDone = given.ok && given.value.ok;
    this.#driver.ended(isDone, this.#context.clock.now(), this.#context.random.float());
    if (isDone) return;
    const why = !given.ok ? given.error.message : given.value.ok ? '' : given.value.message;
    this.#context.log.info('operation of its own accord not done', { operation, why });
  }

  get #isConfirmed(): boolean {
    return this.#keeper.fence === null && this.#keeper.member !== undefined && this.#registering.isConfirmed;
  }

  get #isPatient(): boolean {
    return this.#context.clock.now() - this.#startedMs >= this.#options.registerGraceMs;
  }

  #onPublished(ring: KnownRing): void {
    const { generation, epoch } = ring.encoded;
    this.#context.log.info('ring', { generation, epoch, hash: ring.hash });
    this.#peers.introduce(ring.state);
    this.#subscribers.tell(ring);
    this.#followers.tellAll(ring.encoded, this.#mayServe);
    this.#checkConfirmed();
    this.#proposals.ringChanged();
    if (!this.#registering.isConfirmed) this.#onRegisterAgain();
  }

  #checkConfirmed(): void {
    const { ring } = this.#keeper;
    const was = this.#registering.isConfirmed;
    if (ring !== null) this.#registering.check(ring.state, this.#isPatient);
    if (!was && this.#registering.isConfirmed) {
      this.#context.log.info('confirmed', { boot: this.#identity.boot });
      this.#context.after('registerAgain', this.#options.reregisterMs, new Own({ type: 'registerAgain' }));
      this.#proposals.ringChanged();
    }
    this.#checkServing();
  }

  #checkServing(): void {
    const mayServe = this.#isConfirmed && this.#keeper.member?.isExcluded === false;
    if (mayServe === this.#mayServe) return;
    this.#mayServe = mayServe;
    this.#followers.tellAll(null, mayServe);
  }

  #makeKeeper(): RingKeeper {
    return new RingKeeper({
      identity: this.#identity,
      mutants: this.#options.mutants,
      write: (store, state) =>
        store.write(
          state,
          this.#context.completion((result) => new Own({ type: 'written', result })),
        ),
      decided: (ring, before) => this.#peers.spread(ring, before),
      published: (ring) => this.#onPublished(ring),
      fenced: (fence, trouble) => {
        this.#context.log.error('this node takes no part any more', { fence, trouble });
        this.#checkServing();
        if (fence === 'removed') this.#departure.begin(this.#keeper.ring!);
      },
      warn: (event, detail) => this.#context.log.warn(event, { detail }),
    });
  }

  #makeProposals(): Proposals {
    const { random, clock } = this.#context;
    return new Proposals({
      self: this.#identity.id,
      random,
      times: this.#options,
      mutants: this.#options.mutants,
      now: () => clock.now(),
      ring: () => (this.#isConfirmed ? this.#keeper.ring : null),
      decided: () => this.#keeper.decided,
      takeRound: (above, then) => this.#keeper.takeRound(above, then),
      ask: (voter, attempt, ask) => this.#peers.askVoter(voter, this.#keeper.ring!.state, attempt, ask),
      adopt: (ring) => this.#keeper.adopt(ring, true),
      learn: (ring) => this.#keeper.learn(ring),
      teach: (voter) => this.#peers.teach(this.#keeper.ring, voter.id),
      superseded: (boot, instance) => this.#keeper.superseded(boot, instance),
      wakeAfter: (ms) => this.#context.after('proposeAgain', ms, new Own({ type: 'proposeAgain' })),
      trouble: (event, fields) => this.#context.log.error(event, fields),
    });
  }
}

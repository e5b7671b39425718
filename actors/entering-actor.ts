/**
 * EnteringActor: gets a node that has started into its ring. One per node, on its main thread; it ends when the RingActor of the node has a ring with the node in it, or when it is known that it never will.
 * A node that makes its cluster, or was a member before, waits for what its RingActor has on disk. One that joins asks the seeds, one after the other:
 *
 * ```
 *  the next seed ---> its ring, is this node in it?
 *    ^                  |            |
 *    |                  | no         | yes: the RingActor of this node is given it
 *    |                  v            v
 *    |                propose      after a while from the first seed on, until the RingActor has one
 *    |                  | done, or refused for good: its ring again. Who would have to ask for the same again never will be in
 *    +------------------+ refused for now, or no answer; after the last seed a while later, from the first on, by what the seeds are then
 * ```
 * Why it fetches the ring, although members tell it: they tell it once, when it is decided. Who was stopped before it was on its disk would wait for it for ever.
 * Invariants: `done` is called once, by the last turn; a node is added by its id, so what is asked for twice is done once.
 */
import { type Actor, type ActorContext, type Answer, defineActor, type StopReason } from '../runtime/actor.ts';
import { errorMessage, unreachable } from '../runtime/errors.ts';
import type { NodeAddress } from '../runtime/node-address.ts';
import type { Ref } from '../runtime/ref.ts';
import { isFetched, isOutcome } from './membership/check-message.ts';
import { type ClusterDoor, RING_SLOT } from './membership/cluster-door.ts';
import { joinNeed } from './membership/joining.ts';
import { type KnownRing, readRing } from './membership/known-ring.ts';
import type { NodeIdentity } from './membership/node-identity.ts';
import type { Operation, OperationOutcome, Proposal } from './ring/operation.ts';
import type { RingState } from './ring/ring-state.ts';
import type { Fetched, RingChanged, RingMessage } from './ring-protocol.ts';

export interface Joining {
  /** That have answered; asked first. */
  readonly seeds: readonly NodeAddress[];
  /** Finds out who the seeds are now: `found` is called once, at any time. None: those known are asked again. */
  readonly askSeeds: (found: (seeds: readonly NodeAddress[]) => void) => void;
  /** Name or id of the member whose place is to be taken; undefined: none's. */
  readonly replace: string | undefined;
  /** Gives an operation an id of its own. */
  readonly proposalOf: (operation: Operation) => Proposal;
  /** After that long without a seed that has this node in its ring, or has added it, it gives up. */
  readonly giveUpMs: number;
  /** Told what came of each operation that was asked for. */
  readonly onAnswered?: (proposal: Proposal, answer: Answer<OperationOutcome>) => void;
}

export interface EnteringOptions {
  readonly identity: NodeIdentity;
  readonly door: ClusterDoor;
  /** Null: this node has a ring on disk, or makes one. */
  readonly joining: Joining | null;
  /** Null: it is in; else why it never will be. */
  readonly done: (reason: string | null) => void;
  readonly retryMs?: number;
  readonly askMs?: number;
  /** Planted bug: ringNotFetched. */
  readonly mutants?: ReadonlySet<string>;
}

export type EnteringMessage =
  | { readonly type: 'subscribe' }
  | { readonly type: 'retry' }
  | RingChanged
  | { readonly type: 'seeds'; readonly seeds: readonly NodeAddress[] }
  | { readonly type: 'fetched'; readonly seed: NodeAddress; readonly answer: Answer<Fetched> }
  | { readonly type: 'proposed'; readonly seed: NodeAddress; readonly proposal: Proposal; readonly answer: Answer<OperationOutcome> };

const RETRY_MS = 500;
const ASK_MS = 15_000;
/** RingActor may have been started anew, and have forgotten who listens. */
const SUBSCRIBE_MS = 1_000;
/** Trying again would not help, where the ring that says so is the newest. */
const FINAL: readonly string[] = ['EXISTS', 'NOT_ALLOWED', 'INVALID_ARGUMENT', 'NOT_FOUND'];
const NO_MUTANTS: ReadonlySet<string> = new Set();

export const enteringActor = defineActor<EnteringMessage, readonly [EnteringOptions]>(
  'entering',
  (context, options) => new EnteringActor(context, options),
);

class EnteringActor implements Actor<EnteringMessage> {
  readonly #context: ActorContext<EnteringMessage>;
  readonly #options: EnteringOptions;
  readonly #own: Ref<RingMessage>;
  readonly #giveUpAt: number;
  readonly #retryMs: number;
  readonly #askMs: number;
  #seeds: readonly NodeAddress[];
  /** Which of them is asked next. */
  #next = 0;
  /** A seed has this node in its ring, or says that it has added it. */
  #isIn = false;
  /** What the seed that is being asked has done, or refused for good and why; null: nothing. */
  #answered: { readonly type: Operation['type']; readonly refusal: string | null } | null = null;

  constructor(context: ActorContext<EnteringMessage>, options: EnteringOptions) {
    const { identity, door, joining, retryMs = RETRY_MS, askMs = ASK_MS } = options;
    this.#context = context;
    this.#options = options;
    this.#own = door.ref(RING_SLOT, identity.address.node);
    this.#giveUpAt = context.clock.now() + (joining?.giveUpMs ?? 0);
    this.#retryMs = retryMs;
    this.#askMs = askMs;
    this.#seeds = joining?.seeds ?? [];
    context.every('subscribe', SUBSCRIBE_MS, { type: 'subscribe' });
    this.#subscribe();
    if (joining !== null) this.#askNext();
  }

  /** It has failed again and again: better ended than a node that listens, and never gets in. */
  stopped(reason: StopReason): void {
    if (reason === 'failed') this.#options.done(`node ${this.#options.identity.name} does not get into its ring: its EnteringActor failed`);
  }

  receive(message: EnteringMessage): void {
    const { joining } = this.#options;
    if (message.type === 'subscribe') return this.#subscribe();
    if (message.type === 'ringChanged') return this.#onRing(message.ring);
    // The others come only to a node that joins.
    if (joining === null) return;
    switch (message.type) {
      case 'retry':
        return joining.askSeeds(this.#context.completion((seeds: readonly NodeAddress[]) => ({ type: 'seeds', seeds }) as const));
      case 'seeds':
        if (message.seeds.length > 0) this.#seeds = message.seeds;
        this.#next = 0;
        return this.#askNext();
      case 'fetched':
        return this.#onFetched(joining, message.seed, message.answer);
      case 'proposed':
        if (message.answer.ok && !isOutcome(message.answer.value))
          return this.#notYet(`node ${message.seed.node}: its answer is malformed`);
        joining.onAnswered?.(message.proposal, message.answer);
        return this.#onProposed(message.seed, message.proposal, message.answer);
      default:
        return unreachable(message);
    }
  }

  #subscribe(): void {
    this.#own.tell({ type: 'subscribe', subscriber: this.#context.self });
  }

  #onRing({ members }: RingState): void {
    if (members.some(({ id }) => id === this.#options.identity.id)) this.#end(null);
  }

  #end(reason: string | null): void {
    this.#context.stop(this.#context.self);
    this.#options.done(reason);
  }

  #askNext(): void {
    const seed = this.#seeds[this.#next++];
    this.#answered = null;
    if (seed !== undefined) this.#fetch(seed);
    else if (this.#seeds.length === 0 && this.#isLate) this.#giveUp('no seed answers');
    else this.#retryLater();
  }

  #fetch(seed: NodeAddress): void {
    this.#options.door.introduce(seed);
    this.#context.ask<RingMessage, Fetched>(
      this.#ringActorOf(seed),
      (replyTo) => ({ type: 'fetchRing', replyTo }),
      { timeoutMs: this.#askMs },
      (answer) => ({ type: 'fetched', seed, answer }),
    );
  }

  #onFetched(joining: Joining, seed: NodeAddress, answer: Answer<Fetched>): void {
    const where = `node ${seed.node}`;
    if (!answer.ok) return this.#notYet(`${where}: ${answer.error.message}`);
    if (!isFetched(answer.value)) return this.#notYet(`${where}: its answer is malformed`);
    if (answer.value.ring === null) return this.#notYet(`${where} has no ring yet`);
    let ring: KnownRing;
    try {
      ring = readRing(answer.value.ring);
    } catch (error) {
      return this.#notYet(`${where}: ${errorMessage(error)}`);
    }
    const { identity, door } = this.#options;
    for (const { id, address } of ring.state.members) if (id !== identity.id) door.introduce(address);
    const need = joinNeed(ring.state, identity, joining.replace);
    if (need.type === 'in') return this.#give(ring);
    // Whose place it takes may not be there yet, in the ring of a seed that was down when it came; a member need not be told that.
    if (need.type === 'never')
      return this.#isIn && !ring.state.banned.includes(identity.id) ? this.#notYet(need.reason) : this.#end(need.reason);
    if (this.#answered?.type === need.operation.type) {
      const { refusal } = this.#answered;
      return refusal === null
        ? this.#notYet(`${where}: it says that ${need.operation.type} is done, and its ring does not show it`)
        : this.#end(refusal);
    }
    const proposal = joining.proposalOf(need.operation);
    this.#context.ask<RingMessage, OperationOutcome>(
      this.#ringActorOf(seed),
      (replyTo) => ({ type: 'propose', proposal, replyTo }),
      { timeoutMs: this.#askMs },
      (outcome) => ({ type: 'proposed', seed, proposal, answer: outcome }),
    );
  }

  #onProposed(seed: NodeAddress, { operation }: Proposal, answer: Answer<OperationOutcome>): void {
    if (!answer.ok) return this.#notYet(`node ${seed.node}: ${answer.error.message}`);
    const outcome = answer.value;
    if (outcome.ok) this.#isIn = true;
    else if (!FINAL.includes(outcome.code)) return this.#notYet(`node ${seed.node}: ${outcome.message}`);
    const refusal = outcome.ok ? null : `the cluster does not take node ${this.#options.identity.name}: ${outcome.message}`;
    this.#answered = { type: operation.type, refusal };
    // Also when it was refused: an earlier try, whose answer was lost, may have come through since this seed was asked for its ring.
    this.#fetch(seed);
  }

  /** RingActor judges it as a ring that any member tells it; when it has one with this node in it, it says so. */
  #give({ state, encoded }: KnownRing): void {
    const { identity, mutants = NO_MUTANTS } = this.#options;
    const { id, boot, instance } = identity;
    this.#isIn = true;
    if (!mutants.has('ringNotFetched'))
      this.#own.tell({ type: 'ring', from: { cluster: state.cluster, id, boot, instance }, ring: encoded });
    this.#retryLater();
  }

  #notYet(reason: string): void {
    this.#context.log.warn('node.notJoinedYet', { reason });
    if (this.#isLate) this.#giveUp(reason);
    else this.#askNext();
  }

  /** A member never is. */
  get #isLate(): boolean {
    return !this.#isIn && this.#context.clock.now() > this.#giveUpAt;
  }

  #giveUp(reason: string): void {
    this.#end(`node ${this.#options.identity.name} could not join: ${reason}`);
  }

  #retryLater(): void {
    this.#context.after('retry', this.#retryMs, { type: 'retry' });
  }

  #ringActorOf(seed: NodeAddress): Ref<RingMessage> {
    return this.#options.door.ref(RING_SLOT, seed.node);
  }
}

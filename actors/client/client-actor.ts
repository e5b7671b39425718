/**
 * ClientActor: sends the operations of one client to the coordinators of the shards that have their keys, and sees each of them to its end. One per client, in the
 * thread of the program that uses it.
 *
 * | what happens | to a read | to a write |
 * |---|---|---|
 * | an answer says that nothing was done | again: another replica, after a while, or by a newer ring | the same |
 * | no answer for a while | to another replica as well | it waits |
 * | the node or shard dies | at once to another replica | fails: INDETERMINATE |
 * | nobody can be reached | again and again | the same |
 * | the deadline | fails: TIMED_OUT | fails: INDETERMINATE when it may have been done, else TIMED_OUT |
 *
 * Invariants: every operation taken from the desk ends once, by its deadline or a little later. A write is never with two coordinators, nor sent again
 * while the first may have done it. Sources: [Dynamo 6.4], request routing by the client; retries: retry.ts.
 */
import { type Actor, type ActorContext, defineActor, type Signal, type StopReason } from '../../runtime/actor.ts';
import { OutBuffer } from '../../runtime/bytes.ts';
import { unreachable } from '../../runtime/errors.ts';
import type { NodeAddress } from '../../runtime/node-address.ts';
import type { AnyRef } from '../../runtime/ref.ts';
import type { RingState } from '../ring/ring-state.ts';
import { Hasher } from '../ring/token.ts';
import { FORWARDED } from '../store/data-frames.ts';
import { GET } from '../store/store-request.ts';
import type { ClientDesk } from './client-desk.ts';
import { ClientError } from './client-error.ts';
import type { ClientMessage } from './client-protocol.ts';
import { abandoned, lost, pastDeadline } from './endings.ts';
import { ForwardedAnswer } from './forward.ts';
import { errorOf, judge } from './judgement.ts';
import type { Operation } from './operation.ts';
import { OperationTable } from './operation-table.ts';
import type { ClientTuning } from './options.ts';
import { type ClientDoor, type NodePlaces, type Place, Places } from './places.ts';
import { fullJitter, RetryBudget } from './retry.ts';
import { type RingFetched, RingFetching } from './ring-fetching.ts';
import { type MappedKeyspace, RingMap } from './ring-map.ts';
import { faultOf, sendForward } from './sending.ts';

type OwnMessage = RingFetched | { readonly type: 'tick' } | { readonly type: 'refreshAgain' } | { readonly type: 'probe' };
type Message = ClientMessage | OwnMessage;

export interface ClientActorArguments {
  readonly desk: ClientDesk;
  readonly door: ClientDoor;
  readonly seeds: readonly NodeAddress[];
  readonly dataCenter: string | undefined;
  readonly tuning: ClientTuning;
  readonly mutants?: ReadonlySet<string>;
}

const MAILBOX = 1_048_576;
const PAYLOAD_BYTES_MAX = 64 * 1024 * 1024;
/** How often nodes that are down are asked whether they are back, and operations that nobody could take are tried again. */
const PROBE_MS = 250;
const NOBODY_MS = 50;

export const clientActor = defineActor<Message, readonly [ClientActorArguments]>(
  'client',
  (context, args) => new ClientActor(context, args),
  {
    mailbox: { capacity: MAILBOX },
    throughput: 1_024,
  },
);

class ClientActor implements Actor<Message> {
  readonly #context: ActorContext<Message>;
  readonly #desk: ClientDesk;
  readonly #tuning: ClientTuning;
  readonly #dataCenter: string | undefined;
  readonly #mutants: ReadonlySet<string> | undefined;
  readonly #places: Places;
  readonly #fetching: RingFetching<Message>;
  readonly #table: OperationTable;
  readonly #budget: RetryBudget;
  readonly #hasher = new Hasher();
  readonly #out = new OutBuffer(4_096, PAYLOAD_BYTES_MAX);
  readonly #answer = new ForwardedAnswer();
  #map: RingMap | null = null;
  /** Fetches of the ring that were answered. */
  #fetches = 0;
  /** Of phase `awaitingRing`, among some that are not any more. */
  #awaiting: Operation[] = [];
  #isProbing = false;

  constructor(context: ActorContext<Message>, { desk, door, seeds, dataCenter, tuning, mutants }: ClientActorArguments) {
    this.#context = context;
    this.#desk = desk;
    this.#tuning = tuning;
    this.#dataCenter = dataCenter;
    this.#mutants = mutants;
    this.#places = new Places(door);
    this.#fetching = new RingFetching<Message>({
      context,
      places: this.#places,
      timeoutMs: tuning.ringFetchMs,
      toMessage: (fetched) => fetched,
    });
    const { operationsMax, inFlightMax } = tuning;
    const arm = (atMs: number, nowMs: number): void => context.after('tick', Math.max(0, atMs - nowMs), { type: 'tick' });
    this.#table = new OperationTable({ operationsMax, inFlightMax, firstId: context.random.u32(), arm });
    this.#budget = new RetryBudget(tuning.retryBudget, context.clock.now());
    for (const address of seeds) this.#places.of(address);
    desk.connect(context.self);
    this.#fetch(null);
    this.#refreshLater();
  }

  receive(message: Message): void {
    switch (message.type) {
      case 'work':
        return this.#onWork();
      case 'refresh':
        return this.#fetch(null);
      case 'seeds':
        return this.#onSeeds(message.addresses);
      case 'fetched':
        return this.#onFetched(message);
      case 'tick':
        return this.#onTick();
      case 'refreshAgain':
        this.#refreshLater();
        return this.#fetch(null);
      case 'probe':
        return this.#onProbe();
      default:
        unreachable(message);
    }
  }

  receiveBytes(operation: number, bytes: Uint8Array, offset: number, length: number, requestId: number): void {
    if (operation !== FORWARDED) return this.#context.log.warn('client.unexpectedFrame', { operation, length });
    const op = this.#table.find(requestId);
    // Of an operation that is over.
    if (op === undefined) return;
    const answer = this.#answer;
    const fault = answer.read(bytes, offset, length);
    if (fault !== undefined) this.#onMalformed(op, fault);
    else this.#onAnswer(op, answer);
    if (this.#table.hasQueued) this.#sendQueued();
  }

  signal(signal: Signal): void {
    switch (signal.type) {
      case 'terminated':
        return this.#onGone(signal.ref, signal.reason === 'unreachable', signal.reason);
      case 'rejected':
        // Of a full mailbox, or one bad request, nothing is known of the others.
        if (signal.reason === 'overloaded' || signal.reason === 'failed') return;
        return this.#onGone(signal.ref, signal.reason === 'unreachable', signal.reason);
      case 'ready':
        return;
      default:
        unreachable(signal);
    }
  }

  stopped(reason: StopReason): void {
    for (const op of this.#desk.take()) if (op.phase === 'new') this.#fail(op, abandoned(op, reason));
    this.#table.each((op) => this.#fail(op, abandoned(op, reason)));
  }

  #onWork(): void {
    for (const op of this.#desk.take()) {
      if (op.phase === 'over') continue;
      if (op.cancelled !== null) this.#fail(op, op.cancelled);
      else if (op.phase === 'new') this.#begin(op);
    }
    if (this.#table.hasQueued) this.#sendQueued();
  }

  #onSeeds(addresses: readonly NodeAddress[]): void {
    for (const address of addresses) this.#places.of(address).isDown = false;
    this.#fetch(null);
  }

  #onFetched(fetched: RingFetched): void {
    const ring = this.#fetching.came(fetched, this.#map?.ring ?? null);
    if (ring !== null) this.#useRing(ring);
    if (fetched.answer.ok && this.#map !== null) {
      if (!fetched.isProbe) this.#fetches++;
      this.#onRingSeen(ring !== null);
    } else {
      this.#probeSoon();
    }
    if (this.#places.all.every(({ isDown }) => isDown)) this.#desk.lost();
  }

  #onTick(): void {
    const now = this.#context.clock.now();
    this.#table.tick(now, (op) => this.#onDue(op, now));
    if (this.#table.hasQueued) this.#sendQueued();
  }

  /** Somebody is down, or there is no ring yet. */
  #onProbe(): void {
    this.#isProbing = false;
    const isAnyDown = this.#fetching.probeDown();
    if (this.#map === null || this.#awaiting.length > 0) this.#fetch(null);
    if (isAnyDown || this.#map === null) this.#probeSoon();
  }

  #begin(op: Operation): void {
    const { clock } = this.#context;
    const now = clock.now();
    op.deadlineMs = now + op.timeoutMs;
    if (op.ttlMs !== undefined && op.ttlMs > 0) op.expiryMs = clock.wall() + op.ttlMs;
    this.#hasher.hash(op.key);
    op.tokenHigh = this.#hasher.high;
    op.tokenLow = this.#hasher.low;
    this.#table.add(op);
    this.#budget.deposit();
    this.#route(op, now);
  }

  /** Sends it on its way: to a coordinator, or to where it waits for one. */
  #route(op: Operation, now: number): void {
    const map = this.#map;
    const mapped = map?.keyspace(op.keyspace);
    if (map === null || mapped === undefined) return this.#awaitRing(op, null, now);
    const fault = faultOf(op, mapped.keyspace);
    if (fault !== null) return this.#fail(op, fault);
    if (op.phase !== 'sent' && !this.#table.hasRoom) return this.#table.enter(op, 'queued', op.deadlineMs, now);
    const table = op.kind === GET ? mapped.table.read : mapped.table.writes[0];
    const partition = map.partitionOf(op.tokenHigh);
    let at = map.choose(table, partition, op.tried, now);
    // All were tried: from the beginning, unless one of them may still answer.
    if (at < 0 && op.tried !== 0 && op.outstanding === 0) {
      op.tried = 0;
      at = map.choose(table, partition, 0, now);
    }
    if (at < 0) return this.#onNobody(op, now);
    op.tried |= 1 << at;
    this.#send(op, map, mapped, map.placeAt(table, partition, at), partition, now);
  }

  #send(op: Operation, map: RingMap, mapped: MappedKeyspace, place: Place, partition: number, now: number): void {
    if (!place.isWatched) {
      place.isWatched = true;
      this.#context.watch(place.coordinator);
    }
    const sent = sendForward(op, { map, mapped, place, partition, out: this.#out });
    if (sent instanceof ClientError) return this.#fail(op, sent);
    if (!sent) {
      // The way there is full for the moment.
      op.trouble = new ClientError('OVERLOADED', `the connection to node ${place.node.name} is full`);
      op.tried = 0;
      return this.#table.enter(op, 'backingOff', now + fullJitter(1, this.#tuning.backoff, this.#context.random), now);
    }
    op.place = place;
    op.attempts++;
    op.outstanding++;
    op.mayBeDone = op.kind !== GET;
    this.#table.enter(op, 'sent', op.kind === GET ? now + this.#tuning.attemptMs : op.deadlineMs, now);
  }

  #onNobody(op: Operation, now: number): void {
    // A read that is still with somebody.
    if (op.outstanding > 0) return this.#table.enter(op, 'sent', op.deadlineMs, now);
    op.trouble = new ClientError('UNREACHABLE', `no node that serves the key can be reached`, { cause: op.trouble ?? undefined });
    this.#probeSoon();
    this.#table.enter(op, 'backingOff', now + NOBODY_MS, now);
  }

  #awaitRing(op: Operation, preferred: NodePlaces | null, now: number): void {
    // What is on its way may be older than what the program knows.
    op.fetches = this.#fetches + (this.#fetching.isBusy ? 1 : 0);
    this.#awaiting.push(op);
    this.#table.enter(op, 'awaitingRing', op.deadlineMs, now);
    this.#fetch(preferred);
  }

  #onAnswer(op: Operation, answer: ForwardedAnswer): void {
    const isWrite = op.kind !== GET;
    const verdict = judge(answer.status, isWrite);
    if (verdict === 'succeeded') {
      this.#over(op);
      return op.succeeded(answer);
    }
    // Of a try that was given up.
    if (op.phase !== 'sent') return;
    const error = errorOf(answer, isWrite);
    op.trouble = error;
    op.outstanding--;
    if (verdict === 'failed') return this.#fail(op, error);
    // Another try of a read may do better.
    if (op.outstanding > 0) return;
    op.mayBeDone = false;
    const now = this.#context.clock.now();
    if (verdict === 'newRing') {
      op.tried = 0;
      op.attempts--;
      this.#awaitRing(op, op.place?.node ?? null, now);
    } else if (!this.#mayTryAgain(op, now)) {
      this.#fail(op, error);
    } else if (verdict === 'elsewhere') {
      this.#route(op, now);
    } else {
      this.#table.enter(op, 'backingOff', now + fullJitter(op.attempts, this.#tuning.backoff, this.#context.random), now);
    }
  }

  #onMalformed(op: Operation, fault: string): void {
    this.#context.log.warn('client.malformedAnswer', { node: op.place?.node.name, fault });
    this.#fail(op, new ClientError('PROTOCOL', fault, { mayBeDone: op.mayBeDone }));
  }

  #onDue(op: Operation, now: number): void {
    if (op.deadlineMs <= now) return this.#fail(op, pastDeadline(op, this.#map !== null));
    if (op.phase === 'backingOff') return this.#route(op, now);
    if (op.phase !== 'sent') return;
    // A read without an answer.
    if (this.#mayTryAgain(op, now)) this.#route(op, now);
    else this.#table.enter(op, 'sent', op.deadlineMs, now);
  }

  /** The ring was fetched; `isNewer`: it is another one than before. */
  #onRingSeen(isNewer: boolean): void {
    const awaiting = this.#awaiting;
    this.#awaiting = [];
    const now = this.#context.clock.now();
    for (const op of awaiting) {
      if (op.phase !== 'awaitingRing') continue;
      if (this.#map?.keyspace(op.keyspace) === undefined) {
        if (this.#fetches > op.fetches)
          this.#fail(op, new ClientError('NO_KEYSPACE', `there is no keyspace ${JSON.stringify(op.keyspace)}`));
        else this.#awaiting.push(op);
      } else if (isNewer || op.trouble === null) this.#route(op, now);
      // Whoever refused it knows of a ring that is on its way, or is behind itself.
      else this.#table.enter(op, 'backingOff', now + fullJitter(2, this.#tuning.backoff, this.#context.random), now);
    }
    if (this.#awaiting.length > 0) this.#fetch(null);
  }

  #useRing(ring: RingState): void {
    const map = new RingMap(ring, this.#places, this.#dataCenter);
    this.#map = map;
    // Bits of `tried` meant the preference lists of before.
    this.#table.each((op) => {
      op.tried = 0;
    });
    this.#desk.ringChanged(map);
  }

  /** Whoever was at `ref` does not answer what was sent there. */
  #onGone(ref: AnyRef, isNode: boolean, reason: string): void {
    const place = this.#places.find(ref);
    if (place === undefined) return;
    const { node } = place;
    const now = this.#context.clock.now();
    place.isWatched = false;
    if (isNode) node.isDown = true;
    else place.downUntilMs = now + this.#tuning.shardDownMs;
    this.#context.log.info('client.placeGone', { node: node.name, shard: place.shard, reason });
    this.#table.each((op) => {
      if (op.phase === 'sent' && op.place !== null && (op.place === place || (isNode && op.place.node === node)))
        this.#onLost(op, reason, now);
    });
    this.#probeSoon();
    this.#fetch(null);
    if (this.#table.hasQueued) this.#sendQueued();
  }

  /** The answer to what was sent last will not come. */
  #onLost(op: Operation, reason: string, now: number): void {
    op.outstanding--;
    if (op.outstanding > 0) return;
    const error = lost(op, reason);
    if (op.mayBeDone && this.#mutants?.has('clientRepeatsLostWrites') !== true) return this.#fail(op, error);
    op.trouble = error;
    op.attempts--;
    this.#route(op, now);
  }

  #mayTryAgain(op: Operation, now: number): boolean {
    return op.attempts < this.#tuning.attempts && this.#budget.take(now);
  }

  #sendQueued(): void {
    const now = this.#context.clock.now();
    for (let op = this.#table.takeQueued(); op !== undefined; op = this.#table.takeQueued()) this.#route(op, now);
  }

  #fail(op: Operation, error: ClientError): void {
    if (op.phase === 'over') return;
    this.#over(op);
    op.failed(error);
  }

  #over(op: Operation): void {
    this.#table.over(op);
    this.#desk.size--;
  }

  #fetch(preferred: NodePlaces | null): void {
    if (!this.#fetching.fetch(preferred)) this.#probeSoon();
  }

  #refreshLater(): void {
    const { ringRefreshMs } = this.#tuning;
    this.#context.after('refresh', ringRefreshMs * (0.5 + this.#context.random.float()), { type: 'refreshAgain' });
  }

  #probeSoon(): void {
    if (this.#isProbing) return;
    this.#isProbing = true;
    this.#context.after('probe', PROBE_MS, { type: 'probe' });
  }
}

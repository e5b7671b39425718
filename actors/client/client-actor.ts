/**
 * ClientActor: the client's part in a cluster. It keeps the ring, knows which nodes and shards answer, and has its operations sent by `Dispatch`. One per client, in the
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
 * Nothing is sent to a coordinator before it has answered a greeting, also after it was gone: what is lost on the way to nobody could not be told from what
 * was done. Sources: [Dynamo 6.4], request routing by the client; retries: retry.ts.
 */
import { type Actor, type ActorContext, type Answer, defineActor, type Signal, type StopReason } from '../../runtime/actor.ts';
import { unreachable } from '../../runtime/errors.ts';
import { CONTROL } from '../../runtime/lanes.ts';
import type { NodeAddress } from '../../runtime/node-address.ts';
import type { AnyRef } from '../../runtime/ref.ts';
import { FORWARDED, LISTED, SCAN_SLOT } from '../store/data-frames.ts';
import type { Greeted, Greeting } from '../store/greeting.ts';
import type { ClientDesk } from './client-desk.ts';
import type { ClientMessage } from './client-protocol.ts';
import { Dispatch } from './dispatch.ts';
import type { ClientTuning } from './options.ts';
import { type ClientDoor, type NodePlaces, type Place, Places } from './places.ts';
import { type RingFetched, RingFetching } from './ring-fetching.ts';
import { RingMap } from './ring-map.ts';

type OwnMessage =
  | RingFetched
  | { readonly type: 'greeted'; readonly place: Place; readonly answer: Answer<Greeted> }
  | { readonly type: 'tick' }
  | { readonly type: 'refreshAgain' }
  | { readonly type: 'probe' };
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
  readonly #places: Places;
  readonly #fetching: RingFetching<Message>;
  readonly #dispatch: Dispatch;
  /** Of the ring, that were answered. */
  #fetches = 0;
  #isProbing = false;

  constructor(context: ActorContext<Message>, { desk, door, seeds, dataCenter, tuning, mutants }: ClientActorArguments) {
    this.#context = context;
    this.#desk = desk;
    this.#tuning = tuning;
    this.#dataCenter = dataCenter;
    this.#places = new Places(door);
    const { clock, random, log } = context;
    const toMessage = (fetched: RingFetched): Message => fetched;
    this.#fetching = new RingFetching({ context, places: this.#places, timeoutMs: tuning.answerMs, toMessage });
    this.#dispatch = new Dispatch({
      ...{ clock, random, log, desk, tuning, mutants },
      arm: (atMs, nowMs) => context.after('tick', Math.max(0, atMs - nowMs), { type: 'tick' }),
      wantRing: (preferred) => this.#wantRing(preferred),
      greet: (place) => this.#greet(place),
      probe: () => this.#probeSoon(),
    });
    for (const address of seeds) this.#places.of(address);
    // What an actor before this one had found out.
    if (desk.map !== null) this.#useRing(desk.map.ring);
    desk.connect(context.self);
    this.#fetch(null);
    this.#refreshLater();
  }

  receive(message: Message): void {
    switch (message.type) {
      case 'work':
        return this.#dispatch.take(this.#desk.take());
      case 'refresh':
        return this.#fetch(null);
      case 'seeds':
        return this.#onSeeds(message.addresses);
      case 'fetched':
        return this.#onFetched(message);
      case 'greeted':
        return this.#onGreeted(message.place, message.answer.ok);
      case 'tick':
        return this.#dispatch.tick();
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
    if (operation === FORWARDED) return this.#dispatch.forwarded(bytes, offset, length, requestId);
    if (operation === LISTED) return this.#dispatch.listed(bytes, offset, length, requestId);
    this.#context.log.warn('client.unexpectedFrame', { operation, length });
  }

  signal(signal: Signal): void {
    switch (signal.type) {
      case 'terminated':
        return this.#onGone(signal.ref, signal.reason);
      case 'rejected':
        // Of a full mailbox, or one bad request, nothing is known of the others.
        if (signal.reason === 'overloaded' || signal.reason === 'failed') return;
        // A page is asked for again elsewhere; its coordinator is watched.
        if (signal.ref.address.slot === SCAN_SLOT) return;
        return this.#onGone(signal.ref, signal.reason);
      case 'ready':
        return;
      default:
        unreachable(signal);
    }
  }

  stopped(reason: StopReason): void {
    this.#dispatch.end(reason);
  }

  #onSeeds(addresses: readonly NodeAddress[]): void {
    for (const address of addresses) this.#places.of(address).isDown = false;
    this.#fetch(null);
  }

  #onFetched(fetched: RingFetched): void {
    const ring = this.#fetching.came(fetched, this.#desk.map?.ring ?? null);
    if (ring !== null) this.#useRing(ring);
    if (fetched.answer.ok && this.#desk.map !== null) {
      if (!fetched.isProbe) this.#fetches++;
      this.#dispatch.ringSeen(ring !== null, this.#fetches);
    } else {
      this.#probeSoon();
    }
    if (this.#places.members.every(({ isDown }) => isDown)) this.#desk.lost();
  }

  #onGreeted(place: Place, isThere: boolean): void {
    place.isGreeted = false;
    if (!isThere) {
      if (place.state !== 'down') this.#lose(place, 'no answer to a greeting');
      return;
    }
    place.state = 'up';
    this.#context.watch(place.coordinator);
    this.#dispatch.placeUp(place);
  }

  /** Somebody is down, or there is no ring. */
  #onProbe(): void {
    this.#isProbing = false;
    const areNodesDown = this.#fetching.probeDown();
    const down = this.#places.members.flatMap((node) => (node.isDown ? [] : node.shards.filter((place) => place?.state === 'down')));
    for (const place of down) this.#greet(place!);
    const isRingWanted = this.#desk.map === null || this.#dispatch.awaitsRing;
    if (isRingWanted) this.#fetch(null);
    if (areNodesDown || down.length > 0 || isRingWanted) this.#probeSoon();
  }

  #onGone(ref: AnyRef, reason: string): void {
    const place = this.#places.find(ref);
    if (place === undefined || place.state !== 'up') return;
    this.#context.log.info('client.placeGone', { node: place.node.name, shard: place.shard, reason });
    this.#lose(place, reason);
  }

  #lose(place: Place, reason: string): void {
    place.state = 'down';
    this.#dispatch.placeGone(place, reason);
    // It may be its node, and there may be a ring without it.
    this.#fetching.probe(place.node);
    this.#fetch(null);
    this.#probeSoon();
  }

  #greet(place: Place): void {
    if (place.isGreeted) return;
    place.isGreeted = true;
    this.#context.ask<Greeting, Greeted>(
      place.coordinator,
      (replyTo) => ({ type: 'greeting', replyTo }),
      { timeoutMs: this.#tuning.answerMs, lane: CONTROL },
      (answer) => ({ type: 'greeted', place, answer }),
    );
  }

  #useRing(ring: RingMap['ring']): void {
    const map = new RingMap(ring, this.#places, this.#dataCenter);
    this.#dispatch.useRing(map);
    this.#desk.ringChanged(map);
  }

  /** What is on its way may be older than what the program knows. */
  #wantRing(preferred: NodePlaces | null): number {
    const before = this.#fetches + (this.#fetching.isBusy ? 1 : 0);
    this.#fetch(preferred);
    return before;
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
    this.#context.after('probe', this.#tuning.probeMs, { type: 'probe' });
  }
}

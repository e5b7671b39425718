/** Whom ClientActor asks for the ring, and which nodes are out of reach. One fetch at a time for the ring's sake, and one per node that is down to see whether it is back. */
import type { ActorContext, Answer } from '../../runtime/actor.ts';
import { errorMessage } from '../../runtime/errors.ts';
import { CONTROL } from '../../runtime/lanes.ts';
import { decodeRing } from '../ring/ring-codec.ts';
import { compareVersions, type RingState } from '../ring/ring-state.ts';
import type { Fetched, RingMessage } from '../ring-protocol.ts';
import type { NodePlaces, Places } from './places.ts';

export interface RingFetched {
  readonly type: 'fetched';
  readonly node: NodePlaces;
  /** Asked only to see whether it is back. */
  readonly isProbe: boolean;
  readonly answer: Answer<Fetched>;
}

export interface RingFetchingOptions<M> {
  readonly context: ActorContext<M>;
  readonly places: Places;
  readonly timeoutMs: number;
  readonly toMessage: (fetched: RingFetched) => M;
}

export class RingFetching<M> {
  readonly #context: ActorContext<M>;
  readonly #places: Places;
  readonly #timeoutMs: number;
  readonly #toMessage: (fetched: RingFetched) => M;
  #asked: NodePlaces | null = null;
  /** Of the cluster whose ring was seen first; others' are not taken. */
  cluster: string | null = null;

  constructor({ context, places, timeoutMs, toMessage }: RingFetchingOptions<M>) {
    this.#context = context;
    this.#places = places;
    this.#timeoutMs = timeoutMs;
    this.#toMessage = toMessage;
  }

  /** A node is being asked for the ring. */
  get isBusy(): boolean {
    return this.#asked !== null;
  }

  /** Asks a node for the ring, unless one is being asked. Returns false when there is nobody to ask. */
  fetch(preferred: NodePlaces | null): boolean {
    if (this.#asked !== null) return true;
    const node = preferred !== null && !preferred.isDown ? preferred : this.#any();
    if (node === undefined) return false;
    this.#asked = node;
    this.#ask(node, false);
    return true;
  }

  /** Asks whether it answers, unless it is being asked. */
  probe(node: NodePlaces): void {
    if (!node.isProbed) this.#ask(node, true);
  }

  /** Asks all that are down whether they are back. Returns whether there are such. */
  probeDown(): boolean {
    const down = this.#places.members.filter((node) => node.isDown);
    for (const node of down) this.probe(node);
    return down.length > 0;
  }

  /** Returns the ring that came, when it is one of this cluster and newer than `present`; null otherwise. The node is down, or is not any more. */
  came({ node, isProbe, answer }: RingFetched, present: RingState | null): RingState | null {
    if (!isProbe) this.#asked = null;
    node.isProbed = false;
    node.isDown = !answer.ok;
    if (!answer.ok) return null;
    try {
      const ring = readRing(answer.value);
      if (ring === null || (this.cluster !== null && ring.cluster !== this.cluster)) return null;
      this.cluster = ring.cluster;
      return present === null || compareVersions(ring, present) > 0 ? ring : null;
    } catch (error) {
      this.#context.log.warn('client.ringRefused', { node: node.name, error: errorMessage(error) });
      return null;
    }
  }

  #ask(node: NodePlaces, isProbe: boolean): void {
    node.isProbed = true;
    this.#context.ask<RingMessage, Fetched>(
      node.ring,
      (replyTo) => ({ type: 'fetchRing', replyTo }),
      { timeoutMs: this.#timeoutMs, lane: CONTROL },
      (answer) => this.#toMessage({ type: 'fetched', node, isProbe, answer }),
    );
  }

  /** One that is not known to be down, when there is one. */
  #any(): NodePlaces | undefined {
    const all = this.#places.members;
    const up = all.filter(({ isDown }) => !isDown);
    const from = up.length > 0 ? up : all.filter(({ isProbed }) => !isProbed);
    return from.length === 0 ? undefined : from[this.#context.random.below(from.length)];
  }
}

/** Checked by hand: it comes from elsewhere. Errors: RuntimeError PROTOCOL. */
function readRing(fetched: Fetched): RingState | null {
  const ring = fetched?.ring;
  if (ring === null) return null;
  if (!(ring?.bytes instanceof Uint8Array)) throw new TypeError('fetched: expected a ring with bytes');
  return decodeRing(ring.bytes);
}

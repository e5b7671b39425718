/**
 * A crowd of GossipActors, or of their peers, in one simulated thread: with hundreds of nodes a network of its own for each pair would cost more than what
 * is measured. Messages between them are encoded to be counted, and take some time; a virtual second costs what hundreds of actors do in it.
 */
import { gossipActor } from '../../actors/gossip-actor.ts';
import type { GossipMessage } from '../../actors/gossip-protocol.ts';
import { type ClusterDoor, GOSSIP_SLOT } from '../../actors/membership/cluster-door.ts';
import { type ActorDefinition, defineActor } from '../../runtime/actor.ts';
import { MAIN_SHARD } from '../../runtime/address.ts';
import { OutBuffer } from '../../runtime/bytes.ts';
import { type AnyRef, Ref } from '../../runtime/ref.ts';
import { Simulation } from '../../runtime/simulation/simulation.ts';
import { PayloadEncoder } from '../../runtime/wire/encoder.ts';
import { FRAME_HEADER_BYTES } from '../../runtime/wire/frame.ts';
import { type FakeRingMessage, fakeRing, identityOf, type RingBook, ringOf } from '../../test/actors/gossip/world.ts';
import { allToAll } from './all-to-all.ts';

export type CrowdKind = 'gossip' | 'allToAll';

export interface CrowdOptions {
  readonly nodes: number;
  readonly seed: number;
  readonly kind: CrowdKind;
  /** One way, uniform. */
  readonly delayMs: readonly [number, number];
}

interface Parcel {
  readonly to: AnyRef;
  readonly message: unknown;
}

const BYTES_MAX = 1 << 20;
const PLACE = { node: 'crowd', shard: MAIN_SHARD };

const wire: ActorDefinition<Parcel | { readonly due: Parcel }, readonly [readonly [number, number]]> = defineActor(
  'wire',
  (context, [minMs, maxMs]) => {
    let count = 0;
    return {
      receive(message): void {
        if ('due' in message) (message.due.to as Ref<unknown>).tell(message.due.message);
        else context.after(count++, minMs + (maxMs - minMs) * context.random.float(), { due: message });
      },
    };
  },
  { mailbox: { capacity: 1 << 20 } },
);

/** To another node: counted, and late. */
class CountedRef extends Ref<unknown> {
  readonly #crowd: Crowd;
  readonly #target: AnyRef;

  constructor(crowd: Crowd, target: AnyRef) {
    super();
    this.#crowd = crowd;
    this.#target = target;
  }

  get address(): AnyRef['address'] {
    return this.#target.address;
  }

  tell(message: unknown): boolean {
    return this.#crowd.carry(this.#target, message);
  }

  ask<R>(): Promise<R> {
    return Promise.reject(new Error('nobody asks here'));
  }

  tellBytes(): boolean {
    return false;
  }

  toString(): string {
    return this.#target.toString();
  }
}

export class Crowd implements RingBook {
  readonly rings = new Map();
  readonly epochs: number[] = [];
  /** Of all messages between GossipActors so far, headers of frames included. */
  bytes = 0;
  messages = 0;
  readonly #simulation: Simulation;
  readonly #ringRefs: Ref<FakeRingMessage>[] = [];
  readonly #gossipRefs: Ref<GossipMessage>[] = [];
  readonly #encoder = new PayloadEncoder({ place: PLACE, boot: 1 });
  readonly #out = new OutBuffer(BYTES_MAX, BYTES_MAX);
  readonly #wire: Ref<Parcel>;

  constructor({ nodes, seed, kind, delayMs }: CrowdOptions) {
    const indexes = Array.from({ length: nodes }, (_, index) => index);
    for (const epoch of [1, 2]) this.rings.set(epoch, ringOf(epoch, indexes));
    this.#simulation = new Simulation({ seed, nodes: [{ name: PLACE.node, shards: 0 }], cpu: { runUs: 0, messageUs: 0 } });
    const { main } = this.#simulation.node(PLACE.node);
    this.#wire = main.spawn(wire, [delayMs]);
    for (const index of indexes) this.#ringRefs.push(main.spawn(fakeRing, [this, index]));
    for (const index of indexes) {
      const options = { identity: identityOf(index, 1), door: this.#doorOf(index), mutants: new Set<string>() };
      this.#gossipRefs.push(kind === 'gossip' ? main.spawn(gossipActor, [options]) : main.spawn(allToAll, [options]));
    }
    for (const index of indexes) this.install(index, 1);
  }

  install(index: number, epoch: number): void {
    this.#simulation.tell(this.#ringRefs[index]!, { type: 'install', epoch });
  }

  advance(ms: number): void {
    this.#simulation.run(this.#simulation.now + ms);
    this.#simulation.throwIfFailed();
  }

  carry(to: AnyRef, message: unknown): boolean {
    if (!this.#ringRefs.includes(to as Ref<FakeRingMessage>)) {
      this.#out.clear();
      this.#encoder.encode(message, this.#out);
      this.bytes += FRAME_HEADER_BYTES + this.#out.length;
      this.messages++;
    }
    return this.#wire.tell({ to, message });
  }

  #doorOf(own: number): ClusterDoor {
    return {
      ref: <M>(slot: number, node: string) => {
        const index = Number(node.slice(1));
        const target = slot === GOSSIP_SLOT ? this.#gossipRefs[index]! : this.#ringRefs[index]!;
        return (index === own ? target : new CountedRef(this, target)) as unknown as Ref<M>;
      },
      introduce() {
        // All are here.
      },
    };
  }
}

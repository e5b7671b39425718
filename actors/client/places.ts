/** Nodes and places (node and shard) that this client sends to, over all rings: and which of them are there. */
import { type NodeAddress, sameNodeAddress } from '../../runtime/node-address.ts';
import type { AnyRef, Ref } from '../../runtime/ref.ts';
import type { RingMessage } from '../ring-protocol.ts';
import type { Greeting } from '../store/greeting.ts';
import { NodeTimes } from './node-times.ts';
import type { Operation } from './operation.ts';

/** The client's way to the nodes; made where the client is started. */
export interface ClientDoor {
  ring(node: string): Ref<RingMessage>;
  coordinator(node: string, shard: number): Ref<Greeting>;
  scans(node: string, shard: number): AnyRef;
  /** Says where that node listens. Idempotent; a new address replaces the old one. */
  introduce(address: NodeAddress): void;
}

/**
 * new: not asked yet. up: its coordinator has answered a greeting, and is watched. down: gone, or nobody answered.
 */
export type PlaceState = 'new' | 'up' | 'down';

export class Place {
  readonly node: NodePlaces;
  readonly shard: number;
  readonly coordinator: Ref<Greeting>;
  /** Its ScanActor, which is there when the coordinator is. */
  readonly scans: AnyRef;
  state: PlaceState = 'new';
  /** A greeting has no answer yet. */
  isGreeted = false;
  /** Operations of phase `awaitingPlace`, among some that are not any more. */
  waiting: Operation[] = [];

  constructor(node: NodePlaces, shard: number, coordinator: Ref<Greeting>, scans: AnyRef) {
    this.node = node;
    this.shard = shard;
    this.coordinator = coordinator;
    this.scans = scans;
  }
}

export class NodePlaces {
  readonly name: string;
  readonly ring: Ref<RingMessage>;
  readonly shards: (Place | undefined)[] = [];
  readonly times = new NodeTimes();
  readonly #door: ClientDoor;
  address: NodeAddress;
  /** Out of reach, as far as known: it has to answer a fetch of the ring before it is sent anything else. */
  isDown = false;
  isProbed = false;
  /** Of the ring in use; before there is one, a seed. */
  isMember = true;

  constructor(address: NodeAddress, door: ClientDoor) {
    this.name = address.node;
    this.address = address;
    this.#door = door;
    this.ring = door.ring(address.node);
  }

  place(shard: number): Place {
    const known = this.shards[shard];
    if (known !== undefined) return known;
    const made = new Place(this, shard, this.#door.coordinator(this.name, shard), this.#door.scans(this.name, shard));
    this.shards[shard] = made;
    return made;
  }
}

export class Places {
  readonly #door: ClientDoor;
  readonly #nodes = new Map<string, NodePlaces>();

  constructor(door: ClientDoor) {
    this.#door = door;
  }

  get members(): readonly NodePlaces[] {
    return [...this.#nodes.values()].filter(({ isMember }) => isMember);
  }

  /** The node that listens there, introduced. */
  of(address: NodeAddress): NodePlaces {
    const known = this.#nodes.get(address.node);
    if (known !== undefined) {
      if (!sameNodeAddress(known.address, address)) this.#introduce(known, address);
      return known;
    }
    const made = new NodePlaces(address, this.#door);
    this.#nodes.set(address.node, made);
    this.#introduce(made, address);
    return made;
  }

  /** These are the members now. Others are remembered as long as an answer may come from them, or the news that none will. */
  useMembers(members: readonly NodePlaces[]): void {
    for (const node of this.#nodes.values()) {
      node.isMember = members.includes(node);
      if (!node.isMember && !node.shards.some((place) => place?.state === 'up')) this.#nodes.delete(node.name);
    }
  }

  /** The place whose coordinator `ref` is the well-known address of. */
  find(ref: AnyRef): Place | undefined {
    const { node, shard } = ref.address;
    return this.#nodes.get(node)?.shards[shard];
  }

  #introduce(node: NodePlaces, address: NodeAddress): void {
    node.address = address;
    this.#door.introduce(address);
  }
}

/** Peers: the other places that a shard has to do with, and the links to them by number. */
import type { Place } from './address.ts';
import type { LaneClass } from './lanes.ts';
import type { Link, Transport } from './link.ts';
import { Peer } from './peer.ts';
import type { ShardRuntime } from './shard-runtime.ts';

/** Places met only in addresses are remembered up to this number. */
const PEERS_MAX = 65_536;

export class Peers {
  readonly #runtime: ShardRuntime;
  readonly #byNode = new Map<string, Map<number, Peer>>();
  readonly #byLink: { readonly link: Link; readonly peer: Peer }[] = [];
  #count = 0;
  transport: Transport | null = null;

  constructor(runtime: ShardRuntime) {
    this.#runtime = runtime;
  }

  get isFull(): boolean {
    return this.#count >= PEERS_MAX;
  }

  find(node: string, shard: number): Peer | undefined {
    return this.#byNode.get(node)?.get(shard);
  }

  /** The peer of that place; made on first use and then kept. */
  get(node: string, shard: number): Peer {
    let shards = this.#byNode.get(node);
    if (shards === undefined) {
      shards = new Map();
      this.#byNode.set(node, shards);
    }
    let peer = shards.get(shard);
    if (peer === undefined) {
      peer = new Peer(this.#runtime, { node, shard });
      shards.set(shard, peer);
      this.#count++;
    }
    return peer;
  }

  /** Null without a transport. */
  openLink(place: Place, laneClass: LaneClass): Link | null {
    const link = this.transport?.link(place, laneClass) ?? null;
    if (link !== null) this.of(link);
    return link;
  }

  /** The peer of a link; a link that the transport made for a peer that called us gets its number here. */
  of(link: Link): Peer {
    if (link.index >= 0) return this.byIndex(link.index);
    const peer = this.get(link.place.node, link.place.shard);
    link.index = this.#byLink.push({ link, peer }) - 1;
    peer.setLink(link);
    return peer;
  }

  /** Requires: the number of a link. */
  byIndex(index: number): Peer {
    return (this.#byLink[index] as { readonly peer: Peer }).peer;
  }

  *all(): Iterable<Peer> {
    for (const shards of this.#byNode.values()) yield* shards.values();
  }
}

/**
 * PlaceDirectory: the remote places a transport knows, and where the nodes are that somebody introduced. Bounded: strangers, who
 * come and go under ever new names, are forgotten when they are idle and room is needed.
 */
import { MAIN_SHARD, type Place, placeName } from '../address.ts';
import type { NodeAddress } from '../node-address.ts';
import type { RemotePlace, TcpAddress } from './remote-place.ts';

export class PlaceDirectory {
  readonly #placesMax: number;
  readonly #make: (place: Place) => RemotePlace;
  readonly #places = new Map<string, RemotePlace>();
  readonly #nodes = new Map<string, NodeAddress>();

  constructor(placesMax: number, make: (place: Place) => RemotePlace) {
    this.#placesMax = placesMax;
    this.#make = make;
  }

  /** Replaces what was known of the node. Returns the places known there whose address has changed. */
  introduce(address: NodeAddress): RemotePlace[] {
    this.#nodes.set(address.node, address);
    const moved: RemotePlace[] = [];
    for (const home of this.#places.values()) {
      if (home.place.node !== address.node) continue;
      const before = home.address;
      home.address = this.#addressOf(home.place);
      if (before?.host !== home.address?.host || before?.port !== home.address?.port) moved.push(home);
    }
    return moved;
  }

  /** This side wants the place: always found. */
  obtain(place: Place): RemotePlace {
    return this.#find(place) ?? this.#add(place);
  }

  /** A peer says it is the place: null when there is no room for one more. */
  admit(place: Place): RemotePlace | null {
    const known = this.#find(place);
    if (known !== undefined) return known;
    if (this.#nodes.has(place.node) || this.#hasRoom()) return this.#add(place);
    return null;
  }

  /** Puts back a place that was forgotten. Returns false when another object has its name by now. */
  readmit(home: RemotePlace): boolean {
    if (this.#places.has(home.name)) return false;
    home.forgotten = false;
    home.address = this.#addressOf(home.place);
    this.#places.set(home.name, home);
    return true;
  }

  all(): RemotePlace[] {
    return [...this.#places.values()];
  }

  #find(place: Place): RemotePlace | undefined {
    return this.#places.get(placeName(place));
  }

  #add(place: Place): RemotePlace {
    const home = this.#make({ node: place.node, shard: place.shard });
    home.address = this.#addressOf(place);
    this.#places.set(home.name, home);
    return home;
  }

  #hasRoom(): boolean {
    if (this.#places.size < this.#placesMax) return true;
    for (const home of this.#places.values()) {
      if (!home.isIdle) continue;
      this.#places.delete(home.name);
      home.forgotten = true;
      return true;
    }
    return false;
  }

  #addressOf(place: Place): TcpAddress | null {
    const node = this.#nodes.get(place.node);
    const port = node?.ports[place.shard === MAIN_SHARD ? 0 : place.shard + 1] ?? 0;
    return node === undefined || port === 0 ? null : { host: node.host, port };
  }
}

/** RingMap: one ring as the client uses it: keyspaces by name, and for a key whom to send to. Made once per ring; a lookup allocates nothing. */
import { PreferenceLists, type PreferenceTable, type ReplicaTable } from '../ring/preference-list.ts';
import type { Keyspace, RingState } from '../ring/ring-state.ts';
import { shardOf } from '../ring/token.ts';
import type { NodePlaces, Place, Places } from './places.ts';

export interface MappedKeyspace {
  readonly keyspace: Keyspace;
  readonly table: PreferenceTable;
}

/** No more of a preference list is looked at: as many as bits fit `tried`. */
const LOOKED_AT_MAX = 31;

export class RingMap {
  readonly ring: RingState;
  readonly #lists: PreferenceLists;
  /** Of the members, by their index. */
  readonly #nodes: readonly NodePlaces[];
  /** Per member: 1: asked first, since it is of the client's own data center, or none is preferred. */
  readonly #isNear: Uint8Array;
  readonly #keyspaces = new Map<string, MappedKeyspace>();

  constructor(ring: RingState, places: Places, dataCenter: string | undefined) {
    this.ring = ring;
    this.#lists = new PreferenceLists(ring);
    this.#nodes = ring.members.map(({ address }) => places.of(address));
    this.#isNear = Uint8Array.from(ring.members, (member) => (dataCenter === undefined || member.dataCenter === dataCenter ? 1 : 0));
    for (const keyspace of ring.keyspaces) this.#keyspaces.set(keyspace.name, { keyspace, table: this.#lists.of(keyspace.n) });
    places.useMembers(this.#nodes);
  }

  get nodes(): readonly NodePlaces[] {
    return this.#nodes;
  }

  keyspace(name: string): MappedKeyspace | undefined {
    return this.#keyspaces.get(name);
  }

  partitionOf(tokenHigh: number): number {
    return this.#lists.partitionOf(tokenHigh);
  }

  /** Where members are in the order of preference for `partition` of `table`, first to last: the index of one of the first `count` that is to be asked, or -1. `tried`: bits of those to be passed over. One that is much slower than others is asked when there is no other. */
  choose(table: ReplicaTable, partition: number, count: number, tried: number, nowMs: number): number {
    const near = this.#choose(table, partition, count, tried, 1, nowMs);
    return near >= 0 ? near : this.#choose(table, partition, count, tried, 0, nowMs);
  }

  /** The place of the `at`-th member in the order of preference: the shard that owns `partition` there. */
  placeAt(table: ReplicaTable, partition: number, at: number): Place {
    const member = table.members[partition * table.stride + at]!;
    return this.#nodes[member]!.place(shardOf(partition, this.ring.members[member]!.shards, this.#lists.partitions));
  }

  #choose(table: ReplicaTable, partition: number, count: number, tried: number, near: 0 | 1, nowMs: number): number {
    const asked = count < LOOKED_AT_MAX ? count : LOOKED_AT_MAX;
    const fastestMs = this.#fastestMs(table, partition, asked, tried, near);
    let slow = -1;
    for (let i = 0; i < asked; i++) {
      if (!this.#mayAsk(table, partition, i, tried, near)) continue;
      if (!this.#nodeAt(table, partition, i).times.isPassedOver(fastestMs, nowMs)) return i;
      if (slow < 0) slow = i;
    }
    return slow;
  }

  /** The least average of those that may be asked; 0: one of them is yet to be known. */
  #fastestMs(table: ReplicaTable, partition: number, count: number, tried: number, near: 0 | 1): number {
    let fastestMs = Number.POSITIVE_INFINITY;
    for (let i = 0; i < count; i++) {
      const { averageMs } = this.#nodeAt(table, partition, i).times;
      if (averageMs < fastestMs && this.#mayAsk(table, partition, i, tried, near)) fastestMs = averageMs;
    }
    return fastestMs;
  }

  #nodeAt(table: ReplicaTable, partition: number, at: number): NodePlaces {
    return this.#nodes[table.members[partition * table.stride + at]!]!;
  }

  #mayAsk(table: ReplicaTable, partition: number, at: number, tried: number, near: 0 | 1): boolean {
    const member = table.members[partition * table.stride + at]!;
    if ((tried & (1 << at)) !== 0 || this.#isNear[member] !== near) return false;
    if (this.#nodes[member]!.isDown || this.ring.members[member]!.isExcluded) return false;
    return this.placeAt(table, partition, at).state !== 'down';
  }
}

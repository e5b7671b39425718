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

  /** Where members are in the order of preference for `partition` of `table`, first to last: the index of one of the first `count` that is to be asked, or -1. `tried`: bits of those to be passed over. */
  choose(table: ReplicaTable, partition: number, count: number, tried: number): number {
    const near = this.#choose(table, partition, count, tried, 1);
    return near >= 0 ? near : this.#choose(table, partition, count, tried, 0);
  }

  /** The place of the `at`-th member in the order of preference: the shard that owns `partition` there. */
  placeAt(table: ReplicaTable, partition: number, at: number): Place {
    const member = table.members[partition * table.stride + at]!;
    return this.#nodes[member]!.place(shardOf(partition, this.ring.members[member]!.shards, this.#lists.partitions));
  }

  #choose(table: ReplicaTable, partition: number, count: number, tried: number, near: 0 | 1): number {
    for (let i = 0; i < count && i < LOOKED_AT_MAX; i++) {
      const member = table.members[partition * table.stride + i]!;
      if ((tried & (1 << i)) !== 0 || this.#isNear[member] !== near) continue;
      if (this.#nodes[member]!.isDown || this.ring.members[member]!.isExcluded) continue;
      if (this.placeAt(table, partition, i).state !== 'down') return i;
    }
    return -1;
  }
}

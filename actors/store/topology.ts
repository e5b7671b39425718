/**
 * Topology: what a coordinator looks up in one ring, for every request: keyspaces, preference lists, and which member it is itself. Made once per ring and thread.
 */
import { ownerBytes } from '../hints/hint-key.ts';
import { PreferenceLists, type ReplicaTable } from '../ring/preference-list.ts';
import type { Keyspace, Member, RingState } from '../ring/ring-state.ts';
import { shardOf } from '../ring/token.ts';

export class Topology {
  readonly ring: RingState;
  readonly lists: PreferenceLists;
  /** Index of this node in `ring.members`; -1: it is none. */
  readonly self: number;
  readonly #keyspaces: ReadonlyMap<number, Keyspace>;
  /** The one that was looked up last: mostly it is the same. */
  #keyspace: Keyspace | undefined;
  readonly #idBytes: (Uint8Array | undefined)[] = [];

  constructor(ring: RingState, node: string) {
    this.ring = ring;
    this.lists = new PreferenceLists(ring);
    this.self = ring.members.findIndex(({ address }) => address.node === node);
    this.#keyspaces = keyspacesById(ring);
  }

  keyspace(id: number): Keyspace | undefined {
    if (this.#keyspace?.id !== id) this.#keyspace = this.#keyspaces.get(id);
    return this.#keyspace;
  }

  member(index: number): Member {
    return this.ring.members[index]!;
  }

  /** 16 bytes: the id of a member, as hints name it. */
  idBytes(index: number): Uint8Array {
    const bytes = this.#idBytes[index] ?? ownerBytes(this.member(index).id);
    this.#idBytes[index] = bytes;
    return bytes;
  }

  /** The shard of a member that has a partition. */
  shardOf(index: number, partition: number): number {
    return shardOf(partition, this.ring.members[index]!.shards, this.ring.owners.length);
  }

  /** Whether that shard of this node is the one that has the partition, if this node has it. */
  isOn(shard: number, partition: number): boolean {
    return this.self >= 0 && this.shardOf(this.self, partition) === shard;
  }
}

/** The topology of the newest ring that an actor of its thread has asked about. */
export class TopologyHolder {
  readonly #node: string;
  #topology: Topology | null = null;

  /** `node`: this node's name among transports. */
  constructor(node: string) {
    this.#node = node;
  }

  of(ring: RingState): Topology {
    if (this.#topology?.ring !== ring) this.#topology = new Topology(ring, this.#node);
    return this.#topology;
  }
}

export function keyspacesById({ keyspaces }: RingState): ReadonlyMap<number, Keyspace> {
  return new Map(keyspaces.map((keyspace) => [keyspace.id, keyspace]));
}

export function isPrimary({ members, stride, primaries }: ReplicaTable, partition: number, member: number): boolean {
  const from = partition * stride;
  for (let i = 0; i < primaries; i++) if (members[from + i] === member) return true;
  return false;
}

/**
 * Adds those primaries of a partition that are not in `into[base, base + count)` yet behind them, and returns which of all are its primaries: a mask. Whoever asks for several sets
 * of one partition has as many members then as there are bits in all masks together. Requires: at most REPLICAS_MAX distinct ones.
 */
export function addPrimaries(
  { members, stride, primaries }: ReplicaTable,
  partition: number,
  into: Uint16Array,
  base: number,
  count: number,
): number {
  let end = count;
  let mask = 0;
  for (let i = 0; i < primaries; i++) {
    const member = members[partition * stride + i]!;
    let place = placeOf(into, base, end, member);
    if (place < 0) {
      place = end++;
      into[base + place] = member;
    }
    mask |= 1 << place;
  }
  return mask;
}

/** -1: it is not among them. */
export function placeOf(members: Uint16Array, base: number, count: number, member: number): number {
  for (let i = 0; i < count; i++) if (members[base + i] === member) return i;
  return -1;
}

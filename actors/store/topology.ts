/** Topology: what a coordinator looks up in one ring, for every request: keyspaces, preference lists, and which member it is itself. Made once per ring. */
import { PreferenceLists, type ReplicaTable } from '../ring/preference-list.ts';
import type { Keyspace, Member, RingState } from '../ring/ring-state.ts';
import { shardOf } from '../ring/token.ts';
import { REPLICAS_MAX } from './replica-mask.ts';

export class Topology {
  readonly ring: RingState;
  readonly lists: PreferenceLists;
  /** Index of this node in `ring.members`; -1: it is none. */
  readonly self: number;
  readonly #keyspaces: ReadonlyMap<number, Keyspace>;

  constructor(ring: RingState, node: string) {
    this.ring = ring;
    this.lists = new PreferenceLists(ring);
    this.self = ring.members.findIndex(({ address }) => address.node === node);
    this.#keyspaces = new Map(ring.keyspaces.map((keyspace) => [keyspace.id, keyspace]));
  }

  keyspace(id: number): Keyspace | undefined {
    return this.#keyspaces.get(id);
  }

  member(index: number): Member {
    return this.ring.members[index]!;
  }

  /** The shard of a member that has a partition. */
  shardOf(index: number, partition: number): number {
    return shardOf(partition, this.ring.members[index]!.shards, this.ring.owners.length);
  }
}

export function isPrimary({ members, stride, primaries }: ReplicaTable, partition: number, member: number): boolean {
  const from = partition * stride;
  for (let i = 0; i < primaries; i++) if (members[from + i] === member) return true;
  return false;
}

/**
 * Adds the primaries of a partition to `into[base, base + count)`, each member once. Returns the new count; `maskOfPrimaries` then says which ones they are.
 * Requires: at most REPLICAS_MAX distinct ones.
 */
export function addPrimaries(
  { members, stride, primaries }: ReplicaTable,
  partition: number,
  into: Uint16Array,
  base: number,
  count: number,
): number {
  let end = count;
  for (let i = 0; i < primaries; i++) {
    const member = members[partition * stride + i]!;
    if (placeOf(into, base, end, member) < 0 && end < REPLICAS_MAX) into[base + end++] = member;
  }
  return end;
}

export function maskOfPrimaries(
  { members, stride, primaries }: ReplicaTable,
  partition: number,
  into: Uint16Array,
  base: number,
  count: number,
): number {
  let mask = 0;
  for (let i = 0; i < primaries; i++) {
    const place = placeOf(into, base, count, members[partition * stride + i]!);
    if (place >= 0) mask |= 1 << place;
  }
  return mask;
}

/** -1: it is not among them. */
export function placeOf(members: Uint16Array, base: number, count: number, member: number): number {
  for (let i = 0; i < count; i++) if (members[base + i] === member) return i;
  return -1;
}

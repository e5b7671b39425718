/**
 * Preference lists: for each partition the members to ask, best first: primaries, then stand-ins [Dynamo 4.3]. Built once per ring, looked up for every request:
 * one shift and a multiplication, and nothing allocated.
 *
 * ```
 *   const table = lists.of(keyspace.n);
 *   const at = lists.partitionOf(token.high) * table.read.stride;
 *   table.read.members[at], table.read.members[at + 1], ...      (indices in ring.members)
 * ```
 */
import type { Placement, PlacementOptions } from './placement.ts';
import type { RingState } from './ring-state.ts';
import { type Routes, routesOf } from './routes.ts';
import { partitionShift } from './token.ts';

/** More stand-ins than that in a row are down only when the cluster is. */
export const STAND_INS_MAX = 32;

export interface ReplicaTable {
  /** `stride` entries per partition, indices in `ring.members`: first the primaries, then the stand-ins. No member twice. */
  readonly members: Uint16Array;
  readonly stride: number;
  /** At most n. */
  readonly primaries: number;
}

export interface PreferenceTable {
  readonly read: ReplicaTable;
  /** A write must meet its quorum in both. The same table twice, unless a transition has both sets written. */
  readonly writes: readonly [ReplicaTable, ReplicaTable];
  /** Per partition, 1: the primaries of `writes` differ; 0: meeting the quorum of the first is enough. */
  readonly isSplit: Uint8Array;
}

export interface PreferenceListOptions extends PlacementOptions {
  /** Default: STAND_INS_MAX. */
  readonly standInsMax?: number;
}

/** Of one ring. Excluded members are listed as all others are: who asks has to pass them over. */
export class PreferenceLists {
  readonly partitions: number;
  readonly #shift: number;
  readonly #routes: Routes;
  readonly #standInsMax: number;
  /** By n. */
  readonly #tables: (PreferenceTable | undefined)[] = [];

  constructor(ring: RingState, options: PreferenceListOptions = {}) {
    this.partitions = ring.owners.length;
    this.#shift = partitionShift(this.partitions);
    this.#routes = routesOf(ring, options);
    this.#standInsMax = options.standInsMax ?? STAND_INS_MAX;
  }

  /** Of the high half of a token. */
  partitionOf(high: number): number {
    return high >>> this.#shift;
  }

  /** Cost: that of placement when n is asked for the first time; then an array access. */
  of(n: number): PreferenceTable {
    return this.#tables[n] ?? this.#build(n);
  }

  #build(n: number): PreferenceTable {
    const { read, writes } = this.#routes;
    const made = new Map<Placement, ReplicaTable>();
    const tableOf = (placement: Placement): ReplicaTable => {
      const table = made.get(placement) ?? this.#tableOf(placement, n);
      made.set(placement, table);
      return table;
    };
    const [first, second] = [tableOf(writes[0]), tableOf(writes[1])];
    const table: PreferenceTable = { read: tableOf(read), writes: [first, second], isSplit: this.#splits(first, second) };
    this.#tables[n] = table;
    return table;
  }

  #tableOf(placement: Placement, n: number): ReplicaTable {
    const primaries = placement.replicaCount(n);
    const stride = Math.min(placement.owning, primaries + this.#standInsMax);
    const members = new Uint16Array(this.partitions * stride);
    placement.fill(n, stride, members);
    return { members, stride, primaries };
  }

  #splits(a: ReplicaTable, b: ReplicaTable): Uint8Array {
    const isSplit = new Uint8Array(this.partitions);
    if (a === b) return isSplit;
    for (let p = 0; p < this.partitions; p++) {
      const of = b.members.subarray(p * b.stride, p * b.stride + b.primaries);
      const isSame =
        a.primaries === b.primaries && a.members.subarray(p * a.stride, p * a.stride + a.primaries).every((m) => of.includes(m));
      isSplit[p] = isSame ? 0 : 1;
    }
    return isSplit;
  }
}

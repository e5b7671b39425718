/**
 * Stand-ins: who takes reads and writes for primaries that are down, in a keyspace of mode `ap` [Dynamo 4.6]. The next reachable members of the preference list, each for one
 * primary and at most once per request, so that W and R count distinct nodes; none that leaves. In `cp` there are none.
 */
import type { Keyspace } from '../ring/ring-state.ts';
import type { ReplicaDoor } from './replica-door.ts';
import { lowestBit, REPLICAS_MAX } from './replica-mask.ts';
import type { RequestTable } from './request-table.ts';
import { placeOf, type Topology } from './topology.ts';

export class StandIns {
  readonly #door: ReplicaDoor;
  readonly #table: RequestTable;
  readonly #mutants: ReadonlySet<string>;

  /** Planted bugs: sloppyInCp, standInCountedTwice. */
  constructor(door: ReplicaDoor, table: RequestTable, mutants: ReadonlySet<string>) {
    this.#door = door;
    this.#table = table;
    this.#mutants = mutants;
  }

  /** Whether others may stand in for primaries. */
  isSloppy({ mode }: Keyspace): boolean {
    return mode === 'ap' || this.#mutants.has('sloppyInCp');
  }

  /**
   * The next stand-in that the request has not asked yet, as a new replica of it, for the one at place `owner`. Returns its place; -1: there is none left.
   * Cost: O(stand-ins * replicas), and only when somebody is down.
   */
  add(slot: number, topology: Topology, { n }: Keyspace, owner: number): number {
    const table = this.#table;
    const { members, stride, primaries } = topology.lists.of(n).read;
    const from = topology.lists.partitionOf(table.high[slot]!) * stride;
    const count = table.replicaCounts[slot]!;
    if (count === REPLICAS_MAX) return -1;
    for (let i = primaries; i < stride; i++) {
      const member = members[from + i]!;
      if (!this.#isFree(slot, member, count) || topology.member(member).state === 'leaving') continue;
      if (member === topology.self || this.#door.isReachable(member)) return table.addStandIn(slot, member, owner);
    }
    return -1;
  }

  /**
   * One each for `owners` (a mask) who have none yet. Returns the places of those who were found; for whom none is left is among the orphans of the slot, which its coordinator is
   * to hold the write for.
   */
  addAll(slot: number, topology: Topology, keyspace: Keyspace, owners: number): number {
    const table = this.#table;
    let added = 0;
    for (let rest = owners & ~table.covered[slot]!; rest !== 0; rest &= rest - 1) {
      const owner = lowestBit(rest);
      const place = this.add(slot, topology, keyspace, owner);
      table.covered[slot]! |= 1 << owner;
      if (place < 0) table.orphans[slot]! |= 1 << owner;
      else added |= 1 << place;
    }
    return added;
  }

  /** Fills in those who are reachable as the only replicas of the slot: this node first, if it is one, then in their order. Returns how many; where there are none the replicas stay. */
  planAlone(slot: number, topology: Topology, n: number): number {
    const table = this.#table;
    const { members, stride, primaries } = topology.lists.of(n).read;
    const from = topology.lists.partitionOf(table.high[slot]!) * stride;
    let count = 0;
    for (let round = 0; round < 2; round++) {
      for (let i = primaries; i < stride && count < REPLICAS_MAX; i++) {
        const member = members[from + i]!;
        if (topology.member(member).state === 'leaving') continue;
        const isSelf = member === topology.self;
        if (round === 0 ? isSelf : !isSelf && this.#door.isReachable(member)) table.members[slot * REPLICAS_MAX + count++] = member;
      }
    }
    if (count > 0) table.replicaCounts[slot] = count;
    return count;
  }

  #isFree(slot: number, member: number, count: number): boolean {
    const place = placeOf(this.#table.members, slot * REPLICAS_MAX, count, member);
    if (place < 0) return true;
    return this.#mutants.has('standInCountedTwice') && (this.#table.standIns[slot]! & (1 << place)) !== 0;
  }
}

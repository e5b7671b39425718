/**
 * Placement: which nodes hold a partition. Clockwise from the partition, each owner met for the first time is a replica, until n are found
 * [Dynamo 4.3, 6.2]; nobody is taken twice (TRAPS T27). Replicas are spread: of D data centers that own partitions none gets more than ceil(n / D), and of the R
 * racks of a data center none more than ceil(that / R). Who is passed over by these caps is taken in a second round, first within the caps of the data
 * centers, then regardless, when they can't be met. Behind the replicas come all others in the order of the walk: the stand-ins.
 *
 * ```
 *   partition   0   1   2   3   4   5          n = 2, racks a: {A, B}, c: {C}
 *   owner       A   B   C   A   C   B
 *   walk of 0:  A, B, C                        replicas A (rack a is full), C; then B stands in
 * ```
 * Two members are two nodes; what fails with a machine, a switch or a room is for racks and data centers to say.
 */
import type { Member } from './ring-state.ts';

export interface PlacementOptions {
  /** Planted bugs: `sameNodeTwice`, `sameRackTwice`. */
  readonly mutants?: ReadonlySet<string>;
}

/** What the caps follow from. */
export interface Topology {
  /** Members that own at least one partition. */
  readonly owning: number;
  /** Per member: number of its data center, and of its rack (which differ between data centers). */
  readonly dataCenterOf: Uint16Array;
  readonly rackOf: Uint16Array;
  readonly dataCenters: number;
  /** Per rack: in its data center, racks that own partitions. */
  readonly racksBeside: Uint16Array;
}

/** Walks one ring of owners, for any n. */
export class Placement {
  readonly #owners: Uint16Array;
  readonly #topology: Topology;
  readonly #mutants: ReadonlySet<string> | undefined;
  /** By n: a new ring has them looked at again and again. */
  readonly #rows: (Uint16Array | undefined)[] = [];

  /** Requires: owners are indices of `members`; neither changes any more. */
  constructor(members: readonly Member[], owners: Uint16Array, { mutants }: PlacementOptions = {}) {
    this.#owners = owners;
    this.#topology = topologyOf(members, owners);
    this.#mutants = mutants;
  }

  /** Distinct nodes that a partition can have: members that own something. */
  get owning(): number {
    return this.#topology.owning;
  }

  /** Replicas that each partition has, of `n` asked for. */
  replicaCount(n: number): number {
    return Math.min(n, this.#topology.owning);
  }

  /**
   * Fills `into` with one row per partition, `width` entries each: the replicas in order of preference, then as many stand-ins as there is room for.
   * Requires: replicaCount(n) <= width <= owning. Cost: O(Q x members) at worst; with few members beside n, O(Q x width).
   */
  fill(n: number, width: number, into: Uint16Array): void {
    const owners = this.#owners;
    const choice = new Choice(this.#topology, n, this.#mutants);
    // The walk of p is the owner of p, then the walk of p + 1 without it: so one list, in which each step moves one member to the front, is all walks.
    const walk = this.#walkOfLast();
    const last = owners.length - 1;
    for (let p = last; p >= 0; p--) {
      if (p < last) toFront(walk, owners[p]!);
      choice.begin(into, p * width);
      for (let i = 0; choice.found < choice.count && i < walk.length; i++) choice.offer(walk[i]!);
      choice.finish();
      let at = choice.count;
      for (let i = 0; at < width; i++) if (!choice.isTaken(walk[i]!)) into[p * width + at++] = walk[i]!;
    }
    if (this.#mutants?.has('sameNodeTwice') === true) {
      for (let p = 0; p < owners.length; p++) for (let i = 0; i < width; i++) into[p * width + i] = owners[(p + i) % owners.length]!;
    }
  }

  /** One row of `replicaCount(n)` entries per partition; not to be changed: it is the same array each time. */
  replicas(n: number): Uint16Array {
    const known = this.#rows[n];
    if (known !== undefined) return known;
    const width = this.replicaCount(n);
    const rows = new Uint16Array(this.#owners.length * width);
    this.fill(n, width, rows);
    this.#rows[n] = rows;
    return rows;
  }

  /** Whether `member` is a replica of the partition. */
  holds(n: number, partition: number, member: number): boolean {
    const rows = this.replicas(n);
    const width = this.replicaCount(n);
    for (let i = partition * width; i < (partition + 1) * width; i++) if (rows[i] === member) return true;
    return false;
  }

  #walkOfLast(): Uint16Array {
    const owners = this.#owners;
    const walk = new Uint16Array(this.#topology.owning);
    const seen = new Set<number>();
    for (let i = 0; seen.size < walk.length; i++) {
      const owner = owners[(owners.length - 1 + i) % owners.length]!;
      if (seen.has(owner)) continue;
      walk[seen.size] = owner;
      seen.add(owner);
    }
    return walk;
  }
}

/** Chooses the replicas of one partition after another, among the members that its walk meets. */
export class Choice {
  readonly #topology: Topology;
  /** Replicas to find. */
  readonly count: number;
  readonly #dataCenterMax: number;
  /** Per rack. */
  readonly #rackMax: Uint16Array;
  readonly #inDataCenter: Uint16Array;
  readonly #inRack: Uint16Array;
  readonly #isTaken: Uint8Array;
  readonly #passedOver: Uint16Array;
  #passedOverCount = 0;
  #into: Uint16Array = new Uint16Array(0);
  #at = 0;
  found = 0;

  constructor(topology: Topology, n: number, mutants?: ReadonlySet<string>) {
    const { dataCenters, racksBeside, owning } = topology;
    this.#topology = topology;
    this.count = Math.min(n, owning);
    this.#dataCenterMax = Math.ceil(n / Math.max(1, dataCenters));
    this.#rackMax = racksBeside.map((racks) => (mutants?.has('sameRackTwice') === true ? n : Math.ceil(this.#dataCenterMax / racks)));
    this.#inDataCenter = new Uint16Array(dataCenters);
    this.#inRack = new Uint16Array(racksBeside.length);
    this.#isTaken = new Uint8Array(topology.dataCenterOf.length);
    this.#passedOver = new Uint16Array(owning);
  }

  /** The next partition's replicas go to `into[at...]`. */
  begin(into: Uint16Array, at: number): void {
    for (let i = 0; i < this.found; i++) this.#isTaken[this.#into[this.#at + i]!] = 0;
    this.#inDataCenter.fill(0);
    this.#inRack.fill(0);
    this.#passedOverCount = 0;
    this.found = 0;
    this.#into = into;
    this.#at = at;
  }

  /** Requires: a member that was not offered since `begin`, while fewer than `count` are found. */
  offer(member: number): void {
    const rack = this.#topology.rackOf[member]!;
    if (this.#hasRoom(member) && this.#inRack[rack]! < this.#rackMax[rack]!) this.#take(member);
    else this.#passedOver[this.#passedOverCount++] = member;
  }

  /** All were offered, or enough are found: takes who was passed over, as long as there are not enough. */
  finish(): void {
    for (let i = 0; this.found < this.count && i < this.#passedOverCount; i++) {
      if (this.#hasRoom(this.#passedOver[i]!)) this.#take(this.#passedOver[i]!);
    }
    for (let i = 0; this.found < this.count && i < this.#passedOverCount; i++) {
      if (!this.isTaken(this.#passedOver[i]!)) this.#take(this.#passedOver[i]!);
    }
  }

  isTaken(member: number): boolean {
    return this.#isTaken[member] === 1;
  }

  #hasRoom(member: number): boolean {
    return this.#inDataCenter[this.#topology.dataCenterOf[member]!]! < this.#dataCenterMax;
  }

  #take(member: number): void {
    const { dataCenterOf, rackOf } = this.#topology;
    this.#isTaken[member] = 1;
    this.#inDataCenter[dataCenterOf[member]!]!++;
    this.#inRack[rackOf[member]!]!++;
    this.#into[this.#at + this.found++] = member;
  }
}

export function topologyOf(members: readonly Member[], owners: Uint16Array): Topology {
  const owning = new Set(owners);
  const dataCenterOf = new Uint16Array(members.length);
  const rackOf = new Uint16Array(members.length);
  const dataCenters = new Map<string, Map<string, number>>();
  const numbers = new Map<string, number>();
  let racks = 0;
  for (const [index, { dataCenter, rack }] of members.entries()) {
    if (!owning.has(index)) continue;
    let inside = dataCenters.get(dataCenter);
    if (inside === undefined) {
      inside = new Map();
      numbers.set(dataCenter, dataCenters.size);
      dataCenters.set(dataCenter, inside);
    }
    let number = inside.get(rack);
    if (number === undefined) {
      number = racks++;
      inside.set(rack, number);
    }
    dataCenterOf[index] = numbers.get(dataCenter)!;
    rackOf[index] = number;
  }
  const racksBeside = new Uint16Array(racks);
  for (const inside of dataCenters.values()) for (const rack of inside.values()) racksBeside[rack] = inside.size;
  return { owning: owning.size, dataCenterOf, rackOf, dataCenters: dataCenters.size, racksBeside };
}

/** Moves `member`, which is in the list, to its front. */
function toFront(list: Uint16Array, member: number): void {
  let carried = member;
  for (let i = 0; ; i++) {
    const here = list[i]!;
    list[i] = carried;
    if (here === member) return;
    carried = here;
  }
}

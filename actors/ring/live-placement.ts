/** Placement of owners that change one at a time, with what it costs. Requires: every member that owns something at first keeps something, after each `set`. */
import { Choice, Placement, topologyOf } from './placement.ts';
import type { Member } from './ring-state.ts';
import { leavesOf, type ShareNode } from './shares.ts';

/** A load weighs nothing as long as it is off its share by no more than this part of it; d beyond that, of a share s, weigh d x d / s times ... */
const SLACK = 0.03;
/** ... this, where a copy of a partition weighs 1: a copy more is worth it from 1 % of d. */
const UNEVENNESS = 50;

export interface LivePlacementOptions {
  readonly members: readonly Member[];
  /** Owners of whose replicas the data is. */
  readonly before: Uint16Array;
  readonly owners: Uint16Array;
  readonly root: ShareNode;
  readonly n: number;
}

export class LivePlacement {
  readonly owners: Uint16Array;
  /** Per member: partitions that it owns. */
  readonly tokens: Uint32Array;
  readonly #choice: Choice;
  readonly #owning: number;
  readonly #rows: Uint16Array;
  /** Replicas per partition. */
  readonly #width: number;
  readonly #rowsBefore: Uint16Array;
  readonly #widthBefore: number;
  /** Per partition: how many owners its walk looks at; and the greatest of them ever. */
  readonly #reach: Uint32Array;
  #reachMax = 0;
  /** Per member: replicas that it holds, and should hold. */
  readonly #held: Uint32Array;
  readonly #share: Float64Array;
  readonly #seen: Uint32Array;
  readonly #old: Uint16Array;
  #walks = 0;
  #moved = 0;
  #unevenness = 0;

  constructor({ members, before, owners, root, n }: LivePlacementOptions) {
    this.owners = owners.slice();
    this.tokens = new Uint32Array(members.length);
    for (const owner of owners) this.tokens[owner]!++;
    const topology = topologyOf(members, owners);
    this.#choice = new Choice(topology, n);
    this.#owning = topology.owning;
    this.#width = this.#choice.count;
    this.#rows = new Uint16Array(owners.length * this.#width);
    const placement = new Placement(members, before);
    this.#widthBefore = placement.replicaCount(n);
    this.#rowsBefore = placement.replicas(n);
    this.#reach = new Uint32Array(owners.length);
    this.#held = new Uint32Array(members.length);
    this.#share = new Float64Array(members.length);
    for (const { member, slots } of leavesOf([root])) this.#share[member] = slots * owners.length;
    for (const { member } of leavesOf([root])) this.#unevenness += this.#unevennessOf(member);
    this.#seen = new Uint32Array(members.length);
    this.#old = new Uint16Array(this.#width);
    for (let p = 0; p < owners.length; p++) {
      this.#walk(p);
      for (let i = 0; i < this.#width; i++) this.#count(p, this.#rows[p * this.#width + i]!, 1);
    }
  }

  get cost(): number {
    return this.#moved + UNEVENNESS * this.#unevenness;
  }

  /** Cost: that of the walks which reach `p`. */
  set(p: number, owner: number): void {
    this.tokens[this.owners[p]!]!--;
    this.tokens[owner]!++;
    this.owners[p] = owner;
    const mask = this.owners.length - 1;
    for (let back = 0; back < this.#reachMax && back <= mask; back++) {
      const q = (p - back) & mask;
      if (this.#reach[q]! <= back) continue;
      const at = q * this.#width;
      for (let i = 0; i < this.#width; i++) this.#old[i] = this.#rows[at + i]!;
      this.#walk(q);
      for (let i = 0; i < this.#width; i++) {
        if (this.#rows[at + i] === this.#old[i]) continue;
        this.#count(q, this.#old[i]!, -1);
        this.#count(q, this.#rows[at + i]!, 1);
      }
    }
  }

  #walk(p: number): void {
    const { owners } = this;
    const mask = owners.length - 1;
    const choice = this.#choice;
    const walk = ++this.#walks;
    choice.begin(this.#rows, p * this.#width);
    let met = 0;
    let reach = 0;
    for (; choice.found < choice.count && met < this.#owning; reach++) {
      const owner = owners[(p + reach) & mask]!;
      if (this.#seen[owner] === walk) continue;
      this.#seen[owner] = walk;
      met++;
      choice.offer(owner);
    }
    choice.finish();
    this.#reach[p] = reach;
    this.#reachMax = Math.max(this.#reachMax, reach);
  }

  /** Adds (1) or takes away (-1) what a replica of `p` costs. */
  #count(p: number, member: number, sign: 1 | -1): void {
    this.#unevenness -= this.#unevennessOf(member);
    this.#held[member]! += sign;
    this.#unevenness += this.#unevennessOf(member);
    if (!this.#hadBefore(p, member)) this.#moved += sign;
  }

  #hadBefore(p: number, member: number): boolean {
    for (let i = p * this.#widthBefore; i < (p + 1) * this.#widthBefore; i++) if (this.#rowsBefore[i] === member) return true;
    return false;
  }

  #unevennessOf(member: number): number {
    const share = this.#share[member]!;
    const off = Math.abs(this.#held[member]! - share) - SLACK * share;
    return off <= 0 ? 0 : (off * off) / share;
  }
}

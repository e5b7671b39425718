/**
 * Shares: how much of the data each member should hold. It follows capacity as far as the spread over data centers and racks (placement.ts) lets it: a node
 * holds a partition at most once, a rack or data center at most as often as its cap, and what such a bound leaves over goes to the others.
 */
import type { Member } from './ring-state.ts';

/** A tree of shares: the ring, its data centers, their racks, and members as leaves. */
export interface ShareNode {
  /** Replicas of each partition that fall to it, on average. */
  readonly slots: number;
  /** Most replicas of one partition that may be in it. */
  readonly most: number;
  /** Of a leaf: index in `members`. */
  readonly member: number;
  readonly children: readonly ShareNode[];
}

interface Group {
  readonly capacity: number;
  readonly most: number;
  readonly member: number;
  readonly children: readonly Group[];
}

/**
 * Shares of the members at `staying`, for n replicas. Requires: at least one. The root's slots are the replicas that each partition has.
 * Where the caps can't be met by all replicas they are dropped, as placement does: first those of racks, then those of data centers.
 */
export function sharesOf(members: readonly Member[], staying: readonly number[], n: number): ShareNode {
  const count = Math.min(n, staying.length);
  for (const rule of ['racks', 'dataCenters', 'none'] as const) {
    const root = groupOf(members, staying, n, rule);
    if (root.most >= count) return filled(root, count);
  }
  throw new RangeError('shares: more replicas than members');
}

function groupOf(members: readonly Member[], staying: readonly number[], n: number, rule: 'racks' | 'dataCenters' | 'none'): Group {
  const dataCenters = split(staying, (i) => members[i]!.dataCenter);
  const dataCenterMost = Math.ceil(n / dataCenters.length);
  return sumOf(
    Number.POSITIVE_INFINITY,
    dataCenters.map((inside) => {
      const racks = split(inside, (i) => members[i]!.rack);
      const rackMost = Math.ceil(dataCenterMost / racks.length);
      return sumOf(
        rule === 'none' ? n : dataCenterMost,
        racks.map((rack) =>
          sumOf(
            rule === 'racks' ? rackMost : n,
            rack.map((member) => ({ capacity: members[member]!.capacity, most: 1, member, children: [] })),
          ),
        ),
      );
    }),
  );
}

function sumOf(cap: number, children: readonly Group[]): Group {
  const most = children.reduce((sum, child) => sum + child.most, 0);
  return { capacity: children.reduce((sum, child) => sum + child.capacity, 0), most: Math.min(cap, most), member: -1, children };
}

/** Fills `slots` into a group by the capacities of its children; whoever would get more than its most gets that, and leaves the rest to the others. */
function filled(group: Group, slots: number): ShareNode {
  const { most, member, children } = group;
  const given = new Map<Group, number>();
  let left = slots;
  let open = [...children];
  while (open.length > 0) {
    const capacity = open.reduce((sum, child) => sum + child.capacity, 0);
    const full = open.filter((child) => (left * child.capacity) / capacity >= child.most);
    if (full.length === 0) {
      for (const child of open) given.set(child, (left * child.capacity) / capacity);
      break;
    }
    for (const child of full) {
      given.set(child, child.most);
      left -= child.most;
    }
    open = open.filter((child) => !given.has(child));
  }
  return { slots, most, member, children: children.map((child) => filled(child, given.get(child)!)) };
}

/**
 * Whole partitions for each member (by index; 0 for those without a share), near their shares and as near as that allows to what they `own` now, so that little
 * moves. Their sum is `partitions`; each gets at least 1. Requires: at least as many partitions as members.
 */
export function tokensOf(root: ShareNode, own: Uint32Array, partitions: number): Uint32Array {
  const tokens = new Uint32Array(own.length);
  const give = (node: ShareNode, total: number): void => {
    if (node.children.length === 0) tokens[node.member] = total;
    else for (const [i, part] of whole(node, own, total).entries()) give(node.children[i]!, part);
  };
  give(root, partitions);
  return tokens;
}

function whole({ slots, children }: ShareNode, own: Uint32Array, total: number): readonly number[] {
  const exact = children.map((child) => (total * child.slots) / slots);
  const least = children.map((child) => leavesOf([child]).length);
  const parts = children.map((child, i) => {
    const nearest = Math.min(Math.max(ownedBy(child, own), Math.floor(exact[i]! + 1e-9)), Math.ceil(exact[i]! - 1e-9));
    return Math.max(least[i]!, nearest);
  });
  let rest = total - parts.reduce((sum, part) => sum + part, 0);
  const best = (score: (i: number) => number): number => {
    let found = 0;
    for (let i = 1; i < parts.length; i++) if (score(i) > score(found)) found = i;
    return found;
  };
  for (; rest > 0; rest--) parts[best((i) => exact[i]! - parts[i]!)]!++;
  for (; rest < 0; rest++) parts[best((i) => (parts[i]! > least[i]! ? parts[i]! - exact[i]! : Number.NEGATIVE_INFINITY))]!--;
  return parts;
}

/** The shares of members below `nodes`. */
export function leavesOf(nodes: readonly ShareNode[]): readonly ShareNode[] {
  return nodes.flatMap((node) => (node.children.length === 0 ? [node] : leavesOf(node.children)));
}

function ownedBy(node: ShareNode, own: Uint32Array): number {
  return leavesOf([node]).reduce((sum, { member }) => sum + own[member]!, 0);
}

function split(indices: readonly number[], labelOf: (index: number) => string): readonly (readonly number[])[] {
  const groups = new Map<string, number[]>();
  for (const index of indices) {
    const group = groups.get(labelOf(index));
    if (group === undefined) groups.set(labelOf(index), [index]);
    else group.push(index);
  }
  return [...groups.values()];
}

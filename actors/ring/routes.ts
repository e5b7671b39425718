/** Routes: where the reads and writes of each partition go, at the present step of the ring (the table of ring-state.ts). */
import { Placement, type PlacementOptions } from './placement.ts';
import type { Member, RingState } from './ring-state.ts';

export interface Routes {
  readonly read: Placement;
  /** Writes must meet their quorum in both; the same placement twice, where there is one set of replicas only. */
  readonly writes: readonly [Placement, Placement];
}

export function routesOf(ring: RingState, options?: PlacementOptions): Routes {
  return routesBy(ring, (owners) => new Placement(ring.members, owners, options));
}

function routesBy({ owners, transition }: RingState, placementOf: (owners: Uint16Array) => Placement): Routes {
  const present = placementOf(owners);
  if (transition === null) return { read: present, writes: [present, present] };
  const pending = placementOf(transition.owners);
  switch (transition.step) {
    case 'writeBoth':
    case 'stream':
      return { read: present, writes: [present, pending] };
    case 'readNew':
      return { read: pending, writes: [present, pending] };
    case 'writeNew':
      return { read: pending, writes: [pending, pending] };
  }
}

/**
 * `changedAt` of `after`, which follows from `before`: its own epoch for partitions that have, for any keyspace of both, other replicas to read from or
 * to write to. Cost: that of placement, once per different n.
 */
export function changedAtOf(before: RingState, after: RingState): Uint32Array {
  const changedAt = before.changedAt.slice();
  const placed = new Map<Uint16Array, Placement>();
  const was = routesBy(before, placedOnce(before.members, placed));
  // Most steps keep members and owners, as the same arrays: what was placed is not placed again.
  const is = routesBy(after, placedOnce(after.members, after.members === before.members ? placed : new Map()));
  const indexBefore = new Map(before.members.map(({ id }, index) => [id, index]));
  const toBefore = Uint16Array.from(after.members, ({ id }) => indexBefore.get(id) ?? NOBODY);
  for (const [nBefore, nAfter] of replicaCounts(before, after)) {
    const pairs = [[was.read, is.read] as const, [was.writes[0], is.writes[0]] as const, [was.writes[1], is.writes[1]] as const];
    for (const [old, now] of pairs) {
      if (old === now && nBefore === nAfter) continue;
      mark(changedAt, after.epoch, old.replicas(nBefore), now.replicas(nAfter), toBefore);
    }
  }
  return changedAt;
}

function placedOnce(members: readonly Member[], placed: Map<Uint16Array, Placement>): (owners: Uint16Array) => Placement {
  return (owners) => {
    const placement = placed.get(owners) ?? new Placement(members, owners);
    placed.set(owners, placement);
    return placement;
  };
}

const NOBODY = 0xffff;

/** Different pairs of n before and after, of the keyspaces that both have. */
function replicaCounts(before: RingState, after: RingState): readonly (readonly [number, number])[] {
  const pairs = new Map<number, readonly [number, number]>();
  for (const { id, n } of before.keyspaces) {
    const same = after.keyspaces.find((keyspace) => keyspace.id === id);
    if (same !== undefined) pairs.set(n * 256 + same.n, [n, same.n]);
  }
  return [...pairs.values()];
}

/** Marks the partitions whose rows hold other members: the order of a row doesn't count. */
function mark(changedAt: Uint32Array, epoch: number, was: Uint16Array, is: Uint16Array, toBefore: Uint16Array): void {
  const partitions = changedAt.length;
  const wasWidth = was.length / partitions;
  const isWidth = is.length / partitions;
  for (let p = 0; p < partitions; p++) {
    if (wasWidth !== isWidth || !holdsAll(was, p * wasWidth, is, p * isWidth, isWidth, toBefore)) changedAt[p] = epoch;
  }
}

function holdsAll(was: Uint16Array, wasAt: number, is: Uint16Array, isAt: number, width: number, toBefore: Uint16Array): boolean {
  for (let i = 0; i < width; i++) {
    const member = toBefore[is[isAt + i]!]!;
    let j = 0;
    while (j < width && was[wasAt + j]! !== member) j++;
    if (j === width) return false;
  }
  return true;
}

/**
 * Plan: which owners a ring should have, for the members it has: who joins gets its share, who leaves gives all away (so whoever replaces a dead member inherits what that
 * had), and capacities that changed are followed. As little moves as can: see shares.ts and arrange.ts. Proposed by `beginTransition`; equal rings give equal plans.
 *
 * What it reaches (bench:ring): loads within 5 % of fair and moves within 5 % of the least for nodes in one rack, and loads so for racks and data centers too. Not
 * the moves: a rack that comes to hold as much as its cap lets it (a third of all, for 3 replicas) must own every third partition, and the first join which brings that about
 * on a ring that was regular may move twice the least.
 */
import type { Random } from '../../runtime/doors.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { arrange } from './arrange.ts';
import { Placement } from './placement.ts';
import { refine } from './refine.ts';
import { hashOfRing } from './ring-codec.ts';
import type { Id, Member, RingState } from './ring-state.ts';
import { leavesOf, type ShareNode, sharesOf, tokensOf } from './shares.ts';
import { PARTITIONS_DEFAULT, PARTITIONS_MAX } from './token.ts';

export interface Plan {
  /** For `beginTransition`. */
  readonly parent: string;
  readonly owners: Uint16Array;
  /** Somebody joins, leaves or gets another share: else there is nothing to begin. */
  readonly isNeeded: boolean;
  /** The greatest of the keyspaces (3 if there are none); what follows is counted for it. */
  readonly n: number;
  /** Replicas of partitions that have to be copied; and their share of all. */
  readonly moved: number;
  readonly movedShare: number;
  /** Load per capacity, the greatest beside the mean, of the worst data center; 1 is even. */
  readonly imbalanceBefore: number;
  readonly imbalanceAfter: number;
  readonly members: readonly MemberPlan[];
  /** For people. */
  readonly warnings: readonly string[];
}

/** Counts of partitions: of which it is the owner, and of which it holds a replica. */
export interface MemberPlan {
  readonly id: Id;
  readonly name: string;
  readonly ownedBefore: number;
  readonly ownedAfter: number;
  readonly heldBefore: number;
  readonly heldAfter: number;
  /** To copy to it, and to drop from it. */
  readonly gained: number;
  readonly lost: number;
}

const REPLICAS_DEFAULT = 3;
/** Enough for a part of 1 in 20: the greatest count of partitions is then within 5 % of the mean. */
const PARTITIONS_PER_MEMBER = 20;
const VNODES_PER_SHARD_MIN = 8;
/**
 * Where nobody comes or goes, copies are made only if the member that is farthest from its share comes nearer to it by this part. Why: a plan for unequal capacities may differ
 * from the owners that the one before it gave, and be no better; to follow it would move data for ever. So each change gains, and changes come to an end.
 */
const GAIN_MIN = 0.02;

/** Requires: a sound ring without a transition. Cost: below 1 s for 100 members and 4,096 partitions. */
export function planOwners(ring: RingState): Plan {
  const { members, keyspaces } = ring;
  const counts = keyspaces.length === 0 ? [REPLICAS_DEFAULT] : keyspaces.map(({ n }) => n);
  const n = Math.max(...counts);
  const parent = hashOfRing(ring);
  const staying = [...members.keys()].filter((i) => stays(members[i]!));
  const root = sharesOf(members, staying, n);
  const owners = newOwners(ring, { staying, root, n, nLeast: Math.min(...counts), random: new SeededRandom(parent) });
  const report = reportOf(ring, owners, n);
  const isNeeded = mustChange(ring) || isNearer(report.members, root, ring.owners.length);
  return { parent, ...(isNeeded ? report : reportOf(ring, ring.owners, n)), isNeeded };
}

/** Whether the member farthest from its share, above or below it, comes nearer by GAIN_MIN. Requires: each has something. */
function isNearer(rows: readonly MemberPlan[], root: ShareNode, partitions: number): boolean {
  let before = 1;
  let after = 1;
  for (const { member, slots } of leavesOf([root])) {
    const { heldBefore, heldAfter } = rows[member]!;
    const fair = slots * partitions;
    before = Math.max(before, heldBefore / fair, fair / heldBefore);
    after = Math.max(after, heldAfter / fair, fair / heldAfter);
  }
  return after < before * (1 - GAIN_MIN);
}

/** Somebody comes, goes, or has nothing yet. */
function mustChange({ members, owners }: RingState): boolean {
  const owning = new Set(owners);
  return members.some(
    (member, i) => member.state === 'leaving' || isToJoin(member) || (stays(member) && !member.isExcluded && !owning.has(i)),
  );
}

interface Aim {
  readonly staying: readonly number[];
  readonly root: ShareNode;
  readonly n: number;
  /** The least of the keyspaces. */
  readonly nLeast: number;
  readonly random: Random;
}

function newOwners(ring: RingState, { staying, root, n, nLeast, random }: Aim): Uint16Array {
  const { members } = ring;
  // Who takes over from whom is settled first: it keeps windows as they are, and nobody else has to copy anything.
  const inherited = inheritedOwners(ring);
  const own = new Uint32Array(members.length);
  for (const owner of inherited) own[owner]!++;
  const tokens = tokensOf(root, own, ring.owners.length);
  if (tokens.every((count, i) => count === own[i])) return inherited;
  // Each holder has everything already, or each is to have everything: then it is all the same who owns what.
  const isFree = Math.min(staying.length, new Set(ring.owners).size) <= nLeast;
  const drafted = arrange({ owners: inherited, tokens, root, random, isFree });
  const isEverywhere = staying.length <= n;
  if (drafted.faulty.length === 0 || isEverywhere) return drafted.owners;
  return refine({ members, before: ring.owners, drafted, root, n, random });
}

/** Owners, with a newcomer in the place of each member that leaves, where there is one in the same rack: of the same capacity, if possible. */
function inheritedOwners({ members, owners }: RingState): Uint16Array {
  const heirs = new Map<number, number>();
  const owning = new Set(owners);
  for (const [leaver, old] of members.entries()) {
    if (old.state !== 'leaving') continue;
    const candidates = [...members.keys()].filter((i) => {
      const { state, dataCenter, rack } = members[i]!;
      const isFree = state === 'joining' && !owning.has(i) && ![...heirs.values()].includes(i);
      return isFree && stays(members[i]!) && dataCenter === old.dataCenter && rack === old.rack;
    });
    const heir = candidates.find((i) => members[i]!.capacity === old.capacity) ?? candidates[0];
    if (heir !== undefined) heirs.set(leaver, heir);
  }
  return owners.map((owner) => heirs.get(owner) ?? owner);
}

/** A joining member that is excluded could not be filled. */
function isToJoin({ state, isExcluded }: Member): boolean {
  return state === 'joining' && !isExcluded;
}

function stays(member: Member): boolean {
  return member.state === 'up' || isToJoin(member);
}

function reportOf(ring: RingState, owners: Uint16Array, n: number): Omit<Plan, 'parent' | 'isNeeded'> {
  const { members } = ring;
  const before = heldBy(members, ring.owners, n);
  const after = heldBy(members, owners, n);
  const rows = members.map(({ id, name }, i): MemberPlan => {
    const held = { heldBefore: before.partitions[i]!.size, heldAfter: after.partitions[i]!.size };
    const gained = [...after.partitions[i]!].filter((p) => !before.partitions[i]!.has(p)).length;
    const owned = { ownedBefore: before.owned[i]!, ownedAfter: after.owned[i]! };
    return { id, name, ...owned, ...held, gained, lost: held.heldBefore + gained - held.heldAfter };
  });
  const moved = rows.reduce((sum, { gained }) => sum + gained, 0);
  const held = rows.reduce((sum, { heldAfter }) => sum + heldAfter, 0);
  return {
    ...{ owners, n, moved, movedShare: moved / held, members: rows },
    imbalanceBefore: imbalanceOf(
      members,
      rows.map(({ heldBefore }) => heldBefore),
    ),
    imbalanceAfter: imbalanceOf(
      members,
      rows.map(({ heldAfter }) => heldAfter),
    ),
    warnings: warningsOf(members, rows, owners.length),
  };
}

function heldBy(
  members: readonly Member[],
  owners: Uint16Array,
  n: number,
): { readonly partitions: readonly ReadonlySet<number>[]; readonly owned: Uint32Array } {
  const placement = new Placement(members, owners);
  const width = placement.replicaCount(n);
  const partitions = members.map(() => new Set<number>());
  for (const [i, member] of placement.replicas(n).entries()) partitions[member]!.add(Math.floor(i / width));
  const owned = new Uint32Array(members.length);
  for (const owner of owners) owned[owner]!++;
  return { partitions, owned };
}

/** Load per capacity: the greatest of a data center beside its mean, of the worst data center. Members that hold nothing don't count. */
export function imbalanceOf(members: readonly Member[], held: readonly number[]): number {
  let worst = 1;
  for (const dataCenter of new Set(members.map((member) => member.dataCenter))) {
    const inside = [...members.keys()].filter((i) => members[i]!.dataCenter === dataCenter && held[i]! > 0);
    const capacity = inside.reduce((sum, i) => sum + members[i]!.capacity, 0);
    const mean = inside.reduce((sum, i) => sum + held[i]!, 0) / capacity;
    for (const i of inside) worst = Math.max(worst, held[i]! / members[i]!.capacity / mean);
  }
  return worst;
}

/** Partitions for a cluster that may grow to `members`: a power of two of which even the smallest share is a fair one. */
export function recommendedPartitions(members: number): number {
  let partitions = PARTITIONS_DEFAULT;
  while (partitions < PARTITIONS_PER_MEMBER * members && partitions < PARTITIONS_MAX) partitions *= 2;
  return partitions;
}

function warningsOf(members: readonly Member[], rows: readonly MemberPlan[], partitions: number): readonly string[] {
  return members.flatMap(({ name, shards }, i) => {
    const { heldAfter } = rows[i]!;
    if (heldAfter === 0 || heldAfter >= VNODES_PER_SHARD_MIN * shards) return [];
    const few = `member ${name} holds ${heldAfter} of ${partitions} partitions for ${shards} shards`;
    return [`${few}: below ${VNODES_PER_SHARD_MIN} for each, some will have much more to do than others`];
  });
}

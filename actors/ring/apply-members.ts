/** Operations on members. Each returns what it changes, null when it is done already, or a refusal. */
import { assert } from '../../runtime/errors.ts';
import { type NodeAddress, sameNodeAddress } from '../../runtime/node-address.ts';
import { BANNED_MAX, CAPACITY_MAX, MEMBERS_MAX } from './limits.ts';
import type { NewMember } from './operation.ts';
import { type Change, type ChangeOrRefusal, isRefusal, type Refusal, refuse } from './refusal.ts';
import type { Id, Member, RingState } from './ring-state.ts';
import { addressProblem, memberProblem } from './validate.ts';

/**
 * EXISTS: its id is that of a member at another address (two directories with one id, TRAPS T5) or of a former member; or its name or node name is taken.
 * NOT_ALLOWED: the ring is full.
 */
export function addMember(ring: RingState, member: NewMember, mutants: ReadonlySet<string>): ChangeOrRefusal {
  const problem = memberProblem(member);
  if (problem !== undefined) return refuse('INVALID_ARGUMENT', problem);
  const { members, banned, owners } = ring;
  const same = members.find(({ id }) => id === member.id);
  if (same !== undefined && !mutants.has('duplicateIdAccepted')) {
    if (sameNodeAddress(same.address, member.address)) return null;
    return refuse('EXISTS', `member ${member.id} is ${same.name} at ${same.address.host}: a data directory must not be used twice`);
  }
  if (banned.includes(member.id) && !mutants.has('bannedIdAccepted')) {
    return refuse('EXISTS', `id ${member.id} was that of a member that left: it can't come back; start with an empty data directory`);
  }
  const taken = takenBy(members, member.id, member.name, member.address);
  if (taken !== undefined) return taken;
  const most = Math.min(MEMBERS_MAX, owners.length);
  if (members.length >= most)
    return refuse('NOT_ALLOWED', `the ring has ${members.length} members, the most for its ${owners.length} partitions`);
  return withMembers(ring, [...members, { ...member, state: 'joining', isExcluded: false }]);
}

/**
 * NOT_ALLOWED: no full member would be left; or it is joining and a transition gives it partitions, which has to be cancelled or to end first.
 * One that owns nothing and is to get nothing is gone at once, and its id is banned.
 */
export function removeMember(ring: RingState, id: Id): ChangeOrRefusal {
  const member = find(ring, id);
  if (isRefusal(member)) return member;
  if (member.state === 'leaving') return null;
  if (member.state === 'joining') return dropJoining(ring, member);
  return lastFull(ring, id) ?? withMembers(ring, replaced(ring.members, { ...member, state: 'leaving' }));
}

/**
 * The newcomer joins, the other leaves and is excluded: so a transition doesn't wait for it, and a plan hands its partitions to the newcomer.
 * Refused as `addMember` and `removeMember` are, and where too many would be excluded. The newcomer is in and the other leaves or is gone: done already.
 */
export function replaceMember(ring: RingState, id: Id, newcomer: NewMember, mutants: ReadonlySet<string>): ChangeOrRefusal {
  const old = ring.members.find((member) => member.id === id);
  if (old === undefined && !ring.members.some((member) => member.id === newcomer.id)) return find(ring, id) as Refusal;
  if (id === newcomer.id)
    return refuse('INVALID_ARGUMENT', `member ${id} can't replace itself: an emptied directory is a new node with a new id`);
  const added = addMember(ring, newcomer, mutants);
  if (isRefusal(added)) return added;
  const base: RingState = { ...ring, ...added };
  const member = base.members.find((m) => m.id === id);
  if (member === undefined || (member.state === 'leaving' && member.isExcluded)) return added;
  if (member.state === 'joining') {
    const dropped = dropJoining(base, member);
    return isRefusal(dropped) || added === null ? dropped : { ...added, ...dropped };
  }
  return lastFull(ring, id) ?? { ...added, members: replaced(base.members, { ...member, state: 'leaving', isExcluded: true }) };
}

/** NOT_ALLOWED: it leaves. The next plan follows the new capacity. */
export function setCapacity(ring: RingState, id: Id, capacity: number): ChangeOrRefusal {
  if (!(Number.isInteger(capacity) && capacity >= 1 && capacity <= CAPACITY_MAX)) {
    return refuse('INVALID_ARGUMENT', `capacity: expected an integer from 1 to ${CAPACITY_MAX}, found ${capacity}`);
  }
  const member = find(ring, id);
  if (isRefusal(member)) return member;
  if (member.state === 'leaving') return refuse('NOT_ALLOWED', `member ${member.name} is leaving`);
  return member.capacity === capacity ? null : { members: replaced(ring.members, { ...member, capacity }) };
}

/** EXISTS: another member has that node name. */
export function setAddress(ring: RingState, id: Id, address: NodeAddress): ChangeOrRefusal {
  const problem = addressProblem(address);
  if (problem !== undefined) return refuse('INVALID_ARGUMENT', problem);
  const member = find(ring, id);
  if (isRefusal(member)) return member;
  if (sameNodeAddress(member.address, address)) return null;
  const { node, host, ports } = address;
  return (
    takenBy(ring.members, id, member.name, address) ?? { members: replaced(ring.members, { ...member, address: { node, host, ports } }) }
  );
}

/**
 * NOT_ALLOWED: every full member would be excluded; or min(R, W) or more replicas of a partition would be (checked by `applyOperation`).
 * Excluding who is to receive partitions is allowed, but its transition then stays at `stream`: see `advance`.
 */
export function excludeMember(ring: RingState, id: Id): ChangeOrRefusal {
  const member = find(ring, id);
  if (isRefusal(member)) return member;
  if (member.isExcluded) return null;
  const isOtherThere = ring.members.some((other) => other.id !== id && other.state === 'up' && !other.isExcluded);
  if (!isOtherThere) return refuse('NOT_ALLOWED', `member ${member.name} can't be excluded: no other full member would be left`);
  return { members: replaced(ring.members, { ...member, isExcluded: true }) };
}

/** Its ring is that of a majority again: the member itself proposes it. */
export function includeMember(ring: RingState, id: Id): ChangeOrRefusal {
  const member = find(ring, id);
  if (isRefusal(member)) return member;
  return member.isExcluded ? { members: replaced(ring.members, { ...member, isExcluded: false }) } : null;
}

/**
 * The change to `members`, in any order: sorted, with owners renumbered. Those that are not among them any more are banned.
 * Requires: those own nothing and have nothing pending.
 */
export function withMembers(ring: RingState, members: readonly Member[]): Change {
  const sorted = [...members].sort((a, b) => (a.id < b.id ? -1 : 1));
  const indexOf = new Map(sorted.map(({ id }, index) => [id, index]));
  const gone = ring.members.filter(({ id }) => !indexOf.has(id)).map(({ id }) => id);
  const toNew = ring.members.map(({ id }) => indexOf.get(id));
  const renumber = (owners: Uint16Array): Uint16Array =>
    owners.map((owner) => {
      const index = toNew[owner];
      assert(index !== undefined, `member ${ring.members[owner]?.id} owns partitions and can't be taken out`);
      return index;
    });
  const { transition } = ring;
  return {
    members: sorted,
    owners: renumber(ring.owners),
    ...(transition !== null && { transition: { ...transition, owners: renumber(transition.owners) } }),
    ...(gone.length > 0 && { banned: [...ring.banned, ...gone].sort() }),
  };
}

function dropJoining(ring: RingState, member: Member): ChangeOrRefusal {
  const index = ring.members.indexOf(member);
  if (ring.transition?.owners.includes(index) === true) {
    return refuse(
      'NOT_ALLOWED',
      `member ${member.name} is joining, and a transition gives it partitions: cancel that first, or let it end`,
    );
  }
  if (ring.banned.length >= BANNED_MAX)
    return refuse('NOT_ALLOWED', `${BANNED_MAX} members have left this cluster, the most it can remember`);
  return withMembers(
    ring,
    ring.members.filter((other) => other !== member),
  );
}

function lastFull({ members }: RingState, id: Id): Refusal | undefined {
  if (members.some((member) => member.id !== id && member.state === 'up')) return undefined;
  return refuse('NOT_ALLOWED', `member ${id} is the last full one: add another, and let a transition bring it up, before it leaves`);
}

function find({ members, banned }: RingState, id: Id): Member | Refusal {
  const member = members.find((m) => m.id === id);
  return member ?? refuse('NOT_FOUND', `no member ${id}${banned.includes(id) ? ' any more' : ''}`);
}

function takenBy(members: readonly Member[], id: Id, name: string, address: NodeAddress): Refusal | undefined {
  for (const other of members) {
    if (other.id === id) continue;
    if (other.name === name) return refuse('EXISTS', `the name ${name} is that of member ${other.id}`);
    if (other.address.node === address.node)
      return refuse('EXISTS', `the node name ${address.node} is that of member ${other.id} (${other.name})`);
  }
  return undefined;
}

function replaced(members: readonly Member[], member: Member): readonly Member[] {
  return members.map((other) => (other.id === member.id ? member : other));
}

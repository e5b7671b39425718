/** Operations that move partitions. Each returns what it changes, null when it is done already, or a refusal. */
import { withMembers } from './apply-members.ts';
import { BANNED_MAX } from './limits.ts';
import { Placement } from './placement.ts';
import { type Change, type ChangeOrRefusal, type Refusal, refuse } from './refusal.ts';
import { hashOfRing } from './ring-codec.ts';
import type { Member, RingState, Step, Transition } from './ring-state.ts';

const NEXT: Readonly<Record<Step, Step | null>> = { writeBoth: 'stream', stream: 'readNew', readNew: 'writeNew', writeNew: null };

/**
 * STALE: planned from another ring. NOT_ALLOWED: one is under way, or nothing would change. INVALID_ARGUMENT: not one owner per partition, an owner that is
 * no member or leaves, or a member that is to stay and gets nothing (an excluded one may).
 */
export function beginTransition(ring: RingState, parent: string, owners: Uint16Array, mutants: ReadonlySet<string>): ChangeOrRefusal {
  if (ring.transition !== null) {
    return refuse('NOT_ALLOWED', `a transition has been under way since epoch ${ring.transition.startedAt}: cancel it, or let it end`);
  }
  const hash = hashOfRing(ring);
  if (parent !== hash && !mutants.has('joinSkipsParentCheck'))
    return refuse('STALE', `planned from the ring ${parent}, but this one is ${hash}`);
  const { members } = ring;
  if (owners.length !== ring.owners.length)
    return refuse('INVALID_ARGUMENT', `owners: expected ${ring.owners.length}, found ${owners.length}`);
  const owned = new Set(owners);
  for (const owner of owned) {
    const member = members[owner];
    if (member === undefined) return refuse('INVALID_ARGUMENT', `owners: expected indices below ${members.length}, found ${owner}`);
    if (member.state === 'leaving') return refuse('INVALID_ARGUMENT', `owners: ${member.name} leaves, and is given a partition`);
  }
  const idle = members.find(({ state, isExcluded }, index) => state !== 'leaving' && !isExcluded && !owned.has(index));
  if (idle !== undefined) return refuse('INVALID_ARGUMENT', `owners: ${idle.name} is given no partition`);
  const isSame = owners.every((owner, p) => owner === ring.owners[p]);
  if (isSame && members.every(({ state }) => state === 'up')) return refuse('NOT_ALLOWED', 'the owners are these already');
  return { transition: { startedAt: ring.epoch + 1, step: 'writeBoth', owners: owners.slice() } };
}

/**
 * STALE: another transition, or another step: also when this step is complete already. NOT_ALLOWED: `stream` can't be complete as long as a member that it
 * should fill is excluded: such a replica would be counted on, and lack what was written before. Include it again, or cancel.
 * Behind writeNew the transition is over: the pending owners are the owners, who joined and owns something is up, who leaves and owns nothing is gone.
 */
export function advance(ring: RingState, startedAt: number, step: Step, mutants: ReadonlySet<string>): ChangeOrRefusal {
  const { transition } = ring;
  if (transition === null || transition.startedAt !== startedAt) return otherTransition(ring, startedAt);
  if (transition.step !== step && !mutants.has('staleStepAccepted')) return refuse('STALE', `the step is ${transition.step}, not ${step}`);
  if (step === 'stream') {
    const unfilled = unfilledMember(ring, transition);
    if (unfilled !== undefined)
      return refuse('NOT_ALLOWED', `member ${unfilled.name} is to be filled, and is excluded: include it again, or cancel the transition`);
  }
  const next = NEXT[transition.step];
  return next === null ? ended(ring, transition) : { transition: { ...transition, step: next } };
}

/** STALE: another transition. NOT_ALLOWED: reads have moved to the new replicas. Who was joining still is, and who was leaving too. */
export function cancelTransition(ring: RingState, startedAt: number): ChangeOrRefusal {
  const { transition } = ring;
  if (transition === null || transition.startedAt !== startedAt) return otherTransition(ring, startedAt);
  if (transition.step === 'readNew' || transition.step === 'writeNew') {
    return refuse('NOT_ALLOWED', `the step is ${transition.step}: reads go to the new replicas, so it can only be completed`);
  }
  return { transition: null };
}

function ended(ring: RingState, { owners }: Transition): Change | Refusal {
  const owned = new Set(owners);
  const isGone = ({ state }: Member, index: number): boolean => state === 'leaving' && !owned.has(index);
  const stay: Member[] = [];
  for (const [index, member] of ring.members.entries()) {
    if (isGone(member, index)) continue;
    stay.push(member.state === 'joining' && owned.has(index) ? { ...member, state: 'up' } : member);
  }
  if (ring.banned.length + ring.members.length - stay.length > BANNED_MAX) {
    return refuse('NOT_ALLOWED', `${BANNED_MAX} members have left this cluster, the most it can remember`);
  }
  return { ...withMembers({ ...ring, owners, transition: null }, stay), transition: null };
}

/** An excluded member that becomes a replica of something, for any keyspace: first of those that leave. */
export function unfilledMember({ members, owners, keyspaces }: RingState, transition: Transition): Member | undefined {
  if (!members.some(({ isExcluded }) => isExcluded)) return undefined;
  const present = new Placement(members, owners);
  const pending = new Placement(members, transition.owners);
  let found: Member | undefined;
  for (const n of new Set(keyspaces.map((keyspace) => keyspace.n))) {
    const before = present.replicas(n);
    const after = pending.replicas(n);
    const [beforeWidth, afterWidth] = [before.length / owners.length, after.length / owners.length];
    for (let i = 0; i < after.length; i++) {
      const member = members[after[i]!]!;
      if (!member.isExcluded) continue;
      const at = Math.floor(i / afterWidth) * beforeWidth;
      if (before.subarray(at, at + beforeWidth).includes(after[i]!)) continue;
      if (member.state === 'leaving') return member;
      found ??= member;
    }
  }
  return found;
}

function otherTransition({ transition }: RingState, startedAt: number): Refusal {
  const found = transition === null ? 'none is under way' : `the one under way began at ${transition.startedAt}`;
  return refuse('STALE', `the transition that began at epoch ${startedAt} is over: ${found}`);
}

/** `ring force`: the way out when most voters are lost for good. An operator names who is left; a new generation fences whatever the old one may still decide. */
import { EPOCH_MAX, ID } from './limits.ts';
import { Placement } from './placement.ts';
import { type Refusal, refuse } from './refusal.ts';
import { replicasNeeded } from './replicas-needed.ts';
import { hashOfRing } from './ring-codec.ts';
import type { Id, Member, RingState } from './ring-state.ts';

/**
 * Epochs that are skipped: the old generation may have decided some that nobody left knows of, and data frames carry an epoch without its generation,
 * so none of them may come to mean two things.
 */
export const EPOCHS_SKIPPED = 65_536;

export interface Forced {
  readonly ok: true;
  readonly ring: RingState;
  /** Keyspaces that may have lost something; empty: none. */
  readonly losses: readonly Loss[];
}

export interface Loss {
  readonly keyspace: string;
  /** No survivor holds them: all their data is lost. */
  readonly lost: readonly number[];
  /** So many replicas are gone that a write which was acknowledged may have been on those only. */
  readonly weakened: readonly number[];
}

/**
 * The ring of the next generation: all but `survivors` are removed and banned; a partition of theirs goes to the first survivor
 * that holds a replica of it, else to the next one clockwise. Loads are uneven until the next transition. A transition that was under way is over: back to the old owners if reads had not moved, else
 * forward to the new ones. Nobody is excluded any more; if all survivors were leaving, they stay.
 *
 * Requires: those that are removed are stopped for good; one that runs on serves its clients the old ring until it hears of this one.
 * Errors: NOT_FOUND: a survivor is no member. INVALID_ARGUMENT: none, one twice. NOT_ALLOWED: no survivor owns a partition, so none holds data.
 * Cost: that of placement.
 */
export function forcedRing(ring: RingState, survivors: readonly Id[], operationId: Id): Forced | Refusal {
  if (!ID.test(operationId))
    return refuse('INVALID_ARGUMENT', `operationId: expected 32 hexadecimal digits, found ${JSON.stringify(operationId)}`);
  if (survivors.length === 0) return refuse('INVALID_ARGUMENT', 'survivors: expected at least one, found none');
  const left = new Set(survivors);
  if (left.size !== survivors.length) return refuse('INVALID_ARGUMENT', 'survivors: one is named twice');
  const stranger = survivors.find((id) => !ring.members.some((member) => member.id === id));
  if (stranger !== undefined) return refuse('NOT_FOUND', `survivors: no member ${stranger}`);
  if (ring.generation === EPOCH_MAX || ring.epoch > EPOCH_MAX - EPOCHS_SKIPPED) {
    return refuse('NOT_ALLOWED', `generation ${ring.generation}, epoch ${ring.epoch} is too near the last`);
  }
  const base = completeOwners(ring);
  const stays = ring.members.map(({ id }) => left.has(id));
  if (!base.some((owner) => stays[owner] === true)) return refuse('NOT_ALLOWED', 'survivors: none of them holds data');
  const members = stayingMembers(ring, left, base);
  const next: RingState = {
    ...ring,
    ...{ generation: ring.generation + 1, epoch: ring.epoch + EPOCHS_SKIPPED, parent: hashOfRing(ring), operationId, members },
    owners: handedOver(ring, stays, base, members),
    transition: null,
    // All of them: no frame of the old generation is taken for one of this.
    changedAt: ring.changedAt.map(() => ring.epoch + EPOCHS_SKIPPED),
    banned: [...ring.banned, ...ring.members.filter(({ id }) => !left.has(id)).map(({ id }) => id)].sort(),
  };
  return { ok: true, ring: next, losses: lossesOf(ring, stays, base) };
}

/** The owners whose replicas hold all data: the pending ones from readNew on. */
function completeOwners({ owners, transition }: RingState): Uint16Array {
  return transition !== null && (transition.step === 'readNew' || transition.step === 'writeNew') ? transition.owners : owners;
}

function stayingMembers({ members }: RingState, left: ReadonlySet<Id>, base: Uint16Array): readonly Member[] {
  const owning = new Set(base);
  const staying = members
    .map((member, index) => (member.state === 'joining' && owning.has(index) ? { ...member, state: 'up' as const } : member))
    .filter(({ id }) => left.has(id))
    .map((member) => ({ ...member, isExcluded: false }));
  if (staying.some(({ state }) => state === 'up')) return staying;
  return staying.map((member) => (member.state === 'leaving' ? { ...member, state: 'up' } : member));
}

function handedOver(ring: RingState, stays: readonly boolean[], base: Uint16Array, members: readonly Member[]): Uint16Array {
  const before = ring.members;
  const indexOf = new Map(members.map(({ id }, index) => [id, index]));
  const placement = new Placement(before, base);
  const width = placement.replicaCount(Math.max(1, ...ring.keyspaces.map(({ n }) => n)));
  const replicas = placement.replicas(width);
  const owners = new Uint16Array(base.length);
  let next = base.find((owner) => stays[owner] === true)!;
  for (let p = base.length - 1; p >= 0; p--) {
    if (stays[base[p]!] === true) next = base[p]!;
    const holder = replicas.subarray(p * width, (p + 1) * width).find((member) => stays[member] === true);
    owners[p] = indexOf.get(before[holder ?? next]!.id)!;
  }
  return owners;
}

function lossesOf(ring: RingState, stays: readonly boolean[], base: Uint16Array): readonly Loss[] {
  const placement = new Placement(ring.members, base);
  return ring.keyspaces.flatMap(({ name, n, w }) => {
    const width = placement.replicaCount(n);
    const replicas = placement.replicas(n);
    const written = Math.min(width, replicasNeeded(w, width));
    const lost: number[] = [];
    const weakened: number[] = [];
    for (let p = 0; p < base.length; p++) {
      const gone = replicas.subarray(p * width, (p + 1) * width).filter((member) => stays[member] !== true).length;
      if (gone === width) lost.push(p);
      else if (gone >= written) weakened.push(p);
    }
    return lost.length + weakened.length === 0 ? [] : [{ keyspace: name, lost, weakened }];
  });
}

/** What must hold of each step from one ring to the next, told naively. Simulations of whole clusters can check their decided rings by it too. */
import type { Operation } from '../../../actors/ring/operation.ts';
import { decodeRing, encodeRing, hashOfRing } from '../../../actors/ring/ring-codec.ts';
import type { RingState } from '../../../actors/ring/ring-state.ts';
import { validateRing } from '../../../actors/ring/validate.ts';
import { naivePreferenceList } from './naive-placement.ts';

/** Returns the laws that are broken by `next`, which `operation` made of `ring`. */
export function brokenLaws(ring: RingState, operation: Operation, next: RingState): string[] {
  const broken = validateRing(next);
  const law = (holds: boolean, text: string): void => {
    if (!holds) broken.push(text);
  };
  law(next.generation === ring.generation && next.epoch === ring.epoch + 1, 'the epoch is the next one');
  law(next.parent === hashOfRing(ring), 'the parent is the ring before');
  law(next.cluster === ring.cluster && next.clusterName === ring.clusterName, 'the cluster stays');
  law(
    ring.banned.every((id) => next.banned.includes(id)),
    'who is banned stays banned',
  );
  const ids = next.members.map(({ id }) => id);
  law(
    ring.members.every(({ id }) => ids.includes(id) || next.banned.includes(id)),
    'who goes is banned',
  );
  law(next.nextKeyspaceId >= ring.nextKeyspaceId, 'keyspace ids rise');
  for (const { id, name } of next.keyspaces) {
    law(id >= ring.nextKeyspaceId || ring.keyspaces.some((old) => old.id === id && old.name === name), 'a keyspace id is not used again');
  }
  if (broken.length > 0) return broken;
  law(hashOfRing(decodeRing(encodeRing(next))) === hashOfRing(next), 'it survives its encoding');
  broken.push(...brokenOwnerLaws(ring, operation, next), ...brokenReplicaLaws(ring, next));
  return broken;
}

function brokenOwnerLaws(ring: RingState, operation: Operation, next: RingState): string[] {
  const ownersOf = ({ members, owners }: RingState): string => Array.from(owners, (owner) => members[owner]!.id).join();
  const pending = ({ members, transition }: RingState): string =>
    Array.from(transition?.owners ?? [], (owner) => members[owner]!.id).join();
  const hasEnded = ring.transition?.step === 'writeNew' && next.transition === null;
  const broken: string[] = [];
  if (ownersOf(next) !== (hasEnded ? pending(ring) : ownersOf(ring)))
    broken.push('owners change at the end of a transition only, and to the pending ones');
  if (operation.type === 'beginTransition' && operation.parent !== hashOfRing(ring)) broken.push('a plan is for the ring it was made from');
  if (operation.type === 'advance' && operation.step !== ring.transition?.step) broken.push('the step that is complete is the present one');
  if (ring.transition !== null && next.transition !== null && pending(ring) !== pending(next))
    broken.push('pending owners stay what they were');
  return broken;
}

/** Replica sets of a partition: where reads go, and the two (or one, twice) where writes go; as sorted ids. */
function routes({ members, owners, transition }: RingState, n: number, partition: number): readonly string[] {
  const set = (of: Uint16Array): string =>
    naivePreferenceList(members, of, partition, n)
      .slice(0, n)
      .map((index) => members[index]!.id)
      .sort()
      .join();
  const old = set(owners);
  if (transition === null) return [old, old, old];
  const now = set(transition.owners);
  return { writeBoth: [old, old, now], stream: [old, old, now], readNew: [now, old, now], writeNew: [now, now, now] }[transition.step];
}

function brokenReplicaLaws(ring: RingState, next: RingState): string[] {
  const broken: string[] = [];
  const owning = new Set(next.owners).size;
  for (let p = 0; p < next.owners.length; p++) {
    let hasChanged = false;
    for (const { id, n } of next.keyspaces) {
      const [read, ...writes] = routes(next, n, p);
      if (next.transition === null && new Set(read!.split(',')).size !== Math.min(n, owning))
        broken.push(`partition ${p} has too few replicas`);
      const before = ring.keyspaces.find((keyspace) => keyspace.id === id);
      if (before !== undefined && routes(ring, before.n, p).join(' ') !== [read, ...writes].join(' ')) hasChanged = true;
    }
    if (next.changedAt[p] !== (hasChanged ? next.epoch : ring.changedAt[p]))
      broken.push(`changedAt of partition ${p} is ${next.changedAt[p]}`);
  }
  return broken;
}

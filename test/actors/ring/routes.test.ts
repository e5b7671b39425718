import test from 'ava';
import type { RingState } from '../../../actors/ring/ring-state.ts';
import { changedAtOf } from '../../../actors/ring/routes.ts';
import { RingWorld } from './ring-world.ts';

/** With arrays of its own, so that nothing of the ring before is taken for its own. */
function apart(ring: RingState): RingState {
  const { owners, transition } = ring;
  return { ...ring, owners: owners.slice(), transition: transition && { ...transition, owners: transition.owners.slice() } };
}

test('changed at: what was placed before is placed anew, when its members are in other racks', (t) => {
  const { ring: before } = new RingWorld(6);
  const members = before.members.map((member, i) => ({ ...member, rack: i < 2 ? 'one' : 'two' }));
  const after = { ...before, epoch: before.epoch + 1, members };
  const changedAt = changedAtOf(before, after);
  t.deepEqual(changedAt, changedAtOf(before, apart(after)));
  t.true(changedAt.includes(after.epoch));
  t.false(changedAtOf(before, { ...before, epoch: after.epoch }).includes(after.epoch));
});

test('changed at: each step says the same, when it has the arrays of the one before', (t) => {
  const { ring } = new RingWorld(6);
  const owners = ring.owners.map((owner, i) => (i % 5 === 0 ? (owner + 1) % ring.members.length : owner));
  const steps = ['writeBoth', 'stream', 'readNew', 'writeNew'] as const;
  const rings: RingState[] = [ring];
  for (const [i, step] of steps.entries())
    rings.push({ ...ring, epoch: ring.epoch + 1 + i, transition: { startedAt: ring.epoch + 1, step, owners } });
  rings.push({ ...ring, epoch: ring.epoch + 5, owners });
  for (const [i, after] of rings.entries()) {
    if (i === 0) continue;
    const before = rings[i - 1]!;
    const changedAt = changedAtOf(before, after);
    t.deepEqual(changedAt, changedAtOf(before, apart(after)), `${i}`);
    t.is(changedAt.includes(after.epoch), i !== 2 && i !== 5, `${i}`);
  }
});

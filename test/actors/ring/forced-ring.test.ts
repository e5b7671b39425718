import test, { type ExecutionContext } from 'ava';
import { EPOCHS_SKIPPED, type Forced, forcedRing } from '../../../actors/ring/forced-ring.ts';
import { hashOfRing } from '../../../actors/ring/ring-codec.ts';
import { validateRing } from '../../../actors/ring/validate.ts';
import { naivePreferenceList } from './naive-placement.ts';
import { idOf, memberOf, RingWorld } from './ring-world.ts';

const OPERATION = idOf(0xf);

function force(t: ExecutionContext, { ring }: RingWorld, survivors: readonly number[]): Forced {
  const forced = forcedRing(ring, survivors.map(idOf), OPERATION);
  if (!forced.ok) throw new Error(forced.message);
  t.deepEqual(validateRing(forced.ring), []);
  return forced;
}

test('ring force: a new generation that follows from the old ring, with the others banned', (t) => {
  const world = new RingWorld(5);
  const { ring } = force(t, world, [1, 4]);
  t.like(ring, {
    generation: 2,
    epoch: world.ring.epoch + EPOCHS_SKIPPED,
    parent: hashOfRing(world.ring),
    operationId: OPERATION,
    transition: null,
  });
  t.deepEqual(
    ring.members.map(({ name }) => name),
    ['n1', 'n4'],
  );
  t.deepEqual(ring.banned, [2, 3, 5].map(idOf));
  t.true(ring.changedAt.every((epoch) => epoch === ring.epoch));
});

test('ring force: replicas that survive are replicas still, and none is lost, when fewer than n are gone', (t) => {
  const world = new RingWorld(5);
  const { ring, losses } = force(t, world, [1, 2, 4]);
  for (let p = 0; p < 64; p++) {
    const before = naivePreferenceList(world.ring.members, world.ring.owners, p, 3)
      .slice(0, 3)
      .map((i) => world.ring.members[i]!.id);
    const after = naivePreferenceList(ring.members, ring.owners, p, 3)
      .slice(0, 3)
      .map((i) => ring.members[i]!.id);
    for (const id of before.filter((one) => ring.members.some((member) => member.id === one))) t.true(after.includes(id));
  }
  t.deepEqual(
    losses.map(({ lost }) => lost.length),
    [0],
  );
  t.true(losses[0]!.weakened.length > 0);
});

test('ring force: it says which partitions have lost all replicas, and which may lack an acknowledged write', (t) => {
  const world = new RingWorld(6, { keyspace: { n: 2, w: 2 } });
  const { losses } = force(t, world, [1, 2, 3]);
  const gone = (p: number): number =>
    naivePreferenceList(world.ring.members, world.ring.owners, p, 2)
      .slice(0, 2)
      .filter((i) => i >= 3).length;
  const all = [...world.ring.owners.keys()];
  t.deepEqual(losses, [{ keyspace: 'users', lost: all.filter((p) => gone(p) === 2), weakened: [] }]);
  t.deepEqual(force(t, new RingWorld(3, { keyspace: { w: 'all' } }), [1]).losses, []);
  t.deepEqual(force(t, new RingWorld(3, { keyspace: { w: 'one' } }), [1, 2]).losses[0]?.weakened.length, 64);
});

const midway = test.macro((t: ExecutionContext, step: 'stream' | 'readNew', isUp: boolean) => {
  const world = new RingWorld(3);
  world.do({ type: 'addMember', member: memberOf(4) });
  world.begin();
  world.advance(step);
  const { ring } = force(t, world, [1, 4]);
  t.is(ring.members.find(({ id }) => id === idOf(4))?.state, isUp ? 'up' : 'joining');
  t.is(new Set(ring.owners).size, isUp ? 2 : 1);
});
test('ring force: a transition is taken back, when its data had not arrived', midway, 'stream', false);
test('ring force: a transition is taken as done, when reads had moved', midway, 'readNew', true);

test('ring force: survivors are included, and stay when all of them were leaving', (t) => {
  const world = new RingWorld(3);
  world.do({ type: 'removeMember', id: idOf(2) });
  world.do({ type: 'excludeMember', id: idOf(2) });
  t.deepEqual(
    force(t, world, [2]).ring.members.map(({ state, isExcluded }) => [state, isExcluded]),
    [['up', false]],
  );
  t.deepEqual(
    force(t, world, [1, 2]).ring.members.map(({ state }) => state),
    ['up', 'leaving'],
  );
});

test('ring force: refused, when survivors are none, strangers, twice, or hold nothing', (t) => {
  const world = new RingWorld(3);
  world.do({ type: 'addMember', member: memberOf(4) });
  t.like(forcedRing(world.ring, [], OPERATION), { ok: false, code: 'INVALID_ARGUMENT' });
  t.like(forcedRing(world.ring, [idOf(9)], OPERATION), { ok: false, code: 'NOT_FOUND' });
  t.like(forcedRing(world.ring, [idOf(1), idOf(1)], OPERATION), { ok: false, code: 'INVALID_ARGUMENT' });
  t.like(forcedRing(world.ring, [idOf(4)], OPERATION), { ok: false, code: 'NOT_ALLOWED' });
  t.like(forcedRing(world.ring, [idOf(1)], 'x'), { ok: false, code: 'INVALID_ARGUMENT' });
});

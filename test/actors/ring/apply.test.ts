import test, { type ExecutionContext } from 'ava';
import { applyOperation } from '../../../actors/ring/apply.ts';
import type { Operation, OperationRefusal } from '../../../actors/ring/operation.ts';
import { hashOfRing } from '../../../actors/ring/ring-codec.ts';
import { idOf, keyspaceOf, memberOf, RingWorld, STEPS } from './ring-world.ts';

const refused = test.macro(
  (t: ExecutionContext, make: () => RingWorld, operation: (world: RingWorld) => Operation, code: OperationRefusal, message: RegExp) => {
    const world = make();
    const { ring } = world;
    const applied = world.try(operation(world));
    t.like(applied, { ok: false, code });
    t.regex(applied.ok ? '' : applied.message, message);
    t.is(world.ring, ring);
  },
);
/** Done already: the same ring, so that no epoch is spent. */
const idle = test.macro((t: ExecutionContext, make: () => RingWorld, operation: (world: RingWorld) => Operation) => {
  const world = make();
  const { ring } = world;
  t.true(world.try(operation(world)).ok);
  t.is(world.ring, ring);
});

const alone = (): RingWorld => new RingWorld(1);
const three = (): RingWorld => new RingWorld(3);
const joined = (): RingWorld => {
  const world = three();
  world.do({ type: 'addMember', member: memberOf(4) });
  return world;
};
const moving = (): RingWorld => {
  const world = joined();
  world.begin();
  return world;
};
const left = (): RingWorld => {
  const world = new RingWorld(4);
  world.do({ type: 'removeMember', id: idOf(4) });
  world.settle();
  return world;
};
const add = (number: number, changes: object = {}): Operation => ({ type: 'addMember', member: { ...memberOf(number), ...changes } });

test('addMember: it joins, owns nothing, and does not change who is a replica', (t) => {
  const world = three();
  const { changedAt } = world.ring;
  world.do(add(0));
  t.deepEqual(world.in('joining'), [0]);
  t.deepEqual(world.ring.changedAt, changedAt);
  t.is(world.ring.members[world.ring.owners[0]!]!.state, 'up');
});
test('addMember: done already, when id and address are the same', idle, joined, () => add(4, { capacity: 7 }));
test(
  'addMember: refused, when the id is used at another address [T5]',
  refused,
  joined,
  () => add(4, { address: memberOf(5).address }),
  'EXISTS',
  /used twice/,
);
test('addMember: refused, when the id is that of a former member [T23]', refused, left, () => add(4), 'EXISTS', /can't come back/);
test('addMember: refused, when the name is taken', refused, three, () => add(4, { name: 'n2' }), 'EXISTS', /name n2 is that of member/);
test(
  'addMember: refused, when the node name is taken',
  refused,
  three,
  () => add(4, { address: memberOf(2).address }),
  'EXISTS',
  /node name n2/,
);
test(
  'addMember: refused, when a label is malformed',
  refused,
  three,
  () => add(4, { rack: 'a b' }),
  'INVALID_ARGUMENT',
  /rack of .*, found "a b"/,
);
test(
  'addMember: refused, when there is a member for each partition',
  refused,
  () => new RingWorld(8, { partitions: 8 }),
  () => add(9),
  'NOT_ALLOWED',
  /8 members, the most for its 8 partitions/,
);

test('removeMember: it leaves, keeps owning, and is gone and banned when a transition has ended', (t) => {
  const world = three();
  world.do({ type: 'removeMember', id: idOf(2) });
  t.deepEqual(world.in('leaving'), [2]);
  world.begin();
  world.advance('writeNew');
  t.deepEqual(world.in('leaving'), [2]);
  world.advance();
  t.deepEqual(world.in('up'), [1, 3]);
  t.deepEqual(world.ring.banned, [idOf(2)]);
});
test('removeMember: it is gone at once, when it was only joining', (t) => {
  const world = joined();
  world.do({ type: 'removeMember', id: idOf(4) });
  t.is(world.member(4), undefined);
  t.deepEqual(world.ring.banned, [idOf(4)]);
});
test(
  'removeMember: done already, when it is leaving',
  idle,
  () => {
    const world = three();
    world.do({ type: 'removeMember', id: idOf(2) });
    return world;
  },
  () => ({ type: 'removeMember', id: idOf(2) }),
);
test(
  'removeMember: refused, when it is the last full one',
  refused,
  alone,
  () => ({ type: 'removeMember', id: idOf(1) }),
  'NOT_ALLOWED',
  /last full one/,
);
test(
  'removeMember: refused, when nobody has that id',
  refused,
  left,
  () => ({ type: 'removeMember', id: idOf(4) }),
  'NOT_FOUND',
  /any more/,
);
test(
  'removeMember: refused, when it is to get partitions',
  refused,
  moving,
  () => ({ type: 'removeMember', id: idOf(4) }),
  'NOT_ALLOWED',
  /cancel that first/,
);

test('replaceMember: the newcomer joins and the dead one leaves excluded, and its partitions go to the newcomer alone [T23]', (t) => {
  const world = new RingWorld(5);
  const index = world.ring.members.findIndex(({ id }) => id === idOf(2));
  const had = [...world.ring.owners.keys()].filter((p) => world.ring.owners[p] === index);
  world.do({ type: 'replaceMember', id: idOf(2), member: memberOf(9) });
  t.like(world.member(2), { state: 'leaving', isExcluded: true });
  t.like(world.member(9), { state: 'joining', isExcluded: false });
  world.settle();
  t.deepEqual(world.in('up'), [1, 3, 4, 5, 9]);
  t.deepEqual(
    had.map((p) => world.ring.members[world.ring.owners[p]!]!.name),
    had.map(() => 'n9'),
  );
  t.deepEqual(world.ring.banned, [idOf(2)]);
});
const replaceBy9 = { type: 'replaceMember', id: idOf(2), member: memberOf(9) } as const;
test(
  'replaceMember: done already, when it was done',
  idle,
  () => {
    const world = new RingWorld(4);
    world.do(replaceBy9);
    return world;
  },
  () => replaceBy9,
);
test(
  'replaceMember: done already, when the dead one is gone',
  idle,
  () => {
    const world = new RingWorld(4);
    world.do(replaceBy9);
    world.settle();
    return world;
  },
  () => replaceBy9,
);
test(
  'replaceMember: refused, when both are the same',
  refused,
  three,
  () => ({ ...replaceBy9, member: memberOf(2) }),
  'INVALID_ARGUMENT',
  /replace itself/,
);
test('replaceMember: refused, when neither is there', refused, three, () => ({ ...replaceBy9, id: idOf(7) }), 'NOT_FOUND', /no member/);
test(
  'replaceMember: refused, when another is excluded and too few replicas would be left',
  refused,
  () => {
    const world = three();
    world.do({ type: 'excludeMember', id: idOf(3) });
    return world;
  },
  () => replaceBy9,
  'NOT_ALLOWED',
  /fewer than min\(R, W\) = 2.*raise r and w/,
);

test(
  'excludeMember: refused, when a keyspace would have min(R, W) replicas excluded',
  refused,
  () => new RingWorld(3, { keyspace: { r: 1, w: 'all' } }),
  () => ({ type: 'excludeMember', id: idOf(3) }),
  'NOT_ALLOWED',
  /keyspace users: 1 of 3 replicas/,
);
test(
  'excludeMember: refused, when no other full member is left',
  refused,
  () => new RingWorld(1, { keyspace: null }),
  () => ({ type: 'excludeMember', id: idOf(1) }),
  'NOT_ALLOWED',
  /no other full member/,
);
test('excludeMember: one of three may be, and is in again by includeMember', (t) => {
  const world = three();
  world.do({ type: 'excludeMember', id: idOf(3) });
  t.true(world.member(3)?.isExcluded);
  world.do({ type: 'includeMember', id: idOf(3) });
  t.false(world.member(3)?.isExcluded);
});
test(
  'createKeyspace: refused, when exclusions of now would be too many for it',
  refused,
  () => {
    const world = three();
    world.do({ type: 'excludeMember', id: idOf(3) });
    return world;
  },
  () => ({ type: 'createKeyspace', keyspace: keyspaceOf('fast', { w: 'one' }) }),
  'NOT_ALLOWED',
  /keyspace fast/,
);

test('setCapacity: done already, when it is that', idle, three, () => ({ type: 'setCapacity', id: idOf(2), capacity: 100 }));
test(
  'setCapacity: refused, when it is none',
  refused,
  three,
  () => ({ type: 'setCapacity', id: idOf(2), capacity: 0.5 }),
  'INVALID_ARGUMENT',
  /found 0.5/,
);
test(
  'setAddress: refused, when another has the node name',
  refused,
  three,
  () => ({ type: 'setAddress', id: idOf(2), address: memberOf(3).address }),
  'EXISTS',
  /node name n3/,
);
test('setAddress: it moves, and is found by its id', (t) => {
  const world = three();
  world.do({ type: 'setAddress', id: idOf(2), address: { node: 'n2', host: 'elsewhere', ports: [1, 2] } });
  t.is(world.member(2)?.address.host, 'elsewhere');
});

test('createKeyspace: ids rise, and are not used again', (t) => {
  const world = three();
  world.do({ type: 'dropKeyspace', name: 'users' });
  world.do({ type: 'createKeyspace', keyspace: keyspaceOf('users') });
  t.deepEqual(
    world.ring.keyspaces.map(({ id }) => id),
    [2],
  );
});
test(
  'createKeyspace: refused, when the name is taken',
  refused,
  three,
  () => ({ type: 'createKeyspace', keyspace: keyspaceOf('users') }),
  'EXISTS',
  /users/,
);
test(
  'createKeyspace: refused, when reads and writes of cp need not meet',
  refused,
  three,
  () => ({ type: 'createKeyspace', keyspace: keyspaceOf('c', { mode: 'cp', r: 1 }) }),
  'INVALID_ARGUMENT',
  /r \+ w above n = 3/,
);
test('alterKeyspace: another n changes replicas at once', (t) => {
  const world = new RingWorld(4);
  const before = world.ring.changedAt;
  world.do({ type: 'alterKeyspace', name: 'users', changes: { n: 3, ttlMs: 5 } });
  t.deepEqual(world.ring.changedAt, before);
  world.do({ type: 'alterKeyspace', name: 'users', changes: { n: 2 } });
  t.true(world.ring.changedAt.every((epoch) => epoch === world.ring.epoch));
});
test('alterKeyspace: done already, when nothing changes', idle, three, () => ({
  type: 'alterKeyspace',
  name: 'users',
  changes: { n: 3, r: 'quorum' },
}));
test(
  'alterKeyspace: refused for n, when a transition is under way',
  refused,
  moving,
  () => ({ type: 'alterKeyspace', name: 'users', changes: { n: 2 } }),
  'NOT_ALLOWED',
  /n can't change/,
);
test(
  'alterKeyspace: refused, when w would be above n',
  refused,
  three,
  () => ({ type: 'alterKeyspace', name: 'users', changes: { w: 4 } }),
  'INVALID_ARGUMENT',
  /w from 1 to n = 3/,
);
test(
  'alterKeyspace: refused, when pw would be above n',
  refused,
  three,
  () => ({ type: 'alterKeyspace', name: 'users', changes: { pw: 4 } }),
  'INVALID_ARGUMENT',
  /pw from 0 to n = 3/,
);
test('alterKeyspace: primaries can be asked for, and no more', (t) => {
  const world = new RingWorld(3);
  world.do({ type: 'alterKeyspace', name: 'users', changes: { pr: 'quorum', pw: 1 } });
  t.like(world.ring.keyspaces[0], { pr: 'quorum', pw: 1, r: 'quorum' });
  world.do({ type: 'alterKeyspace', name: 'users', changes: { pr: 0 } });
  t.like(world.ring.keyspaces[0], { pr: 0, pw: 1 });
});
test('dropKeyspace: refused, when there is none', refused, three, () => ({ type: 'dropKeyspace', name: 'carts' }), 'NOT_FOUND', /carts/);

const plan = (world: RingWorld, owners: (p: number) => number, parent = hashOfRing(world.ring)): Operation => ({
  type: 'beginTransition',
  parent,
  owners: world.ring.owners.map((_, p) => owners(p)),
});
test(
  'beginTransition: refused, when it was planned from another ring',
  refused,
  joined,
  (world) => plan(world, (p) => p % 4, world.ring.parent),
  'STALE',
  /planned from the ring/,
);
test(
  'beginTransition: refused, when one is under way',
  refused,
  moving,
  (world) => plan(world, (p) => p % 4),
  'NOT_ALLOWED',
  /under way since epoch/,
);
test(
  'beginTransition: refused, when an owner is no member',
  refused,
  joined,
  (world) => plan(world, (p) => p % 5),
  'INVALID_ARGUMENT',
  /indices below 4, found 4/,
);
test(
  'beginTransition: refused, when a member gets nothing',
  refused,
  joined,
  (world) => plan(world, (p) => p % 3),
  'INVALID_ARGUMENT',
  /n4 is given no partition/,
);
test(
  'beginTransition: refused, when one that leaves gets some',
  refused,
  () => {
    const world = three();
    world.do({ type: 'removeMember', id: idOf(3) });
    return world;
  },
  (world) => plan(world, (p) => p % 3),
  'INVALID_ARGUMENT',
  /n3 leaves/,
);
test(
  'beginTransition: refused, when nothing would change',
  refused,
  three,
  (world) => plan(world, (p) => world.ring.owners[p]!),
  'NOT_ALLOWED',
  /already/,
);
test(
  'beginTransition: refused, when it has too few owners',
  refused,
  joined,
  (world) => ({ type: 'beginTransition', parent: hashOfRing(world.ring), owners: new Uint16Array(8) }),
  'INVALID_ARGUMENT',
  /expected 64, found 8/,
);

test('advance: each step is an epoch, and changedAt follows all but stream, where a partition moves [T19]', (t) => {
  const world = new RingWorld(4);
  world.do({ type: 'addMember', member: memberOf(5) });
  const { epoch } = world.ring;
  const changed = (): number => world.ring.changedAt.filter((at) => at === world.ring.epoch).length;
  world.begin();
  const moving = changed();
  t.true(moving > 0 && moving < 64);
  const counts = STEPS.map((step) => {
    world.do({ type: 'advance', startedAt: epoch + 1, step });
    return changed();
  });
  t.deepEqual(counts, [0, moving, moving, 0]);
  t.is(world.ring.epoch, epoch + 5);
  t.is(world.ring.transition, null);
});
test(
  'advance: refused, when the step is another one',
  refused,
  moving,
  (world) => ({ type: 'advance', startedAt: world.ring.epoch, step: 'stream' }),
  'STALE',
  /is writeBoth, not stream/,
);
test(
  'advance: refused, when the transition is another one',
  refused,
  moving,
  () => ({ type: 'advance', startedAt: 1, step: 'writeBoth' }),
  'STALE',
  /is over/,
);
test(
  'advance: refused behind stream, when who is to be filled is excluded',
  refused,
  () => {
    const world = moving();
    world.do({ type: 'excludeMember', id: idOf(4) });
    world.advance('stream');
    return world;
  },
  (world) => ({ type: 'advance', startedAt: world.ring.transition!.startedAt, step: 'stream' }),
  'NOT_ALLOWED',
  /n4 is to be filled/,
);
test('advance: who began to leave meanwhile and owns something pending stays, until the next transition', (t) => {
  const world = moving();
  world.do({ type: 'removeMember', id: idOf(2) });
  world.advance();
  t.deepEqual(world.in('leaving'), [2]);
  world.settle();
  t.deepEqual(world.in('up'), [1, 3, 4]);
});
test('advance: who joined meanwhile is joining still, until the next transition', (t) => {
  const world = moving();
  world.do(add(0));
  world.advance();
  t.deepEqual([world.in('up'), world.in('joining')], [[1, 2, 3, 4], [0]]);
});

test('cancelTransition: owners are as before, and who joined is joining still', (t) => {
  const world = joined();
  const { owners } = world.ring;
  world.begin();
  world.advance('stream');
  world.do({ type: 'cancelTransition', startedAt: world.ring.transition!.startedAt });
  t.deepEqual(world.ring.owners, owners);
  t.deepEqual(world.in('joining'), [4]);
});
test(
  'cancelTransition: refused, when reads have moved',
  refused,
  () => {
    const world = moving();
    world.advance('readNew');
    return world;
  },
  (world) => ({ type: 'cancelTransition', startedAt: world.ring.transition!.startedAt }),
  'NOT_ALLOWED',
  /only be completed/,
);

test('apply: the operation that made the ring is done already, when it comes again', (t) => {
  const { ring } = joined();
  const again = applyOperation(ring, { operationId: ring.operationId, operation: { type: 'addMember', member: memberOf(4) } });
  t.true(again.ok && again.ring === ring);
});
test('apply: refused, when the id of the operation is none', (t) => {
  t.like(applyOperation(three().ring, { operationId: 'x', operation: add(4) }), { ok: false, code: 'INVALID_ARGUMENT' });
});

import { fc, testProp } from '@fast-check/ava';
import test, { type ExecutionContext } from 'ava';
import { imbalanceOf, planOwners, recommendedPartitions } from '../../../actors/ring/plan.ts';
import { idOf, leastMoves, memberOf, RingWorld, type Traits, worstLoad } from './ring-world.ts';

const MOVES_MAX = 1.05;
const LOAD_MAX = 1.05;

const equal = test.macro((t: ExecutionContext, count: number) => {
  const world = new RingWorld(count, { partitions: recommendedPartitions(count) });
  t.true(worstLoad(world.ring, planOwners(world.ring)) <= LOAD_MAX);
});
for (const count of [3, 4, 5, 7, 12, 33, 100]) test(`plan: loads are even within 5 %, when ${count} equal nodes begin`, equal, count);

/** Each change by itself, on a ring that has seen those before it. */
const changes = test.macro((t: ExecutionContext, count: number, traitsOf: (number: number) => Traits, loadMax: number) => {
  const world = new RingWorld(count, { partitions: recommendedPartitions(count) }, traitsOf);
  const newcomer = count + 1;
  const steps: readonly [string, () => void][] = [
    ['join', () => world.do({ type: 'addMember', member: memberOf(newcomer, traitsOf(newcomer)) })],
    ['replace', () => world.do({ type: 'replaceMember', id: idOf(2), member: memberOf(newcomer + 1, traitsOf(2)) })],
    ['leave', () => world.do({ type: 'removeMember', id: idOf(3) })],
    ['capacity', () => world.do({ type: 'setCapacity', id: idOf(1), capacity: world.member(1)!.capacity * 2 })],
  ];
  for (const [what, change] of steps) {
    const before = world.ring;
    change();
    const { ring } = world;
    const plan = world.settle();
    const least = leastMoves(before, ring, plan);
    t.true(plan.moved <= MOVES_MAX * least, `${what}: ${plan.moved} moves, at least ${least}`);
    t.true(worstLoad(ring, plan) <= loadMax, `${what}: load ${worstLoad(ring, plan)}`);
  }
});
test('plan: moves are within 5 % of the least, when 6 equal nodes change', changes, 6, () => ({}), LOAD_MAX);
test('plan: moves are within 5 % of the least, when 20 equal nodes change', changes, 20, () => ({}), LOAD_MAX);
test(
  'plan: moves are within 5 % of the least, when capacities are 1:2:4',
  changes,
  9,
  (number) => ({ capacity: [1, 2, 4][number % 3]! }),
  1.1,
);

test('plan: nobody else moves, when a dead member is replaced', (t) => {
  const world = new RingWorld(7);
  world.do({ type: 'replaceMember', id: idOf(4), member: memberOf(8) });
  const { members } = world.settle();
  for (const { name, gained, lost } of members) {
    t.is(gained > 0, name === 'n8', name);
    t.is(lost > 0, name === 'n4', name);
  }
});

test('plan: a newcomer gets the copies that others lose, and they get none', (t) => {
  const world = new RingWorld(9);
  world.do({ type: 'addMember', member: memberOf(10) });
  const { members, moved } = world.settle();
  t.is(members.find(({ name }) => name === 'n10')?.gained, moved);
  t.is(
    members.reduce((sum, { lost }) => sum + lost, 0),
    moved,
  );
});

test('plan: nothing is needed and nothing moves, when all are up and even', (t) => {
  const plan = planOwners(new RingWorld(5).ring);
  t.like(plan, { isNeeded: false, moved: 0 });
});

test('plan: it is the same, when it is made again from the same ring', (t) => {
  const world = new RingWorld(5);
  world.do({ type: 'addMember', member: memberOf(6) });
  t.deepEqual(planOwners(world.ring), planOwners(world.ring));
});

test('plan: three racks hold one replica each and loads are even within them, when nodes are spread evenly', (t) => {
  const world = new RingWorld(9, { partitions: 256 }, (number) => ({ rack: `r${number % 3}` }));
  const plan = planOwners(world.ring);
  t.true(worstLoad(world.ring, plan) <= LOAD_MAX);
  t.is(
    plan.members.reduce((sum, { heldAfter }) => sum + heldAfter, 0),
    3 * 256,
  );
});

testProp(
  'plan: everybody who stays has a share, and loads follow what racks and capacities allow, whatever members there are',
  [
    fc.array(
      fc.record({ capacity: fc.constantFrom(1, 2, 3), rack: fc.constantFrom('r1', 'r2', 'r3'), dataCenter: fc.constantFrom('d1', 'd2') }),
      {
        minLength: 2,
        maxLength: 8,
      },
    ),
  ],
  (t, traits) => {
    const world = new RingWorld(traits.length, { partitions: 256 }, (number) => traits[number - 1]!);
    t.is(world.in('up').length, traits.length);
    t.true(worstLoad(world.ring, planOwners(world.ring)) <= 1.1);
  },
  { numRuns: 8 },
);

test('plan: one member of a hundred gets its share, when its capacity is doubled or halved', (t) => {
  for (const [before, after] of [
    [2, 4],
    [2, 1],
  ] as const) {
    const world = new RingWorld(100, { partitions: 2_048 }, () => ({ capacity: before }));
    t.false(planOwners(world.ring).isNeeded);
    const row = (): number => world.ring.owners.filter((owner) => world.ring.members[owner]!.id === idOf(7)).length;
    const owned = row();
    world.do({ type: 'setCapacity', id: idOf(7), capacity: after });
    t.true(planOwners(world.ring).isNeeded);
    world.settle();
    t.true(Math.abs(row() / owned / (after / before) - 1) < 0.1, `${owned} to ${row()}`);
  }
});

test('plan: people are warned, when a member has fewer than 8 vnodes per shard', (t) => {
  const world = new RingWorld(6, { partitions: 64 }, (number) => ({ shards: number === 2 ? 8 : 3 }));
  const { warnings } = planOwners(world.ring);
  t.is(warnings.length, 1);
  t.regex(warnings[0]!, /^member n2 holds 3\d of 64 partitions for 8 shards: below 8 for each/);
});

test('plan: an excluded newcomer gets nothing yet', (t) => {
  const world = new RingWorld(3);
  world.do({ type: 'addMember', member: memberOf(4) });
  world.do({ type: 'excludeMember', id: idOf(4) });
  const { isNeeded, members } = planOwners(world.ring);
  t.false(isNeeded);
  t.is(members.find(({ name }) => name === 'n4')?.ownedAfter, 0);
});

test('recommendedPartitions: at least 20 for each member, in powers of two', (t) => {
  t.deepEqual([1, 12, 13, 100, 300, 5_000].map(recommendedPartitions), [256, 256, 512, 2_048, 8_192, 16_384]);
});

test('imbalance: the worst data center counts, each by its own mean', (t) => {
  const members = [1, 2, 3].map((n) => ({ ...memberOf(n, { dataCenter: n < 3 ? 'a' : 'b' }), state: 'up' as const, isExcluded: false }));
  t.is(imbalanceOf(members, [30, 10, 900]).toFixed(3), '1.500');
});

test('plan: it ends, when members have one partition each and there are racks', (t) => {
  for (const count of [5, 6, 7, 8]) {
    for (const racks of [1, 2, 3]) {
      const world = new RingWorld(count, { partitions: 8 }, (number) => ({ rack: `r${number % racks}`, capacity: 1 + (number % 3) }));
      t.is(new Set(world.ring.owners).size, count);
    }
  }
});

test('plan: the next one changes nothing, when the one before was carried out, whatever racks and capacities do not allow', (t) => {
  for (const count of [3, 4, 5, 7]) {
    for (const racks of [1, 2, 3]) {
      const world = new RingWorld(count, { partitions: 32 }, (number) => ({ rack: `r${number % racks}`, capacity: 1 + (number % 3) }));
      let rounds = 0;
      for (; planOwners(world.ring).isNeeded && rounds < 5; rounds++) world.settle();
      t.true(rounds <= 2, `${count} members in ${racks} racks: still not settled after ${rounds} more`);
    }
  }
});

import { fc, testProp } from '@fast-check/ava';
import test, { type ExecutionContext } from 'ava';
import { Placement } from '../../../actors/ring/placement.ts';
import type { Member } from '../../../actors/ring/ring-state.ts';
import { naivePreferenceList } from './naive-placement.ts';
import { memberOf, type Traits } from './ring-world.ts';

function membersOf(traits: readonly Traits[]): readonly Member[] {
  return traits.map((some, i) => ({ ...memberOf(i + 1, some), state: 'up', isExcluded: false }));
}

interface Case {
  readonly members: readonly Member[];
  readonly owners: Uint16Array;
  readonly n: number;
}

/** Owners at random: the rules must hold for any ring, not only for planned ones. */
const anyCase: fc.Arbitrary<Case> = fc
  .tuple(
    fc.array(fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 4 })), { minLength: 1, maxLength: 9 }),
    fc.constantFrom(8, 16, 32),
  )
  .chain(([places, partitions]) =>
    fc.record({
      members: fc.constant(membersOf(places.map(([dc, rack]) => ({ dataCenter: `dc${dc}`, rack: `r${rack}` })))),
      owners: fc.uint16Array({ minLength: partitions, maxLength: partitions, max: places.length - 1 }),
      n: fc.integer({ min: 1, max: 6 }),
    }),
  );

/** Rows of placement, replicas and all stand-ins. */
function rowsOf({ members, owners, n }: Case, mutants?: ReadonlySet<string>): number[][] {
  const placement = new Placement(members, owners, mutants === undefined ? {} : { mutants });
  const width = placement.owning;
  const rows = new Uint16Array(owners.length * width);
  placement.fill(n, width, rows);
  return Array.from(owners, (_, p) => [...rows.subarray(p * width, (p + 1) * width)]);
}

function differsFromOracle(one: Case, mutants?: ReadonlySet<string>): boolean {
  const rows = rowsOf(one, mutants);
  return rows.some((row, p) => row.join() !== naivePreferenceList(one.members, one.owners, p, one.n).join());
}

testProp('placement: replicas and stand-ins are those of the naive oracle', [anyCase], (t, one) => {
  t.false(differsFromOracle(one));
});

testProp('placement: nobody is twice among replicas and stand-ins, however many are asked for [T27]', [anyCase], (t, one) => {
  const placement = new Placement(one.members, one.owners);
  t.is(placement.replicaCount(one.n), Math.min(one.n, new Set(one.owners).size));
  for (const row of rowsOf(one)) t.is(new Set(row).size, row.length);
});

testProp('placement: the first n + 1 are distinct nodes, and adding a replica takes none away in one rack [T27]', [anyCase], (t, one) => {
  const flat = { ...one, members: membersOf(one.members.map(() => ({}))) };
  const [fewer, more] = [rowsOf(flat), rowsOf({ ...flat, n: one.n + 1 })];
  for (const [p, row] of fewer.entries()) {
    t.deepEqual(row, more[p]);
    t.is(new Set(row.slice(0, one.n + 1)).size, Math.min(one.n + 1, row.length));
  }
});

const spread = test.macro(
  (t: ExecutionContext, places: readonly string[], owners: readonly number[], n: number, expected: readonly string[]) => {
    const members = membersOf(places.map((place) => ({ dataCenter: place.split('/')[0]!, rack: place.split('/')[1]! })));
    const rows = rowsOf({ members, owners: Uint16Array.from(owners), n });
    t.deepEqual(
      rows.slice(0, expected.length).map((row) => `${row.slice(0, n).join('')}+${row.slice(n).join('')}`),
      expected,
    );
  },
);

test('placement: clockwise and around the end, when all are in one rack', spread, ['d/r', 'd/r', 'd/r'], [0, 1, 2, 0, 1, 2, 0, 1], 2, [
  ...['01+2', '12+0', '20+1', '01+2', '12+0', '20+1', '01+2', '10+2'],
]);
test('placement: racks alternate, when one rack has more nodes', spread, ['d/a', 'd/a', 'd/b', 'd/a'], [0, 1, 3, 2, 0, 1, 3, 2], 2, [
  '02+13',
  '12+30',
]);
test('placement: data centers share evenly, when n is odd', spread, ['d/a', 'd/b', 'e/a', 'd/c'], [0, 1, 3, 2, 0, 1, 3, 2], 3, [
  '012+3',
  '132+0',
]);
test(
  'placement: a rack takes more than its share, when others have no node left',
  spread,
  ['d/a', 'd/a', 'd/a', 'd/b'],
  [0, 1, 2, 3, 0, 1, 2, 3],
  4,
  [...['0132+', '1230+']],
);
test(
  'placement: a data center fills up first, when only its racks are in the way',
  spread,
  ['d/a', 'd/a', 'e/a', 'e/a', 'e/a', 'd/b'],
  [2, 3, 4, 0, 1, 5, 0, 1],
  4,
  ['2305+41'],
);
test('placement: who owns nothing is nowhere, when it is alone in its rack', spread, ['d/a', 'd/a', 'd/b'], [0, 1, 0, 1, 0, 1, 0, 1], 2, [
  '01+',
  '10+',
]);

for (const mutant of ['sameNodeTwice', 'sameRackTwice']) {
  test(`placement: the oracle finds a planted bug, when it is ${mutant}`, (t) => {
    const details = fc.check(
      fc.property(anyCase, (one) => !differsFromOracle(one, new Set([mutant]))),
      { numRuns: 200, seed: 1 },
    );
    t.true(details.failed);
  });
}

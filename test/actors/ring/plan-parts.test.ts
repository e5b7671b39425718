import { fc, testProp } from '@fast-check/ava';
import { LivePlacement } from '../../../actors/ring/live-placement.ts';
import type { Member } from '../../../actors/ring/ring-state.ts';
import { leavesOf, sharesOf, tokensOf } from '../../../actors/ring/shares.ts';
import { Windows } from '../../../actors/ring/windows.ts';
import { naivePreferenceList } from './naive-placement.ts';
import { memberOf } from './ring-world.ts';

const PARTITIONS = 16;
/** Members in racks and data centers, some of it bound by caps. */
const members = fc
  .array(
    fc.record({
      rack: fc.constantFrom('r1', 'r2', 'r3'),
      dataCenter: fc.constantFrom('d1', 'd2'),
      capacity: fc.integer({ min: 1, max: 9 }),
    }),
    {
      minLength: 2,
      maxLength: 8,
    },
  )
  .map((all) => all.map((traits, i): Member => ({ ...memberOf(i + 1, traits), state: 'up', isExcluded: false })));
const n = fc.integer({ min: 1, max: 5 });
const writes = fc.array(fc.tuple(fc.nat(PARTITIONS - 1), fc.nat(7)), { maxLength: 30 });

testProp('live placement: its cost after changes is that of a new one', [members, n, writes], (t, all, count, changes) => {
  const before = Uint16Array.from({ length: PARTITIONS }, (_, p) => p % all.length);
  const root = sharesOf(all, [...all.keys()], count);
  const live = new LivePlacement({ members: all, before, owners: before, root, n: count });
  for (const [p, to] of changes) {
    if (to < all.length && live.tokens[live.owners[p]!]! > 1) live.set(p, to);
  }
  const fresh = new LivePlacement({ members: all, before, owners: live.owners, root, n: count });
  // Not by their digits: sums in another order may lie on both sides of where a digit is rounded.
  t.true(Math.abs(live.cost - fresh.cost) < 1e-6, `${live.cost}, ${fresh.cost}`);
});

testProp('windows: what is faulty after changes is what a new one finds', [members, n, writes], (t, all, count, changes) => {
  const windows = windowsOf(all, count, changes);
  const fresh = windowsOf(all, count, [], windows.owners.slice());
  t.is(windows.total, fresh.total);
  t.deepEqual(faultyOf(windows), faultyOf(fresh));
});

testProp(
  'windows: sound everywhere means that no walk passes anybody over, when caps can be met',
  [members, n, writes],
  (t, all, count, changes) => {
    const windows = windowsOf(all, count, changes);
    fc.pre(windows.total === 0 && new Set(windows.owners).size === all.length && canMeetCaps(all, count));
    for (let p = 0; p < PARTITIONS; p++) {
      const row = Array.from({ length: windows.width }, (_, i) => windows.owners[(p + i) % PARTITIONS]!);
      const replicas = naivePreferenceList(all, windows.owners, p, count).slice(0, windows.width);
      t.deepEqual(replicas, row);
    }
  },
);

testProp(
  'shares: they fill each partition, nobody gets more than one replica of it, and whole partitions follow them',
  [members, n],
  (t, all, count) => {
    const root = sharesOf(all, [...all.keys()], count);
    const leaves = leavesOf([root]);
    const sum = leaves.reduce((slots, leaf) => slots + leaf.slots, 0);
    t.true(Math.abs(sum - Math.min(count, all.length)) < 1e-9);
    t.true(leaves.every(({ slots }) => slots > 0 && slots <= 1 + 1e-9));
    const tokens = tokensOf(root, new Uint32Array(all.length), 256);
    t.is(
      tokens.reduce((a, b) => a + b, 0),
      256,
    );
    for (const { member, slots } of leaves) t.true(Math.abs(tokens[member]! - (256 * slots) / root.slots) < 4);
  },
);

function windowsOf(
  all: readonly Member[],
  count: number,
  changes: readonly (readonly [number, number])[],
  owners = Uint16Array.from({ length: PARTITIONS }, (_, p) => p % all.length),
): Windows {
  const windows = new Windows(owners, sharesOf(all, [...all.keys()], count), all.length);
  for (const [p, to] of changes) if (to < all.length) windows.set(p, to);
  return windows;
}

function faultyOf(windows: Windows): number[] {
  return Array.from({ length: windows.faultyCount }, (_, i) => windows.faultyAt(i)).sort((a, b) => a - b);
}

function canMeetCaps(all: readonly Member[], count: number): boolean {
  const dataCenters = new Set(all.map(({ dataCenter }) => dataCenter));
  const most = Math.ceil(count / dataCenters.size);
  let places = 0;
  for (const name of dataCenters) {
    const inside = all.filter(({ dataCenter }) => dataCenter === name);
    const racks = new Set(inside.map(({ rack }) => rack));
    const rackMost = Math.ceil(most / racks.size);
    let room = 0;
    for (const rack of racks) room += Math.min(rackMost, inside.filter((member) => member.rack === rack).length);
    places += Math.min(most, room);
  }
  return places >= Math.min(count, all.length);
}

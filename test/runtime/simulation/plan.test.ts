import test from 'ava';
import { checkPlan, describeItem, milderItems, type PlanItem, planEndMs } from '../../../runtime/simulation/plan.ts';
import { DISK_FAULT_KINDS, FAULT_KINDS, generatePlan, type PlanProfile } from '../../../runtime/simulation/plan-generator.ts';

const PROFILE: PlanProfile = {
  nodes: [
    { name: 'a', shards: 2 },
    { name: 'b', shards: 0 },
    { name: 'c', shards: 1 },
  ],
  fromMs: 100,
  untilMs: 5000,
};
const SEEDS = Array.from({ length: 200 }, (_, seed) => seed);

test('plan: the same seed gives the same plan, another one another', (t) => {
  t.deepEqual(generatePlan(7, PROFILE), generatePlan(7, PROFILE));
  t.notDeepEqual(generatePlan(7, PROFILE), generatePlan(8, PROFILE));
});

test('plan: items are valid, sorted, within their time, and name what exists', (t) => {
  for (const seed of SEEDS) {
    const plan = generatePlan(seed, PROFILE);
    t.notThrows(() => checkPlan(JSON.parse(JSON.stringify(plan))));
    t.deepEqual(
      plan.map((item) => item.atMs),
      plan.map((item) => item.atMs).sort((a, b) => a - b),
    );
    t.true(planEndMs(plan) <= PROFILE.untilMs + 0.001);
    for (const item of plan) {
      t.true(item.atMs >= PROFILE.fromMs);
      if (item.kind === 'killShard' || item.kind === 'hang') t.true(item.shard < (item.node === 'a' ? 2 : 1), describeItem(item));
      if (item.kind === 'cut') t.false(item.from.some((name) => item.to.includes(name)));
    }
  }
});

test('plan: each kind is on in about half of the runs, and seldom all are [swarm testing]', (t) => {
  const kinds = SEEDS.map((seed) => new Set(generatePlan(seed, PROFILE).map((item) => item.kind)));
  for (const kind of FAULT_KINDS) {
    const share = kinds.filter((set) => set.has(kind)).length / SEEDS.length;
    t.true(share > 0.2 && share < 0.65, `${kind}: ${share}`);
  }
  t.true(kinds.filter((set) => set.size === FAULT_KINDS.length).length <= 2);
});

test('plan: leaving a kind out does not move the items of the others', (t) => {
  const all = generatePlan(3, PROFILE);
  const kinds = FAULT_KINDS.filter((kind) => kind !== all[0]?.kind);
  t.deepEqual(
    generatePlan(3, { ...PROFILE, kinds, everyMs: 4900 / 4, forMsMax: 4900 / 4 }),
    all.filter((item) => item.kind !== all[0]?.kind),
  );
});

test('plan: milder items do less than the one they stand for', (t) => {
  const cut: PlanItem = { kind: 'cut', atMs: 1, from: ['a', 'b'], to: ['c'], forMs: 100, oneWay: false };
  const crash: PlanItem = { kind: 'crash', atMs: 1, node: 'a', forMs: 1, silent: true };
  t.true(milderItems(cut).every((item) => item.kind === 'cut' && (item.forMs < 100 || item.from.length === 1)));
  t.deepEqual(milderItems(crash), [{ ...crash, silent: false }]);
  t.deepEqual(milderItems({ kind: 'reset', atMs: 1, a: 'a', b: 'b' }), []);
  const degrade: PlanItem = { kind: 'degrade', atMs: 1, from: 'a', to: 'b', forMs: 1, quality: { lossRatio: 0.5, splitRatio: 1 } };
  t.deepEqual(
    milderItems(degrade).map((item) => 'quality' in item && item.quality),
    [{ splitRatio: 1 }, { lossRatio: 0.5 }],
  );
});

test('plan: what is none is refused with index and field, when it comes from a file', (t) => {
  t.throws(() => checkPlan('x'), { message: /expected an array/ });
  t.throws(() => checkPlan([{ kind: 'flood' }]), { message: /plan item 0: expected a known kind/ });
  t.throws(() => checkPlan([{ kind: 'pause', atMs: 1, node: 'a' }]), { message: /plan item 0 \(pause\): expected forMs to be number/ });
  t.throws(() => checkPlan([{ kind: 'cut', atMs: 1, from: 'a', to: ['b'], forMs: 1, oneWay: false }]), {
    message: /expected from to be names/,
  });
  t.throws(() => checkPlan([{ kind: 'degrade', atMs: 1, from: 'a', to: 'b', forMs: 1, quality: { lossRatio: 2 } }]), {
    message: /lossRatio from 0 to 1/,
  });
});

test('plan: items for disks come only where they are asked for, are valid, and get milder in the end to a crash', (t) => {
  const kinds = new Set<string>();
  for (const seed of SEEDS) {
    t.false(generatePlan(seed, PROFILE).some((item) => DISK_FAULT_KINDS.includes(item.kind)));
    for (const item of generatePlan(seed, { ...PROFILE, kinds: DISK_FAULT_KINDS })) {
      kinds.add(item.kind);
      t.notThrows(() => checkPlan(JSON.parse(JSON.stringify([item]))));
      const milder = milderItems(item);
      t.true(
        milder.some((other) => other.kind === 'crash' && other.atMs === item.atMs),
        describeItem(item),
      );
      t.notThrows(() => checkPlan(milder));
    }
  }
  t.is(kinds.size, DISK_FAULT_KINDS.length);
});

test('plan: an item that can not be is refused, when it goes back to a later state or leaves an unknown one', (t) => {
  const rollback: PlanItem = { kind: 'rollback', atMs: 1, node: 'a', forMs: 1, savedAtMs: 2 };
  t.throws(() => checkPlan([rollback]), { message: /expected savedAtMs of at most 1, got 2/ });
  const loss = { kind: 'powerLoss', atMs: 1, node: 'a', forMs: 1, survives: 'some', draw: 1, atCall: 0 };
  t.throws(() => checkPlan([loss]), { message: /expected survives to be survivors/ });
});

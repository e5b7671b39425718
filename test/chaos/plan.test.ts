import test from 'ava';
import { FAULT_KINDS, formatPlan, nodeNames, type PlanItem, parsePlan, planOf, SURVIVABLE_KINDS } from './plan.ts';

test('chaos plan: is the same, when it is drawn again from the seed', (t) => {
  t.deepEqual(planOf('7', 3, 60_000, SURVIVABLE_KINDS), planOf('7', 3, 60_000, SURVIVABLE_KINDS));
  t.notDeepEqual(planOf('7', 3, 60_000, SURVIVABLE_KINDS).items, planOf('8', 3, 60_000, SURVIVABLE_KINDS).items);
});

test('chaos plan: has all kinds that were asked for and no other, when it is long', (t) => {
  const kindsIn = (items: readonly PlanItem[]): readonly string[] => [...new Set(items.map(({ kind }) => kind))].sort();
  t.deepEqual(kindsIn(planOf('1', 5, 3_600_000, SURVIVABLE_KINDS).items), [...SURVIVABLE_KINDS].sort());
  t.deepEqual(kindsIn(planOf('1', 3, 600_000, ['cut', 'kill']).items), ['cut', 'kill']);
});

test('chaos plan: every item names links or nodes of the cluster, whatever the seed', (t) => {
  for (let seed = 0; seed < 50; seed++) {
    const plan = planOf(String(seed), 4, 60_000, FAULT_KINDS);
    const names = nodeNames(5);
    for (const { atMs, forMs, links, nodes } of plan.items) {
      t.true(links.length + nodes.length > 0);
      t.true(nodes.every((name) => names.includes(name)));
      t.true(links.every((link) => new Set(link.split('>')).size === 2 && link.split('>').every((name) => names.includes(name))));
      t.true(atMs >= 0 && atMs < plan.runMs && forMs > 0);
    }
  }
});

test('chaos plan: one node more than there are at first joins and one leaves, in turns, whatever the seed', (t) => {
  for (let seed = 0; seed < 20; seed++) {
    const members = new Set(nodeNames(3));
    let changes = 0;
    for (const { kind, nodes } of planOf(String(seed), 3, 600_000, SURVIVABLE_KINDS).items) {
      const [name] = nodes;
      if (kind === 'join') t.false(members.has(name!));
      if (kind === 'join') members.add(name!);
      if (kind === 'leave') t.true(members.delete(name!));
      t.true(members.size === 3 || members.size === 4);
      t.true(nodes.every((it) => kind === 'leave' || members.has(it)));
      if (kind === 'join' || kind === 'leave') changes++;
    }
    t.true(changes > 10, `${changes}`);
  }
});

test('chaos plan: is read as it was written', (t) => {
  const plan = planOf('a seed', 5, 120_000, FAULT_KINDS);
  t.deepEqual(parsePlan(formatPlan(plan)), plan);
  const empty = { ...plan, items: [] };
  t.deepEqual(parsePlan(formatPlan(empty)), empty);
});

const refused = test.macro((t, item: Readonly<Record<string, unknown>>, message: RegExp) => {
  const good = { kind: 'cut', atMs: 1, forMs: 2, links: ['n1>n2'], nodes: [], amount: 0 };
  t.throws(() => parsePlan(JSON.stringify({ seed: '1', nodes: 3, runMs: 10, items: [good, { ...good, ...item }] })), { message });
});
test('chaos plan: an unknown kind is refused', refused, { kind: 'flood' }, /^plan, item 1: expected a kind out of delay, /);
test('chaos plan: a node that there is not is refused', refused, { nodes: ['n5'] }, /^plan, item 1: expected nodes out of n1, n2, n3, n4/);
test('chaos plan: a link that there is not is refused', refused, { links: ['n1-n2'] }, /^plan, item 1: expected links like n1>n2/);
test('chaos plan: a time that is none is refused', refused, { atMs: -1 }, /^plan, item 1: expected atMs, forMs and amount/);
test('chaos plan: a file that is no plan is refused', (t) => {
  t.throws(() => parsePlan('{"items": []}'), { message: /^plan: expected \{"seed", "nodes", "runMs", "items"\}/ });
});

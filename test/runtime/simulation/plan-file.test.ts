import test from 'ava';
import { formatPlanFile, type PlanFile, parsePlanFile } from '../../../runtime/simulation/plan-file.ts';

const FILE: PlanFile = {
  version: 1,
  workload: 'w',
  seed: 42,
  stopMs: 1000,
  expect: 'messages were reordered',
  settings: { nodes: [{ name: 'a', shards: 1 }], network: { fidelity: 'bytes' }, scheduling: { policy: 'pct' }, mutants: ['x'] },
  plan: [
    { kind: 'pause', atMs: 1.5, node: 'a', forMs: 10 },
    { kind: 'crash', atMs: 20, node: 'a', forMs: 5, silent: true },
  ],
};

test('plan file: what was written is read again', (t) => {
  t.deepEqual(parsePlanFile(formatPlanFile(FILE)), FILE);
  t.deepEqual(parsePlanFile(formatPlanFile({ ...FILE, plan: [], expect: null })), { ...FILE, plan: [], expect: null });
});

test('plan file: has one line per item, for people', (t) => {
  const lines = formatPlanFile(FILE).split('\n');
  t.is(lines.filter((line) => line.startsWith('    {"kind":')).length, 2);
});

test('plan file: says what is wrong, when it can not be used', (t) => {
  const changed = (change: Readonly<Record<string, unknown>>): string => JSON.stringify({ ...FILE, ...change });
  t.throws(() => parsePlanFile('{'), { message: /^plan file: / });
  t.throws(() => parsePlanFile('3'), { message: /expected an object/ });
  t.throws(() => parsePlanFile(changed({ version: 2 })), { message: /expected version 1, got 2/ });
  t.throws(() => parsePlanFile(changed({ workload: 1 })), { message: /workload/ });
  t.throws(() => parsePlanFile(changed({ seed: null })), { message: /seed/ });
  t.throws(() => parsePlanFile(changed({ stopMs: 0 })), { message: /stopMs/ });
  t.throws(() => parsePlanFile(changed({ expect: 1 })), { message: /expect/ });
  t.throws(() => parsePlanFile(changed({ settings: {} })), { message: /array of nodes/ });
  t.throws(() => parsePlanFile(changed({ settings: { nodes: [], network: { fidelity: 'x' } } })), { message: /frames or bytes/ });
  t.throws(() => parsePlanFile(changed({ plan: [{}] })), { message: /plan item 0/ });
});

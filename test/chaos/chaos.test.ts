import { rmSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { type ChaosReport, chaosRun } from './chaos-run.ts';
import type { Plan, PlanItem } from './plan.ts';

// Only there is all of 127/8 loopback.
const onLinux = process.platform === 'linux' ? test.serial : test.serial.skip;
const ALL = ['n1', 'n2', 'n3'];

async function run(t: ExecutionContext, runMs: number, items: readonly Partial<PlanItem>[]): Promise<ChaosReport> {
  const plan: Plan = {
    ...{ seed: '1', nodes: ALL.length, runMs },
    items: items.map((item) => ({ kind: 'kill', atMs: 0, forMs: 0, links: [], nodes: [], amount: 0, ...item })),
  };
  const said: string[] = [];
  const report = await chaosRun({
    ...{ plan, durability: 'sync', clients: 4, settleMs: 0, hasDisks: false, asksForRepair: false, mustConverge: false },
    say: (text) => said.push(text),
    signal: new AbortController().signal,
  });
  if (report.violations.length > 0) t.teardown(() => rmSync(report.directory, { recursive: true, force: true }));
  t.log(...said, ...report.perOperation);
  return report;
}

onLinux('chaos: nothing is lost, nothing comes back and replicas become equal, when processes and links fail', async (t) => {
  const report = await run(t, 5_500, [
    { kind: 'delay', atMs: 500, forMs: 2_500, links: ['n2>n3', 'n3>n2'], amount: 20 },
    { kind: 'kill', atMs: 1_000, forMs: 500, nodes: ['n1'] },
    { kind: 'cut', atMs: 1_800, forMs: 800, links: ['n3>n1'] },
    { kind: 'reset', atMs: 2_200, links: ['n1>n2', 'n2>n1'], amount: 100 },
    { kind: 'pause', atMs: 2_500, forMs: 700, nodes: ['n2'] },
    { kind: 'kill', atMs: 3_800, forMs: 200, nodes: ALL },
  ]);
  t.deepEqual(report.violations, []);
  t.true(report.operations > 100, `${report.operations} operations`);
  t.is(report.faults.get('kill'), 2);
  for (const [name, starts] of report.starts) t.true(starts >= 2, name);
});

onLinux('chaos: lost writes are found, when all nodes go on with older directories', async (t) => {
  const report = await run(t, 2_000, [{ kind: 'restore', atMs: 700, forMs: 700, nodes: ALL }]);
  const found = (pattern: RegExp): boolean => report.violations.some(({ what }) => pattern.test(what));
  t.true(found(/^regular c\d+: .*(superseded|nothing is read)/), 'cp');
  t.true(found(/A1 a\d+: w\d+ is lost/), 'ap');
});

/**
 * Chaos on real processes: nodes of this machine, faults between and in them, clients, checkers. README.md says what is done and what is checked.
 * `node dist/test/chaos/chaos.js --minutes 5 --seed S [--nodes 3] [--faults cut,kill,...] [--durability sync] [--clients 6] [--replay FILE] [--settle SECONDS] [--repair] [--must-converge]`
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { numberBetween, optionsOf, orUsageError, usageError, wholeNumber } from '../helpers/options.ts';
import { type ChaosReport, chaosRun } from './chaos-run.ts';
import { canMount } from './cluster.ts';
import { FAULT_KINDS, type FaultKind, formatPlan, type Plan, parsePlan, planOf, SURVIVABLE_KINDS } from './plan.ts';
import { counts } from './tally.ts';

const { values } = optionsOf({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    nodes: { type: 'string', default: '3' },
    faults: { type: 'string', default: SURVIVABLE_KINDS.join(',') },
    durability: { type: 'string', default: 'sync' },
    clients: { type: 'string', default: '6' },
    settle: { type: 'string', default: '2' },
    repair: { type: 'boolean', default: false },
    replay: { type: 'string' },
    'must-converge': { type: 'boolean', default: false },
  },
});
const VIOLATIONS_SHOWN = 10;
const LINES_SHOWN = 40;

function planIn(file: string): Plan {
  return orUsageError(`--replay ${file}: `, () => parsePlan(readFileSync(file, 'utf8')));
}

function kindsOf(list: string): readonly FaultKind[] {
  const kinds = list.split(',').map((word): FaultKind => {
    const kind = FAULT_KINDS.find((it) => it === word);
    return kind ?? usageError(`--faults: expected some of ${FAULT_KINDS.join(',')}, got ${word}`);
  });
  if (kinds.includes('fill') && !canMount()) console.log('fill is left out: only root can make disks that may be filled');
  return canMount() ? kinds : kinds.filter((kind) => kind !== 'fill');
}

function durabilityOf(word: string): 'sync' | 'periodic' | 'none' {
  if (word === 'sync' || word === 'periodic' || word === 'none') return word;
  return usageError(`--durability: expected sync, periodic or none, got ${word}`);
}

function show(report: ChaosReport): void {
  const { operations, perOperation, faults, starts, keys, unrepaired, loadMs, lagMs, violations, directory } = report;
  console.log(`\n${operations} operations in ${(loadMs / 1_000).toFixed(1)} s on ${keys} keys:`);
  for (const line of perOperation) console.log(`  ${line}`);
  console.log(`faults: ${counts(faults) || 'none'}`);
  console.log(`starts of nodes: ${counts(starts)}`);
  console.log(`keys on which replicas differed until they were read: ${unrepaired}`);
  console.log(`this process was late by at most ${lagMs.toFixed(0)} ms`);
  if (violations.length === 0) return console.log('no violation');
  console.log(`\n${violations.length} violations:`);
  for (const { what, around } of violations.slice(0, VIOLATIONS_SHOWN)) {
    console.log(`- ${what}`);
    for (const line of around.slice(-LINES_SHOWN)) console.log(`    ${line}`);
  }
  const planFile = join(directory, 'plan.json');
  writeFileSync(planFile, formatPlan(plan));
  const file = join(directory, 'violations.txt');
  writeFileSync(
    file,
    violations.map(({ what, around }) => [`- ${what}`, ...around.map((line) => `    ${line}`), ''].join('\n')).join('\n'),
  );
  console.log(`all of them with their histories: ${file}; nodes' directories and logs are beside it`);
  console.log(`again, as far as time allows: --replay ${planFile}`);
}

const nodes = wholeNumber('nodes', values.nodes, 3, 9);
const minutes = numberBetween('minutes', values.minutes, 0.1, 600);
const clients = wholeNumber('clients', values.clients, 1, 100);
const settleMs = numberBetween('settle', values.settle, 0, 3_600) * 1_000;
const durability = durabilityOf(values.durability);
const plan = values.replay === undefined ? planOf(values.seed, nodes, minutes * 60_000, kindsOf(values.faults)) : planIn(values.replay);
const ending = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort());
console.log(`seed ${plan.seed}, ${plan.nodes} nodes, ${plan.items.length} faults in ${(plan.runMs / 1_000).toFixed(0)} s`);
const running = chaosRun({
  plan,
  durability,
  clients,
  settleMs,
  hasDisks: plan.items.some(({ kind }) => kind === 'fill'),
  asksForRepair: values.repair,
  mustConverge: values['must-converge'],
  say: (text) => console.log(text),
  signal: ending.signal,
});
const report = await running.catch((error: unknown) => {
  if (!ending.signal.aborted) throw error;
  console.log('interrupted: nothing was checked, and nothing is left');
  return process.exit(130);
});
show(report);
process.exit(report.violations.length > 0 ? 1 : 0);

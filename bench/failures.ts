/**
 * What clients see when something fails: real nodes on loopback under an open-loop load, while a replica is slow, a node is killed, comes back, or joins. Exit code 1 when a confirmed write is gone, or an
 * error came that may not. `node --v8-pool-size=1 dist/bench/failures.js [--only control,slow-replica,kill-one-of-five,down-and-back,join] [--rate N] [--settle S] [--seconds S] [--down S] [--records N] [--value BYTES]
 * [--durability sync|none] [--seed N] [--json FILE]`
 */
import { writeFileSync } from 'node:fs';
import { numberBetween, optionsOf, usageError, wholeNumber } from '../test/helpers/options.ts';
import { downAndBack } from './failures/down-and-back.ts';
import { join } from './failures/join.ts';
import { killOneOfFive } from './failures/kill-one-of-five.ts';
import { control, slowReplica } from './failures/links.ts';
import type { Report, Scenario, ScenarioOptions } from './failures/scenario.ts';
import { claimsOf, tableOf } from './failures/tables.ts';
import { printSetup, setupOf } from './lib/report.ts';

const SCENARIOS: readonly Scenario[] = [control, slowReplica, killOneOfFive, downAndBack, join];

const { values } = optionsOf({
  options: {
    only: { type: 'string', default: SCENARIOS.map(({ name }) => name).join(',') },
    rate: { type: 'string', default: '3000' },
    settle: { type: 'string', default: '25' },
    seconds: { type: 'string', default: '20' },
    down: { type: 'string', default: '60' },
    records: { type: 'string', default: '20000' },
    value: { type: 'string', default: '1024' },
    durability: { type: 'string', default: 'none' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
  },
});

function scenarioOf(name: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found === undefined) usageError(`--only: expected some of ${SCENARIOS.map((it) => it.name).join(',')}, got ${name}`);
  return found;
}

function durabilityOf(word: string): 'sync' | 'none' {
  if (word === 'sync' || word === 'none') return word;
  usageError(`--durability: expected sync or none, got ${word}`);
}

const scenarios = values.only.split(',').map(scenarioOf);
const options: ScenarioOptions = {
  perSecond: numberBetween('rate', values.rate, 10, 1_000_000),
  settleMs: numberBetween('settle', values.settle, 0, 3_600) * 1_000,
  windowMs: numberBetween('seconds', values.seconds, 0.5, 3_600) * 1_000,
  downMs: numberBetween('down', values.down, 0.5, 3_600) * 1_000,
  records: wholeNumber('records', values.records, 1, 10_000_000),
  valueBytes: wholeNumber('value', values.value, 8, 1_000_000),
  durability: durabilityOf(values.durability),
  seed: wholeNumber('seed', values.seed, 0, 2 ** 31),
  say: (text) => console.log(text),
};
const setup = setupOf({
  ...{ scenarios: values.only, perSecond: options.perSecond, windowMs: options.windowMs, downMs: options.downMs },
  ...{ records: options.records, valueBytes: options.valueBytes, durability: options.durability, mix: '50 % reads, 50 % writes' },
  load: 'open loop, timed from the intended start, by a thread on the same machine: it and the nodes share the cores',
});
printSetup(setup);

const reports: Report[] = [];
for (const { name, run } of scenarios) {
  try {
    const report = await run(options);
    reports.push(report);
    console.log(`\n${name}: ${report.described}`);
    for (const line of [...tableOf([report]), '', ...claimsOf([report])]) console.log(line);
    for (const fault of report.faults) console.log(`FAULT: ${fault}`);
    if (report.faults.length > 0) process.exitCode = 1;
  } catch (error) {
    process.exitCode = 1;
    console.error(`${name} FAILED: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ setup, reports }, null, 2)}\n`);

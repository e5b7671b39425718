/**
 * Looks for bugs in the runtime: runs seeds of the exchange workload until time or seeds are up, and shrinks each failure to a plan file:
 * `node dist/bench/hunt.js --from 0 --seeds 1000 --fidelity bytes --out /tmp`; `node dist/bench/planted-bugs.js --replay FILE` replays one.
 */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  describeItem,
  type Failure,
  formatPlanFile,
  PLAN_FILE_VERSION,
  type RunPlan,
  runWorkload,
  shrink,
} from '../runtime/simulation/testing.ts';
import { numberBetween, oneOf, optionsOf, wholeNumber } from '../test/helpers/options.ts';
import { exchange, exchangeRun } from '../test/runtime/simulation/exchange.ts';

const { values } = optionsOf({
  options: {
    from: { type: 'string', default: '0' },
    seeds: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '3600' },
    fidelity: { type: 'string' },
    out: { type: 'string', default: tmpdir() },
  },
});

function reduce(seed: number, start: RunPlan, failure: Failure): void {
  const { run, runs } = shrink(start, failure, (candidate) => runWorkload(exchange, candidate).failure);
  const path = join(values.out, `hunt-${seed}.json`);
  writeFileSync(path, formatPlanFile({ version: PLAN_FILE_VERSION, workload: exchange.name, expect: failure.what, ...run }));
  console.log(`seed ${seed}: ${failure.what}: ${failure.detail}`);
  console.log(`  shrunk in ${runs} runs from ${start.plan.length} faults to ${run.plan.length}, ends at ${run.stopMs} ms: ${path}`);
  for (const item of run.plan) console.log(`    ${describeItem(item)}`);
}

const from = wholeNumber('from', values.from, 0);
const seedsMost = wholeNumber('seeds', values.seeds);
const secondsMost = numberBetween('seconds', values.seconds, 0.1);
const settings = values.fidelity === undefined ? {} : { fidelity: oneOf('fidelity', values.fidelity, ['frames', 'bytes']) };
const startedAt = performance.now();
const until = startedAt + secondsMost * 1000;
const total = { seeds: 0, failed: 0, events: 0, messages: 0, virtualMs: 0 };
for (let seed = from; total.seeds < seedsMost && performance.now() < until; seed++) {
  const run = exchangeRun(seed, settings);
  const { failure, events, messages, simulation } = runWorkload(exchange, run);
  total.seeds++;
  total.events += events;
  total.messages += messages;
  total.virtualMs += simulation.now;
  if (failure === null) continue;
  total.failed++;
  reduce(seed, run, failure);
}
const seconds = (performance.now() - startedAt) / 1000;
const perSecond = (count: number): string => `${Math.round(count / seconds / 1000)} k/s`;
console.log(
  `${total.seeds} seeds in ${seconds.toFixed(1)} s, ${total.failed} failed; ${perSecond(total.events)} events, ` +
    `${perSecond(total.messages)} messages between threads, ${(total.virtualMs / 1000 / seconds).toFixed(0)} times real time`,
);
process.exitCode = total.failed > 0 ? 1 : 0;

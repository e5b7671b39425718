/**
 * What a message costs: in the same thread, between threads, between processes; and what an actor costs. Each row beside its baseline.
 * `node dist/bench/actors.js [--json FILE] [--runs N] [--ms N] [--rows name,...] [--quick]`
 */
import { fork } from 'node:child_process';
import { optionsOf, usageError, wholeNumber } from '../test/helpers/options.ts';
import { CONTEST_NAMES, type ContestReport } from './actors/contests.ts';
import { simulationRows } from './actors/simulated.ts';
import { printRows, printSetup, type Row, setupOf, writeReport } from './lib/report.ts';

const { values: options } = optionsOf({
  options: {
    json: { type: 'string' },
    runs: { type: 'string' },
    ms: { type: 'string' },
    rows: { type: 'string', default: '' },
    quick: { type: 'boolean', default: false },
  },
});

const SIMULATED = 'simulated';
const names = [...CONTEST_NAMES, SIMULATED];
const chosen = options.rows === '' ? names : options.rows.split(',');
for (const name of chosen) {
  if (!names.includes(name)) usageError(`--rows ${name}: expected some of ${names.join(', ')}`);
}
const runs = wholeNumber('runs', options.runs ?? (options.quick ? '3' : '7'));
const runMs = wholeNumber('ms', options.ms ?? (options.quick ? '80' : '300'));
const setup = setupOf({ runs, runMs });
printSetup(setup);

const rows: Row[] = [];
for (const name of chosen) {
  const found = name === SIMULATED ? await simulationRows(options.quick) : await inProcessOfItsOwn(name);
  rows.push(...found);
  // Told apart from the table, in case a later contest fails.
  if (process.stderr.isTTY) process.stderr.write(`${name}: ${found.length} rows\n`);
}
printRows(rows);
writeReport(options.json, setup, rows);

function inProcessOfItsOwn(name: string): Promise<readonly Row[]> {
  return new Promise((resolve, reject) => {
    const file = new URL('./actors/run-contest.js', import.meta.url);
    const child = fork(file, [name, String(runs), String(runMs)], { execArgv: ['--expose-gc'] });
    let report: readonly Row[] | undefined;
    child.on('message', (message) => {
      report = (message as ContestReport).rows;
    });
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === 0 && report !== undefined) resolve(report);
      else reject(new Error(`contest ${name} ended with ${signal ?? code} and ${report === undefined ? 'no' : 'a'} report`));
    });
  });
}

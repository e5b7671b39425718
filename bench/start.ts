/**
 * How long a node takes to start until it listens, and what CPU that takes in all of its threads; and how long a command takes that asks nobody: as it is shipped, bundled, beside the same
 * modules each in a file of its own.
 * `node dist/bench/start.js [--runs N] [--json FILE]`
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { optionsOf, wholeNumber } from '../test/helpers/options.ts';
import { usageOf } from './cluster/server-usage.ts';
import { printRows, printSetup, type Row, rowOf, setupOf, writeReport } from './lib/report.ts';

const { values } = optionsOf({ options: { runs: { type: 'string', default: '10' }, json: { type: 'string' } } });
const runs = wholeNumber('runs', values.runs, 1, 1_000);
const BUNDLED = fileURLToPath(new URL('../bundle/cli.js', import.meta.url));
const SINGLE = fileURLToPath(new URL('../cli.js', import.meta.url));
const LEASH = new URL('../test/helpers/leash.js', import.meta.url).href;
const ARGS = ['--shards', '1', '--port', '0', '--resp-port', '0', '--http-port', '0', '--log-level', 'warn'];
const START_MS = 60_000;

interface Figures {
  readonly listensMs: number;
  readonly cpuMs: number;
  readonly helpMs: number;
}

const dir = mkdtempSync(join(tmpdir(), 'dynactor-start-'));
const bundled: Figures[] = [];
const single: Figures[] = [];
try {
  // Once for nothing: the files are in the page cache then, and the directories have a ring.
  for (const script of [BUNDLED, SINGLE]) await figuresOf(script, ['--init']);
  for (let run = 0; run < runs; run++) {
    bundled.push(await figuresOf(BUNDLED));
    single.push(await figuresOf(SINGLE));
  }
} finally {
  rmSync(dir, { recursive: true, force: true });
}

const row = (name: string, of: (figures: Figures) => number): Row =>
  rowOf(name, 'ms', bundled.map(of), 'modules by themselves', single.map(of));
const setup = setupOf({ runs, durability: 'none: nothing is written but the boot' });
const rows = [
  row('node: until it listens', ({ listensMs }) => listensMs),
  row('node: CPU until then', ({ cpuMs }) => cpuMs),
  row('dynactor --help', ({ helpMs }) => helpMs),
];
printSetup(setup);
printRows(rows);
writeReport(values.json, setup, rows);

async function figuresOf(script: string, more: readonly string[] = []): Promise<Figures> {
  const data = join(dir, script === BUNDLED ? 'bundled' : 'single');
  const startedMs = performance.now();
  const child = spawn(process.execPath, ['--import', LEASH, script, 'start', '--data', data, ...ARGS, ...more], {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  });
  const exited = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), START_MS);
  let said = '';
  let listensMs = 0;
  let cpuMs = 0;
  child.stdout?.on('data', (part: Buffer) => {
    said += part.toString();
    if (listensMs !== 0 || !said.includes(' listens on ')) return;
    listensMs = performance.now() - startedMs;
    cpuMs = (usageOf([child.pid!])?.cpuUs ?? Number.NaN) / 1_000;
    child.kill('SIGTERM');
  });
  await exited;
  clearTimeout(timer);
  if (listensMs === 0) throw new Error(`${script} start: expected it to listen within ${START_MS} ms, got ${JSON.stringify(said)}`);
  const helpStartedMs = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [script, '--help'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${script} --help: ${stderr}`);
  return { listensMs, cpuMs, helpMs: performance.now() - helpStartedMs };
}

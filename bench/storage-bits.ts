/**
 * Flips every single bit of a closed database of some 64 KiB, one at a time, and reads it all: keys by eighths, the next one with each bit, and in order
 * both ways. Expected: the right answer or a report, never wrong data, a loss in silence, a hang, a file left open or a huge allocation.
 * `node dist/bench/storage-bits.js [--processes N] [--every N] [--unused] [--json FILE]`
 * `--every N`: each N-th bit only. `--unused`: also the zeros behind what a segment of the log holds.
 */
import { fork } from 'node:child_process';
import { optionsOf, wholeNumber } from '../test/helpers/options.ts';
import { largestAllocation, makeSample, Tally, tryFlip } from '../test/storage/engine/damage.ts';
import { printRows, printSetup, rowOf, setupOf, writeReport } from './lib/report.ts';

const ALLOCATION_MAX = 1 << 20;
const WRONG_SHOWN = 20;

interface PartReport {
  readonly runs: number;
  readonly counts: readonly (readonly [string, number])[];
  readonly wrong: readonly string[];
  readonly wrongCount: number;
  readonly unreported: number;
  readonly largest: number;
}

const { values } = optionsOf({
  options: {
    processes: { type: 'string', default: '2' },
    every: { type: 'string', default: '1' },
    unused: { type: 'boolean', default: false },
    part: { type: 'string' },
    json: { type: 'string' },
  },
});
const processes = wholeNumber('processes', values.processes);
const every = wholeNumber('every', values.every);
const part = values.part === undefined ? undefined : wholeNumber('part', values.part, 0, processes - 1);

if (part === undefined) await runAll();
else process.send?.(runPart(part));

function runPart(part: number): PartReport {
  const sample = makeSample();
  const tally = new Tally();
  const largest = largestAllocation(() => {
    for (const file of sample.files) {
      const bits = (values.unused ? file.bytes : file.usedBytes) * 8;
      for (let bit = part * every; bit < bits; bit += processes * every) tryFlip(sample, file, bit, tally);
    }
  });
  const { runs, counts, wrong, unreported } = tally;
  return { runs, counts: [...counts], wrong: wrong.slice(0, WRONG_SHOWN), wrongCount: wrong.length, unreported, largest };
}

async function runAll(): Promise<void> {
  const { files } = makeSample();
  const bytes = files.reduce((sum, { bytes: all, usedBytes }) => sum + (values.unused ? all : usedBytes), 0);
  const setup = setupOf({
    durability: 'sync',
    bytes,
    bits: bytes * 8,
    every,
    processes,
    files: files.map(({ kind, usedBytes }) => `${kind} ${usedBytes}`).join(', '),
  });
  printSetup(setup);
  const begunMs = performance.now();
  const parts = await Promise.all(Array.from({ length: processes }, (_, part) => runChild(part)));
  const seconds = (performance.now() - begunMs) / 1_000;
  const counts = new Map<string, number>();
  for (const part of parts) for (const [name, count] of part.counts) counts.set(name, (counts.get(name) ?? 0) + count);
  const sum = (of: (part: PartReport) => number): number => parts.reduce((all, part) => all + of(part), 0);
  const wrong = sum(({ wrongCount }) => wrongCount);
  const unreported = sum((part) => part.unreported);
  const largest = Math.max(...parts.map((part) => part.largest));
  const rows = [
    rowOf('flips', 'count', [sum(({ runs }) => runs)]),
    ...[...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, count]) => rowOf(name, 'count', [count])),
    rowOf('damage in what the log holds, not reported', 'count', [unreported]),
    rowOf('largest allocation', 'B', [largest]),
    rowOf('time', 's', [seconds]),
  ];
  printRows(rows);
  for (const what of parts.flatMap((part) => part.wrong).slice(0, WRONG_SHOWN)) console.log(`WRONG ${what}`);
  writeReport(values.json, setup, rows);
  if (wrong > 0 || unreported > 0 || largest > ALLOCATION_MAX) process.exitCode = 1;
}

function runChild(part: number): Promise<PartReport> {
  const more = values.unused ? ['--unused'] : [];
  const child = fork(process.argv[1]!, ['--part', String(part), '--processes', String(processes), '--every', String(every), ...more]);
  process.once('exit', () => child.kill('SIGKILL'));
  return new Promise((resolve, reject) => {
    child.once('message', (report) => resolve(report as PartReport));
    child.once('exit', (code) => reject(new Error(`part ${part} ended with ${code}`)));
  });
}

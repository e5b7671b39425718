/**
 * Runs seeds of the exchange workload in two processes with different V8 hash and random seeds and heap sizes, and compares the digests of
 * all events: `node dist/bench/determinism.js --seeds 1000`. Exits with 1 when one differs or a run fails.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { optionsOf, wholeNumber } from '../test/helpers/options.ts';

const PROGRAM = fileURLToPath(new URL('../test/runtime/simulation/digests.js', import.meta.url));
const FLAGS: readonly (readonly string[])[] = [
  ['--hash-seed=1', '--random-seed=1'],
  ['--hash-seed=1000003', '--random-seed=424242', '--max-semi-space-size=2', '--max-old-space-size=512'],
];

function digests(flags: readonly string[], from: number, count: number): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...flags, PROGRAM, String(from), String(count)], { stdio: ['ignore', 'pipe', 'inherit'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(chunks).toString().trim().split('\n'));
      else reject(new Error(`a process ended with ${code}`));
    });
  });
}

const { values } = optionsOf({ options: { seeds: { type: 'string', default: '1000' }, from: { type: 'string', default: '0' } } });
const count = wholeNumber('seeds', values.seeds);
const from = wholeNumber('from', values.from, 0);
const startedAt = performance.now();
const [one = [], two = []] = await Promise.all(FLAGS.map((flags) => digests(flags, from, count)));
const mismatches = one.filter((line, index) => line !== two[index]);
const failed = one.filter((line) => line.includes('failed'));
const events = one.reduce((sum, line) => sum + Number(line.split(' ')[2]), 0);
for (const line of mismatches.slice(0, 10)) console.log(`differs: ${line}`);
for (const line of failed.slice(0, 10)) console.log(`failed: ${line}`);
console.log(
  `${one.length} seeds run twice, ${events} events each time: ${mismatches.length} mismatches, ${failed.length} failed, ` +
    `${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
);
console.log(`flags: ${FLAGS.map((flags) => flags.join(' ')).join(' | ')}`);
process.exitCode = mismatches.length + failed.length > 0 || one.length !== count ? 1 : 0;

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';

const PROGRAM = fileURLToPath(new URL('digests.js', import.meta.url));
const run = promisify(execFile);

async function digests(flags: readonly string[], from: number, count: number, ...rest: readonly string[]): Promise<string[]> {
  const { stdout } = await run(process.execPath, [...flags, PROGRAM, String(from), String(count), ...rest]);
  return stdout.trim().split('\n');
}

test('determinism: a seed gives the same events, in processes with other hash and random seeds and other heaps', async (t) => {
  const count = 12;
  const [one, two] = await Promise.all([
    digests(['--hash-seed=1', '--random-seed=1'], 0, count),
    digests(['--hash-seed=987654321', '--random-seed=77', '--max-semi-space-size=2', '--stack-size=2000'], 0, count),
  ]);
  t.is(one.length, count);
  t.deepEqual(one, two);
  t.is(new Set(one.map((line) => line.split(' ')[1])).size, count);
});

test('determinism: a seed gives the same events, whatever ran before it in the process', async (t) => {
  const [all, last] = await Promise.all([digests([], 3, 4), digests([], 6, 1)]);
  t.is(all[3], last[0]);
});

test('determinism: the comparison tells two processes apart, when one random number gets in', async (t) => {
  const [one, two] = await Promise.all([digests(['--random-seed=1'], 0, 2, 'spoiled'), digests(['--random-seed=2'], 0, 2, 'spoiled')]);
  t.is(one.length, 2);
  t.false(one.some((line) => two.includes(line)));
});

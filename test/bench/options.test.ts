import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';

function run(...args: readonly string[]) {
  const bench = fileURLToPath(new URL('../../bench/failures.js', import.meta.url));
  return spawnSync(process.execPath, [bench, ...args], { encoding: 'utf8' });
}

test('bench options: what is none is named, with those that there are, and nothing is run', (t) => {
  const { status, stdout, stderr } = run('--nonsense');
  t.is(status, 2);
  t.is(stdout, '');
  t.regex(stderr, /Unknown option '--nonsense'/);
  t.regex(stderr, /--rate VALUE \(3000\)/);
  t.notRegex(stderr, /\n +at /);
});

test('bench options: --help lists them', (t) => {
  const { status, stdout, stderr } = run('--help');
  t.deepEqual([status, stderr], [0, '']);
  t.regex(stdout, /--json VALUE\n/);
});

test('bench options: a value that is out of its range is named, with the range, and nothing is run', (t) => {
  const { status, stdout, stderr } = run('--rate', '0');
  t.deepEqual([status, stdout, stderr], [2, '', '--rate: expected 10 to 1000000, got 0\n']);
});

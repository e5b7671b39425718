import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';

const OPTIONS = new URL('./options.js', import.meta.url).href;

/** What a process prints that evaluates it, with all of options.ts as `o`; and its exit code. */
function run(expression: string): readonly [number | null, string, string] {
  const program = `import * as o from ${JSON.stringify(OPTIONS)}; console.log(${expression});`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  return [status, stdout, stderr];
}

function refused(line: string): readonly [number, string, string] {
  return [2, '', `${line}\n`];
}

test('options: whole numbers are taken, from the least to the most', (t) => {
  const taken = "[o.wholeNumber('a', '1'), o.wholeNumber('a', '0', 0), o.wholeNumber('a', '10', 3, 10), o.wholeNumber('a', '5e6')].join()";
  t.deepEqual(run(taken), [0, '1,0,10,5000000\n', '']);
});

test('options: what is no whole number, or out of range, ends the process with 2 and a line', (t) => {
  for (const [text, got] of [
    ['x', 'x'],
    ['1x', '1x'],
    ['', '""'],
    [' ', '" "'],
    ['NaN', 'NaN'],
    ['Infinity', 'Infinity'],
    ['1e16', '1e16'],
    ['0', '0'],
    ['-1', '-1'],
    ['1.5', '1.5'],
  ] as const)
    t.deepEqual(run(`o.wholeNumber('seeds', '${text}')`), refused(`--seeds: expected a whole number from 1, got ${got}`));
  for (const text of ['2', '10', '3.5'])
    t.deepEqual(run(`o.wholeNumber('nodes', '${text}', 3, 9)`), refused(`--nodes: expected a whole number from 3 to 9, got ${text}`));
});

test('options: numbers with fractions are taken, from the least to the most', (t) => {
  const taken = "[o.numberBetween('a', '0.5', 0.5, 2), o.numberBetween('a', '2', 0.5, 2), o.numberBetween('a', '1e9', 0)].join()";
  t.deepEqual(run(taken), [0, '0.5,2,1000000000\n', '']);
});

test('options: what is no number, or out of range, ends the process with 2 and a line', (t) => {
  for (const [text, got] of [
    ['x', 'x'],
    ['', '""'],
    ['0', '0'],
    ['0.09', '0.09'],
    ['600.5', '600.5'],
  ] as const)
    t.deepEqual(run(`o.numberBetween('minutes', '${text}', 0.1, 600)`), refused(`--minutes: expected 0.1 to 600, got ${got}`));
  t.deepEqual(run("o.numberBetween('share', '', 0)"), refused('--share: expected a number from 0, got ""'));
  t.deepEqual(run("o.numberBetween('share', 'Infinity', 0)"), refused('--share: expected a number from 0, got Infinity'));
});

test('options: a word that is none of those known ends the process with 2 and a line', (t) => {
  t.deepEqual(run("o.oneOf('only', 'b', ['a', 'b'])"), [0, 'b\n', '']);
  t.deepEqual(run("o.oneOf('only', 'c', ['a', 'b'])"), refused('--only: expected one of a, b, got c'));
  t.deepEqual(run("o.oneOf('only', '', ['a', 'b'])"), refused('--only: expected one of a, b, got ""'));
});

test('options: what reading an option throws ends the process with 2 and one line', (t) => {
  t.deepEqual(run("o.orUsageError('--replay f: ', () => 'a plan')"), [0, 'a plan\n', '']);
  t.deepEqual(
    run(String.raw`o.orUsageError('--replay f: ', () => { throw new Error('no plan:\n  "# x\u0007"'); })`),
    refused('--replay f: no plan: "# x "'),
  );
});

test('options: a file or directory that can not be written ends the process with 2 and a line, before any work', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'dynactor-options-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const given = (name: string, path: string): string =>
    `o.optionsOf({ options: { ${name}: { type: 'string' } }, args: ['--${name}', ${JSON.stringify(path)}] }).values.${name}`;
  const file = join(dir, 'file.json');
  t.deepEqual(run(given('json', file)), [0, `${file}\n`, '']);
  t.false(existsSync(file));
  writeFileSync(file, '');
  t.deepEqual(run(given('json', file)), [0, `${file}\n`, '']);
  const [code, out, err] = run(given('json', join(dir, 'none', 'file.json')));
  t.deepEqual([code, out], [2, '']);
  t.regex(err, /^--json: can't be written: ENOENT[^\n]*\n$/);
  t.deepEqual(run(given('out', join(dir, 'a', 'b'))), [0, `${join(dir, 'a', 'b')}\n`, '']);
  const below = run(given('out', join(file, 'b')));
  t.is(below[0], 2);
  t.regex(below[2], /^--out: can't be written: ENOTDIR[^\n]*\n$/);
});

/** The command as a whole, against a server of this process. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { compareFiles } from '../../../bench/cluster/compare.ts';
import { readResults } from '../../../bench/cluster/result.ts';
import { FakeRespServer } from './fake-resp-server.ts';

const PROGRAM = fileURLToPath(new URL('../../../bench/cluster.js', import.meta.url));
const QUICK = ['--quick', '--ms', '200', '--records', '300', '--targets', 'given', '--connections', '4'];

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1), stdout, stderr });
    });
  });
}

test('bench cluster: table, JSON and picture have every row, when all answers are right', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'dynactor-test-'));
  const server = new FakeRespServer();
  const port = await server.listen();
  const [json, svg] = [join(dir, 'a.json'), join(dir, 'a.svg')];
  try {
    const { code, stdout, stderr } = await run([
      ...QUICK,
      '--workloads',
      'set,ycsb-a,ycsb-e,ycsb-f',
      '--resp',
      String(port),
      '--json',
      json,
      '--svg',
      svg,
    ]);
    t.is(code, 0, stderr);
    t.regex(stdout, /durability none, values of 100 B, closed loop/);
    t.regex(stdout, /given: servers started by others/);
    t.regex(stdout, /\d+ operations checked, 0 of them wrong, missing, stale or failed/);
    const file = readResults(json);
    t.deepEqual(
      file.results.map(({ row, loop }) => `${row} ${loop}`),
      [
        ...['load closed', 'set uniform closed', 'set uniform open', 'set uniform P16 closed'],
        ...['ycsb-a zipfian closed', 'ycsb-a zipfian open', 'ycsb-f zipfian closed', 'ycsb-f zipfian open'],
      ],
    );
    for (const { figures, curve, target } of file.results) {
      t.is(target, 'given');
      t.true(figures.perSecond > 0 && figures.p99Ms > 0);
      // Whose process it is, is not known.
      t.is(figures.serverUs, null);
      t.true(curve.every(([, ms], i) => i === 0 || ms >= curve[i - 1]![1]));
    }
    const picture = readFileSync(svg, 'utf8');
    t.regex(picture, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    t.true(['load', 'ycsb-a zipfian'].every((row) => picture.includes(`>${row}</text>`)));
    t.is(picture.match(/<polyline/g)?.length, 3);
    t.false(picture.includes('NaN'));
    t.regex(compareFiles(file, file).join('\n'), /8 rows in both, 0 only in the first, 0 only in the second/);
  } finally {
    await server.close();
    rmSync(dir, { recursive: true });
  }
});

test('bench cluster: it ends with 1 and says what was wrong, when an answer was', async (t) => {
  const server = new FakeRespServer({ fault: 'flippedByte', every: 50 });
  const port = await server.listen();
  try {
    const { code, stdout } = await run([...QUICK, '--workloads', 'get', '--open-share', '0', '--resp', String(port)]);
    t.is(code, 1);
    t.regex(stdout, /given, get uniform( P16)?, closed loop, durability none, 100 B: [1-9]\d* wrong/);
    t.notRegex(stdout, / 0 of them wrong/);
  } finally {
    await server.close();
  }
});

test('bench cluster: a target that is not there is left out with the reason, and unknown ones are refused', async (t) => {
  const { code, stdout } = await run([...QUICK, '--workloads', 'get']);
  t.is(code, 0);
  t.regex(stdout, /given is left out: no --resp ports are given/);
  for (const [name, value, message] of [
    [
      'targets',
      'nobody',
      /--targets nobody: expected some of dynactor-resp, dynactor-client, dynactor-one, redis, redis-wait, etcd, given/,
    ],
    ['base-port', 'x', /--base-port: expected a whole number from 0, got x/],
    ['open-share', 'half', /--open-share: expected a number from 0, got half/],
  ] as const) {
    const refused = await run([...QUICK, `--${name}`, value]);
    t.is(refused.code, 2);
    t.regex(refused.stderr, message);
  }
});

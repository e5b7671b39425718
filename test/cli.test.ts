import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { changed, flipped, nameOf, placeSample, sampleDatabase, temporaryDir } from './storage/tools/sample-database.ts';

const CLI = fileURLToPath(new URL('../cli.js', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(t: ExecutionContext, args: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Ended> } {
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.teardown(() => child.kill('SIGKILL'));
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk.toString();
  });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, out, err }));
  return { child, ended };
}

/** The first line that a child writes. */
async function firstLine(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    if (text.includes('\n')) break;
  }
  return text.slice(0, text.indexOf('\n'));
}

test('cli: a node starts, is pinged from another process, and stops when told', async (t) => {
  const node = run(t, ['start', '--name', 'n', '--listen', '127.0.0.1:0', '--shards', '2', '--log-level', 'warn']);
  const line = await firstLine(node.child);
  const address = /node (n@127\.0\.0\.1:\d+,\d+,\d+) is up/.exec(line)?.[1];
  t.truthy(address, line);
  const ping = await run(t, ['ping', address as string, '--count', '20', '--timeout', '20000']).ended;
  t.is(ping.code, 0, ping.err);
  t.regex(ping.out, /shard 0: 20 asks of 100 B, ms p50 [\d.]+ p99 [\d.]+ max [\d.]+/);
  t.regex(ping.out, /shard 1: 20 asks/);
  node.child.kill('SIGTERM');
  t.is((await node.ended).code, 0);
});

test('cli: a node of another cluster does not answer, and the reason is in the log', async (t) => {
  const node = run(t, ['start', '--name', 'n', '--listen', '127.0.0.1:0', '--shards', '0', '--log-level', 'silent']);
  const address = /node (\S+) is up/.exec(await firstLine(node.child))?.[1] as string;
  const ping = await run(t, ['ping', address, '--cluster', 'other', '--timeout', '1000']).ended;
  t.is(ping.code, 1);
  t.regex(ping.err, /CLUSTER/);
  node.child.kill('SIGTERM');
  await node.ended;
});

const complains = test.macro({
  exec: async (t, args: readonly string[], named: RegExp) => {
    const { code, err } = await run(t, args).ended;
    t.is(code, 1);
    t.regex(err, named);
  },
  title: (title) => `${title} ends with a message and exit code 1`,
});

test('cli: an unknown command', complains, ['flip'], /unknown command 'flip'/);
test('cli: a port that is none', complains, ['start', '--listen', '127.0.0.1:99999'], /--listen.*Expected a whole number from 0 to 65535/);
test('cli: a number of shards that is none', complains, ['start', '--shards', 'two'], /--shards.*Expected a whole number/);
test('cli: a log level that is none', complains, ['start', '--log-level', 'loud'], /Expected one of debug, info/);
test(
  'cli: a module that is not there',
  complains,
  ['start', '--listen', '127.0.0.1:0', '--shards', '1', '--module', 'nowhere.js'],
  /nowhere\.js/,
);
test('cli: an address that is none', complains, ['ping', 'a:1'], /expected name@host:port/);
test('cli: a node that is not there', complains, ['ping', 'a@127.0.0.1:1', '--timeout', '500'], /no answer within 500 ms/);

test('cli: a damaged database is scrubbed, repaired and scrubbed again, and tells what it did', async (t) => {
  const dir = join(temporaryDir(t), 'db');
  const sample = await sampleDatabase();
  const table = nameOf(sample, /\.sst$/);
  placeSample(changed(sample, table, flipped(100)), dir);
  const damaged = await run(t, ['scrub', dir]).ended;
  t.is(damaged.code, 1);
  t.regex(damaged.out, new RegExp(`DAMAGED \\S+/${table}: at 0: expected`));
  t.regex(damaged.out, /5 files, \d+ bytes: 1 damaged; `dynactor repair`/);
  t.is((await run(t, ['repair', dir, '--dry-run']).ended).code, 1);
  const repaired = await run(t, ['repair', dir, '--json']).ended;
  t.is(repaired.code, 0, repaired.err);
  const lines = repaired.out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { readonly verdict: string; readonly file?: string; readonly lossy?: boolean });
  t.is(lines.find(({ verdict }) => verdict === 'salvaged')?.file, table);
  t.true(lines.at(-1)?.lossy);
  const clean = await run(t, ['scrub', dir]).ended;
  t.is(clean.code, 0, clean.out);
  t.regex(clean.out, /no damage/);
  t.regex((await run(t, ['repair', dir]).ended).out, /nothing is damaged/);
  t.is((await run(t, ['checkpoint', dir, `${dir}-copy`]).ended).code, 0);
  t.is((await run(t, ['scrub', `${dir}-copy`, '--json']).ended).code, 0);
});

test('cli: the files of a database are shown as lines, up to a limit', async (t) => {
  const dir = join(temporaryDir(t), 'db');
  const sample = await sampleDatabase();
  placeSample(sample, dir);
  const [table, log, manifest] = [/\.sst$/, /\.log$/, /^MANIFEST/].map((pattern) => join(dir, nameOf(sample, pattern))) as [
    string,
    string,
    string,
  ];
  const dump = async (...args: readonly string[]): Promise<string> => {
    const { code, out, err } = await run(t, args).ended;
    t.is(code, 0, err);
    return out;
  };
  const entries = await dump('sst', 'dump', table, '--entries', '--limit', '0');
  t.regex(entries, /entries 600/);
  t.is(entries.match(/^ {2}put /gm)?.length, 600);
  const bounded = await dump('sst', 'dump', table, '--limit', '3');
  t.is(bounded.trim().split('\n').length, 4);
  t.regex(bounded, /more than 3 lines; --limit 0 writes all/);
  t.regex(await dump('sst', 'verify', table), /^ok .*\.sst: \d+ bytes, \d+ blocks/);
  t.regex(await dump('wal', 'dump', log), /put "logged" = "yes"/);
  t.regex(await dump('manifest', 'dump', manifest), /level 6 now: 1 tables/);
  const wrong = await run(t, ['wal', 'dump', table]).ended;
  t.is(wrong.code, 1);
  t.regex(wrong.err, /expected a segment of a commit log, got a table: see `dynactor sst dump`/);
  t.is((await run(t, ['sst', 'verify', join(dir, 'CURRENT')]).ended).code, 1);
});

test('cli: a database that is not there', complains, ['scrub', 'nowhere'], /nowhere: expected the directory of a database, found none/);
test('cli: a file that is not there', complains, ['sst', 'dump', 'nowhere.sst'], /nowhere\.sst: ENOENT/);
test('cli: a directory without a database to repair', complains, ['repair', 'test'], /expected files of a database/);

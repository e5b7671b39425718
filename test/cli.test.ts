import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { changed, flipped, nameOf, placeSample, sampleDatabase, temporaryDir } from './storage/tools/sample-database.ts';

const CLI = fileURLToPath(new URL('../bundle/cli.js', import.meta.url));

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
  const data = join(temporaryDir(t), 'node');
  const args = [
    '--init',
    '--name',
    'n',
    '--data',
    data,
    '--port',
    '0',
    '--http-port',
    '0',
    '--resp-port',
    '0',
    '--shards',
    '2',
    '--log-level',
    'warn',
  ];
  const node = run(t, ['start', ...args]);
  const line = await firstLine(node.child);
  const [, address, resp, http] = /node n listens on (127\.0\.0\.1:\d+),\d+,\d+, RESP on (\S+), HTTP on (http:\S+)/.exec(line) ?? [];
  t.truthy(address, line);
  const ping = await run(t, ['ping', address as string, '--count', '20', '--timeout', '20000']).ended;
  t.is(ping.code, 0, ping.err);
  t.regex(ping.out, /shard 0: 20 asks of 100 B, ms p50 [\d.]+ p99 [\d.]+ max [\d.]+/);
  t.regex(ping.out, /shard 1: 20 asks/);
  const status = await run(t, ['status', '--url', http as string]).ended;
  t.regex(
    status.out,
    /cluster dynactor \([0-9a-f]{32}\), generation 1, epoch \d+, asked node n, Redis clients \S+\nNAME +STATE +DATA CENTER +RACK +CAPACITY +SHARE +EPOCH +ADDRESS\n/,
  );
  t.true(status.out.includes(`Redis clients ${resp}\n`));
  t.regex(status.out, /\nn +UP +dc1 +rack1 +100 +100\.0% +\S+ +127\.0\.0\.1:\d+,\d+,\d+\n$/);
  const metrics = await (await fetch(`${http}/metrics`)).text();
  for (const name of ['requests_under_way{shard="0"}', 'requests_under_way{shard="1"}', 'resp_connections{shard="0"}'])
    t.true(metrics.includes(`\ndynactor_${name} 0\n`), name);
  node.child.kill('SIGTERM');
  t.is((await node.ended).code, 0);
});

const complains = test.macro({
  exec: async (t, code: number, args: readonly string[], named: RegExp) => {
    const ended = await run(t, args).ended;
    t.is(ended.code, code);
    t.regex(ended.err, named);
  },
  title: (title: string | undefined, code: number) => `${title} ends with a message and exit code ${code}`,
});

test('cli: an unknown command', complains, 2, ['flip'], /unknown command 'flip'/);
test(
  'cli: a port that is none',
  complains,
  2,
  ['start', '--port', '99999'],
  /port: expected a whole number from 0 to 65535, got 99999 \(--port\)/,
);
test('cli: a log level that is none', complains, 2, ['start', '--log-level', 'loud'], /log\.level: expected one of debug, info/);
test('cli: a configuration file that is not there', complains, 2, ['config', 'check', '--config', 'nowhere.yaml'], /ENOENT.*nowhere\.yaml/);
test('cli: an address to ping that is none', complains, 2, ['ping', 'a:b'], /Expected host:port/);
test(
  'cli: a node that is not there',
  complains,
  1,
  ['ping', '127.0.0.1:1', '--timeout', '500'],
  /no node answers: 127\.0\.0\.1:1: connection refused/,
);
test(
  'cli: a status of nobody',
  complains,
  1,
  ['status', '--http-port', '1'],
  /no node answers at http:\/\/127\.0\.0\.1:1: .*give --host and --http-port/,
);
test('cli: an output that is none', complains, 2, ['status', '-o', 'xml'], /Allowed choices are table, json, yaml/);
test('cli: a url that is none', complains, 2, ['status', '--url', 'ftp://a'], /expected http:\/\/host:port, got ftp:\/\/a/);
test('cli: a drop that was not meant', complains, 2, ['keyspace', 'drop', 'users'], /required option '--yes'/);

test('cli: the configuration is shown with where each value is from', async (t) => {
  const dir = temporaryDir(t);
  const file = join(dir, 'node.yaml');
  writeFileSync(file, 'rack: r7\nhttp:\n  port: 9\n');
  const { code, out, err } = await run(t, ['config', 'show', '--config', file, '--capacity', '5', '-o', 'json']).ended;
  t.is(code, 0, err);
  const rows = new Map((JSON.parse(out) as { key: string; value: unknown; from: string }[]).map((row) => [row.key, row]));
  t.deepEqual(rows.get('rack'), { key: 'rack', value: 'r7', from: file });
  t.deepEqual(rows.get('capacity'), { key: 'capacity', value: 5, from: '--capacity' });
  t.deepEqual(rows.get('port'), { key: 'port', value: 7000, from: 'default' });
  t.deepEqual(rows.get('name'), { key: 'name', value: null, from: 'not said' });
  t.is((await run(t, ['config', 'check', '--config', file]).ended).out, 'ok\n');
});

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

test('cli: a database that is not there', complains, 1, ['scrub', 'nowhere'], /nowhere: expected the directory of a database, found none/);
test('cli: a file that is not there', complains, 1, ['sst', 'dump', 'nowhere.sst'], /nowhere\.sst: ENOENT/);
test('cli: a directory without a database to repair', complains, 1, ['repair', 'test'], /expected files of a database/);

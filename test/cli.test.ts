import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';

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

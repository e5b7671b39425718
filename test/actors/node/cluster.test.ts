import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { ClusterStatus } from '../../../actors/node/http/status.ts';
import { NodeProcess, runCli, temporaryDirectory, until, untilAllSee } from './processes.ts';

const ALL_UP = 'a: UP, b: UP, c: UP';

async function statusByCommand(
  t: ExecutionContext,
  node: NodeProcess,
): Promise<{ readonly code: number | null; readonly status: ClusterStatus }> {
  const { code, out, err } = await runCli(t, ['status', '--http-port', node.httpPort, '-o', 'json']);
  t.is(err, '');
  return { code, status: JSON.parse(out) as ClusterStatus };
}

test('cluster: three processes form one, agree, and go through kills, restarts and a pause of each other', async (t) => {
  const dir = temporaryDirectory(t);
  const start = (name: string, ...more: string[]): Promise<NodeProcess> =>
    NodeProcess.start(t, ['--name', name, '--data', join(dir, name), ...more]);
  let a = await start('a', '--init');
  let [b, c] = await Promise.all([start('b', '--join', a.seed), start('c', '--join', a.seed)]);
  await untilAllSee([a, b, c], ALL_UP);

  const made = await runCli(t, ['keyspace', 'create', 'users', '--n', '3', '--http-port', b.httpPort]);
  t.is(made.code, 0, made.err);
  for (const node of [a, b, c]) {
    await until(
      async () => ((await node.status())?.keyspaces.includes('users') === true ? true : null),
      () => `keyspace on ${node.httpPort}`,
    );
  }
  const [ofA, ofB, ofC] = [await statusByCommand(t, a), await statusByCommand(t, b), await statusByCommand(t, c)];
  t.is(ofA.code, 0);
  for (const { status } of [ofB, ofC]) {
    t.is(status.hash, ofA.status.hash);
    t.is(status.epoch, ofA.status.epoch);
  }
  t.deepEqual(
    ofA.status.members.map(({ share }) => share > 0.3),
    [true, true, true],
  );

  t.is((await a.end('SIGKILL')).code, null);
  await untilAllSee([b, c], 'a: DOWN, b: UP, c: UP');
  t.is((await statusByCommand(t, b)).code, 3);
  a = await start('a');
  await untilAllSee([a, b, c], ALL_UP);
  await b.end('SIGKILL');
  await untilAllSee([a, c], 'a: UP, b: DOWN, c: UP');
  b = await start('b', '--join', a.seed);
  await untilAllSee([a, b, c], ALL_UP);
  await c.end('SIGKILL');
  await untilAllSee([a, b], 'a: UP, b: UP, c: DOWN');
  c = await start('c');
  await untilAllSee([a, b, c], ALL_UP);
  t.deepEqual(
    (await statusByCommand(t, a)).status.members.map(({ boot }) => boot),
    [2, 2, 2],
  );

  b.signal('SIGSTOP');
  await untilAllSee([a, c], 'a: UP, b: DOWN, c: UP');
  b.signal('SIGCONT');
  await untilAllSee([a, b, c], ALL_UP);

  // An older state of c's directory.
  t.is((await c.end('SIGTERM')).code, 0);
  cpSync(join(dir, 'c'), join(dir, 'old'), { recursive: true });
  for (let i = 0; i < 2; i++) {
    c = await start('c');
    await untilAllSee([a, b, c], ALL_UP);
    t.is((await c.end('SIGINT')).code, 0);
  }
  rmSync(join(dir, 'c'), { recursive: true });
  cpSync(join(dir, 'old'), join(dir, 'c'), { recursive: true });
  const old = await start('c');
  const { code, err } = await old.ended;
  t.is(code, 1);
  t.regex(err, /copy or an old state/);
  for (const node of [a, b]) t.is((await node.end('SIGTERM')).code, 0);
});

test('cluster: a node that must not run says why, and ends', async (t) => {
  const dir = temporaryDirectory(t);
  const at = (name: string): string[] => ['--data', join(dir, name)];
  const a = await NodeProcess.start(t, [...at('a'), '--name', 'a', '--init']);
  const other = await NodeProcess.start(t, [...at('other'), '--name', 'x', '--init']);
  await Promise.all([a.isUp(), other.isUp()]);
  await other.end('SIGTERM');
  cpSync(join(dir, 'a'), join(dir, 'copy'), { recursive: true });

  const refused = async (args: readonly string[], message: RegExp): Promise<void> => {
    const { code, err } = await runCli(t, ['start', '--port', '0', '--http-port', '0', '--log-level', 'error', '--shards', '1', ...args]);
    t.is(code, 1, args.join(' '));
    t.regex(err, message);
  };
  await Promise.all([
    refused(at('a'), /in use by another process/),
    refused(at('copy'), /node a \([0-9a-f]{32}\) runs already, at 127\.0\.0\.1:\d+: .*is a copy/),
  ]);
  await Promise.all([
    refused([...at('empty')], /is empty: say --init to make a new cluster, or --join/),
    refused([...at('other'), '--join', a.seed], /belongs to cluster [0-9a-f]{32}, but 127\.0\.0\.1:\d+ is of cluster [0-9a-f]{32}/),
  ]);
  await Promise.all([
    refused([...at('new'), '--name', 'a', '--join', a.seed], /does not take node a: .*the name a is that of member/),
    refused([...at('other'), '--name', 'y'], /is that of node x, not of y/),
  ]);
  await refused(
    [...at('lonely'), '--join', '127.0.0.1:1', '--join-timeout', '0'],
    /no seed answers \(127\.0\.0\.1:1\).*connection refused/,
  );
  t.is((await a.end('SIGTERM')).code, 0);
});

import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { ClusterStatus } from '../../../actors/node/http/status.ts';
import { NodeProcess, runCli, temporaryDirectory, until, untilAllKnow, untilAllSee } from './processes.ts';

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
  const ofA = await statusByCommand(t, a);
  t.is(ofA.code, 0);
  t.is(ofA.status.node.version, (JSON.parse(readFileSync('package.json', 'utf8')) as { readonly version: string }).version);
  for (const node of [b, c]) t.like(await node.status(), { hash: ofA.status.hash, epoch: ofA.status.epoch });
  t.deepEqual(
    ofA.status.members.map(({ share }) => share > 0.3),
    [true, true, true],
  );

  t.is((await a.end('SIGKILL')).code, null);
  await untilAllSee([b, c], 'a: DOWN, b: UP, c: UP');
  t.is((await statusByCommand(t, b)).code, 3);
  a = await start('a');
  await untilAllSee([a, b, c], ALL_UP);
  await untilAllKnow([a, b, c], { a });
  await b.end('SIGKILL');
  await untilAllSee([a, c], 'a: UP, b: DOWN, c: UP');
  b = await start('b', '--join', a.seed);
  await untilAllSee([a, b, c], ALL_UP);
  await untilAllKnow([a, b, c], { a, b });
  await c.end('SIGKILL');
  await untilAllSee([a, b], 'a: UP, b: UP, c: DOWN');
  c = await start('c');
  await untilAllSee([a, b, c], ALL_UP);
  await untilAllKnow([a, b, c], { a, b, c });
  t.deepEqual(
    (await a.status())?.members.map(({ boot }) => boot),
    [2, 2, 2],
  );

  b.signal('SIGSTOP');
  await untilAllSee([a, c], 'a: UP, b: DOWN, c: UP');
  b.signal('SIGCONT');
  await untilAllSee([a, b, c], ALL_UP);

  // An older state of c's directory.
  t.is((await c.end('SIGTERM')).code, 0);
  cpSync(join(dir, 'c'), join(dir, 'old'), { recursive: true });
  c = await start('c');
  // So that a majority has registered this start: before, nobody could know.
  await c.isUp();
  t.is((await c.end('SIGINT')).code, 0);
  rmSync(join(dir, 'c'), { recursive: true });
  cpSync(join(dir, 'old'), join(dir, 'c'), { recursive: true });
  const old = await start('c');
  const { code, err } = await old.ended;
  t.is(code, 1);
  t.regex(err, /copy or an old state/);

  await untilAllSee([a, b], 'a: UP, b: UP, c: DOWN');
  const removed = await runCli(t, ['remove', 'c', '--yes', '--http-port', a.httpPort]);
  t.is(removed.code, 0, removed.err);
  await untilAllSee([a, b], 'a: UP, b: UP');
  const left = await runCli(t, ['leave', 'b', '--http-port', a.httpPort]);
  t.is(left.code, 0, left.err);
  t.is((await b.ended).code, 0);
  await untilAllSee([a], 'a: UP');
  // As who watches the process may: it says why it ends, and that it need not be started again.
  const again = await (await start('b')).ended;
  t.is(again.code, 0, again.err);
  t.regex(again.out, /this node was removed from the cluster/);
  t.is((await a.end('SIGTERM')).code, 0);
});

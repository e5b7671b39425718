import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { NodeProcess, runCli, temporaryDirectory, until, untilAllKnow, untilAllSee } from './processes.ts';
import { RedisWriter, redisTo } from './redis-writer.ts';

const ALL_UP = 'a: UP, b: UP, c: UP';
const NAMES = ['a', 'b', 'c'] as const;
const WRITES = 300;

/** Every acknowledged write is found through that node, or a later one of its key. */
async function allFound(t: ExecutionContext, node: NodeProcess, writers: readonly RedisWriter[], when: string): Promise<void> {
  const redis = redisTo(node.respPort);
  for (const { keys } of writers) {
    const names = [...keys.keys()];
    const values = await redis.mget(names);
    names.forEach((name, i) => {
      const { acknowledged, sent } = keys.get(name)!;
      const found = Number(values[i] ?? 0);
      t.true(found >= acknowledged && found <= sent, `${when}: ${name} is ${found}, acknowledged ${acknowledged}, sent ${sent}`);
    });
  }
  redis.disconnect();
}

async function more(writers: readonly RedisWriter[]): Promise<void> {
  const goals = writers.map(({ acknowledged }) => acknowledged + WRITES);
  await until(
    () => writers.every(({ acknowledged }, i) => acknowledged >= goals[i]!) || null,
    () => writers.map(({ acknowledged, failed }) => `${acknowledged} acknowledged, ${failed} failed`).join(', '),
  );
}

test('store: every acknowledged write is read at once and after a restart, when any of three nodes is killed under load', async (t) => {
  const dir = temporaryDirectory(t);
  const start = (name: string, ...args: string[]): Promise<NodeProcess> =>
    NodeProcess.start(t, ['--name', name, '--data', join(dir, name), ...args]);
  const a = await start('a', '--init');
  const nodes = [a, ...(await Promise.all([start('b', '--join', a.seed), start('c', '--join', a.seed)]))];
  await untilAllSee(nodes, ALL_UP);
  const made = await runCli(t, ['keyspace', 'create', 'default', '--http-port', a.httpPort]);
  t.is(made.code, 0, made.err);
  for (const node of nodes) {
    const redis = redisTo(node.respPort);
    await until(
      () =>
        redis
          .set('is it there', 'yes')
          .then(() => true)
          .catch(() => null),
      () => `keyspace at ${node.respPort}`,
    );
    redis.disconnect();
  }

  for (const [victim, name] of NAMES.entries()) {
    const ports = nodes.map(({ respPort }) => respPort);
    const writers = ports.map((_, i) => new RedisWriter(`${name}${i}`, [...ports.slice(i), ...ports.slice(0, i)]));
    await more(writers);
    await nodes[victim]!.end('SIGKILL');
    const survivors = nodes.filter((_, i) => i !== victim);
    await more(writers);
    await Promise.all(writers.map((writer) => writer.stop()));
    for (const node of survivors) await allFound(t, node, writers, `${name} is dead`);
    nodes[victim] = await start(name);
    await untilAllSee(nodes, ALL_UP);
    await nodes[victim].isUp();
    await untilAllKnow(nodes, { [name]: nodes[victim] });
    for (const node of nodes) await allFound(t, node, writers, `${name} is back`);
  }
  for (const node of nodes) t.is((await node.end('SIGTERM')).code, 0);
});

import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { NodeProcess, runCli, temporaryDirectory, until, untilAllSee } from './processes.ts';
import { RedisWriter, redisTo } from './redis-writer.ts';

const VALUE_BYTES = 1_000;
const KEYS = 600;

async function allThere(t: ExecutionContext, { respPort }: NodeProcess, writers: readonly RedisWriter[], when: string): Promise<void> {
  const redis = redisTo(respPort);
  const values = await redis.mget(Array.from({ length: KEYS }, (_, i) => `old:${i}`));
  t.deepEqual(
    values.map((value) => value?.length ?? 0),
    Array<number>(KEYS).fill(VALUE_BYTES),
    when,
  );
  for (const { keys } of writers) {
    const names = [...keys.keys()];
    const found = await redis.mget(names);
    names.forEach((name, i) => {
      const { acknowledged, sent } = keys.get(name)!;
      const value = Number(found[i] ?? 0);
      t.true(value >= acknowledged && value <= sent, `${when}: ${name} is ${value}, acknowledged ${acknowledged}, sent ${sent}`);
    });
  }
  redis.disconnect();
}

/** Records and bytes that a node has copied from others since it started. */
async function copied(node: NodeProcess): Promise<{ readonly records: number; readonly bytes: number }> {
  const text = await (await node.get('/metrics')).text();
  const sum = (name: string): number =>
    [...text.matchAll(new RegExp(`^dynactor_stream_${name}_total\\{[^}]*\\} (\\d+)`, 'gm'))].reduce(
      (all, [, value]) => all + Number(value),
      0,
    );
  return { records: sum('records'), bytes: sum('bytes') };
}

/** How many of these keys the node's own replicas have. */
async function held({ respPort }: NodeProcess, names: readonly string[]): Promise<number> {
  const redis = redisTo(respPort);
  const answers = await Promise.all(names.map((name) => redis.call('KV.GET', name, 'LOCAL') as Promise<readonly unknown[]>));
  redis.disconnect();
  // As RESP2 has maps: context, its value, values, all of them, and so on.
  return answers.filter((map) => (map[3] as readonly unknown[]).length > 0).length;
}

test('moving data: all that was written is read, when a fourth node joins and one of the first leaves under load', async (t) => {
  const dir = temporaryDirectory(t);
  const start = (name: string, ...args: string[]): Promise<NodeProcess> =>
    NodeProcess.start(t, ['--name', name, '--data', join(dir, name), ...args]);
  const a = await start('a', '--init');
  const first = [a, ...(await Promise.all([start('b', '--join', a.seed), start('c', '--join', a.seed)]))];
  await untilAllSee(first, 'a: UP, b: UP, c: UP');
  t.is((await runCli(t, ['keyspace', 'create', 'default', '--http-port', a.httpPort])).code, 0);
  const redis = redisTo(a.respPort);
  const isThere = (): Promise<true | null> =>
    redis
      .set('is it there', 'yes')
      .then((): true => true)
      .catch(() => null);
  await until(isThere, () => 'keyspace');
  await Promise.all(Array.from({ length: KEYS }, (_, i) => redis.set(`old:${i}`, 'x'.repeat(VALUE_BYTES))));
  redis.disconnect();

  const writers = first.map(({ respPort }, i) => new RedisWriter(`w${i}`, [respPort, a.respPort]));
  const d = await start('d', '--join', a.seed);
  await untilAllSee([...first, d], 'a: UP, b: UP, c: UP, d: UP');
  const { records, bytes } = await copied(d);
  // A quarter of three copies, and what was written meanwhile.
  t.true(records > KEYS / 2 && bytes > (KEYS / 2) * VALUE_BYTES, `${records} records, ${bytes} bytes`);
  const names = ['is it there', ...Array.from({ length: KEYS }, (_, i) => `old:${i}`), ...writers.flatMap(({ keys }) => [...keys.keys()])];
  const own = await held(d, names);
  t.log(`d copied ${records} records, ${bytes} bytes, and has ${own}`);
  // Each once: what it has besides was written while it joined, or since.
  t.true(records <= own * 1.05, `${records} records for ${own}`);
  for (const node of [...first, d]) await allThere(t, node, [], 'd has joined');

  t.is((await runCli(t, ['leave', 'b', '--http-port', a.httpPort])).code, 0);
  t.is((await first[1]!.ended).code, 0);
  const left = [a, first[2]!, d];
  await untilAllSee(left, 'a: UP, c: UP, d: UP');
  await Promise.all(writers.map((writer) => writer.stop()));
  for (const node of left) await allThere(t, node, writers, 'b has left');
  for (const node of left) t.is((await node.end('SIGTERM')).code, 0);
});

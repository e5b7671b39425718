import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { ClientErrorCode } from '../../../actors/client/client-error.ts';
import { bytes } from '../../../actors/client/codecs.ts';
import { type OpenOptions, open } from '../../../actors/node/open.ts';
import { NodeProcess, runCli, temporaryDirectory, untilAllSee } from './processes.ts';
import { redisTo } from './redis-writer.ts';

const shards = test.macro({
  exec: async (t: ExecutionContext, count: number) => {
    const dir = join(temporaryDirectory(t), 'a', 'store');
    const store = await open(dir, { shards: count, logLevel: 'silent' });
    const names = store.keyspace('default');
    await Promise.all(Array.from({ length: 300 }, (_, i) => names.put(`k${i}`, `v${i}`)));
    await names.put('k1', 'changed', { context: (await names.getWithContext('k1')).context });
    await names.delete('k2', { context: (await names.getWithContext('k2')).context });
    await store.keyspaces.create('blobs', { conflict: 'lww', durability: 'none' });
    const blobs = store.keyspace('blobs', { value: bytes });
    await blobs.put('b', Buffer.alloc(100_000, 7));
    await store.close();

    const again = await open(dir, { logLevel: 'silent' });
    const found = await again.keyspace('default').getMany(Array.from({ length: 300 }, (_, i) => `k${i}`));
    t.deepEqual(
      found.map((outcome) => (outcome.ok ? outcome.value : outcome.error.code)),
      Array.from({ length: 300 }, (_, i) => (i === 1 ? 'changed' : i === 2 ? undefined : `v${i}`)),
    );
    const scanned: string[] = [];
    for await (const { key } of again.keyspace('default').scan({ prefix: 'k29' })) scanned.push(key);
    t.deepEqual(scanned.sort(), ['k29', ...Array.from({ length: 10 }, (_, i) => `k29${i}`)]);
    t.is((await again.keyspace('blobs', { value: bytes }).get('b'))?.length, 100_000);
    t.deepEqual(
      again.keyspaces
        .list()
        .map(({ name }) => name)
        .sort(),
      ['blobs', 'default'],
    );
    await again.close();
  },
  title: (_, count) => `open: what was written is there when it is opened again, with ${count} shards`,
});
test.serial(shards, 0);
test.serial(shards, 2);

const wrong = test.macro({
  exec: async (t: ExecutionContext, options: OpenOptions, message: RegExp) => {
    const dir = temporaryDirectory(t);
    const code: ClientErrorCode = 'INVALID_ARGUMENT';
    await t.throwsAsync(open(dir, options), { code, message });
  },
  title: (_, options) => `open: refuses ${JSON.stringify(options)} and says what it expects`,
});
test(wrong, { shards: 1.5 }, /^shards: expected a whole number from 0 to 64, got 1\.5$/);
test(wrong, { memory: 1 }, /^memory: expected a whole number from 16 /);
test(
  wrong,
  { keyspace: { N: 3 } as never },
  /^keyspace: expected n, r, w, pr, pw, mode, conflict, durability, ttlMs, keyBytesMax, valueBytesMax, found "N"$/,
);
test(wrong, { timeoutMs: -1 }, /timeoutMs/);
test(wrong, { logLevel: 'loud' as 'warn' }, /^logLevel: expected one of debug, info, warn, error, silent, got "loud"$/);

test('open: less memory than its shards need is refused, and nothing is written', async (t) => {
  const dir = temporaryDirectory(t);
  const few = { code: 'INVALID_CONFIG', message: /^memory: expected at least 1 MiB for each of 17 shards, got 16$/ };
  await t.throwsAsync(open(dir, { shards: 17, memory: 16 }), few);
  t.false(existsSync(join(dir, 'NODE')));
});

test.serial('open: a directory in use, made for other shards, or of a cluster’s node is refused', async (t) => {
  const dir = temporaryDirectory(t);
  const store = await open(join(dir, 'one'), { shards: 2, logLevel: 'silent' });
  await t.throwsAsync(open(join(dir, 'one'), { logLevel: 'silent' }), { code: 'IN_USE' });
  await store.close();
  await t.throwsAsync(open(join(dir, 'one'), { shards: 3, logLevel: 'silent' }), { code: 'OTHER_SHARDS', message: /made for 2 shards/ });

  const a = await NodeProcess.start(t, ['--name', 'a', '--data', join(dir, 'a'), '--init']);
  const b = await NodeProcess.start(t, ['--name', 'b', '--data', join(dir, 'b'), '--join', a.seed]);
  await untilAllSee([a, b], 'a: UP, b: UP');
  await b.end('SIGTERM');
  await t.throwsAsync(open(join(dir, 'b'), { logLevel: 'silent' }), {
    code: 'OTHER_CLUSTER',
    message: /cluster \(.*a.*\).*dynactor start/,
  });
  await a.end('SIGTERM');
});

test.serial('open: a node can be started on its directory, and has its data', async (t) => {
  const dir = temporaryDirectory(t);
  const store = await open(dir, { logLevel: 'silent' });
  await store.keyspace('default').put('from', 'the program');
  const { name } = store.topology.nodes[0]!;
  await store.close();
  const node = await NodeProcess.start(t, ['--data', dir]);
  await node.isReady();
  const redis = redisTo(node.respPort);
  t.is(await redis.get('from'), 'the program');
  redis.disconnect();
  t.is((await runCli(t, ['status', '--http-port', node.httpPort])).out.includes(name), true);
  t.is((await node.end('SIGTERM')).code, 0);
});

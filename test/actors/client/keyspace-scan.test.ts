/** Scans as programs use them, over real threads and sockets, with fake coordinators; and on their way, in simulation. */
import test from 'ava';
import type { Client } from '../../../actors/client/client.ts';
import { bytes, json } from '../../../actors/client/codecs.ts';
import { connect } from '../../../actors/client/connect.ts';
import { WANT_RECORDS } from '../../../actors/scan/scan-frames.ts';
import { LOADING } from '../../../actors/store/store-request.ts';
import { ClientWorld } from './client-world.ts';
import { TestNodes } from './test-nodes.ts';

const SHARDS = 2;
let nodes: TestNodes;
let client: Client;

test.before(async () => {
  nodes = await TestNodes.start(1);
  client = await connect(nodes.seeds, { timeoutMs: 10_000 });
  const users = client.keyspace('users');
  for (let i = 0; i < 20; i++) await users.put(`user:${i}`, `value ${i}`);
  await users.put('twins', 'first');
  await users.put('twins', 'second');
  await users.put('gone', 'x');
  await users.delete('gone', { context: (await users.getWithContext('gone')).context });
});

test.after.always(async () => {
  await client?.close();
  await nodes?.[Symbol.asyncDispose]();
});

test('client scan: every key comes once, page by page, with value and context', async (t) => {
  const users = client.keyspace('users');
  const found = new Map<string, string>();
  for await (const { key, value } of users.scan({ pageSize: 3 })) {
    t.false(found.has(key));
    found.set(key, value);
  }
  t.deepEqual([...found.keys()].sort(), [...Array.from({ length: 20 }, (_, i) => `user:${i}`), 'twins'].sort());
  t.is(found.get('user:7'), 'value 7');
});

test('client scan: a prefix, given as text or bytes, leaves out the others', async (t) => {
  const users = client.keyspace('users', { key: bytes });
  const keys: string[] = [];
  for await (const { key } of users.scan({ prefix: 'user:1' })) keys.push(Buffer.from(key).toString());
  t.is(keys.length, 11);
  keys.length = 0;
  for await (const { key } of users.scan({ prefix: Buffer.from('twi') })) keys.push(Buffer.from(key).toString());
  t.deepEqual(keys, ['twins']);
});

test('client scan: siblings come too, and the resolver makes one value of them', async (t) => {
  t.plan(4);
  const resolved = client.keyspace('users', {
    resolve: (siblings) =>
      siblings
        .map(({ value }) => value)
        .sort()
        .join('+'),
  });
  for await (const { value, siblings, context } of resolved.scan({ prefix: 'twins' })) {
    t.is(value, 'first+second');
    t.is(siblings.length, 2);
    t.is(context, (await client.keyspace('users').getWithContext('twins')).context);
  }
  for await (const { value } of client.keyspace('users').scan({ prefix: 'twins' })) t.is(value, 'second');
});

test('client scan: it may be left early, and is ended by its signal', async (t) => {
  for await (const { key } of client.keyspace('users').scan({ pageSize: 1 })) {
    t.is(typeof key, 'string');
    break;
  }
  const abort = new AbortController();
  const scan = client.keyspace('users').scan({ pageSize: 2, signal: abort.signal });
  await scan.next();
  abort.abort(new Error('enough'));
  await scan.next();
  await t.throwsAsync(scan.next(), { code: 'ABORTED' });
});

test('client scan: what is wrong with its options, or can not be decoded, fails it', async (t) => {
  const users = client.keyspace('users');
  await t.throwsAsync(users.scan({ pageSize: 0 }).next(), { code: 'INVALID_ARGUMENT', message: /pageSize/ });
  await t.throwsAsync(users.scan({ prefix: 7 as never }).next(), { code: 'INVALID_ARGUMENT', message: /prefix/ });
  await t.throwsAsync(users.scan({ prefix: 'x'.repeat(2_000) }).next(), { code: 'INVALID_ARGUMENT', message: /prefix: expected 0 to/ });
  t.throws(() => users.scan({ r: 99 as never }), { code: 'INVALID_ARGUMENT' });
  await t.throwsAsync(client.keyspace('users', { value: json() }).scan().next(), { code: 'UNDECODABLE' });
  await t.throwsAsync(client.keyspace('nobody').scan({ timeoutMs: 500 }).next(), { code: 'NO_KEYSPACE' });
});

test('client scan: a page that is refused or lost is asked for again elsewhere', (t) => {
  const world = new ClientWorld();
  for (let i = 0; i < 5; i++) world.await(world.put(`k${i}`, 'v'));
  world.store.pages.push(LOADING, null);
  const listed = world.await(world.list({ keysMax: 2 }), 5_000);
  t.is(listed.code, 'ok');
  t.is(world.store.lists.length, 3);
});

test('client scan: a page that is answered with a record fails the scan, and nothing is read of it', (t) => {
  const world = new ClientWorld();
  world.await(world.put('k', 'v'));
  world.store.recordsForPages = 1;
  t.is(world.await(world.list({})).code, 'PROTOCOL');
  t.is(world.await(world.list({})).code, 'ok');
});

test('client scan: a page is asked of who has a replica of the partition that it begins in, as it was wished for', (t) => {
  const world = new ClientWorld({ nodes: 5, shards: SHARDS });
  for (let i = 0; i < 16; i++) {
    const start = { high: i * 2 ** 28 + 1, low: 7, key: Buffer.from(`k${i}`) };
    world.await(world.list({ start, prefix: Buffer.from('p'), keysMax: 5 }, { replicas: 'all' }));
    const { node, shard, request } = world.store.lists.at(-1)!;
    t.true(world.replicasOf({ tokenHigh: start.high }).includes(node), `${i}`);
    t.is(shard, world.shardOf({ tokenHigh: start.high }, SHARDS));
    t.deepEqual({ ...request.start, key: Buffer.from(request.start.key) }, start);
    t.like(request, { keysMax: 5, wish: WANT_RECORDS, r: 3 });
    t.is(Buffer.from(request.prefix).toString(), 'p');
  }
});

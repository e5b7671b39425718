/** The client as programs use it, over real threads and sockets, with fake coordinators. */
import test from 'ava';
import type { Client } from '../../../actors/client/client.ts';
import type { ClientError } from '../../../actors/client/client-error.ts';
import { bytes, cbor, json } from '../../../actors/client/codecs.ts';
import { connect } from '../../../actors/client/connect.ts';
import type { Context } from '../../../actors/client/context-text.ts';
import type { Resolver } from '../../../actors/client/keyspace.ts';
import { OVERLOADED, QUORUM_NOT_MET, STORAGE_FAILED } from '../../../actors/store/store-request.ts';
import { ActorSystem } from '../../../runtime/system.ts';
import { CLUSTER, TestNodes } from './test-nodes.ts';

let nodes: TestNodes;
let client: Client;

test.before(async () => {
  nodes = await TestNodes.start(1);
  client = await connect(nodes.seeds, { timeoutMs: 10_000 });
  await client.keyspace('users').get('warm');
});

test.after.always(async () => {
  await client?.close();
  await nodes?.[Symbol.asyncDispose]();
});

test('client: what was put is got, until it is deleted', async (t) => {
  const users = client.keyspace('users');
  t.is(await users.get('nobody'), undefined);
  t.false(await users.has('nobody'));
  t.deepEqual(await users.put('ada', 'Ada'), { received: 2, needed: 2, primaries: 2 });
  t.is(await users.get('ada'), 'Ada');
  t.true(await users.has('ada'));
  const { context } = await users.getWithContext('ada');
  await users.delete('ada', { context });
  t.is(await users.get('ada'), undefined);
  t.false(await users.has('ada'));
});

test('client: values and keys are of any type that has a codec', async (t) => {
  interface User {
    readonly name: string;
    readonly tags: readonly string[];
  }
  const users = client.keyspace('users', { value: json<User>() });
  await users.put('json', { name: 'Ada', tags: ['a'] });
  t.deepEqual(await users.get('json'), { name: 'Ada', tags: ['a'] });
  const things = client.keyspace('users', { key: bytes, value: cbor<Map<string, Uint8Array>>() });
  await things.put(Buffer.from([0, 255]), new Map([['b', Buffer.from([1])]]));
  t.deepEqual(await things.get(Buffer.from([0, 255])), new Map([['b', Buffer.from([1])]]));
  await t.throwsAsync(client.keyspace('users', { value: json() }).put('k', undefined), { code: 'INVALID_ARGUMENT', message: /json/ });
  await t.throwsAsync(client.keyspace('users').put('k', '\ud800'), { code: 'INVALID_ARGUMENT', message: /lone surrogate/ });
  await t.throwsAsync(client.keyspace('users').get(7 as never), { code: 'INVALID_ARGUMENT', message: /expected a string, got number/ });
});

test('client: what another codec wrote is refused, and not taken for something else', async (t) => {
  await client.keyspace('users', { value: bytes }).put('raw', Buffer.from([0xff, 0xfe]));
  await t.throwsAsync(client.keyspace('users').get('raw'), { code: 'UNDECODABLE' });
  await t.throwsAsync(client.keyspace('users', { value: json() }).get('raw'), { code: 'UNDECODABLE' });
});

test('client: writes that do not know of each other become siblings, and a write with the context of a read takes their place', async (t) => {
  const users = client.keyspace('users');
  await users.put('twins', 'first');
  await users.put('twins', 'second');
  const found = await users.getWithContext('twins');
  t.is(found.value, 'second');
  t.deepEqual(
    found.siblings.map(({ value }) => value),
    ['second', 'first'],
  );
  t.is(await users.get('twins'), 'second');
  await users.put('twins', 'both', { context: found.context });
  const after = await users.getWithContext('twins');
  t.deepEqual(
    after.siblings.map(({ value }) => value),
    ['both'],
  );
  t.not(after.context, found.context);
  // The context of before covers nothing of what came after it.
  await users.put('twins', 'late', { context: found.context });
  t.is((await users.getWithContext('twins')).siblings.length, 2);
});

test('client: siblings are resolved by a function, and what it makes of them is written back', async (t) => {
  const sum: Resolver<number> = (siblings) => siblings.reduce((total, { value }) => total + value, 0);
  const plain = client.keyspace('users', { value: json<number>() });
  const summed = client.keyspace('users', { value: json<number>(), resolve: sum });
  await plain.put('sum', 2);
  await plain.put('sum', 3);
  t.is(await summed.get('sum'), 5);
  const after = await plain.getWithContext('sum');
  t.deepEqual(
    after.siblings.map(({ value }) => value),
    [5],
  );
  t.is(summed.writeBacksFailed, 0);
});

test('client: update reads, changes and writes with the context of the read', async (t) => {
  const counts = client.keyspace('users', { value: json<number>() });
  const more = (count: number | undefined): number => (count ?? 0) + 1;
  for (let i = 1; i <= 3; i++) t.is(await counts.update('count', more), i);
  t.is((await counts.getWithContext('count')).siblings.length, 1);
});

test('client: contexts of another key, changed or made up are refused', async (t) => {
  const users = client.keyspace('users');
  await users.put('mine', 'v');
  const { context } = await users.getWithContext('mine');
  t.regex(context, /^[\w-]+$/);
  const changed = `${context.slice(0, -4)}BBBB` as Context;
  for (const [key, given] of [
    ['other', context],
    ['mine', changed],
    ['mine', 'AQ' as Context],
    ['mine', 'no context' as Context],
    ['mine', 7 as never],
  ] as const) {
    await t.throwsAsync(users.put(key, 'w', { context: given }), { code: 'INVALID_ARGUMENT', message: /context: expected/ });
  }
  t.is((await users.getWithContext('absent')).context, '' as Context);
  await users.put('absent', 'v', { context: '' as Context });
});

test('client: replicas, primaries and monotonic reads are checked where they are said', async (t) => {
  const users = client.keyspace('users', { pr: 'one', pw: 2, monotonic: true });
  await users.put('counted', 'v', { w: 2, pw: 'quorum' });
  t.is(await users.get('counted', { r: 1, pr: 2, monotonic: false }), 'v');
  await t.throwsAsync(users.get('k', { pr: 17 }), {
    code: 'INVALID_ARGUMENT',
    message: 'pr: expected 1 to 16, one, quorum or all, got 17',
  });
  await t.throwsAsync(users.put('k', 'v', { pw: 0 }), { code: 'INVALID_ARGUMENT', message: /^pw: expected 1 to 16/ });
  await t.throwsAsync(users.get('k', { monotonic: 1 as never }), {
    code: 'INVALID_ARGUMENT',
    message: 'monotonic: expected true or false, got 1',
  });
  t.throws(() => client.keyspace('users', { pr: 'most' as never }), { code: 'INVALID_ARGUMENT', message: /^pr: / });
});

test('client: many at once have an outcome each', async (t) => {
  const users = client.keyspace('users');
  const entries = Array.from({ length: 3_000 }, (_, i) => [`many ${i}`, `${i}`] as const);
  const put = await users.putMany([...entries, [`status ${STORAGE_FAILED}`, 'v']]);
  t.true(put.slice(0, -1).every(({ ok }) => ok));
  const last = put.at(-1);
  t.false(last?.ok);
  if (last?.ok === false) t.like(last.error, { code: 'STORAGE_FAILED', message: `as status ${STORAGE_FAILED} says` });
  const got = await users.getMany([...entries.map(([key]) => key), 'many nothing']);
  t.deepEqual(
    got.map((outcome) => (outcome.ok ? outcome.value : outcome.error)),
    [...entries.map(([, value]) => value), undefined],
  );
  await users.deleteMany(['many 0']);
  t.deepEqual(await users.getMany([]), []);
});

test('client: an operation ends when its signal says so, or its time is up', async (t) => {
  const users = client.keyspace('users');
  const controller = new AbortController();
  const waiting = users.get('silent abort', { signal: controller.signal });
  setImmediate(() => controller.abort('enough'));
  const error = await t.throwsAsync(waiting, { code: 'ABORTED' });
  t.is(error?.cause, 'enough');
  await t.throwsAsync(users.get('k', { signal: controller.signal }), { code: 'ABORTED', message: /before it began/ });
  await t.throwsAsync(users.get('silent read', { timeoutMs: 30 }), { code: 'TIMED_OUT' });
  const write = await t.throwsAsync<ClientError>(users.put('silent write', 'v', { timeoutMs: 30 }), { code: 'INDETERMINATE' });
  t.like(write, { mayBeDone: true, retryable: false });
});

test('client: errors say what was needed and what there was, and whether to try again', async (t) => {
  const users = client.keyspace('users');
  const few = await t.throwsAsync<ClientError>(users.put(`status ${QUORUM_NOT_MET}`, 'v'), { code: 'QUORUM_NOT_MET' });
  t.like(few, { needed: 2, received: 1, retryable: true, mayBeDone: false });
  t.true((await t.throwsAsync<ClientError>(users.get(`status ${OVERLOADED}`), { code: 'OVERLOADED' }))?.retryable);
  await t.throwsAsync(client.keyspace('nothing').get('k'), { code: 'NO_KEYSPACE' });
});

test('client: options that make no sense are refused at once', async (t) => {
  const users = client.keyspace('users');
  await t.throwsAsync(users.get('k', { r: 0 }), { code: 'INVALID_ARGUMENT', message: /r: expected 1 to 16, one, quorum or all, got 0/ });
  await t.throwsAsync(users.put('k', 'v', { w: 'most' as never }), { code: 'INVALID_ARGUMENT', message: /w: .*"most"/ });
  await t.throwsAsync(users.put('k', 'v', { durability: 'maybe' as never }), { code: 'INVALID_ARGUMENT' });
  await t.throwsAsync(users.put('k', 'v', { ttlMs: -1 }), { code: 'INVALID_ARGUMENT' });
  await t.throwsAsync(users.get('k', { timeoutMs: 0.5 }), { code: 'INVALID_ARGUMENT' });
  await t.throwsAsync(users.get('k', { r: 9 }), { code: 'INVALID_ARGUMENT', message: /r: expected at most 3/ });
  t.throws(() => client.keyspace('no spaces'), { code: 'INVALID_ARGUMENT' });
  t.throws(() => client.keyspace('users', { resolve: 'oldest' as never }), { code: 'INVALID_ARGUMENT' });
});

test('client: keyspaces are made, changed and dropped, and a program hears of it', async (t) => {
  const epochs: number[] = [];
  const stop = client.on('topology', ({ epoch }) => epochs.push(epoch));
  await client.keyspaces.create('orders', { n: 1, conflict: 'lww' });
  t.like(
    client.keyspaces.list().find(({ name }) => name === 'orders'),
    { n: 1, conflict: 'lww', durability: 'sync', mode: 'ap' },
  );
  const orders = client.keyspace('orders');
  await orders.put('1', 'tea');
  t.is(await orders.get('1'), 'tea');
  await t.throwsAsync(client.keyspaces.create('orders'), { code: 'EXISTS' });
  await client.keyspaces.alter('orders', { r: 'one' });
  t.is(client.keyspaces.list().find(({ name }) => name === 'orders')?.r, 'one');
  await client.keyspaces.drop('orders');
  await t.throwsAsync(orders.get('1'), { code: 'NO_KEYSPACE' });
  await t.throwsAsync(client.keyspaces.drop('orders'), { code: 'NOT_FOUND' });
  await t.throwsAsync(client.keyspaces.create('wrong', { n: 99 }), { code: 'INVALID_ARGUMENT' });
  const all = 'expected n, r, w, pr, pw, mode, conflict, durability, ttlMs, keyBytesMax, valueBytesMax';
  const code = 'INVALID_ARGUMENT';
  await t.throwsAsync(client.keyspaces.create('wrong', { N: 3 } as never), { code, message: `create wrong: ${all}, found "N"` });
  await t.throwsAsync(client.keyspaces.create('wrong', null as never), { code, message: 'create wrong: expected an object, found null' });
  const changes = { conflict: 'lww' } as never;
  await t.throwsAsync(client.keyspaces.alter('orders', changes), { code, message: /^alter orders: expected n, .*, found "conflict"$/ });
  t.false(client.keyspaces.list().some(({ name }) => name === 'wrong'));
  t.throws(() => client.keyspace('orders', { resolver: 'newest' } as never), {
    code,
    message: /expected key, value, resolve, .*"resolver"$/,
  });
  stop();
  await client.keyspaces.create('unheard');
  t.is(epochs.length, 3);
  t.is(client.topology.epoch, epochs[2]! + 1);
  t.like(client.topology, { cluster: CLUSTER, nodes: [{ name: 'n1', state: 'up' }] });
});

test('client: closing waits for what is under way, and takes no more', async (t) => {
  const other = await connect(nodes.seeds[0]!, { cluster: CLUSTER });
  const users = other.keyspace('users');
  await users.get('warm');
  const under = users.put('closing', 'v');
  const never = t.throwsAsync<ClientError>(users.put('silent closing', 'v'), { code: 'CLOSED' });
  t.is(other.pending, 2);
  const closing = other.close({ drainMs: 1_000 });
  t.is(closing, other.close());
  t.like(await under, { received: 2 });
  t.like(await never, { mayBeDone: true });
  await closing;
  await t.throwsAsync(users.get('k'), { code: 'CLOSED' });
});

test('connect: seeds that are no addresses, do not answer, or are of another cluster are refused', async (t) => {
  await t.throwsAsync(connect([]), { code: 'INVALID_ARGUMENT' });
  await t.throwsAsync(connect('127.0.0.1'), { code: 'INVALID_ARGUMENT', message: /host:port/ });
  await t.throwsAsync(connect(nodes.seeds, { timeoutMs: 0 }), { code: 'INVALID_ARGUMENT' });
  await t.throwsAsync(connect(nodes.seeds, { tuning: { attempts: 0 } }), { code: 'INVALID_ARGUMENT', message: /tuning.attempts/ });
  await t.throwsAsync(connect(nodes.seeds, { cluster: 'other' }), { code: 'OTHER_CLUSTER' });
  await t.throwsAsync(connect('127.0.0.1:1', { connectTimeoutMs: 50 }), { code: 'UNREACHABLE', message: /no seed answers/ });
  await t.throwsAsync(connect(nodes.seeds, { signal: AbortSignal.abort('no') }), { code: 'ABORTED' });
});

test('connect: a node that is in no cluster yet is waited for, not for ever', async (t) => {
  await using lonely = await ActorSystem.start({ cluster: 'lonely', logLevel: 'silent', listen: { host: '127.0.0.1', port: 0 } });
  const seed = `127.0.0.1:${lonely.address.ports[0]}`;
  await t.throwsAsync(connect(seed, { connectTimeoutMs: 100 }), { code: 'UNREACHABLE', message: /no node gives a ring/ });
});

test('connect: a cluster of which a node is lost goes on for its clients', async (t) => {
  await using cluster = await TestNodes.start(3);
  await using other = await connect(cluster.seeds);
  const users = other.keyspace('users');
  const keys = Array.from({ length: 60 }, (_, i) => `k${i}`);
  await users.getMany(keys);
  await cluster.systems[2]!.stop({ drainMs: 0 });
  const outcomes = await users.getMany(keys);
  t.true(outcomes.every(({ ok }) => ok));
  const puts = await users.putMany(keys.map((key) => [key, 'v'] as const));
  t.true(puts.every(({ ok }) => ok));
});

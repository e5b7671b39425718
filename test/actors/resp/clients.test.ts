/** Real clients on real sockets: what they send when they connect, and sessions of theirs. */
import { connect, type Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { type RespGatewayArguments, type RespListening, respGateway } from '../../../actors/resp/resp-gateway.ts';
import { RESP_DEFAULTS, type RespSettings } from '../../../actors/resp/resp-settings.ts';
import type { RingHolder } from '../../../actors/ring-agent.ts';
import { ActorSystem } from '../../../runtime/system.ts';
import { FakeStore } from './fake-store.ts';
import { fakeRing, ringOfOne } from './gateway-kit.ts';
import { encode } from './session-kit.ts';

const HOST = '127.0.0.1';

interface Served {
  readonly port: number;
  readonly store: FakeStore;
}

/** A gateway on a port of its own until the test ends. */
async function serve(t: ExecutionContext, settings: Partial<RespSettings> = {}): Promise<Served> {
  const system = await ActorSystem.start({ logLevel: 'error' });
  t.teardown(() => system.stop());
  const store = new FakeStore();
  store.wallMs = Date.now();
  const holder: RingHolder = { ring: ringOfOne(), mayServe: true };
  const args: RespGatewayArguments = {
    host: HOST,
    port: 0,
    settings: { ...RESP_DEFAULTS, ...settings },
    store,
    holder,
    ringActor: system.spawn(fakeRing, [holder]),
    clusterKey: Buffer.alloc(16, 5),
    node: 'n1',
  };
  const gateway = system.spawn(respGateway, [args]);
  const { port, fault } = await gateway.ask<RespListening>((replyTo) => ({ type: 'listening', replyTo }), { timeoutMs: 10_000 });
  t.is(fault, '');
  return { port, store };
}

test('ioredis: a session, when it makes its ready check, pipelines and sees errors', async (t) => {
  const { port } = await serve(t);
  const redis = new Redis({ host: HOST, port, retryStrategy: null });
  t.teardown(() => redis.disconnect());
  t.is(await redis.set('a', '1', 'EX', 100), 'OK');
  t.is(await redis.get('a'), '1');
  t.is(await redis.append('a', '23'), 3);
  t.is(await redis.ttl('a'), 100);
  await redis.mset({ b: '2', c: '3' });
  t.deepEqual(await redis.mget('a', 'b', 'x'), ['123', '2', null]);
  t.is(await redis.del('b', 'x'), 1);
  const pipeline = redis.pipeline();
  for (let i = 0; i < 500; i++) pipeline.set(`k${i % 50}`, `${i}`).get(`k${i % 50}`);
  const results = (await pipeline.exec()) ?? [];
  t.true(results.every(([error, value], i) => error === null && (i % 2 === 0 ? value === 'OK' : value === `${(i - 1) / 2}`)));
  await t.throwsAsync(redis.incr('a'), { message: /INCR is not supported/ });
  await t.throwsAsync(redis.set('a', '1', 'NX'), { message: /SET with NX or XX is not supported/ });
  const value = Buffer.alloc(300_000, 'v');
  await redis.set('large', value);
  t.deepEqual(await redis.getBuffer('large'), value);
  const seen = (await redis.call('KV.GET', 'a')) as unknown[];
  t.deepEqual([seen[0], seen[2], seen[3]], ['context', 'values', ['123']]);
  const written = (await redis.call('KV.PUT', 'a', 'merged', 'CONTEXT', seen[1] as string)) as unknown[];
  t.deepEqual(written.slice(0, 2), ['siblings', 1]);
  t.is(await redis.quit(), 'OK');
});

test('ioredis: a session with a password, when it is right, and an error, when it is wrong', async (t) => {
  const { port } = await serve(t, { password: 'secret' });
  const redis = new Redis({ host: HOST, port, password: 'secret', retryStrategy: null });
  t.teardown(() => redis.disconnect());
  t.is(await redis.set('a', '1'), 'OK');
  const wrong = new Redis({ host: HOST, port, password: 'no', retryStrategy: null, lazyConnect: true, maxRetriesPerRequest: 0 });
  wrong.on('error', () => undefined);
  t.teardown(() => wrong.disconnect());
  await t.throwsAsync(async () => {
    await wrong.connect();
    await wrong.get('a');
  });
});

const nodeRedis = test.macro(async (t: ExecutionContext, RESP: 2 | 3) => {
  const { port } = await serve(t, { password: 'secret' });
  const client = createClient({ socket: { host: HOST, port, reconnectStrategy: false }, password: 'secret', name: 'me', RESP });
  t.teardown(() => client.destroy());
  await client.connect();
  t.is(await client.clientGetName(), 'me');
  t.is(await client.set('a', '1', { expiration: { type: 'PX', value: 60_000 } }), 'OK');
  t.is(await client.get('a'), '1');
  t.is(await client.get('none'), null);
  t.is(await client.getDel('a'), '1');
  t.is(await client.set('a', 'x', { GET: true }), null);
  t.is(await client.exists(['a', 'b']), 1);
  t.is(await client.expire('a', 50), 1);
  t.is(await client.persist('a'), 1);
  const values = await Promise.all(Array.from({ length: 300 }, (_, i) => client.set(`k${i % 7}`, `${i}`).then(() => client.get('a'))));
  t.true(values.every((value) => value === 'x'));
  const context = await client.sendCommand(['KV.GET', 'a']);
  t.true(JSON.stringify(context).includes('"values"'));
  await t.throwsAsync(client.incr('a'), { message: /INCR is not supported/ });
  t.truthy(await client.configGet('save'));
});
test('node-redis: a session, when it speaks RESP2', nodeRedis, 2);
test('node-redis: a session, when it speaks RESP3', nodeRedis, 3);

/** Sends `bytes` and resolves with all that comes back until the connection ends, or has been answered `PONG`. */
function exchange(t: ExecutionContext, port: number, bytes: readonly Buffer[]): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const socket: Socket = connect({ host: HOST, port, noDelay: true });
    t.teardown(() => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
      if (heard.endsWith('+PONG\r\n')) resolve(heard);
    });
    socket.on('close', () => resolve(heard));
    socket.on('error', () => resolve(heard));
    for (const chunk of bytes) socket.write(chunk);
  });
}

test('sockets: malformed input gets a clear error and hurts no other connection, when many come at once', async (t) => {
  const { port } = await serve(t);
  const junk = [
    '*1\r\n$-1\r\n',
    '*9999999999\r\n',
    '*1\r\n$99999999999\r\n',
    '*1\r\n+a\r\n',
    '*2\r\n$3\r\nGET\r\n$1\r\nab\r\n',
    '"\r\n',
    `${'x'.repeat(70_000)}`,
  ];
  const answers = await Promise.all(junk.map((text) => exchange(t, port, [Buffer.from(text)])));
  for (const answer of answers) t.regex(answer, /^-ERR Protocol error: .*\r\n$/);
  const whole = encode(['SET', 'a', 'one byte at a time'], ['GET', 'a'], ['PING']);
  const bytes = Array.from(whole, (byte) => Buffer.from([byte]));
  t.is(await exchange(t, port, bytes), '+OK\r\n$18\r\none byte at a time\r\n+PONG\r\n');
});

import test, { type ExecutionContext } from 'ava';
import { respGateway } from '../../../actors/resp/resp-gateway.ts';
import { RESP_DEFAULTS } from '../../../actors/resp/resp-settings.ts';
import type { RingHolder } from '../../../actors/ring-agent.ts';
import { defineActor } from '../../../runtime/actor.ts';
import { Simulation } from '../../../runtime/simulation/simulation.ts';
import { FakeStore } from './fake-store.ts';
import { fakeRing, ringOfOne } from './gateway-kit.ts';
import { bulk, encode } from './session-kit.ts';

interface Call {
  readonly host: string;
  readonly port: number;
  readonly bytes: Buffer;
  /** Bytes of a chunk. */
  readonly chunkBytes: number;
  heard: string;
}

/** Sends all its bytes, chunk by chunk as the stream takes them. */
const caller = defineActor<never, readonly [Call]>('caller', (context, call) => {
  const { host, port, bytes, chunkBytes } = call;
  const stream = context.network.connect(host, port);
  let at = 0;
  const send = (): void => {
    while (at < bytes.length) {
      const end = Math.min(bytes.length, at + chunkBytes);
      const isTaken = stream.write(bytes, at, end);
      at = end;
      if (!isTaken) return;
    }
  };
  stream.handler = {
    onConnect: send,
    onDrain: send,
    onData(from, start, end) {
      call.heard += from.toString('latin1', start, end);
    },
    onClose() {},
  };
  return { receive() {} };
});

const VALUE = 'v'.repeat(2_000);
const COMMANDS = Array.from({ length: 300 }, (_, i) => [
  ['SET', `k${i % 20}`, `${i}${VALUE}`],
  ['GET', `k${i % 20}`],
  ['STRLEN', `k${(i + 1) % 20}`],
]).flat();
const REPLIES = COMMANDS.map(([name, key], at) => {
  const i = Math.floor(at / 3);
  if (name === 'SET') return '+OK\r\n';
  if (name === 'GET') return bulk(`${i}${VALUE}`);
  const last = Array.from({ length: i + 1 }, (_, n) => n).findLast((n) => `k${n % 20}` === key);
  return `:${last === undefined ? 0 : `${last}`.length + VALUE.length}\r\n`;
}).join('');

const simulated = test.macro((t: ExecutionContext, seed: number, chunkBytes: number, windowBytes: number) => {
  const sim = new Simulation({
    seed,
    nodes: [
      { name: 'a', shards: 1 },
      { name: 'b', shards: 0 },
    ],
    network: { fidelity: 'bytes', windowBytes },
  });
  const shard = sim.node('a').shard(0);
  const holder: RingHolder = { ring: ringOfOne(), mayServe: true };
  const args = {
    host: 'a',
    port: 6_379,
    settings: { ...RESP_DEFAULTS, inFlightMax: 64, replyBytesMax: 16_384 },
    store: new FakeStore(),
    holder,
    ringActor: shard.spawn(fakeRing, [holder]),
    clusterKey: Buffer.alloc(16, 5),
    node: 'a',
  };
  shard.spawn(respGateway, [args]);
  sim.run(10);
  const calls = [1, 2, 3].map(
    (n): Call => ({
      host: 'a',
      port: 6_379,
      bytes: encode(['KEYSPACE', 'CREATE', `own${n}`], ['KEYSPACE', 'USE', `own${n}`], ...COMMANDS),
      chunkBytes,
      heard: '',
    }),
  );
  for (const call of calls) sim.node('b').main.spawn(caller, [call]);
  sim.run(60_000);
  sim.throwIfFailed();
  for (const { heard } of calls) t.true(heard === `+OK\r\n+OK\r\n${REPLIES}`, `${heard.length} of ${REPLIES.length + 10}`);
});
test('gateway, simulated: every reply is right, when the network cuts and delays', simulated, 1, 1_000, 65_536);
test('gateway, simulated: every reply is right, when windows are small', simulated, 2, 3_000, 4_096);
test('gateway, simulated: every reply is right, when chunks are tiny', simulated, 3, 61, 8_192);

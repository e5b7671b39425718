/** Commands on a whole keyspace over the real store, in simulation. */
import test from 'ava';
import { respGateway } from '../../../actors/resp/resp-gateway.ts';
import { RESP_DEFAULTS } from '../../../actors/resp/resp-settings.ts';
import type { RingMessage } from '../../../actors/ring-protocol.ts';
import { defineActor } from '../../../runtime/actor.ts';
import type { Ref } from '../../../runtime/ref.ts';
import { encode } from '../resp/session-kit.ts';
import { ScanCluster } from './scan-cluster.ts';

interface Call {
  readonly bytes: Buffer;
  heard: string;
}

const caller = defineActor<never, readonly [Call]>('scan-caller', (context, call) => {
  const stream = context.network.connect('n1', 6_379);
  stream.handler = {
    onConnect: () => void stream.write(call.bytes, 0, call.bytes.length),
    onData(from, start, end) {
      call.heard += from.toString('latin1', start, end);
    },
    onDrain() {},
    onClose() {},
  };
  return { receive() {} };
});

test('gateway, scans: what was set is scanned and counted, and is gone after FLUSHDB', (t) => {
  const cluster = new ScanCluster();
  const { coordinator, scans, ring } = cluster.shards.get('n1/0')!;
  const { runtime } = cluster.sim.node('n1').shard(0);
  const args = {
    host: 'n1',
    port: 6_379,
    settings: { ...RESP_DEFAULTS, keyspace: 'users', allowsDrop: true },
    store: {
      begin: (request: Parameters<NonNullable<typeof coordinator.coordinator>['begin']>[0]) => coordinator.coordinator!.begin(request),
    },
    scans,
    holder: ring,
    ringActor: runtime.wellKnown(2) as Ref<RingMessage>,
    clusterKey: Buffer.alloc(16, 5),
    node: 'n1',
  };
  cluster.sim.node('n1').shard(0).spawn(respGateway, [args]);
  cluster.run(20);
  const keys = Array.from({ length: 40 }, (_, i) => `key:${i}`);
  const commands = [
    ...keys.map((key) => ['SET', key, 'v']),
    ['DEL', 'key:3'],
    ['DBSIZE'],
    ['SCAN', '0', 'COUNT', '1000'],
    ['SCAN', '0', 'MATCH', 'key:1?', 'COUNT', '1000'],
    ['RANDOMKEY'],
    ['FLUSHDB'],
    ['DBSIZE'],
    ['GET', 'key:7'],
    ['RANDOMKEY'],
  ];
  const call: Call = { bytes: encode(...commands), heard: '' };
  cluster.sim.node('n2').main.spawn(caller, [call]);
  cluster.run(5_000);
  const lines = call.heard.split('\r\n').filter((line) => !/^[*$]\d/.test(line));
  const at = keys.length;
  t.deepEqual(lines.slice(0, at + 2), [...keys.map(() => '+OK'), ':1', ':39']);
  const all = keys.filter((key) => key !== 'key:3').sort();
  t.deepEqual([lines[at + 2], lines.slice(at + 3, at + 42).sort()], ['0', all]);
  t.deepEqual([lines[at + 42], lines.slice(at + 43, at + 53).sort()], ['0', all.filter((key) => /^key:1\d$/.test(key))]);
  t.true(all.includes(lines[at + 53]!));
  t.deepEqual(lines.slice(at + 54), ['+OK', ':0', '$-1', '$-1', '']);
});

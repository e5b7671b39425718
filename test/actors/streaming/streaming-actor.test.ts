import test from 'ava';
import { knownRing } from '../../../actors/membership/known-ring.ts';
import { initialRing } from '../../../actors/ring/initial-ring.ts';
import type { Member, RingState } from '../../../actors/ring/ring-state.ts';
import { partitionOf } from '../../../actors/ring/token.ts';
import { ScanAsk } from '../../../actors/scan/scan-frames.ts';
import { PAGE, writeRefusal } from '../../../actors/store/data-frames.ts';
import { STORAGE_FAILED } from '../../../actors/store/store-request.ts';
import type { ReplicasHolder } from '../../../actors/store/vnode-actor.ts';
import { StreamDesk } from '../../../actors/streaming/stream-desk.ts';
import { streamingActor } from '../../../actors/streaming/streaming-actor.ts';
import { defineActor } from '../../../runtime/actor.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { ReplyAddress } from '../../../runtime/reply.ts';
import { TestKit } from '../../../runtime/simulation/testing.ts';
import { keyspace } from '../membership/ring-world.ts';

function member(name: string, id: string): Member {
  const address = { node: name, host: name, ports: [7_000, 7_001] };
  return { id: id.repeat(32), name, address, dataCenter: 'dc', rack: 'r', capacity: 1, shards: 1, state: 'up', isExcluded: false };
}

const A = member('a', 'a');
/** `kit` takes the place of `a`, everywhere. */
const RING: RingState = {
  ...initialRing({ cluster: 'c'.repeat(32), clusterName: 'test', operationId: '1'.repeat(32), member: A, partitions: 8 }),
  members: [A, member('b', 'b'), member('kit', 'd')],
  owners: Uint16Array.from([0, 1, 0, 1, 0, 1, 0, 1]),
  keyspaces: [{ ...keyspace('two'), n: 2, id: 1 }],
  transition: { startedAt: 2, step: 'stream', owners: Uint16Array.from([2, 1, 2, 1, 2, 1, 2, 1]) },
};

/** A replica whose disk can't be read: answers all that it was asked when it is told to. */
const damaged = defineActor<'answer', readonly [asked: (partition: number) => void]>('damaged', (context, asked) => {
  const addresses: ReplyAddress[] = [];
  return {
    receive(): void {
      const out = new OutBuffer(64, 1_024);
      writeRefusal(out, STORAGE_FAILED, 'a block is damaged');
      for (const address of addresses.splice(0)) context.replyBytesTo(address, PAGE, out.bytes, 0, out.length);
    },
    receiveBytes(_operation, bytes, offset, length): void {
      const ask = new ScanAsk();
      ask.read(bytes, offset, offset + length);
      asked(partitionOf(ask.tokenHigh, 8));
      const address = new ReplyAddress();
      context.noteSender(address);
      addresses.push(address);
    },
  };
});

test('bug: the actor failed when two pages in a row said that their source is damaged', (t) => {
  const kit = new TestKit();
  const asked: string[] = [];
  const sources = new Map(['a', 'b'].map((name) => [name, kit.spawn(damaged, [(partition) => void asked.push(`${name} ${partition}`)])]));
  const desk = new StreamDesk();
  const engine = { get: () => undefined, put: () => true };
  const replicas = { replicas: { engine } } as unknown as ReplicasHolder;
  kit.spawn(streamingActor, [{ node: 'kit', shard: 0, desk, replicas, refTo: (_slot, node) => sources.get(node)! }]);
  desk.switched(knownRing(RING), () => t.fail('nothing is here'));
  for (let i = 0; i < 2_000 && !asked.some((each) => each.startsWith('b')); i++) {
    kit.advance(50);
    kit.tell(sources.get('a')!, 'answer');
  }
  t.deepEqual(kit.failures, []);
  t.true(
    asked.some((each) => each.startsWith('b')),
    asked.join(', '),
  );
});

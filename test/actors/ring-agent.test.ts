import test from 'ava';
import type { ClusterDoor } from '../../actors/membership/cluster-door.ts';
import { type KnownRing, knownRing } from '../../actors/membership/known-ring.ts';
import { initialRing } from '../../actors/ring/initial-ring.ts';
import type { RingState } from '../../actors/ring/ring-state.ts';
import { type RingHolder, ringAgent } from '../../actors/ring-agent.ts';
import type { RingMessage, Standing } from '../../actors/ring-protocol.ts';
import type { Ref } from '../../runtime/ref.ts';
import { type Probe, TestKit } from '../../runtime/simulation/testing.ts';

const FOLLOW_MS = 100;
const MEMBER = {
  ...{ id: 'a'.repeat(32), name: 'a', address: { node: 'other', host: 'h', ports: [1, 2] }, dataCenter: 'dc', rack: 'r' },
  ...{ capacity: 1, shards: 1 },
};
const FIRST = initialRing({ cluster: 'c'.repeat(32), clusterName: 'test', operationId: '1'.repeat(32), member: MEMBER, partitions: 8 });

function ring(epoch: number): RingState {
  return { ...FIRST, epoch, parent: epoch === 1 ? '' : '0'.repeat(16) };
}

function standing(epoch: number, mayServe = true): Standing {
  return { type: 'standing', ring: knownRing(ring(epoch)).encoded, mayServe };
}

class AgentRig {
  readonly kit = new TestKit();
  readonly actor: Probe<RingMessage> = this.kit.probe<RingMessage>();
  readonly holder: RingHolder = { ring: null, mayServe: false };
  readonly introduced: string[] = [];
  readonly door: ClusterDoor = {
    ref: <M>() => this.actor.ref as unknown as Ref<M>,
    introduce: ({ node }) => void this.introduced.push(node),
  };

  start(beforeSwitched?: (ring: KnownRing, done: () => void) => void): Ref<Standing> {
    const args = { door: this.door, node: 'kit', shard: 3, holder: this.holder, followMs: FOLLOW_MS };
    return this.kit.spawn(ringAgent, [beforeSwitched === undefined ? args : { ...args, beforeSwitched }]);
  }

  /** What it told RingActor since the last look. */
  told(): readonly string[] {
    return this.actor.take().map((message) => {
      if (message.type === 'follow') return `follow ${message.shard} ${message.has?.epoch ?? 'nothing'}`;
      return message.type === 'switched' ? `switched ${message.shard} ${message.version.epoch}` : message.type;
    });
  }
}

test('ring agent: it asks until it hears, holds what it hears, and acknowledges it again and again', (t) => {
  const rig = new AgentRig();
  const agent = rig.start();
  t.deepEqual(rig.told(), ['follow 3 nothing']);
  rig.kit.advance(FOLLOW_MS);
  t.deepEqual(rig.told(), ['follow 3 nothing']);
  rig.kit.tell(agent, standing(4));
  t.is(rig.holder.ring?.state.epoch, 4);
  t.true(rig.holder.mayServe);
  t.deepEqual(rig.introduced, ['other']);
  t.deepEqual(rig.told(), ['switched 3 4']);
  rig.kit.advance(FOLLOW_MS);
  t.deepEqual(rig.told(), ['follow 3 4', 'switched 3 4']);
});

test('ring agent: an older ring, one that is none, and what has no form change nothing', (t) => {
  const rig = new AgentRig();
  const agent = rig.start();
  rig.kit.tell(agent, standing(4));
  rig.told();
  rig.kit.tell(agent, standing(3));
  rig.kit.tell(agent, { type: 'standing', ring: { generation: 9, epoch: 9, bytes: Buffer.from('none') }, mayServe: true });
  rig.kit.tell(agent, { type: 'standing', ring: 7 } as unknown as Standing);
  t.is(rig.holder.ring?.state.epoch, 4);
  t.deepEqual(rig.told(), []);
  t.deepEqual(rig.kit.failures, []);
});

test('ring agent: whether the node may serve is told without a ring too', (t) => {
  const rig = new AgentRig();
  const agent = rig.start();
  rig.kit.tell(agent, standing(1));
  rig.kit.tell(agent, { type: 'standing', ring: null, mayServe: false });
  t.false(rig.holder.mayServe);
  t.is(rig.holder.ring?.state.epoch, 1);
});

test('ring agent: a ring is acknowledged only when the shard has done what it asks for', (t) => {
  const rig = new AgentRig();
  const done: (() => void)[] = [];
  const agent = rig.start((_, finished) => void done.push(finished));
  rig.told();
  rig.kit.tell(agent, standing(4));
  t.is(rig.holder.ring?.state.epoch, 4);
  rig.kit.advance(FOLLOW_MS);
  t.deepEqual(rig.told(), ['follow 3 4']);
  rig.kit.tell(agent, standing(5));
  // What the one before asked for is done, but that one is over.
  done[0]?.();
  rig.kit.settle();
  t.deepEqual(rig.told(), []);
  done[1]?.();
  rig.kit.settle();
  t.deepEqual(rig.told(), ['switched 3 5']);
});

test('ring agent: one that starts anew acknowledges what the holder has', (t) => {
  const rig = new AgentRig();
  rig.holder.ring = knownRing(ring(6));
  rig.start();
  t.deepEqual(rig.told(), ['follow 3 6', 'switched 3 6']);
});

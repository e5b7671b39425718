import test, { type ExecutionContext } from 'ava';
import { DELTA_MAX } from '../../actors/gossip/checks.ts';
import { gossipActor } from '../../actors/gossip-actor.ts';
import type { GossipMessage, GossipPeerMessage, MembershipView } from '../../actors/gossip-protocol.ts';
import { type ClusterDoor, GOSSIP_SLOT, RING_SLOT } from '../../actors/membership/cluster-door.ts';
import type { RingMessage, Sender } from '../../actors/ring-protocol.ts';
import type { NodeAddress } from '../../runtime/node-address.ts';
import type { Ref } from '../../runtime/ref.ts';
import { type Probe, TestKit } from '../../runtime/simulation/testing.ts';
import { accusationOf, beatOf } from './gossip/arbitraries.ts';
import { SCENARIOS } from './gossip/scenarios.ts';
import { CLUSTER, GossipWorld, identityOf, idOf, instanceOf, nodeName, ringChanged, ringOf } from './gossip/world.ts';

const SEEDS = 5;

// Whole clusters.

const holds = test.macro((t: ExecutionContext, scenario: string) => {
  for (let seed = 1; seed <= SEEDS; seed++) t.deepEqual(SCENARIOS[scenario]!(seed), [], `seed ${seed}`);
});
test('gossip: a killed node is down everywhere, and up again as a later start [P1]', holds, 'killed');
test('gossip: while one pauses nobody else is accused, and it recovers [P6]', holds, 'paused');
test('gossip: a node that stands still again and again accuses nobody [P6]', holds, 'stuttering');
test('gossip: a node whose machine was suspended accuses nobody [P10]', holds, 'suspended');
test('gossip: a node that hears nobody convinces nobody [N8]', holds, 'deaf');
test('gossip: both sides of a partition label the other, and find each other again [N6]', holds, 'partitioned');
test('gossip: loss, doubles, delay, drift and jumps of clocks, slow nodes get nobody accused [N1, N2, N3, N4]', holds, 'noisy');
test('gossip: a broken way between two is suspicion, no accusation [N9]', holds, 'bridged');
test('gossip: what was refuted stays void, when it comes late [N19]', holds, 'late');

const quiet = test.macro((t: ExecutionContext, nodes: number) => {
  const world = new GossipWorld({ nodes, seed: 1 });
  world.run(20_000);
  for (let i = 0; i < nodes; i++) t.is(world.view(i).filter(({ label, isSuspected }) => label === 'up' && !isSuspected).length, nodes);
  t.deepEqual(world.seen, []);
});
test('gossip: all are up and nobody is suspected, when 3 nodes are well', quiet, 3);
test('gossip: all are up and nobody is suspected, when 20 nodes are well', quiet, 20);

test('gossip: two dead of three are down to the one that is left', (t) => {
  const plan = ['n1', 'n2'].map((node) => ({ kind: 'crash' as const, atMs: 8000, node, forMs: 60_000, silent: true }));
  const world = new GossipWorld({ nodes: 3, seed: 3, plan });
  world.run(16_000);
  t.deepEqual(world.down(0), ['n1', 'n2']);
});

test('gossip: of two nodes one is enough to call the other down, and it comes back', (t) => {
  const world = new GossipWorld({ nodes: 2, seed: 8, plan: [{ kind: 'crash', atMs: 8000, node: 'n1', forMs: 8000, silent: false }] });
  world.run(13_000);
  t.deepEqual(world.down(0), ['n1']);
  world.run(22_000);
  t.deepEqual(world.down(0), []);
  t.is(world.member(0, 1)?.boot, 2);
});

test('gossip: a death is seen, when all the direct observers die with it', (t) => {
  const plan = [1, 2, 3, 4, 5, 6].map((i) => ({ kind: 'crash' as const, atMs: 8000, node: nodeName(i), forMs: 60_000, silent: true }));
  const world = new GossipWorld({ nodes: 12, seed: 4, plan });
  world.run(24_000);
  for (const i of [0, 7, 8, 9, 10, 11]) t.deepEqual(world.down(i), ['n1', 'n2', 'n3', 'n4', 'n5', 'n6'], `as n${i} sees it`);
});

test('gossip: a newer ring gets to all within log2(n) rounds, and its new member is heard of [A11]', (t) => {
  for (const nodes of [3, 5, 20]) {
    const world = new GossipWorld({ nodes, seed: 5, members: nodes - 1 });
    world.rings.set(
      2,
      ringOf(
        2,
        Array.from({ length: nodes }, (_, index) => index),
      ),
    );
    world.run(6000);
    world.install(0, 2);
    world.run(6000 + 1000 * Math.log2(nodes));
    t.deepEqual(
      world.epochs,
      Array.from({ length: nodes }, () => 2),
    );
    world.run(20_000);
    for (let i = 0; i < nodes; i++) t.is(world.member(i, nodes - 1)?.boot, 1, `as n${i} of ${nodes} sees it`);
    t.deepEqual(world.seen, []);
  }
});

test('gossip: a node that slept through a change of members learns the ring, and that it is out [P10]', (t) => {
  const plan = [{ kind: 'pause' as const, atMs: 6000, node: 'n3', forMs: 6000 }];
  const world = new GossipWorld({ nodes: 4, seed: 6, plan });
  world.rings.set(2, ringOf(2, [0, 1, 2]));
  world.run(8000);
  world.install(0, 2);
  world.run(11_000);
  t.is(world.epochs[3], 1);
  world.run(20_000);
  t.is(world.epochs[3], 2);
  for (let i = 0; i < 3; i++) t.is(world.view(i).length, 3);
});

test('gossip: that all shards of a node have switched is known to all', (t) => {
  const world = new GossipWorld({ nodes: 5, seed: 7 });
  world.run(6000);
  world.simulation.tell(world.gossip(2), { type: 'switchedTo', version: { generation: 1, epoch: 1 } });
  world.run(10_000);
  for (let i = 0; i < 5; i++) t.deepEqual(world.member(i, 2)?.switchedTo, { generation: 1, epoch: 1 });
});

// One actor.

const SENDER: Sender = { cluster: CLUSTER, id: idOf(1), boot: 1, instance: instanceOf(1, 1) };

/** GossipActor of member 0 of 3, whose peers are probes. */
class Rig {
  readonly kit = new TestKit();
  readonly ring = this.kit.probe<RingMessage>();
  readonly views = this.kit.probe<{ readonly type: 'view'; readonly view: MembershipView }>();
  readonly introduced: NodeAddress[] = [];
  readonly ref: Ref<GossipMessage>;
  readonly #probes = new Map<string, Probe<never>>();

  constructor(isMember = true) {
    const identity = identityOf(0, 1);
    const own = { ...identity, address: { ...identity.address, node: 'kit' } };
    const door: ClusterDoor = {
      ref: <M>(slot: number, node: string) =>
        (slot === RING_SLOT && node === 'kit' ? this.ring.ref : this.peer(slot, node).ref) as unknown as Ref<M>,
      introduce: (address) => this.introduced.push(address),
    };
    for (const node of [1, 2, 3].map(nodeName)) for (const slot of [RING_SLOT, GOSSIP_SLOT]) this.peer(slot, node);
    this.ref = this.kit.spawn(gossipActor, [{ identity: own, door, mutants: new Set<string>() }]);
    if (isMember) this.tell(ringChanged(ringOf(1, [0, 1, 2])));
    this.tell({ type: 'subscribe', subscriber: this.views.ref });
  }

  peer(slot: number, node: string): Probe<never> {
    const key = `${slot} ${node}`;
    let probe = this.#probes.get(key);
    if (probe === undefined) {
      probe = this.kit.probe<never>();
      this.#probes.set(key, probe);
    }
    return probe;
  }

  tell(message: GossipMessage): void {
    this.kit.tell(this.ref, message);
  }

  gossipTo(index: number): readonly GossipPeerMessage[] {
    return this.peer(GOSSIP_SLOT, nodeName(index)).messages;
  }

  ringsTo(index: number): readonly RingMessage[] {
    return this.peer(RING_SLOT, nodeName(index)).messages;
  }

  get refusals(): string[] {
    return this.kit.log.filter(({ event }) => event === 'gossip: refused').map(({ fields }) => String(fields.reason));
  }

  lastView(): MembershipView | undefined {
    return this.views.messages.at(-1)?.view;
  }
}

test('gossip actor: asks its RingActor for rings and introduces the members', (t) => {
  const rig = new Rig();
  t.like(rig.ring.messages[0], { type: 'subscribe' });
  t.deepEqual(
    rig.introduced.map(({ node }) => node),
    ['n1', 'n2'],
  );
  t.is(rig.lastView()?.members.length, 3);
});

test('gossip actor: says nothing, when it has no ring', (t) => {
  const rig = new Rig(false);
  rig.tell({ type: 'heartbeat', from: SENDER, beat: beatOf(1, 1, 0, 1) });
  rig.kit.advance(5000);
  t.deepEqual(rig.gossipTo(1), []);
  t.deepEqual(rig.lastView(), { members: [] });
  t.deepEqual(rig.refusals, ['this node has no ring yet']);
});

test('gossip actor: sends its heartbeat to its observers each interval', (t) => {
  const rig = new Rig();
  rig.kit.advance(3100);
  const beats = rig.gossipTo(1).flatMap((message) => (message.type === 'heartbeat' ? [message.beat.heartbeat] : []));
  t.deepEqual(beats, [1, 2, 3, 4].slice(0, beats.length));
  t.true(beats.length >= 3);
});

const refused = test.macro((t: ExecutionContext, message: unknown, reason: RegExp) => {
  const rig = new Rig();
  rig.tell({ type: 'heartbeat', from: SENDER, beat: beatOf(1, 1, 0, 5) });
  rig.kit.advance(200);
  const before = rig.lastView();
  const count = rig.views.messages.length;
  for (let i = 0; i < 100; i++) rig.tell(message as GossipMessage);
  rig.kit.advance(200);
  t.deepEqual(rig.kit.failures, []);
  t.is(rig.refusals.length, 1, 'logged once');
  t.regex(rig.refusals[0] ?? '', reason);
  t.is(rig.views.messages.length, count);
  t.is(rig.lastView(), before);
});
const BEAT = { type: 'heartbeat', from: SENDER, beat: beatOf(1, 1, 0, 9) } as const;
for (const [what, message, reason] of [
  ['nothing', null, /no message/],
  ['a number', 7, /no message/],
  ['of no type', { from: SENDER }, /unknown message/],
  ['of an unknown type', { type: 'gossip', from: SENDER }, /unknown message/],
  ['a heartbeat without sender', { type: 'heartbeat', beat: BEAT.beat }, /malformed message/],
  ['a heartbeat without beat', { type: 'heartbeat', from: SENDER }, /malformed message/],
  ['a heartbeat beyond all counts', { ...BEAT, beat: { ...BEAT.beat, heartbeat: 2 ** 60 } }, /malformed message/],
  ['a heartbeat of a fraction', { ...BEAT, beat: { ...BEAT.beat, incarnation: 0.5 } }, /malformed message/],
  ['a heartbeat of another member', { ...BEAT, beat: beatOf(2, 1, 0, 9) }, /heartbeat of another/],
  ['of another cluster', { ...BEAT, from: { ...SENDER, cluster: 'd'.repeat(32) } }, /another cluster/],
  ['of a stranger', { ...BEAT, from: { ...SENDER, id: idOf(8) } }, /no member/],
  ['of this node', { ...BEAT, from: { ...SENDER, id: idOf(0) } }, /id of this node/],
  ['of a second process', { ...BEAT, from: { ...SENDER, instance: 'f'.repeat(16) } }, /another process/],
  [
    'a digest without reply address',
    { type: 'digest', from: SENDER, ring: { generation: 1, epoch: 1 }, digest: new Uint8Array(3) },
    /malformed message/,
  ],
  [
    'a delta of too many',
    { type: 'delta', from: SENDER, beats: new Array(DELTA_MAX + 1).fill(BEAT.beat), accusations: [] },
    /malformed message/,
  ],
  ['a delta of a wrong accusation', { type: 'delta', from: SENDER, beats: [], accusations: [{ accused: 'x' }] }, /malformed message/],
  ['a ringChanged without a ring', { type: 'ringChanged' }, /malformed ringChanged/],
  [
    'a ringChanged that is no ring',
    { type: 'ringChanged', ring: { members: 3 }, encoded: { generation: 1, epoch: 2 } },
    /malformed ringChanged/,
  ],
  ['a switchedTo without version', { type: 'switchedTo' }, /malformed switchedTo/],
  ['a subscribe without subscriber', { type: 'subscribe' }, /subscriber of another node/],
  ['a subscribe of something odd', { type: 'subscribe', subscriber: { toString: 1 } }, /subscriber of another node/],
] as const) {
  test(`gossip actor: refused and logged once, when ${what} comes a hundred times`, refused, message, reason);
}

test('gossip actor: a malformed digest is refused', (t) => {
  const rig = new Rig();
  rig.tell({ type: 'digest', from: SENDER, ring: { generation: 1, epoch: 1 }, digest: new Uint8Array([9]), replyTo: rig.ref });
  t.deepEqual(rig.refusals, ['malformed digest']);
  t.deepEqual(rig.kit.failures, []);
});

test('gossip actor: an earlier start is refused after a later one', (t) => {
  const rig = new Rig();
  rig.tell({ type: 'heartbeat', from: { ...SENDER, boot: 2 }, beat: beatOf(1, 2, 0, 1) });
  rig.tell(BEAT);
  t.deepEqual(rig.refusals, ['it is of an earlier start']);
  rig.kit.advance(200);
  t.is(rig.lastView()?.members[1]?.boot, 2);
});

test('gossip actor: an accusation of itself makes it refute at once, and tell', (t) => {
  const rig = new Rig();
  rig.tell({ type: 'delta', from: SENDER, beats: [], accusations: [accusationOf(0, 1)] });
  rig.kit.advance(100);
  t.is(rig.lastView()?.members[0]?.incarnation, 1);
  t.is(rig.lastView()?.members[0]?.label, 'up');
  for (const index of [1, 2])
    t.true(rig.gossipTo(index).some((message) => message.type === 'delta' && message.beats[0]?.incarnation === 1));
});

test('gossip actor: an accused member that speaks is told so, once an interval', (t) => {
  const rig = new Rig();
  rig.tell({
    type: 'delta',
    from: { ...SENDER, id: idOf(2), instance: instanceOf(2, 1) },
    beats: [beatOf(1, 1, 0, 1)],
    accusations: [accusationOf(1, 2)],
  });
  rig.kit.advance(100);
  const told = (): number => rig.gossipTo(1).filter((message) => message.type === 'delta').length;
  const before = told();
  for (let heartbeat = 2; heartbeat < 12; heartbeat++) rig.tell({ ...BEAT, beat: beatOf(1, 1, 0, heartbeat) });
  t.is(told(), before + 1);
});

test('gossip actor: who has an older ring is sent the newer, and not more than once an interval', (t) => {
  const rig = new Rig();
  rig.tell(ringChanged(ringOf(3, [0, 1, 2])));
  const digest = Uint8Array.from([1, 3, 0, 0, 0, 0, 0, 0]);
  for (let i = 0; i < 5; i++) rig.tell({ type: 'digest', from: SENDER, ring: { generation: 1, epoch: 2 }, digest, replyTo: rig.ref });
  t.is(rig.ringsTo(1).length, 1);
  t.like(rig.ringsTo(1)[0], { type: 'ring', ring: { generation: 1, epoch: 3 } });
});

test('gossip actor: a ring that is not newer changes nothing', (t) => {
  const rig = new Rig();
  rig.tell(ringChanged(ringOf(3, [0, 1, 2])));
  const count = rig.introduced.length;
  rig.tell(ringChanged(ringOf(3, [0, 1, 2])));
  rig.tell(ringChanged(ringOf(2, [0, 1])));
  t.is(rig.introduced.length, count);
  rig.kit.advance(200);
  t.is(rig.lastView()?.members.length, 3);
});

test('gossip actor: who left is in no view any more, and has no say', (t) => {
  const rig = new Rig();
  rig.tell(ringChanged(ringOf(2, [0, 2])));
  rig.kit.advance(200);
  t.deepEqual(
    rig.lastView()?.members.map(({ id }) => id),
    [idOf(0), idOf(2)],
  );
  rig.tell(BEAT);
  t.deepEqual(rig.refusals, ['it is no member']);
});

test('gossip actor: a probe for another is confirmed, made, and its answer passed on once', (t) => {
  const rig = new Rig();
  for (let i = 0; i < 2; i++) rig.tell({ type: 'probeFor', from: SENDER, probeId: 77, target: idOf(2), replyTo: rig.ref });
  const probes = rig.gossipTo(2).filter((message) => message.type === 'probe');
  t.is(probes.length, 1);
  const alive = (): unknown[] =>
    rig.gossipTo(1).flatMap((message) => (message.type === 'alive' ? [[message.probeId, message.beat.id]] : []));
  t.deepEqual(alive(), [[77, idOf(0)]]);
  const { probeId } = probes[0] as Extract<GossipPeerMessage, { type: 'probe' }>;
  for (let i = 0; i < 2; i++)
    rig.tell({ type: 'alive', from: { ...SENDER, id: idOf(2), instance: instanceOf(2, 1) }, probeId, beat: beatOf(2, 1, 0, 3) });
  t.deepEqual(alive(), [
    [77, idOf(0)],
    [77, idOf(2)],
  ]);
});

test('gossip actor: views are not told faster than ten times an interval', (t) => {
  const rig = new Rig();
  rig.kit.advance(1000);
  rig.views.take();
  for (let incarnation = 1; incarnation <= 200; incarnation++) {
    rig.tell({ ...BEAT, beat: beatOf(1, 1, incarnation, 1) });
    rig.kit.advance(5);
  }
  const count = rig.views.messages.length;
  t.true(count >= 5 && count <= 12, `${count} views`);
  rig.kit.advance(200);
  t.is(rig.lastView()?.members[1]?.incarnation, 200);
});

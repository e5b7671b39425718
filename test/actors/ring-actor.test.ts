/** RingActors of simulated nodes: what they decide, and what happens to those that were away, copied, rolled back or damaged. */
import test, { type ExecutionContext } from 'ava';
import type { OperationOutcome } from '../../actors/ring/operation.ts';
import type { RingState } from '../../actors/ring/ring-state.ts';
import type { RingChanged, RingMessage } from '../../actors/ring-protocol.ts';
import type { Ref } from '../../runtime/ref.ts';
import { faultPlan, type PlanItem, SimSyncFiles } from '../../runtime/simulation/testing.ts';
import { DATA, keyspace, RingWorld } from './membership/ring-world.ts';
import { storedOn } from './membership/sim-machine.ts';

const CUT_MS = 4_000;
const CUT_FOR_MS = 5_000;
const aloneA: PlanItem = { kind: 'cut', atMs: CUT_MS, from: ['a'], to: ['b', 'c'], forMs: CUT_FOR_MS, oneWay: false };

function membersOf({ members }: RingState): readonly string[] {
  return members.map(({ name, state }) => `${name} ${state}`);
}

function isOk(t: ExecutionContext, outcome: OperationOutcome): boolean {
  return t.true(outcome.ok, JSON.stringify(outcome));
}

function codeOf(outcome: OperationOutcome): string {
  return outcome.ok ? 'ok' : outcome.code;
}

test('ring actor: three nodes become one cluster, when one begins it and two join', (t) => {
  const world = new RingWorld();
  const ring = world.settle();
  t.deepEqual(membersOf(ring), ['a up', 'b up', 'c up']);
  t.is(new Set(ring.owners).size, 3);
  for (const name of ['a', 'b', 'c']) {
    const { isConfirmed, switchedTo, trouble } = world.status(name);
    t.deepEqual({ isConfirmed, switchedTo, trouble }, { isConfirmed: true, switchedTo: { generation: 1, epoch: ring.epoch }, trouble: '' });
    t.true(world.holders.get(`${name}/0`)?.mayServe);
  }
});

test('ring actor: operations proposed at the same time by all are all done, each in an epoch of its own', (t) => {
  const world = new RingWorld({ seed: 3 });
  const { epoch } = world.settle();
  const asked = ['a', 'b', 'c'].flatMap((node) => [world.createKeyspace(node, `${node}1`), world.createKeyspace(node, `${node}2`)]);
  const outcomes = asked.map((holder) => world.outcome(holder));
  for (const outcome of outcomes) isOk(t, outcome);
  t.is(new Set(outcomes.map((outcome) => (outcome.ok ? outcome.version.epoch : 0))).size, 6);
  const ring = world.settle();
  t.is(ring.epoch, epoch + 6);
  t.deepEqual(ring.keyspaces.map(({ name }) => name).sort(), ['a1', 'a2', 'b1', 'b2', 'c1', 'c2']);
});

test('ring actor: one operation proposed at two nodes, and again later, is done once', (t) => {
  const world = new RingWorld();
  world.settle();
  const proposal = world.operation({ type: 'createKeyspace', keyspace: keyspace('once') });
  const first = ['a', 'b'].map((node) => world.propose(node, proposal)).map((holder) => world.outcome(holder));
  world.outcome(world.createKeyspace('c', 'later'));
  const again = world.outcome(world.propose('c', proposal));
  t.true(first[0]?.ok);
  t.deepEqual(first[1], first[0]);
  t.deepEqual(again, first[0]);
});

test('ring actor: a node that has not heard of the newest ring refuses nothing by the old one', (t) => {
  // c hears nothing from a and b for a while, but what it asks gets through: their answers come late.
  const plan: PlanItem[] = [
    { kind: 'clog', atMs: CUT_MS, from: 'a', to: 'c', forMs: 300 },
    { kind: 'clog', atMs: CUT_MS, from: 'b', to: 'c', forMs: 300 },
  ];
  const world = new RingWorld({ plan });
  world.settle();
  world.runUntil(CUT_MS + 10);
  isOk(t, world.outcome(world.createKeyspace('a', 'fresh')));
  t.is(world.holders.get('c/0')?.ring?.state.keyspaces.length, 0);
  isOk(t, world.outcome(world.propose('c', { type: 'dropKeyspace', name: 'fresh' })));
});

test('ring actor: what does not apply is refused, with the reason', (t) => {
  const world = new RingWorld();
  world.settle();
  world.outcome(world.createKeyspace('a', 'k'));
  t.is(codeOf(world.outcome(world.createKeyspace('b', 'k'))), 'EXISTS');
  t.is(codeOf(world.outcome(world.propose('b', { type: 'dropKeyspace', name: 'other' }))), 'NOT_FOUND');
  t.is(codeOf(world.outcome(world.propose('b', { type: 'createKeyspace', keyspace: { ...keyspace('x'), n: 99 } }))), 'INVALID_ARGUMENT');
  t.is(
    codeOf(world.outcome(world.propose('c', { type: 'beginTransition', parent: '0'.repeat(16), owners: new Uint16Array(16) }))),
    'STALE',
  );
});

test('ring actor: a minority decides nothing and says so, and the majority goes on', (t) => {
  const world = new RingWorld({ plan: [aloneA] });
  const { epoch } = world.settle();
  world.runUntil(CUT_MS + 100);
  const alone = world.createKeyspace('a', 'alone');
  isOk(t, world.outcome(world.createKeyspace('b', 'together')));
  const outcome = world.outcome(alone);
  t.is(codeOf(outcome), 'NO_MAJORITY');
  t.is(world.ringOf('a')?.epoch, epoch);
  world.runUntil(CUT_MS + CUT_FOR_MS);
  t.deepEqual(
    world.settle().keyspaces.map(({ name }) => name),
    ['together'],
  );
});

test('ring actor: what was offered and not answered is called indeterminate, and the next proposal brings it to an end', (t) => {
  // What a sends gets through, what comes back does not: promises have come before the cut, acceptances don't.
  const world = new RingWorld({
    plan: [
      { kind: 'clog', atMs: CUT_MS + 1, from: 'b', to: 'a', forMs: 4_000 },
      { kind: 'clog', atMs: CUT_MS + 1, from: 'c', to: 'a', forMs: 4_000 },
    ],
  });
  world.settle();
  let outcome: OperationOutcome | undefined;
  for (let atMs = CUT_MS - 6; atMs <= CUT_MS && outcome === undefined; atMs += 1) {
    world.runUntil(atMs);
    const holder = world.createKeyspace('a', `k${atMs}`);
    world.runUntil(atMs + 1);
    if (holder.answer === undefined && atMs === CUT_MS) outcome = world.outcome(holder);
  }
  t.true(['INDETERMINATE', 'NO_MAJORITY'].includes(codeOf(outcome!)), JSON.stringify(outcome));
  isOk(t, world.outcome(world.createKeyspace('b', 'next')));
  world.settle();
});

test('ring actor: all lose power at once, and go on from what was on disk', (t) => {
  const world = new RingWorld();
  world.settle();
  world.outcome(world.createKeyspace('a', 'before'));
  const before = world.settle();
  for (const name of ['a', 'b', 'c']) world.sim.crash(name, 'silent');
  for (const name of ['a', 'b', 'c']) world.sim.restart(name);
  world.run(500);
  t.deepEqual(world.ringOf('b'), before);
  isOk(t, world.outcome(world.createKeyspace('c', 'after')));
  t.is(world.settle().epoch, before.epoch + 1);
});

test('ring actor: two of three decide while one is down, and it catches up', (t) => {
  const world = new RingWorld();
  world.settle();
  world.sim.crash('c', 'silent');
  for (const name of ['k1', 'k2', 'k3']) isOk(t, world.outcome(world.createKeyspace('b', name)));
  world.sim.restart('c');
  const ring = world.settle();
  t.is(ring.keyspaces.length, 3);
  t.is(world.ringOf('c')?.epoch, ring.epoch);
});

test('ring actor: a voter that starts anew counts itself only after a while, when another one is down', (t) => {
  const world = new RingWorld();
  world.settle();
  world.sim.crash('c', 'silent');
  world.sim.crash('b');
  world.sim.restart('b');
  world.run(500);
  t.false(world.status('b').isConfirmed);
  world.run(700);
  t.true(world.status('b').isConfirmed);
  isOk(t, world.outcome(world.createKeyspace('b', 'k')));
});

test('ring actor: a member leaves, its partitions and its seat go to the others', (t) => {
  const world = new RingWorld({ names: ['a', 'b', 'c', 'd'] });
  world.settle();
  world.expected = 3;
  isOk(t, world.outcome(world.propose('a', { type: 'removeMember', id: world.idOf('b') })));
  const ring = world.settle();
  t.deepEqual(membersOf(ring), ['a up', 'c up', 'd up']);
  t.deepEqual(ring.banned, [world.idOf('b')]);
  world.run(500);
  const { isConfirmed, trouble } = world.status('b');
  t.false(isConfirmed);
  t.regex(trouble, /this node was removed from the cluster/);
  t.false(world.holders.get('b/0')?.mayServe);
  t.is(codeOf(world.outcome(world.createKeyspace('b', 'k'))), 'NOT_A_MEMBER');
});

/** Of a, b, c and d, of whom d leaves while c is down. */
function withoutC(t: ExecutionContext, { gossips, runMs }: { readonly gossips: boolean; readonly runMs: number }): RingWorld {
  const world = new RingWorld({ names: ['a', 'b', 'c', 'd'], gossips, options: { excludeAfterMs: 2_000 } });
  world.settle();
  world.expected = 3;
  world.sim.crash('c', 'silent');
  isOk(t, world.outcome(world.propose('a', { type: 'removeMember', id: world.idOf('d') })));
  world.run(runMs);
  return world;
}

test('ring actor: a member that is down and holds a step up is excluded, and included when it is back', (t) => {
  const world = withoutC(t, { gossips: false, runMs: 6_000 });
  const without = world.ringOf('a');
  t.is(without?.transition, null);
  t.true(without?.members.find(({ name }) => name === 'c')?.isExcluded);
  world.sim.restart('c');
  world.run(2_000);
  t.false(world.settle().members.some(({ isExcluded }) => isExcluded));
  t.true(world.holders.get('c/0')?.mayServe);
});

test('ring actor: a directory that was rolled back does not take part, and says why', (t) => {
  const world = new RingWorld();
  world.settle();
  const old = world.sim.node('b').disk.clone();
  for (let time = 0; time < 2; time++) {
    world.sim.crash('b', 'silent');
    world.sim.restart('b');
    world.run(500);
  }
  t.true(world.status('b').isConfirmed);
  world.sim.crash('b', 'silent');
  world.setDisk('b', old);
  world.sim.restart('b');
  world.run(1_000);
  const { isConfirmed, trouble } = world.status('b');
  t.false(isConfirmed);
  t.regex(
    trouble,
    /a start of member 0{30}62 with boot 3, .* is registered; this one has boot 2, .*: its directory is a copy or an old state/,
  );
  t.false(world.holders.get('b/0')?.mayServe);
  // It votes no more: without c nothing is decided.
  world.sim.crash('c', 'silent');
  t.is(codeOf(world.outcome(world.createKeyspace('a', 'k'))), 'NO_MAJORITY');
});

test('ring actor: a directory that was rolled back stays out, however often it starts again', (t) => {
  const world = new RingWorld();
  world.settle();
  const old = world.sim.node('b').disk.clone();
  world.sim.crash('b', 'silent');
  world.sim.restart('b');
  world.run(500);
  world.sim.crash('b', 'silent');
  world.setDisk('b', old);
  // Each start counts one higher than the last: from the third on it would be the newest that anybody has heard of.
  for (let time = 0; time < 4; time++) {
    world.sim.restart('b');
    world.run(500);
    const { isConfirmed, fence } = world.status('b');
    t.false(isConfirmed);
    t.is(fence, 'superseded');
    world.sim.crash('b', 'silent');
  }
});

test('ring actor: of a member and a running copy of its directory only the one that started last goes on', (t) => {
  const asleep = new Set(['d']);
  const world = new RingWorld({ names: ['a', 'b', 'c', 'd'], copyOf: { d: 'b' }, asleep });
  world.expected = 3;
  world.settle();
  world.sim.crash('d', 'silent');
  world.setDisk('d', world.sim.node('b').disk.clone());
  asleep.clear();
  world.sim.restart('d');
  world.run(4_000);
  const [original, copy] = [world.status('b'), world.status('d')];
  t.true(copy.isConfirmed);
  t.false(original.isConfirmed);
  t.regex(original.trouble, /with boot 2, .* is registered; this one has boot 1/);
});

test('ring actor: two copies that start with the same boot are never both confirmed', (t) => {
  for (let seed = 0; seed < 2; seed++) {
    const asleep = new Set(['d']);
    const world = new RingWorld({ seed, names: ['a', 'b', 'c', 'd'], copyOf: { d: 'b' }, asleep });
    world.expected = 3;
    world.settle();
    for (const name of ['b', 'd']) world.sim.crash(name, 'silent');
    world.setDisk('d', world.sim.node('b').disk.clone());
    asleep.clear();
    for (const name of ['b', 'd']) world.sim.restart(name);
    for (let time = 0; time < 15; time++) {
      const states = ['b', 'd'].map((name) => world.status(name));
      t.false(
        states.every(({ isConfirmed }) => isConfirmed),
        `seed ${seed}`,
      );
    }
    t.true(['b', 'd'].some((name) => world.status(name).trouble !== ''));
  }
});

test('ring actor: a directory that has lost its ring state is not taken for a newcomer', (t) => {
  const world = new RingWorld();
  world.settle();
  world.sim.crash('b', 'silent');
  const files = new SimSyncFiles(world.sim.node('b').disk);
  for (const name of files.readdir(`${DATA}/ring`)) files.unlink(`${DATA}/ring/${name}`);
  files.syncDir(`${DATA}/ring`);
  world.sim.restart('b');
  world.run(1_000);
  const { isConfirmed, trouble } = world.status('b');
  t.false(isConfirmed);
  t.regex(trouble, /its directory has no ring state: what it promised is lost/);
});

test('ring actor: rot in its state is reported with file and place, and the node does not vote', (t) => {
  const world = new RingWorld();
  world.settle();
  world.sim.crash('b', 'silent');
  const { disk } = world.sim.node('b');
  // A crash may leave the one before it too.
  const numbers = new SimSyncFiles(disk).readdir(`${DATA}/ring`).map((name) => Number(name.slice(5)));
  disk.flipBit(`${DATA}/ring/ring-${Math.max(...numbers)}`, 60, 0);
  world.sim.restart('b');
  world.run(500);
  const { isConfirmed, trouble } = world.status('b');
  t.false(isConfirmed);
  t.regex(trouble, /the ring state can't be read: \/data\/ring\/ring-\d+ at \d+: expected the checksum 0x[0-9a-f]{8}, found 0x[0-9a-f]{8}/);
});

test('ring actor: the directory of another member is refused', (t) => {
  const world = new RingWorld();
  world.settle();
  for (const name of ['b', 'c']) world.sim.crash(name, 'silent');
  world.setDisk('b', world.sim.node('c').disk);
  world.sim.restart('b');
  world.run(500);
  t.regex(world.status('b').trouble, /the ring state is of member 0{30}63, but this node is 0{30}62: its directory was swapped/);
});

test('ring actor: what can not be written is not answered for; it says so, and goes on when the disk does', (t) => {
  const world = new RingWorld();
  world.settle();
  world.sim.crash('c', 'silent');
  const { disk } = world.sim.node('b');
  disk.onCall = faultPlan([{ operations: ['datasync'], path: 'ring', lasting: true, fault: { kind: 'error', code: 'EIO' } }]);
  t.is(codeOf(world.outcome(world.createKeyspace('a', 'k1'))), 'NO_MAJORITY');
  t.regex(world.status('b').trouble, /the ring state can't be written: datasync .*: EIO/);
  disk.onCall = undefined;
  world.run(300);
  isOk(t, world.outcome(world.createKeyspace('a', 'k2')));
  t.is(world.status('b').trouble, '');
});

test('ring actor: what was decided reaches the others while its proposer has not written it yet', (t) => {
  const world = new RingWorld();
  const { epoch } = world.settle();
  const { disk } = world.sim.node('a');
  disk.onCall = ({ operation, path }) =>
    operation === 'datasync' && path.includes('ring') && storedOn(world.sim.node('b').disk)?.accepted !== null
      ? { kind: 'error', code: 'EIO' }
      : undefined;
  const asked = world.createKeyspace('a', 'k');
  world.run(80);
  const epochOf = (name: string): number => world.holders.get(`${name}/0`)!.ring!.state.epoch;
  t.deepEqual(['a', 'b', 'c'].map(epochOf), [epoch, epoch + 1, epoch + 1]);
  t.is(asked.answer, undefined);
  disk.onCall = undefined;
  isOk(t, world.outcome(asked));
  t.is(epochOf('a'), epoch + 1);
});

test('ring actor: a lost majority is left behind by force, and those who come back are out', (t) => {
  const world = new RingWorld();
  const before = world.settle();
  for (const name of ['b', 'c']) world.sim.crash(name, 'silent');
  t.is(codeOf(world.outcome(world.createKeyspace('a', 'k'))), 'NO_MAJORITY');
  const refused = world.outcome(world.force('a', ['b']));
  t.is(codeOf(refused), 'INVALID_ARGUMENT');
  isOk(t, world.outcome(world.force('a', ['a'])));
  world.expected = 1;
  const forced = world.settle();
  t.is(forced.generation, 2);
  t.true(forced.epoch > before.epoch);
  isOk(t, world.outcome(world.createKeyspace('a', 'k')));
  for (const name of ['b', 'c']) world.sim.restart(name);
  world.run(3_000);
  for (const name of ['b', 'c']) t.regex(world.status(name).trouble, /removed from the cluster/);
});

test('ring actor: two rings forced in two places are a conflict that both report, and a higher generation ends it', (t) => {
  const world = new RingWorld({ plan: [aloneA], goOn: true });
  world.settle();
  world.runUntil(CUT_MS + 10);
  isOk(t, world.outcome(world.force('a', ['a', 'b'])));
  isOk(t, world.outcome(world.force('b', ['b', 'a', 'c'])));
  world.runUntil(CUT_MS + CUT_FOR_MS + 2_000);
  for (const name of ['a', 'b']) {
    const { isConfirmed, trouble } = world.status(name);
    t.false(isConfirmed);
    t.regex(trouble, /two different rings of generation 2/);
    t.false(world.holders.get(`${name}/0`)?.mayServe);
  }
  isOk(t, world.outcome(world.force('a', ['a', 'b'])));
  world.run(2_000);
  for (const name of ['a', 'b']) t.true(world.status(name).isConfirmed, world.status(name).trouble);
});

test('ring actor: operators who force the same in two places make one ring, and saying it again makes no other', (t) => {
  const world = new RingWorld({ plan: [aloneA] });
  world.settle();
  world.runUntil(CUT_MS + 10);
  isOk(t, world.outcome(world.force('a', ['a', 'b'])));
  isOk(t, world.outcome(world.force('b', ['b', 'a'])));
  world.runUntil(CUT_MS + CUT_FOR_MS + 2_000);
  isOk(t, world.outcome(world.force('b', ['a', 'b'])));
  for (const name of ['a', 'b']) {
    const { isConfirmed, trouble, ring } = world.status(name);
    t.true(isConfirmed, trouble);
    t.is(ring?.generation, 2);
  }
});

test('ring actor: a message of another cluster, or of no form, is refused and logged', (t) => {
  const world = new RingWorld();
  const { epoch } = world.settle();
  const foreign = { cluster: 'd'.repeat(32), id: 'e'.repeat(32), boot: 1, instance: '0'.repeat(16) };
  const ring = { generation: 9, epoch: 9, bytes: Buffer.from('no ring') };
  const ringActor = world.ringActor('a');
  const before = world.sim.log.filter(({ event }) => event === 'ring refused').length;
  world.sim.tell<RingMessage>(ringActor, { type: 'ring', from: foreign, ring });
  world.sim.tell<RingMessage>(ringActor, { type: 'ring', from: { ...foreign, cluster: 'c'.repeat(32) }, ring });
  for (const message of [
    null,
    7,
    'ring',
    {},
    { type: 'none' },
    { type: 'opened' },
    { type: 'drive' },
    { type: 'ring', from: foreign },
    { type: 'prepare', from: foreign, ballot: { round: -1 } },
  ])
    world.sim.tell(ringActor, message as never);
  world.run(100);
  const events = world.sim.log.map(({ event }) => event);
  t.is(events.filter((event) => event === 'malformed message refused').length, 9);
  t.is(events.filter((event) => event === 'message of another cluster refused').length, 1);
  t.is(events.filter((event) => event === 'ring refused').length, before + 1);
  t.is(world.ringOf('a')?.epoch, epoch);
});

test('ring actor: a subscriber of another node is refused, since rings are told within a thread', (t) => {
  const world = new RingWorld();
  const { epoch } = world.settle();
  const elsewhere = world.ringActor('b') as unknown as Ref<RingChanged>;
  world.sim.tell<RingMessage>(world.ringActor('a'), { type: 'subscribe', subscriber: elsewhere });
  world.run(100);
  t.true(world.sim.log.some(({ event }) => event === 'subscriber refused'));
  t.is(world.ringOf('a')?.epoch, epoch);
});

test('ring actor: shards hear of a ring in bounded time, when most of what they are told is lost', (t) => {
  const world = new RingWorld({ seed: 5, shards: 3, quality: { lossRatio: 0.4, duplicateRatio: 0.2, reorderRatio: 0.2 } });
  world.settle(60_000);
  world.outcome(world.createKeyspace('a', 'k'), 10_000);
  const ring = world.settle(10_000);
  t.is(ring.keyspaces.length, 1);
});

test('ring actor: with the real GossipActor a cluster forms, excludes who is down for long, and takes it back', (t) => {
  const world = withoutC(t, { gossips: true, runMs: 12_000 });
  const without = world.ringOf('a');
  t.deepEqual(
    without?.members.map(({ name, isExcluded }) => `${name} ${isExcluded}`),
    ['a false', 'b false', 'c true'],
  );
  world.sim.restart('c');
  world.run(4_000);
  t.false(world.settle().members.some(({ isExcluded }) => isExcluded));
});

import test from 'ava';
import type { MembershipView } from '../../../actors/gossip-protocol.ts';
import { knownRing } from '../../../actors/membership/known-ring.ts';
import { leastMovement, TransitionDriver } from '../../../actors/membership/transition-driver.ts';
import { applyOperation } from '../../../actors/ring/apply.ts';
import { initialRing } from '../../../actors/ring/initial-ring.ts';
import type { NewMember, Operation } from '../../../actors/ring/operation.ts';
import type { Id, RingState, RingVersion } from '../../../actors/ring/ring-state.ts';
import { keyspace } from './ring-world.ts';

const id = (digit: string): Id => digit.repeat(32);
const TIMES = { settleMs: 100, takeOverMs: 1_000, excludeAfterMs: 5_000 };

function member(digit: string): NewMember {
  const address = { node: digit, host: digit, ports: [7_000, 7_001] };
  return { id: id(digit), name: digit, address, dataCenter: 'dc', rack: 'r', capacity: 1, shards: 1 };
}

function after(ring: RingState, ...operations: readonly Operation[]): RingState {
  return operations.reduce((state, operation, i) => {
    const applied = applyOperation(state, { operationId: (state.epoch * 16 + i).toString(16).padStart(32, '9'), operation });
    if (!applied.ok) throw new Error(applied.message);
    return applied.ring;
  }, ring);
}

const ALONE = initialRing({ cluster: id('c'), clusterName: 'test', operationId: id('1'), member: member('a'), partitions: 8 });
const JOINING = after(ALONE, { type: 'addMember', member: member('b') });
const MOVING = after(JOINING, {
  type: 'beginTransition',
  parent: knownRing(JOINING).hash,
  owners: Uint16Array.from([0, 1, 0, 1, 0, 1, 0, 1]),
});

function view(ring: RingVersion, switched: Readonly<Record<string, RingVersion | 'down'>>): MembershipView {
  const members = Object.entries(switched).map(([digit, state]) => ({
    ...{ id: id(digit), label: state === 'down' ? ('down' as const) : ('up' as const), isSuspected: state === 'down', accusers: [] },
    ...{ boot: 1, incarnation: 0, heartbeat: 1, silentMs: 0, switchedTo: state === 'down' ? { ...ring, epoch: ring.epoch - 1 } : state },
  }));
  return { members };
}

class Rig {
  readonly driver = new TransitionDriver(TIMES, ({ owners }) => owners.map((_, p) => p % 2));
  readonly self: string;
  constructor(self = 'a') {
    this.self = self;
  }
  due(ring: RingState, nowMs: number, known: MembershipView | null): string {
    const { address } = member(this.self);
    const operation = this.driver.due({ ring, hash: knownRing(ring).hash, self: id(this.self), address, view: known, nowMs });
    return operation?.type ?? 'nothing';
  }
}

test('transition driver: a change of owners begins when somebody waits for it and the ring has settled', (t) => {
  const rig = new Rig();
  t.is(rig.due(JOINING, 0, null), 'nothing');
  t.is(rig.due(JOINING, 99, null), 'nothing');
  t.is(rig.due(JOINING, 100, null), 'beginTransition');
});

test('transition driver: one thing at a time, and after a refusal it rests', (t) => {
  const rig = new Rig();
  rig.due(JOINING, 0, null);
  t.is(rig.due(JOINING, 200, null), 'beginTransition');
  t.is(rig.due(JOINING, 300, null), 'nothing');
  rig.driver.ended(false, 400, 0.5);
  t.is(rig.due(JOINING, 1_399, null), 'nothing');
  t.is(rig.due(JOINING, 1_400, null), 'beginTransition');
});

test('transition driver: a step advances when all have acknowledged it, and not before', (t) => {
  const rig = new Rig();
  const behind = { generation: 1, epoch: MOVING.epoch - 1 };
  t.is(rig.due(MOVING, 0, view(MOVING, { a: MOVING, b: behind })), 'nothing');
  t.is(rig.due(MOVING, 1, view(MOVING, { a: MOVING })), 'nothing');
  t.is(rig.due(MOVING, 2, null), 'nothing');
  t.is(rig.due(MOVING, 3, view(MOVING, { a: MOVING, b: MOVING })), 'advance');
});

test('transition driver: who has acknowledged a later ring has acknowledged this step', (t) => {
  const later = { generation: 1, epoch: MOVING.epoch + 5 };
  t.is(new Rig().due(MOVING, 0, view(MOVING, { a: MOVING, b: later })), 'advance');
});

test('transition driver: who holds a step up is excluded, when it has been down long enough without a break', (t) => {
  const rig = new Rig();
  const down = view(MOVING, { a: MOVING, b: 'down' });
  const slow = view(MOVING, { a: MOVING, b: { generation: 1, epoch: 1 } });
  t.is(rig.due(MOVING, 0, down), 'nothing');
  t.is(rig.due(MOVING, 4_000, slow), 'nothing');
  t.is(rig.due(MOVING, 4_001, down), 'nothing');
  t.is(rig.due(MOVING, 9_000, down), 'nothing');
  t.is(rig.due(MOVING, 9_001, down), 'excludeMember');
});

test('transition driver: the others take over, each later than the one before it', (t) => {
  const rig = new Rig('b');
  const all = view(MOVING, { a: MOVING, b: MOVING });
  t.is(rig.due(MOVING, 0, all), 'nothing');
  t.is(rig.due(MOVING, 999, all), 'nothing');
  t.is(rig.due(MOVING, 1_000, all), 'advance');
  const first = view(MOVING, { a: 'down', b: MOVING });
  t.is(new Rig('b').due(JOINING, 0, first), 'nothing');
});

test('transition driver: turns count from when a step is complete, however long it took', (t) => {
  const rig = new Rig('b');
  const behind = view(MOVING, { a: { generation: 1, epoch: 1 }, b: MOVING });
  const all = view(MOVING, { a: MOVING, b: MOVING });
  t.is(rig.due(MOVING, 0, behind), 'nothing');
  t.is(rig.due(MOVING, 60_000, behind), 'nothing');
  t.is(rig.due(MOVING, 60_001, all), 'nothing');
  t.is(rig.due(MOVING, 60_999, all), 'nothing');
  t.is(rig.due(MOVING, 61_000, all), 'advance');
});

test('transition driver: turns count from when a member may be excluded', (t) => {
  const ring = after(MOVING, { type: 'addMember', member: member('d') });
  const rig = new Rig('b');
  const down = view(ring, { a: ring, b: ring, d: 'down' });
  t.is(rig.due(ring, 0, down), 'nothing');
  t.is(rig.due(ring, 4_999, down), 'nothing');
  t.is(rig.due(ring, 5_000, down), 'nothing');
  t.is(rig.due(ring, 5_998, down), 'nothing');
  t.is(rig.due(ring, 5_999, down), 'excludeMember');
});

test('transition driver: who has failed waits for its turn again', (t) => {
  const ring = after(MOVING, { type: 'addMember', member: member('d') });
  const rig = new Rig('d');
  const all = view(ring, { a: ring, b: ring, d: ring });
  t.is(rig.due(ring, 0, all), 'nothing');
  t.is(rig.due(ring, 2_000, all), 'advance');
  rig.driver.ended(false, 3_000, 0);
  t.is(rig.due(ring, 4_999, all), 'nothing');
  t.is(rig.due(ring, 5_000, all), 'advance');
});

test('bug: a transition stayed at `stream` for ever, when a member that it was to fill was removed', (t) => {
  const lone = after(ALONE, { type: 'addMember', member: member('b') }, { type: 'addMember', member: member('d') });
  const members = lone.members.map((one) => ({ ...one, state: 'up' as const }));
  const up: RingState = {
    ...lone,
    members,
    owners: Uint16Array.from([0, 1, 2, 0, 1, 2, 0, 1]),
    keyspaces: [{ ...keyspace('k'), n: 1, id: 1 }],
  };
  const begin: Operation = { type: 'beginTransition', parent: knownRing(up).hash, owners: Uint16Array.from([0, 1, 2, 0, 1, 2, 0, 2]) };
  const begun = after(up, begin);
  const streaming = after(begun, { type: 'advance', startedAt: begun.transition!.startedAt, step: 'writeBoth' });
  const lost = { ...streaming, members: streaming.members.map((one) => (one.name === 'd' ? { ...one, isExcluded: true } : one)) };
  t.is(new Rig().due(lost, 0, view(lost, { a: lost, b: lost })), 'advance');
  const removed = { ...lost, members: lost.members.map((one) => (one.name === 'd' ? { ...one, state: 'leaving' as const } : one)) };
  t.is(new Rig().due(removed, 0, view(removed, { a: removed, b: removed })), 'cancelTransition');
});

test('transition driver: an excluded member asks to be included, and a moved one gives its address, at once', (t) => {
  const excluded = after(MOVING, { type: 'excludeMember', id: id('b') });
  t.is(new Rig('b').due(excluded, 0, null), 'includeMember');
  const moved = after(JOINING, { type: 'setAddress', id: id('b'), address: { node: 'b', host: 'old', ports: [1, 2] } });
  t.is(new Rig('b').due(moved, 0, null), 'setAddress');
});

test('transition driver: owners that members of unequal capacity have been given are not planned anew for ever', (t) => {
  // Found by seed 20090 of the workload: capacities 1, 2, 1, 1, of which each plan differed from the one before it.
  const members = ['a', 'b', 'd', 'e'].map((digit) => ({
    ...{ ...member(digit), state: 'up' as const, isExcluded: false },
    capacity: digit === 'b' ? 2 : 1,
  }));
  const owners = Uint16Array.from([1, 1, 1, 1, 0, 2, 2, 1, 2, 2, 3, 1, 3, 3, 3, 1]);
  const keyspaces = [1, 3, 2].map((n, i) => ({ ...keyspace(`k${i}`), id: i + 1, n }));
  let ring: RingState = { ...ALONE, members, owners, keyspaces, nextKeyspaceId: 4, changedAt: new Uint32Array(16).fill(1) };
  let plans = 0;
  for (let next = leastMovement(ring); next !== null; next = leastMovement(ring)) {
    ring = { ...ring, epoch: ring.epoch + 5, owners: next };
    if (++plans > 20) break;
  }
  t.true(plans <= 3, `${plans}`);
});

test('transition driver: who is no member does nothing', (t) => {
  t.is(new Rig('f').due(JOINING, 10_000, null), 'nothing');
});

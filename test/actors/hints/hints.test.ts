import test, { type ExecutionContext } from 'ava';
import { hintRangeOf } from '../../../actors/hints/hint-key.ts';
import { COORDINATE, MERGE_IN, READ_LOCAL } from '../../../actors/store/replica-call.ts';
import { CONTEXT_LOCAL, CONTEXT_NONE, OVERLOADED } from '../../../actors/store/store-request.ts';
import { LOSE_ALL } from '../../../runtime/simulation/crash-models.ts';
import { type Entry, LATER } from '../../../storage/engine/api.ts';
import { idOf } from '../ring/ring-world.ts';
import { type CallFields, ReplicaRig } from '../store/replica-rig.ts';
import { encodeNaive, type NaiveRecord, naiveMerge } from '../version/naive-record.ts';

const A = idOf(0xa);
const B = idOf(0xb);
const ACTOR = 'cc'.repeat(16);

function opened(seed: string, options: ConstructorParameters<typeof ReplicaRig>[1] = {}): ReplicaRig {
  const rig = new ReplicaRig(seed, { partitions: () => 256, ...options });
  rig.open();
  rig.advance(50);
  return rig;
}

function standIn(owner: string): CallFields {
  return { isStandIn: true, owner: Buffer.from(owner, 'hex') };
}

function recordOf(counter: number, actor = ACTOR): NaiveRecord {
  const sibling = { actor, counter, stamp: counter, expiry: 0, isTombstone: false, value: `${actor[0]}${counter}` };
  return { vector: new Map([[actor, { counter, stamp: counter }]]), siblings: [sibling] };
}

function hold(rig: ReplicaRig, owner: string, record: NaiveRecord, key = 'k'): number {
  return rig.call(MERGE_IN, { ...standIn(owner), key, bytes: encodeNaive(record) });
}

function valuesOf(record: NaiveRecord | undefined): readonly string[] {
  return (record?.siblings ?? []).map(({ value }) => value).sort();
}

function held(rig: ReplicaRig, key = 'k'): readonly string[] {
  return valuesOf(rig.answer(rig.call(READ_LOCAL, { isStandIn: true, key })).found);
}

/** As their engine has them. */
function entriesOf(rig: ReplicaRig, owner: string): readonly Entry[] {
  const iterator = rig.replicas.iterator(hintRangeOf(owner));
  let entries: readonly Entry[] | undefined;
  const page = iterator.next(100, 1_000_000, (result) => {
    entries = result.ok ? result.value : [];
  });
  if (page !== LATER) entries = page;
  rig.run(() => entries !== undefined);
  iterator.close();
  return entries!;
}

function give(rig: ReplicaRig, owner: string): void {
  for (const { key, value } of entriesOf(rig, owner)) rig.replicas.hints.forget(key, value);
  rig.advance(50);
}

test('hints: what is held for others is found by reads as a stand-in alone, merged over all owners', (t) => {
  const rig = opened('held');
  for (const [owner, counter] of [
    [A, 1],
    [A, 2],
  ] as const)
    rig.answer(hold(rig, owner, recordOf(counter)));
  rig.answer(hold(rig, B, recordOf(1, 'dd'.repeat(16))));
  t.deepEqual(held(rig), ['c2', 'd1']);
  t.deepEqual(valuesOf(rig.answer(rig.call(READ_LOCAL)).found), []);
  t.deepEqual(held(rig, 'other'), []);
  const { hints, hintBytes = 0 } = rig.replicas.stats();
  t.is(hints, 2);
  t.true(hintBytes > 0);
});

test('hints: they are there after a loss of power, counted, and read from their first moment [T24]', (t) => {
  const rig = opened('restart');
  rig.answer(hold(rig, A, recordOf(1)));
  const before = rig.replicas.stats();
  rig.restart(LOSE_ALL);
  rig.open();
  rig.advance(50);
  const after = rig.replicas.stats();
  t.deepEqual([after.hints, after.hintBytes], [before.hints, before.hintBytes]);
  t.deepEqual(held(rig), ['c1']);
});

function changedMeanwhile(mutants: readonly string[]): readonly string[] {
  const rig = opened('changed', { mutants: new Set(mutants) });
  rig.answer(hold(rig, A, recordOf(1)));
  const [sent] = entriesOf(rig, A);
  rig.answer(hold(rig, A, recordOf(2)));
  rig.replicas.hints.forget(sent!.key, sent!.value);
  rig.advance(50);
  return held(rig);
}

test('hints: one that was handed over is deleted, and one that has changed meanwhile stays', (t) => {
  t.deepEqual(changedMeanwhile([]), ['c2']);
  t.deepEqual(changedMeanwhile(['hintForgottenThoughChanged']), []);
  const rig = opened('handed');
  rig.answer(hold(rig, A, recordOf(1)));
  give(rig, A);
  t.deepEqual(held(rig), []);
  t.like(rig.replicas.stats(), { hints: 0, hintBytes: 0, hintsHandedOver: 1 });
});

test('hints: over the cap a write is refused and its partition marked, on disk, until the mark is cleared', (t) => {
  const options = { hintOwnerBytesMax: 300 };
  const rig = opened('cap', options);
  const key = 'x'.repeat(200);
  t.true(rig.answer(hold(rig, A, recordOf(1), key)).isStored);
  t.is(rig.answer(hold(rig, A, recordOf(1), `${key}y`)).failed?.status, OVERLOADED);
  t.true(rig.answer(hold(rig, B, recordOf(1), key)).isStored);
  const mark = { owner: A, keyspace: 1, partition: 0, partitions: 256 };
  t.deepEqual(rig.replicas.hints.dirtyMarks(), [mark]);
  t.is(rig.replicas.stats().hintsCollapsed, 1);
  rig.advance(50);
  rig.restart(LOSE_ALL);
  rig.open();
  rig.advance(50);
  t.deepEqual(rig.replicas.hints.dirtyMarks(), [mark]);
  const [seen] = rig.replicas.hints.dirtyMarks();
  t.is(rig.answer(hold(rig, A, recordOf(2), key.repeat(2))).failed?.status, OVERLOADED);
  rig.replicas.hints.clearMark(seen!);
  t.deepEqual(rig.replicas.hints.dirtyMarks(), [mark], 'more was missed since it was seen');
  rig.replicas.hints.clearMark(rig.replicas.hints.dirtyMarks()[0]!);
  rig.advance(50);
  rig.restart(LOSE_ALL);
  rig.open();
  rig.advance(50);
  t.deepEqual(rig.replicas.hints.dirtyMarks(), []);
  t.deepEqual(held(rig, key), ['c1']);
});

/** Two writes without contexts, and what a primary has that got one after the other. */
function mintedTwice(mutants: readonly string[]): readonly string[] {
  const rig = opened('dots', { mutants: new Set(mutants) });
  const put = (value: string): NaiveRecord =>
    rig.answer(rig.call(COORDINATE, { ...standIn(A), bytes: value, contextKind: CONTEXT_NONE })).made!;
  const first = put('first');
  give(rig, A);
  return valuesOf(naiveMerge(first, put('second')));
}

test('hints: a stand-in that has given its dots away goes on under another name, so that no write takes another away', (t) => {
  t.deepEqual(mintedTwice([]), ['first', 'second']);
  t.deepEqual(mintedTwice(['standInDotsKept']), ['second']);
});

test('hints: writes that a stand-in mints follow each other as those of a replica do', (t) => {
  const rig = opened('minted');
  rig.answer(hold(rig, A, recordOf(1)));
  rig.answer(rig.call(COORDINATE, { ...standIn(A), bytes: 'mine', contextKind: CONTEXT_LOCAL }));
  const { made } = rig.answer(rig.call(COORDINATE, { ...standIn(A), bytes: 'next', contextKind: CONTEXT_LOCAL }));
  t.deepEqual([valuesOf(made), made!.vector.size], [['next'], 2]);
  t.deepEqual(held(rig), ['next']);
  own(t, rig);
});

/** A hint that knows dots of the store is no sign that it has lost them. */
function own(t: ExecutionContext, rig: ReplicaRig): void {
  const { incarnation } = rig.replicas;
  const { made } = rig.answer(rig.call(COORDINATE, { key: 'own', bytes: 'one', contextKind: CONTEXT_NONE }));
  rig.answer(hold(rig, B, made!, 'own'));
  t.deepEqual(rig.replicas.incarnation, incarnation);
}

/** Floors in the replicas of a shard, on a simulated disk. */
import test from 'ava';
import { decodeFloor, encodeFloor, type FloorChange, NO_FLOOR } from '../../../actors/purge/floor.ts';
import { floorKey, readFloorKey } from '../../../actors/purge/floor-key.ts';
import { BARRIER_KEY, prefixOf } from '../../../actors/store/engine-key.ts';
import { rangeOfKeyspaces } from '../../../actors/store/engine-range.ts';
import { COORDINATE, FORGET, MERGE_IN, READ_LOCAL } from '../../../actors/store/replica-call.ts';
import { LOSE_ALL } from '../../../runtime/simulation/crash-models.ts';
import { type CallFields, ReplicaRig } from '../store/replica-rig.ts';
import { encodeNaive, type NaiveRecord } from '../version/naive-record.ts';
import { actorOf, viewOf } from '../version/records.ts';

const PLACE = { keyspace: 1, partition: 0, partitions: 8 };
const A = actorOf('a').toString('hex');

function rigOf(seed: string, ...mutants: readonly string[]): ReplicaRig {
  const rig = new ReplicaRig(seed, { mutants: new Set(mutants) });
  rig.open();
  return rig;
}

function recordOf(counter: number, value: string | undefined, expiry = 0): Buffer {
  const sibling = { actor: A, counter, stamp: counter, expiry, isTombstone: value === undefined, value: value ?? '' };
  return encodeNaive({ vector: new Map([[A, { counter, stamp: counter }]]), siblings: [sibling] });
}

function vectorOf(counter: number): ReturnType<typeof viewOf> {
  return viewOf(encodeNaive({ vector: new Map([[A, { counter, stamp: counter }]]), siblings: [] }));
}

/** Returns whether it holds. */
function change(rig: ReplicaRig, it: FloorChange): boolean {
  const { floors, engine } = rig.replicas;
  const pending = floors.begin(PLACE, it)!;
  let holds: boolean | undefined;
  floors.persist(engine, pending, (error) => {
    holds = floors.end(pending, error === undefined);
  });
  rig.run(() => holds !== undefined);
  return holds!;
}

function install(rig: ReplicaRig, counter: number): boolean {
  return change(rig, { type: 'install', vector: vectorOf(counter) });
}

function release(rig: ReplicaRig, counter: number, asOfMs = 0): boolean {
  return change(rig, { type: 'release', vector: vectorOf(counter), asOfMs });
}

function merge(rig: ReplicaRig, bytes: Buffer, fields: CallFields = {}): boolean {
  return rig.answer(rig.call(MERGE_IN, { bytes, ...fields })).isStored;
}

function valuesIn(rig: ReplicaRig): readonly string[] {
  const { siblings } = rig.answer(rig.call(READ_LOCAL)).found as NaiveRecord;
  return siblings.map(({ isTombstone, value }) => (isTombstone ? 'deleted' : value));
}

test('floors: what a floor covers is answered as stored and is not there, and counted; what is newer is [T7]', (t) => {
  const rig = rigOf('covers');
  t.true(install(rig, 5));
  t.true(merge(rig, recordOf(4, 'old')));
  t.deepEqual(valuesIn(rig), []);
  t.true(merge(rig, recordOf(5, undefined)));
  const { purgeRefusedValues, purgeRefusedTombstones, purgeFloors } = rig.replicas.stats();
  t.deepEqual([purgeRefusedValues, purgeRefusedTombstones, purgeFloors], [1, 1, 1]);
  t.true(merge(rig, recordOf(6, 'new')));
  t.deepEqual(valuesIn(rig), ['new']);
});

test('floors: another partition and another keyspace have none', (t) => {
  const rig = rigOf('elsewhere');
  install(rig, 5);
  merge(rig, recordOf(4, 'old'), { tokenHigh: 0x2000_0000 });
  t.is(rig.answer(rig.call(READ_LOCAL, { tokenHigh: 0x2000_0000 })).found!.siblings[0]!.value, 'old');
});

test('floors: they are there after a loss of power [T7]', (t) => {
  const rig = rigOf('power');
  install(rig, 5);
  rig.restart(LOSE_ALL);
  t.is(rig.open(), undefined);
  merge(rig, recordOf(4, 'old'));
  t.deepEqual(valuesIn(rig), []);
});

test('floors: the planted bugs that do not keep them, or do not look at them, let dead values in', (t) => {
  const forgetful = rigOf('power', 'floorNotPersisted');
  install(forgetful, 5);
  forgetful.restart(LOSE_ALL);
  forgetful.open();
  merge(forgetful, recordOf(4, 'old'));
  t.deepEqual(valuesIn(forgetful), ['old']);
  const blind = rigOf('blind', 'floorNotChecked');
  install(blind, 5);
  merge(blind, recordOf(4, 'old'));
  t.deepEqual(valuesIn(blind), ['old']);
});

test('floors: nothing is deleted that is not released, or not covered, or alive', (t) => {
  const rig = rigOf('forget');
  merge(rig, recordOf(5, undefined));
  install(rig, 5);
  t.not(rig.answer(rig.call(FORGET)).failed, undefined);
  release(rig, 4);
  t.not(rig.answer(rig.call(FORGET)).failed, undefined);
  t.deepEqual(valuesIn(rig), ['deleted']);
  release(rig, 5);
  t.true(rig.answer(rig.call(FORGET)).isStored);
  t.is(rig.replicas.stats().purgedKeys, 1);
  merge(rig, recordOf(6, 'new'));
  release(rig, 6);
  t.not(rig.answer(rig.call(FORGET)).failed, undefined);
  t.deepEqual(valuesIn(rig), ['new']);
});

test('floors: what has expired goes as of the time that all agreed upon, not before [T8]', (t) => {
  const rig = rigOf('expired');
  merge(rig, recordOf(5, 'v', 1_000));
  install(rig, 5);
  release(rig, 5, 999);
  t.not(rig.answer(rig.call(FORGET)).failed, undefined);
  release(rig, 5, 1_000);
  t.true(rig.answer(rig.call(FORGET)).isStored);
});

test('floors: what is released is as good as gone before it is deleted: a write follows nothing, and what others hold is merged without it', (t) => {
  const rig = rigOf('gone');
  merge(rig, recordOf(5, undefined));
  release(rig, 5);
  t.deepEqual(valuesIn(rig), []);
  const told = rig.answer(rig.call(COORDINATE, { bytes: 'again' }));
  t.deepEqual([...told.made!.vector.keys()].includes(A), false);
  t.deepEqual(valuesIn(rig), ['again']);
  const planted = rigOf('gone', 'purgedStillShown');
  merge(planted, recordOf(5, undefined));
  release(planted, 5);
  t.deepEqual(valuesIn(planted), ['deleted']);
});

test('floors: a context that knows purged dots of the store itself does not make it begin anew [T3]', (t) => {
  const rig = rigOf('context');
  const { made } = rig.answer(rig.call(COORDINATE, { isTombstone: true }));
  const { incarnation } = rig.replicas;
  const context = encodeNaive({ ...made!, siblings: [] });
  const place = { ...PLACE };
  const pending = rig.replicas.floors.begin(place, { type: 'release', vector: viewOf(context), asOfMs: 0 })!;
  rig.replicas.floors.end(pending, true);
  t.true(rig.answer(rig.call(FORGET)).isStored);
  rig.answer(rig.call(COORDINATE, { bytes: 'v', contextKind: 3, context }));
  t.deepEqual(rig.replicas.incarnation, incarnation);
});

test('floors: they go with their data, also those that are on their way to disk, and after a loss of power', (t) => {
  for (const mutant of ['', 'floorKeptWithoutData']) {
    const rig = rigOf('drop', mutant);
    install(rig, 5);
    const pending = rig.replicas.floors.begin(PLACE, { type: 'install', vector: vectorOf(7) })!;
    let isThere: boolean | undefined;
    rig.replicas.floors.persist(rig.replicas.engine, pending, () => {
      isThere = rig.replicas.floors.end(pending, true);
    });
    let isDropped = false;
    rig.replicas.dropAll([rangeOfKeyspaces(1, 2)], () => {});
    rig.replicas.engine.put(BARRIER_KEY, new Uint8Array(1), 'sync', () => {
      isDropped = true;
    });
    rig.run(() => isDropped && isThere !== undefined);
    t.is(isThere, mutant !== '');
    rig.restart(LOSE_ALL);
    rig.open();
    merge(rig, recordOf(4, 'copied again'));
    t.deepEqual(valuesIn(rig), mutant === '' ? ['copied again'] : []);
  }
});

test('floors: a range that does not touch the partition leaves its floor', (t) => {
  const rig = rigOf('other range');
  install(rig, 5);
  rig.replicas.dropAll([{ start: prefixOf(1, 0x2000_0000), end: prefixOf(2, 0) }], () => {});
  merge(rig, recordOf(4, 'old'));
  t.deepEqual(valuesIn(rig), []);
  rig.replicas.dropAll([{ start: prefixOf(1, 0x1fff_ffff), end: prefixOf(1, 0x2000_0000) }], () => {});
  merge(rig, recordOf(4, 'old'));
  t.deepEqual(valuesIn(rig), ['old']);
});

test('floors: changes of one place that are on their way at once are joined', (t) => {
  const { floors, engine } = rigOf('joined').replicas;
  const b = actorOf('b').toString('hex');
  const first = floors.begin(PLACE, { type: 'install', vector: vectorOf(5) })!;
  const other = viewOf(encodeNaive({ vector: new Map([[b, { counter: 2, stamp: 2 }]]), siblings: [] }));
  const second = floors.begin(PLACE, { type: 'install', vector: other })!;
  floors.persist(engine, first, () => {});
  floors.persist(engine, second, () => {});
  t.is(first.floor.inForce.entries, 1);
  t.is(second.floor.inForce.entries, 2);
});

test('floors: a floor and its key are read as they were written; what is damaged is refused, and the replicas do not open', (t) => {
  const floor = { inForce: vectorOf(5), released: vectorOf(3), asOfMs: 77, isSwept: false };
  const bytes = encodeFloor(floor);
  const read = decodeFloor(bytes);
  if (typeof read === 'string') return t.fail(read);
  t.deepEqual([read.asOfMs, read.isSwept, read.inForce.entries, read.released.entries], [77, false, 1, 1]);
  t.deepEqual(encodeFloor(read), bytes);
  const bare = decodeFloor(encodeFloor({ ...floor, released: NO_FLOOR.released, isSwept: true }));
  t.is(typeof bare === 'string' ? bare : bare.released.entries, 0);
  for (let end = 0; end < bytes.length; end++) if (end !== 50) t.is(typeof decodeFloor(bytes.subarray(0, end)), 'string', `${end}`);
  const place = { keyspace: 9, partition: 5, partitions: 8 };
  t.deepEqual(readFloorKey(floorKey(place)), place);
  t.is(readFloorKey(BARRIER_KEY), undefined);
  const rig = rigOf('damaged');
  let isWritten = false;
  rig.replicas.engine.put(floorKey(PLACE), bytes.subarray(0, 20), 'sync', () => {
    isWritten = true;
  });
  rig.run(() => isWritten);
  rig.restart(LOSE_ALL);
  t.regex(rig.open()!, /purge floor/);
});

/** What a change of the ring asks of the replicas of a shard: the end of writes of the old ring, and ranges that go. */
import test from 'ava';
import { prefixOf } from '../../../actors/store/engine-key.ts';
import { type EngineRange, rangeOfKeyspaces, rangesBetween } from '../../../actors/store/engine-range.ts';
import { COORDINATE, READ_LOCAL } from '../../../actors/store/replica-call.ts';
import { STALE_RING } from '../../../actors/store/store-request.ts';
import { LOSE_ALL } from '../../../runtime/simulation/crash-models.ts';
import { ReplicaRig } from './replica-rig.ts';

const HALF = 0x8000_0000;

/** Has written `k` and so much else that `k` is on disk only. */
function coldRig(seed: string, mutants: readonly string[] = []): ReplicaRig {
  const rig = new ReplicaRig(seed, { mutants: new Set(mutants) });
  rig.open();
  rig.answer(rig.call(COORDINATE, { bytes: 'old' }));
  for (let i = 0; i < 8; i++) rig.answer(rig.call(COORDINATE, { key: `fill ${i}`, bytes: 'x'.repeat(7_000), tokenHigh: HALF }));
  rig.advance(1_000);
  return rig;
}

function valueIn(rig: ReplicaRig, key = 'k', fields = {}): string | undefined {
  return rig.answer(rig.call(READ_LOCAL, { key, ...fields })).found?.siblings[0]?.value;
}

function switchAround(rig: ReplicaRig): { readonly write: number; readonly read: number } {
  const write = rig.call(COORDINATE, { bytes: 'new' });
  const read = rig.call(READ_LOCAL);
  let isDone = false;
  rig.replicas.switchRing(() => {
    isDone = true;
  });
  rig.run(() => isDone);
  return { write, read };
}

test('ring switch: a write that waits for the disk is refused as of an old ring, and a read goes on', (t) => {
  const rig = coldRig('waits');
  const { write, read } = switchAround(rig);
  t.is(rig.answer(write).failed?.status, STALE_RING);
  t.is(rig.answer(read).found?.siblings[0]?.value, 'old');
  t.is(rig.answer(rig.call(COORDINATE, { bytes: 'newer' })).isStored, true);
  t.is(rig.replicas.pending, 0);
});

test('ring switch: who waits is told in a turn of its owner, not within the call of who has the new ring', (t) => {
  const rig = coldRig('turn');
  const write = rig.call(COORDINATE, { bytes: 'new' });
  rig.replicas.switchRing(() => {});
  t.is(rig.told[write]!.failed, undefined);
  t.is(rig.answer(write).failed?.status, STALE_RING);
});

test('ring switch: a write that has begun and comes after the switch is seen, when it is planted', (t) => {
  const rig = coldRig('waits', ['oldRingWritesLater']);
  const { write } = switchAround(rig);
  t.true(rig.answer(write).isStored);
});

test('ring switch: writes that the engine has taken on can be read when it is done', (t) => {
  const rig = new ReplicaRig('room');
  rig.open();
  const tokens: number[] = [];
  for (let i = 0; i < 12; i++) tokens.push(rig.call(COORDINATE, { key: `k${i}`, bytes: 'x'.repeat(7_000) }));
  t.true(tokens.some((token) => rig.told[token]!.made === undefined));
  let isDone = false;
  rig.replicas.switchRing(() => {
    isDone = true;
  });
  t.false(isDone);
  rig.run(() => isDone);
  rig.settle();
  for (const [i, token] of tokens.entries()) {
    const { failed } = rig.told[token]!;
    t.is(failed?.status === STALE_RING, valueIn(rig, `k${i}`) === undefined, `${i}`);
  }
  t.true(tokens.some((token) => rig.told[token]!.failed !== undefined));
});

test('ring switch: nothing is waited for, when nothing waits', (t) => {
  const rig = new ReplicaRig('idle');
  rig.open();
  let isDone = false;
  rig.replicas.switchRing(() => {
    isDone = true;
  });
  t.true(isDone);
});

function drop(rig: ReplicaRig, range: EngineRange): void {
  let isDone = false;
  rig.replicas.dropAll([range], () => {
    isDone = true;
  });
  rig.run(() => isDone);
}

test('dropped range: a partition goes, the others stay, also over a crash', (t) => {
  const rig = coldRig('partition');
  drop(rig, { start: prefixOf(1, HALF), end: prefixOf(2, 0) });
  t.is(valueIn(rig, 'fill 3', { tokenHigh: HALF }), undefined);
  t.is(valueIn(rig), 'old');
  rig.restart(LOSE_ALL);
  rig.open();
  t.is(valueIn(rig, 'fill 3', { tokenHigh: HALF }), undefined);
  t.is(valueIn(rig), 'old');
});

test('dropped ranges: of several all are looked at before the first goes, and each is told of', (t) => {
  const rig = coldRig('several');
  const ranges = [0, 1, 2, 3].map((quarter) => ({
    start: prefixOf(1, quarter * (HALF / 2)),
    end: quarter === 3 ? prefixOf(2, 0) : prefixOf(1, (quarter + 1) * (HALF / 2)),
  }));
  const told = new Set<unknown>();
  const { engine } = rig.replicas;
  const seen: string[] = [];
  const iterator = engine.iterator.bind(engine);
  const deleteRange = engine.deleteRange.bind(engine);
  engine.iterator = (...args) => {
    seen.push('look');
    return iterator(...args);
  };
  engine.deleteRange = (...args) => {
    seen.push('delete');
    deleteRange(...args);
  };
  const count = rig.replicas.dropAll(ranges, (range) => told.add(range));
  rig.run(() => told.size === ranges.length);
  t.deepEqual(seen, ['look', 'look', 'look', 'look', ...Array.from({ length: count }, () => 'delete')]);
  t.true(count >= 2 && count < 4, `${count}`);
  t.is(valueIn(rig), undefined);
  t.is(valueIn(rig, 'fill 3', { tokenHigh: HALF }), undefined);
});

test('dropped ranges: in whatever order they are named, all that lies in them goes and nothing else, and one iterator looks at them', (t) => {
  for (const [name, order] of [
    ['rising', [0, 1, 2, 3, 4, 5]],
    ['falling', [5, 4, 3, 2, 1, 0]],
    ['mixed', [3, 0, 5, 1, 4, 2]],
  ] as const) {
    const rig = new ReplicaRig(name);
    rig.open();
    // Range i has tokens 100 i to 100 i + 49; keys lie in the even ones, behind each of them, and in none of the odd ones.
    const inside = [0, 2, 4].map((i) => 100 * i + 49);
    const outside = [0, 1, 2, 3, 4, 5].map((i) => 100 * i + 50);
    for (const tokenHigh of [...inside, ...outside]) rig.answer(rig.call(COORDINATE, { tokenHigh, bytes: 'old' }));
    const ranges = order.map((i) => ({ start: prefixOf(1, 100 * i), end: prefixOf(1, 100 * i + 50) }));
    const dropAll = (): readonly number[] => {
      const { engine } = rig.replicas;
      const iterator = engine.iterator.bind(engine);
      let looks = 0;
      engine.iterator = (...args) => {
        looks++;
        return iterator(...args);
      };
      const told = new Set<unknown>();
      const count = rig.replicas.dropAll(ranges, (range) => told.add(range));
      rig.run(() => told.size === ranges.length);
      engine.iterator = iterator;
      return [count, looks];
    };
    t.deepEqual(dropAll(), [3, 1]);
    for (const tokenHigh of inside) t.is(valueIn(rig, 'k', { tokenHigh }), undefined);
    for (const tokenHigh of outside) t.is(valueIn(rig, 'k', { tokenHigh }), 'old');
    // What is hidden counts as gone.
    t.deepEqual(dropAll(), [0, 1]);
  }
});

test('bug: a write that waited for room came back, when its range was dropped and had nothing else', (t) => {
  const rig = new ReplicaRig('room');
  rig.open();
  let tokenHigh = 0;
  let token: number;
  do token = rig.call(COORDINATE, { tokenHigh: ++tokenHigh, bytes: 'x'.repeat(7_000) });
  while (rig.told[token]!.made !== undefined);
  drop(rig, { start: prefixOf(1, tokenHigh), end: prefixOf(1, tokenHigh + 1) });
  t.true(rig.answer(token).isStored);
  t.true(valueIn(rig, 'k', { tokenHigh }) === undefined);
});

/** Keys that show after the drop what was there before it, when writes of them begin before it and while it does. */
function comeBack(mutants: readonly string[]): readonly string[] {
  const rig = new ReplicaRig('miss', { mutants: new Set(mutants) });
  rig.open();
  const keys = Array.from({ length: 60 }, (_, i) => `k${i}`);
  for (const key of [...keys, ...Array.from({ length: 8 }, (_, i) => `fill ${i}`)])
    rig.answer(rig.call(COORDINATE, { key, bytes: `old${'.'.repeat(key.startsWith('fill') ? 7_000 : 10)}` }));
  rig.advance(1_000);
  const waiting = [...keys];
  for (let i = 0; i < keys.length / 2; i++) rig.call(COORDINATE, { key: waiting.pop()!, bytes: 'new' });
  let isDropped = false;
  rig.replicas.dropAll([rangeOfKeyspaces(1, 2)], () => {
    isDropped = true;
  });
  let steps = 0;
  rig.run(() => {
    const key = ++steps % 2 === 0 ? waiting.pop() : undefined;
    if (key !== undefined) rig.call(COORDINATE, { key, bytes: 'new' });
    return isDropped;
  });
  rig.settle();
  return keys.filter((key) => rig.answer(rig.call(READ_LOCAL, { key })).found!.siblings.some(({ value }) => value.startsWith('old')));
}

test('dropped range: nothing that a write had begun to read comes back', (t) => {
  t.deepEqual(comeBack([]), []);
});
test('dropped range: what writes had begun to read comes back, when it is planted', (t) => {
  t.true(comeBack(['droppedComesBack']).length > 0);
});

test('dropped range: between the keyspaces that there are lie those that there were', (t) => {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  const between = rangesBetween([2, 3, 6], 9).map((range) => [hex(range.start).slice(0, 8), hex(range.end).slice(0, 8)]);
  t.deepEqual(between, [
    ['00000001', '00000002'],
    ['00000004', '00000006'],
    ['00000007', '00000009'],
  ]);
  t.deepEqual(rangesBetween([], 1), []);
});

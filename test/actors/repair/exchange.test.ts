import { fc, testProp } from '@fast-check/ava';
import test, { type ExecutionContext } from 'ava';
import { leafStart } from '../../../actors/repair/leaves.ts';
import { HEADS, PAIRS, RECORDS, ROOTS, TOLD } from '../../../actors/repair/repair-frames.ts';
import { MERGE } from '../../../actors/store/data-frames.ts';
import { recordOf, siblingOf } from '../scan/scan-cluster.ts';
import { encodeNaive, type NaiveRecord } from '../version/naive-record.ts';
import { RepairPair, type RepairSide } from './repair-pair.ts';

const PARTITIONS = 8;

function hold(pair: RepairPair, sides: readonly RepairSide[], key: string, record: NaiveRecord): void {
  for (const side of sides) pair.put(side, key, encodeNaive(record));
}

function sum(ended: readonly Readonly<Record<'differing' | 'pushed' | 'pulled' | 'unconfirmed' | 'failed' | 'valueBytes', number>>[]) {
  const total = { differing: 0, pushed: 0, pulled: 0, unconfirmed: 0, failed: 0, valueBytes: 0 };
  for (const it of ended) for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += it[name];
  return total;
}

/** What each side has of a key: nothing, or dots of three actors; a value or a tombstone each. */
const anySide = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 3 }), fc.boolean()), { maxLength: 2 });
const anyKeys = fc.array(fc.tuple(anySide, anySide), { maxLength: 40 });

function recordFrom(dots: readonly (readonly [string, number, boolean])[]): NaiveRecord | undefined {
  const siblings = new Map(dots.map(([actor, counter, isValue]) => [actor, { actor, counter, isValue }]));
  if (siblings.size === 0) return undefined;
  return recordOf(
    ...[...siblings.values()].map(({ actor, counter, isValue }) =>
      siblingOf(actor, counter, isValue || counter === 1 ? `${actor}${counter}` : undefined),
    ),
  );
}

/** Dots that a side calls a value and the other a tombstone can't be: the counter says what it is. */
function fill(
  pair: RepairPair,
  keys: readonly (readonly [
    typeof anySide extends fc.Arbitrary<infer T> ? T : never,
    typeof anySide extends fc.Arbitrary<infer T> ? T : never,
  ])[],
): void {
  for (const [i, both] of keys.entries())
    for (const [j, side] of [pair.a, pair.b].entries()) {
      const record = recordFrom(both[j]!.map(([actor, counter]) => [actor, counter, counter % 2 === 1] as const));
      if (record !== undefined) hold(pair, [side], `k${i}`, record);
    }
}

testProp(
  'exchange: both sides have the same bytes after it, whatever each had, and a second one finds nothing [A9]',
  [anyKeys, anyKeys],
  (t, first, later) => {
    const pair = new RepairPair({ partitions: PARTITIONS });
    fill(pair, first);
    const ended = pair.repair();
    t.true(ended.every(({ fault, unconfirmed, failed }) => fault === undefined && unconfirmed + failed === 0));
    t.true(pair.isEqual());
    t.is(pair.a.rounds.figures().runningExchanges, 0);
    const before = pair.bytes;
    t.is(sum(pair.repair()).differing, 0);
    t.true(pair.bytes - before < 500);
    fill(pair, later);
    pair.repair();
    t.true(pair.isEqual());
    t.is(pair.a.store.open + pair.b.store.open, 0);
  },
  { numRuns: 60 },
);

test('exchange: only records that one side lacks travel, and only that way [A12 T11]', (t) => {
  const pair = new RepairPair({ partitions: PARTITIONS });
  const { a, b } = pair;
  const value = 'x'.repeat(500);
  for (let i = 0; i < 300; i++) hold(pair, [a, b], `same ${i}`, recordOf(siblingOf('a', 1, value)));
  const newer = recordOf(siblingOf('a', 2, value));
  for (let i = 0; i < 5; i++) {
    hold(pair, [a], `a newer ${i}`, newer);
    hold(pair, [b], `a newer ${i}`, recordOf(siblingOf('a', 1, value)));
    hold(pair, [b], `b newer ${i}`, newer);
    hold(pair, [a], `b newer ${i}`, recordOf(siblingOf('a', 1, value)));
    hold(pair, [a], `a only ${i}`, newer);
    hold(pair, [b], `b only ${i}`, newer);
  }
  const { differing, pushed, pulled, valueBytes } = sum(pair.repair());
  t.deepEqual([differing, pushed, pulled], [20, 10, 10]);
  t.is(valueBytes, 20 * encodeNaive(newer).length);
  t.true(pair.isEqual());
});

test('exchange: records that have expired are the same on both sides, and nothing moves [T8]', (t) => {
  const pair = new RepairPair({ partitions: PARTITIONS });
  for (let i = 0; i < 20; i++) hold(pair, [pair.a, pair.b], `k${i}`, recordOf(siblingOf('a', 1, 'expired', 1)));
  hold(pair, [pair.a], 'live', recordOf(siblingOf('a', 1, 'live')));
  const { differing, pushed, pulled } = sum(pair.repair());
  t.deepEqual([differing, pushed, pulled], [1, 1, 0]);
});

test('exchange: of concurrent records each side gets the other one, not what was made of both', (t) => {
  const pair = new RepairPair({ partitions: PARTITIONS });
  const [mine, yours] = [recordOf(siblingOf('a', 1, 'x'.repeat(300))), recordOf(siblingOf('b', 1, 'y'.repeat(300)))];
  hold(pair, [pair.a], 'k', mine);
  hold(pair, [pair.b], 'k', yours);
  const { pushed, pulled, valueBytes } = sum(pair.repair());
  t.deepEqual([pushed, pulled, valueBytes], [1, 1, encodeNaive(mine).length + encodeNaive(yours).length]);
  t.true(pair.isEqual());
});

const identical = test.macro((t: ExecutionContext, partitions: number, framesMax: number) => {
  const pair = new RepairPair({ partitions });
  for (let i = 0; i < 2_000; i++) hold(pair, [pair.a, pair.b], `k${i}`, recordOf(siblingOf('a', 1, 'v')));
  const ended = pair.repair();
  t.is(ended.length, partitions);
  t.is(pair.frames, framesMax);
  t.true(pair.bytes <= 4_096 * Math.ceil(partitions / 256), `${pair.bytes}`);
});
test('exchange: identical replicas exchange one frame of roots and its answer, of 4 KiB together', identical, 256, 2);
test('exchange: identical replicas of more partitions exchange a frame for 256 of them', identical, 1_024, 8);

test('exchange: a leaf that can not be read fails its partition, and nothing of it goes anywhere [A13]', (t) => {
  const pair = new RepairPair({ partitions: PARTITIONS });
  const { a, b } = pair;
  hold(pair, [a, b], 'damaged', recordOf(siblingOf('a', 1, 'v')));
  hold(pair, [a], 'other', recordOf(siblingOf('a', 1, 'v')));
  b.store.damaged = 'damaged';
  const at = pair.tokenOf('damaged')[0] >>> 29;
  const ended = pair.repair('pushPull', [at]);
  t.regex(ended[0]?.fault ?? '', /CORRUPTION/);
  t.is(b.store.entries.length, 1);
  b.store.damaged = undefined;
  t.deepEqual(
    pair.repair().filter(({ fault }) => fault !== undefined),
    [],
  );
  t.true(pair.isEqual());
});

test('exchange: a record that is damaged on the way is not merged [A13]', (t) => {
  const pair = new RepairPair({ partitions: PARTITIONS });
  const record = encodeNaive(recordOf(siblingOf('a', 1, 'value')));
  pair.put(pair.b, 'k', record);
  let isArmed = false;
  pair.onFrame = (operation, bytes) => {
    if (operation === RECORDS) isArmed = true;
    if (operation === TOLD && isArmed) bytes[bytes.length - 1]! ^= 1;
  };
  const { pulled, failed } = sum(pair.repair());
  t.deepEqual([pulled, failed], [0, 1]);
  t.is(pair.a.store.entries.length, 0);
  pair.onFrame = () => {};
  t.is(sum(pair.repair()).pulled, 1);
  t.true(pair.isEqual());
});

/** At each pause one more of the keys changes at b, and its write has come to a a pause later. */
function changing(mutants: readonly string[] = []): { readonly moved: number; readonly unconfirmed: number } {
  const pair = new RepairPair({ partitions: PARTITIONS, mutants });
  const { a, b } = pair;
  let counter = 1;
  for (let i = 0; i < 20; i++) hold(pair, [b], `k${i}`, recordOf(siblingOf('a', counter, 'v')));
  const step = (): void => {
    for (let i = 0; i < 20; i++) hold(pair, [a], `k${i}`, recordOf(siblingOf('a', counter, 'v')));
    counter++;
    for (let i = 0; i < 20; i++) hold(pair, [b], `k${i}`, recordOf(siblingOf('a', counter, 'v')));
  };
  pair.onPause = step;
  const { pushed, pulled, unconfirmed } = sum(pair.repair());
  return { moved: pushed + pulled, unconfirmed };
}

test('exchange: what still changes is not moved, and counted as unconfirmed [T10]', (t) => {
  t.deepEqual(changing(), { moved: 0, unconfirmed: 20 });
});

test('exchange: is given up when the ring of the peer is another one', (t) => {
  const pair = new RepairPair({ partitions: PARTITIONS });
  hold(pair, [pair.a], 'k', recordOf(siblingOf('a', 1, 'v')));
  pair.onFrame = (operation, bytes) => {
    // changedAt of the place head, after roots were compared.
    if (operation !== ROOTS && operation === PAIRS) bytes[12]! ^= 1;
  };
  const faults = pair.repair().flatMap(({ fault }) => (fault === undefined ? [] : [fault]));
  t.is(faults.length, 1);
  t.regex(faults[0]!, /the ring has changed/);
  t.is(pair.b.store.entries.length, 0);
});

test('exchange: more keys than are moved at once, and longer ones than a frame likes, all come over', (t) => {
  const pair = new RepairPair({ partitions: PARTITIONS });
  for (let i = 0; i < 1_500; i++) hold(pair, [pair.b], `k${i}`, recordOf(siblingOf('a', 1, `${i}`)));
  for (let i = 0; i < 5; i++) hold(pair, [pair.b], `long ${i} ${'k'.repeat(3_000)}`, recordOf(siblingOf('a', 1, 'v'.repeat(600_000))));
  let most = 0;
  pair.onFrame = (_operation, bytes) => {
    most = Math.max(most, bytes.length);
  };
  t.is(sum(pair.repair()).pulled, 1_505);
  t.true(pair.isEqual());
  t.true(most < 2_000_000, `${most}`);
});

test('exchange: keys of one token are told apart by their digests', (t) => {
  const pair = new RepairPair({ partitions: PARTITIONS });
  const record = (letter: string): Buffer => encodeNaive(recordOf(siblingOf(letter, 1, letter)));
  for (const side of [pair.a, pair.b])
    for (let i = 0; i < 10; i++) side.store.put(pair.keyspaceId, 7, 7, Buffer.from(`k${i}`), record('s'));
  pair.a.store.put(pair.keyspaceId, 7, 7, Buffer.from('mine'), record('m'));
  pair.b.store.put(pair.keyspaceId, 7, 7, Buffer.from('yours'), record('y'));
  const { pushed, pulled } = sum(pair.repair());
  t.deepEqual([pushed, pulled], [1, 1]);
  t.true(pair.isEqual());
});

test('exchange: the last key of a leaf and of a partition is compared', (t) => {
  t.is(atEnds(), 4);
});

function atEnds(mutants: readonly string[] = []): number {
  const pair = new RepairPair({ partitions: PARTITIONS, mutants });
  for (const [partition, leaf] of [
    [0, 0],
    [0, 255],
    [1, 4_095],
    [7, 4_095],
  ] as const) {
    const high = leafStart(partition, leaf + 1, PARTITIONS) - 1;
    const record = encodeNaive(recordOf(siblingOf('a', 1, 'v')));
    pair.a.store.put(pair.keyspaceId, high, 0xffff_ffff, Buffer.from(`k${partition} ${leaf}`), record);
  }
  return sum(pair.repair()).pushed;
}

/** A write that waits for room can't be read yet, though its leaf was marked. */
function stalled(mutants: readonly string[] = []): boolean {
  const pair = new RepairPair({ partitions: PARTITIONS, mutants });
  const { a, b } = pair;
  hold(pair, [a, b], 'k', recordOf(siblingOf('a', 1, 'v')));
  pair.repair();
  const [high] = pair.tokenOf('k');
  a.store.isStalled = true;
  a.marks.mark(pair.keyspaceId, high);
  let sliced = 0;
  // Room comes after a while, and with it the write.
  const slice = a.reads.slice.bind(a.reads);
  a.reads.slice = () => {
    if (++sliced === 50) {
      const { entries } = a.store;
      const marked = a.marks.mark.bind(a.marks);
      a.marks.mark = () => {};
      hold(pair, [a], 'k', recordOf(siblingOf('a', 2, 'v')));
      a.marks.mark = marked;
      a.store.isStalled = false;
      return entries.length > 0;
    }
    return slice();
  };
  pair.repair();
  while (a.store.isStalled) a.reads.slice();
  pair.repair();
  return pair.isEqual();
}

test('exchange: a leaf is not read while writes wait for room, which would be missed', (t) => {
  t.true(stalled());
});

test('exchange: a tombstone that one side has missed comes to it', (t) => {
  t.true(deleted());
});

function deleted(mutants: readonly string[] = []): boolean {
  const pair = new RepairPair({ partitions: PARTITIONS, mutants });
  hold(pair, [pair.a], 'k', recordOf(siblingOf('a', 2, undefined)));
  pair.repair();
  return pair.isEqual();
}

function damagedAsEnd(mutants: readonly string[]): boolean {
  const pair = new RepairPair({ partitions: PARTITIONS, mutants });
  hold(pair, [pair.a, pair.b], 'damaged', recordOf(siblingOf('a', 1, 'v')));
  pair.b.store.damaged = 'damaged';
  return pair.repair().every(({ fault }) => fault === undefined);
}

function damagedOnTheWay(mutants: readonly string[]): boolean {
  const pair = new RepairPair({ partitions: PARTITIONS, mutants });
  pair.put(pair.b, 'k', encodeNaive(recordOf(siblingOf('a', 1, 'value'))));
  pair.onFrame = (operation, bytes) => {
    if (operation === TOLD && bytes.at(-1) === 'e'.charCodeAt(0)) bytes[bytes.length - 1]! ^= 1;
  };
  pair.repair();
  return pair.a.store.entries.some(({ value }) => Buffer.from(value).toString('latin1').endsWith('valud'));
}

function staleAccepted(mutants: readonly string[]): boolean {
  const pair = new RepairPair({ partitions: PARTITIONS, mutants });
  hold(pair, [pair.a], 'k', recordOf(siblingOf('a', 1, 'v')));
  pair.onFrame = (operation, bytes) => {
    if (operation === HEADS) bytes[12]! ^= 1;
    if (operation === MERGE) throw new Error('moved');
  };
  try {
    return pair.repair().every(({ fault }) => fault === undefined);
  } catch {
    return true;
  }
}

test('bug: what was pulled by the ring of before was merged where the partition is not owned any more (moves seed 2, with repair)', (t) => {
  const pair = new RepairPair({ partitions: PARTITIONS });
  hold(pair, [pair.b], 'k', recordOf(siblingOf('a', 1, 'value')));
  let answers = 0;
  pair.onFrame = (operation) => {
    // Heads, then records.
    if (operation !== TOLD || ++answers < 2) return;
    const { ring } = pair.rings;
    pair.rings.ring = { ...ring, changedAt: ring.changedAt.map((epoch) => epoch + 1) };
  };
  const ended = pair.repair();
  t.is(answers, 2);
  t.is(pair.a.store.entries.length, 0);
  t.is(ended.filter(({ fault }) => fault === 'the ring has changed').length, 1);
});

test('bug: a partition that had to wait was compared, and copied, by who had it no more (moves seed 2, with repair)', (t) => {
  const pair = new RepairPair({ partitions: PARTITIONS });
  hold(pair, [pair.b], 'k', recordOf(siblingOf('a', 1, 'value')));
  pair.a.isReplica = false;
  const ended = pair.repair();
  t.is(pair.frames, 0);
  t.true(ended.length === PARTITIONS && ended.every(({ fault }) => fault === 'the partition has other replicas now'));
  t.is(pair.a.store.entries.length, 0);
});

test('exchange: each planted bug is found', (t) => {
  t.false(deleted(['tombstoneUnhashed']));
  t.not(atEnds(['leafEndShort']), 4);
  t.true(changing(['firstRoundActed']).moved > 0);
  t.true(damagedAsEnd(['damageIsEnd']));
  t.false(damagedAsEnd([]));
  t.true(damagedOnTheWay(['pulledUnchecked']));
  t.false(damagedOnTheWay([]));
  t.true(staleAccepted(['repairRingIgnored']));
  t.false(staleAccepted([]));
  t.false(stalled(['unheldUnread']));
});

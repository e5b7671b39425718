import { testProp } from '@fast-check/ava';
import test from 'ava';
import { DEAD, isCovered, isDeadAt, MIXED, mayDie, NEWS, verdictOf, withoutDead } from '../../../actors/purge/dead.ts';
import { anyNaive } from '../version/arbitraries.ts';
import { decodeNaive, encodeNaive, type NaiveRecord, type NaiveSibling, NO_RECORD, naiveMerge } from '../version/naive-record.ts';
import { actorOf, outBuffer, taken, viewOf } from '../version/records.ts';

const A = actorOf('a').toString('hex');
const B = actorOf('b').toString('hex');

function sibling(actor: string, counter: number, value: string | undefined, expiry = 0): NaiveSibling {
  return { actor, counter, stamp: counter, expiry, isTombstone: value === undefined, value: value ?? '' };
}

function record(vector: Readonly<Record<string, number>>, ...siblings: readonly NaiveSibling[]): NaiveRecord {
  return { vector: new Map(Object.entries(vector).map(([actor, counter]) => [actor, { counter, stamp: counter }])), siblings };
}

function seen(naive: NaiveRecord): ReturnType<typeof viewOf> {
  return viewOf(naive.vector.size === 0 ? Buffer.alloc(0) : encodeNaive(naive));
}

function judge(local: NaiveRecord, incoming: NaiveRecord, floor: NaiveRecord): number {
  return verdictOf(seen(local), seen(incoming), seen(floor));
}

const FLOOR = record({ [A]: 5 });

test('purge: a value and a tombstone whose dots the floor covers are dead, where there is no record [T7]', (t) => {
  t.is(judge(NO_RECORD, record({ [A]: 4 }, sibling(A, 4, 'old')), FLOOR), DEAD);
  t.is(judge(NO_RECORD, record({ [A]: 5 }, sibling(A, 5, undefined)), FLOOR), DEAD);
  t.is(judge(NO_RECORD, record({ [A]: 6 }, sibling(A, 6, 'new')), FLOOR), NEWS);
  t.is(judge(NO_RECORD, record({ [B]: 1 }, sibling(B, 1, 'new')), FLOOR), NEWS);
});

test('purge: what comes back to a key that was written again is dead too [T4]', (t) => {
  const again = record({ [B]: 3 }, sibling(B, 3, 'again'));
  t.is(judge(again, record({ [A]: 4 }, sibling(A, 4, 'old')), FLOOR), DEAD);
  const mixed = record({ [A]: 4, [B]: 3 }, sibling(A, 4, 'old'), sibling(B, 3, 'again'));
  t.is(judge(again, mixed, FLOOR), MIXED);
  const out = outBuffer();
  t.true(withoutDead(seen(again), seen(mixed), seen(FLOOR), out));
  t.deepEqual(decodeNaive(taken(out)), { ...mixed, siblings: again.siblings });
});

test('purge: what the record that is here has seen is judged by it, not by the floor', (t) => {
  const here = record({ [A]: 4 }, sibling(A, 4, 'alive'));
  t.is(judge(here, here, FLOOR), NEWS);
  t.is(judge(here, record({ [A]: 3 }, sibling(A, 3, 'before')), FLOOR), NEWS);
  t.is(judge(here, record({ [A]: 5 }, sibling(A, 5, 'purged')), FLOOR), DEAD);
});

test('purge: a record that has seen more than the floor is merged as it is, though its siblings are dead', (t) => {
  t.is(judge(NO_RECORD, record({ [A]: 4, [B]: 9 }, sibling(A, 4, 'old')), FLOOR), NEWS);
});

test('purge: tombstones are dead at any time, values from their expiry on', (t) => {
  const tombstone = seen(record({ [A]: 1 }, sibling(A, 1, undefined)));
  const expiring = seen(record({ [A]: 1, [B]: 1 }, sibling(A, 1, 'v', 100), sibling(B, 1, undefined)));
  const value = seen(record({ [A]: 1, [B]: 1 }, sibling(A, 1, undefined), sibling(B, 1, 'v')));
  t.deepEqual([tombstone, expiring, value].map(mayDie), [true, true, true]);
  t.deepEqual(
    [99, 100].map((ms) => [tombstone, expiring, value].map((view) => isDeadAt(view, ms))),
    [
      [true, false, false],
      [true, true, false],
    ],
  );
  t.false(mayDie(seen(record({ [A]: 1 }, sibling(A, 1, 'v')))));
});

testProp(
  'purge: what is taken of any record is what merging gives, without siblings that the floor covers and the record here has not seen',
  [anyNaive, anyNaive, anyNaive],
  (t, local, incoming, floorRecord) => {
    const floor = { ...floorRecord, siblings: [] };
    const isSeen = ({ vector }: NaiveRecord, { actor, counter }: NaiveSibling): boolean => (vector.get(actor)?.counter ?? 0) >= counter;
    const isDead = (it: NaiveSibling): boolean => isSeen(floor, it) && !isSeen(local, it);
    const verdict = judge(local, incoming, floor);
    const dead = incoming.siblings.filter(isDead).length;
    const covered = [...incoming.vector].every(([actor, { counter }]) => (floor.vector.get(actor)?.counter ?? 0) >= counter);
    t.is(isCovered(seen(incoming), seen(floor)), covered);
    if (dead === 0) return t.is(verdict, NEWS);
    if (dead === incoming.siblings.length) return t.is(verdict, covered ? DEAD : NEWS);
    t.is(verdict, MIXED);
    const out = outBuffer();
    t.true(withoutDead(seen(local), seen(incoming), seen(floor), out));
    const kept = decodeNaive(taken(out));
    const merged = naiveMerge(local, incoming);
    const wanted = { ...merged, siblings: merged.siblings.filter((it) => !isDead(it)) };
    t.deepEqual(encodeNaive(naiveMerge(local, kept)), encodeNaive(wanted));
  },
);

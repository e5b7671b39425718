import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { merge, NO_ROOM } from '../../../actors/version/merge.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { anyNaive, anyRecord } from './arbitraries.ts';
import { decodeNaive, encodeNaive, type NaiveRecord, naiveCompare, naiveMerge, naivePut } from './naive-record.ts';
import { actorOf, mergeBytes, NOTHING, orderOf, outBuffer, putBytes, taken, tryPut, valuesOf, viewOf } from './records.ts';

testProp(
  'merge: gives what the naive merge gives, and compare what the naive comparison, when records are any',
  [anyNaive, anyNaive],
  (t, a, b) => {
    const [x, y] = [encodeNaive(a), encodeNaive(b)];
    t.deepEqual(mergeBytes(x, y), encodeNaive(naiveMerge(a, b)));
    t.is(orderOf(x, y), naiveCompare(a, b));
  },
);

testProp('merge: is commutative, associative and idempotent, when records are any', [anyRecord, anyRecord, anyRecord], (t, a, b, c) => {
  const ab = mergeBytes(a, b);
  t.deepEqual(mergeBytes(b, a), ab);
  t.deepEqual(mergeBytes(ab, c), mergeBytes(a, mergeBytes(b, c)));
  t.deepEqual(mergeBytes(a, a), a);
  t.deepEqual(mergeBytes(ab, b), ab);
  t.deepEqual(mergeBytes(a, NOTHING), a);
  t.deepEqual(mergeBytes(NOTHING, a), a);
});

testProp('compare: says what merging gives, when records are any', [anyRecord, anyRecord], (t, a, b) => {
  const ab = mergeBytes(a, b);
  const order = ab.equals(a) ? (ab.equals(b) ? 'equal' : 'descendant') : ab.equals(b) ? 'ancestor' : 'concurrent';
  t.is(orderOf(a, b), order);
  t.is(orderOf(a, ab), ab.equals(a) ? 'equal' : 'ancestor');
});

/** All with two actors, counters up to 3, and one sibling. */
function allWithOneSibling(): NaiveRecord[] {
  const [a, b] = [actorOf('a').toString('hex'), actorOf('b').toString('hex')] as const;
  const counters = [1, 2, 3];
  return counters.flatMap((ofA) =>
    counters.flatMap((ofB) =>
      [1, 2].flatMap((stamp) =>
        [a, b].flatMap((actor) =>
          counters
            .filter((counter) => counter <= (actor === a ? ofA : ofB))
            .map((counter) => ({
              vector: new Map([
                [a, { counter: ofA, stamp }],
                [b, { counter: ofB, stamp: 1 }],
              ]),
              siblings: [{ actor, counter, stamp: 1, expiry: 0, isTombstone: false, value: 'v' }],
            })),
        ),
      ),
    ),
  );
}

test('compare: says what the naive comparison says of all pairs with the same actors and a sibling each', (t) => {
  const all = allWithOneSibling().map((record) => [record, encodeNaive(record)] as const);
  const wrong = all.flatMap(([a, x]) => all.filter(([b, y]) => orderOf(x, y) !== naiveCompare(a, b)).map(([b]) => [a, b]));
  t.deepEqual(wrong, []);
  t.true(all.some(([, x]) => all.some(([, y]) => orderOf(x, y) === 'ancestor')));
});

test('compare: a key that is not there is an ancestor of any record and equal to another such', (t) => {
  const record = putBytes(NOTHING, NOTHING, { actor: actorOf('a'), counter: 1, value: 'v' });
  t.is(orderOf(NOTHING, record), 'ancestor');
  t.is(orderOf(record, NOTHING), 'descendant');
  t.is(orderOf(NOTHING, NOTHING), 'equal');
  t.deepEqual(mergeBytes(NOTHING, NOTHING), NOTHING);
});

test('merge: keeps both values, when two have the same dot [T6]', (t) => {
  const long = 'v'.repeat(300);
  const [a, b, c] = ['other', `${long}1`, `${long}2`].map((value) =>
    putBytes(NOTHING, NOTHING, { actor: actorOf('a'), counter: 1, value }),
  ) as [Buffer, Buffer, Buffer];
  const all = mergeBytes(mergeBytes(c, a), b);
  t.deepEqual(valuesOf(all), ['other', `${long}1`, `${long}2`]);
  t.is(orderOf(b, c), 'concurrent');
  t.is(orderOf(b, all), 'ancestor');
  t.deepEqual(mergeBytes(all, mergeBytes(b, c)), all);
  const over = putBytes(all, all, { actor: actorOf('b'), counter: 1, value: 'resolved' });
  t.deepEqual(valuesOf(mergeBytes(over, b)), ['resolved']);
});

test('merge: writes nothing and says so, when the buffer is at its cap', (t) => {
  const record = putBytes(NOTHING, NOTHING, { actor: actorOf('a'), counter: 1, value: 'v'.repeat(100) });
  const out = new OutBuffer(16, 64);
  out.length = 3;
  t.is(merge(viewOf(record), viewOf(record), out), NO_ROOM);
  t.is(out.length, 3);
});

test('merge: reads what lies in the buffer that it writes to, when that has room', (t) => {
  const [a, b] = ['a', 'b'].map((name) => putBytes(NOTHING, NOTHING, { actor: actorOf(name), counter: 1, value: name.repeat(200) })) as [
    Buffer,
    Buffer,
  ];
  const out = outBuffer();
  out.ensure(4_096);
  const [x, y] = [viewOf(a), viewOf(b)];
  for (const [view, bytes] of [
    [x, a],
    [y, b],
  ] as const) {
    out.bytes.set(bytes, out.length);
    view.open(out.bytes, out.length, out.length + bytes.length);
    out.length += bytes.length;
  }
  merge(x, y, out);
  t.deepEqual(taken(out).subarray(a.length + b.length), mergeBytes(a, b));
});

testProp(
  'put: gives what the naive put gives, when local record, context and value are any',
  [anyNaive, anyNaive, fc.constantFrom('a', 'c', 'z'), fc.option(fc.string({ maxLength: 200 })), fc.constantFrom(0, 7)],
  (t, local, context, name, text, expiry) => {
    const actor = actorOf(name);
    const hex = actor.toString('hex');
    const counter = Math.max(local.vector.get(hex)?.counter ?? 0, context.vector.get(hex)?.counter ?? 0) + 1;
    const stamp = 1_764_000_000_000 * 1_024 + 5;
    const value = text ?? undefined;
    const options = { actor, counter, stamp, value, expiry: value === undefined ? 0 : expiry };
    const sibling = { ...options, actor: hex, isTombstone: value === undefined, value: Buffer.from(value ?? '').toString('latin1') };
    t.deepEqual(putBytes(encodeNaive(local), encodeNaive(context), options), encodeNaive(naivePut(local, context, sibling)));
    for (const used of [counter - 1, 1]) {
      if (used >= 1 && used < counter) t.is(tryPut(encodeNaive(local), encodeNaive(context), { ...options, counter: used }), 'counterUsed');
    }
  },
);

testProp('put: replaces all siblings and ends in one, when the context is the record', [anyRecord], (t, record) => {
  const written = putBytes(record, record, { actor: actorOf('z'), counter: 1, value: 'new' });
  t.deepEqual(valuesOf(written), ['new']);
  t.is(orderOf(record, written), 'ancestor');
});

testProp('put: keeps all siblings and adds one, when there is no context', [anyRecord], (t, record) => {
  const written = putBytes(record, NOTHING, { actor: actorOf('z'), counter: 1, value: 'new' });
  t.is(decodeNaive(written).siblings.length, decodeNaive(record).siblings.length + 1);
  t.is(orderOf(record, written), 'ancestor');
});

test('put: a write without a counter or a stamp, or a tombstone with a value, is a bug', (t) => {
  const good = { actor: actorOf('a'), counter: 1, stamp: 1, value: 'v' };
  t.throws(() => tryPut(NOTHING, NOTHING, { ...good, counter: 0 }), { message: /a counter and a stamp/ });
  t.throws(() => tryPut(NOTHING, NOTHING, { ...good, counter: 2 ** 53 }), { message: /a counter and a stamp/ });
  t.throws(() => tryPut(NOTHING, NOTHING, { ...good, stamp: 0 }), { message: /a counter and a stamp/ });
  t.throws(() => tryPut(NOTHING, NOTHING, { ...good, value: undefined, expiry: 5 }), { message: /a tombstone without/ });
});

test('put: writes nothing and says so, when the buffer is at its cap', (t) => {
  const options = { actor: actorOf('a'), counter: 1, value: 'v'.repeat(2 << 20) };
  t.is(tryPut(NOTHING, NOTHING, options), 'noRoom');
});

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { checkRecord } from '../../../actors/version/check-record.ts';
import { liveSiblings, NONE, newestSibling, reduceToNewest } from '../../../actors/version/newest.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { anyRecord } from './arbitraries.ts';
import { anyStep, HistoryModel } from './history-model.ts';
import { decodeNaive, type NaiveSibling } from './naive-record.ts';
import { actorOf, mergeBytes, NOTHING, outBuffer, putBytes, taken, valuesOf, viewOf } from './records.ts';
import { TestCluster } from './test-vnode.ts';

function reduced(record: Buffer): Buffer {
  const out = outBuffer();
  if (!reduceToNewest(viewOf(record), out)) throw new Error('no room');
  return taken(out);
}

const rank = ({ stamp, actor, counter }: NaiveSibling): string =>
  `${String(stamp).padStart(16, '0')} ${actor} ${String(counter).padStart(16, '0')}`;

testProp('newest: is the sibling with the highest stamp, actor and counter, when records are any [T18]', [anyRecord], (t, record) => {
  const { siblings } = decodeNaive(record);
  const [winner] = decodeNaive(reduced(record)).siblings;
  if (siblings.length === 0) t.is(winner, undefined);
  else t.is(rank(winner!), siblings.map(rank).sort().at(-1) ?? '');
});

testProp(
  'newest: reducing keeps the whole version vector and a record that passes the check, when records are any',
  [anyRecord],
  (t, record) => {
    const one = reduced(record);
    t.is(checkRecord(one, 0, one.length), undefined);
    t.deepEqual(decodeNaive(one).vector, decodeNaive(record).vector);
    t.deepEqual(reduced(one), one);
  },
);

testProp(
  'newest: every replica holds the newest write that has reached it, when replicas reduce on arrival and their clocks differ [A9]',
  [fc.array(anyStep, { maxLength: 40, size: 'max' })],
  (t, steps) => {
    const cluster = new TestCluster();
    cluster.isLww = true;
    const { held, expected } = new HistoryModel(cluster).run(steps);
    t.true(expected.length <= 1);
    t.deepEqual(held, [expected, expected, expected]);
  },
);

test('newest: a delete wins over a put of the same millisecond, when its actor is the higher, wherever each arrives first [T18]', (t) => {
  const put = putBytes(NOTHING, NOTHING, { actor: actorOf('a'), counter: 1, stamp: 5, value: 'v' });
  const gone = putBytes(NOTHING, NOTHING, { actor: actorOf('b'), counter: 1, stamp: 5 });
  for (const record of [mergeBytes(put, gone), mergeBytes(gone, put)]) t.deepEqual(valuesOf(reduced(record)), ['deleted']);
});

test('newest: there is none, when there is no such key', (t) => {
  t.is(newestSibling(viewOf(NOTHING)), NONE);
  t.is(liveSiblings(viewOf(NOTHING), 0), 0);
});

test('newest: values that have expired and tombstones are not live, at the time that is asked for', (t) => {
  let record = putBytes(NOTHING, NOTHING, { actor: actorOf('a'), counter: 1, value: 'stays' });
  record = putBytes(record, NOTHING, { actor: actorOf('a'), counter: 2, expiry: 100, value: 'goes' });
  record = putBytes(record, NOTHING, { actor: actorOf('b'), counter: 1 });
  t.deepEqual(
    [0, 99, 100].map((now) => liveSiblings(viewOf(record), now)),
    [2, 2, 1],
  );
});

test('newest: nothing is written, when the buffer is at its cap', (t) => {
  const out = new OutBuffer(16, 32);
  t.false(reduceToNewest(viewOf(putBytes(NOTHING, NOTHING, { actor: actorOf('a'), counter: 1, value: 'v' })), out));
  t.is(out.length, 0);
});

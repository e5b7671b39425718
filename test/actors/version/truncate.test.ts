import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { checkRecord } from '../../../actors/version/check-record.ts';
import { truncateEntries } from '../../../actors/version/truncate.ts';
import { anyRecord } from './arbitraries.ts';
import { decodeNaive, encodeNaive } from './naive-record.ts';
import { actorOf, mergeBytes, NOTHING, orderOf, outBuffer, putBytes, taken, valuesOf, vectorOf } from './records.ts';

const SECOND = 1_024_000;

function truncated(record: Uint8Array, entriesMax: number, ...current: readonly string[]): Buffer {
  const out = outBuffer();
  out.ensure(record.length);
  out.bytes.set(record, out.length);
  out.length += record.length;
  truncateEntries(out, 5, entriesMax, Buffer.concat(current.map(actorOf)));
  return taken(out);
}

/** Written in turn by these, one second after the other. */
function writtenBy(...names: readonly string[]): Buffer {
  return names.reduce<Buffer>(
    (record, name, i) => putBytes(record, record, { actor: actorOf(name), counter: 1, stamp: (i + 1) * SECOND, value: name }),
    NOTHING,
  );
}

test('truncate: nothing goes, when the vector is at the threshold', (t) => {
  const record = writtenBy('c', 'a', 'b');
  t.deepEqual(truncated(record, 3), record);
});

test('truncate: the oldest retired actor goes first, when the vector is above the threshold [T11]', (t) => {
  const record = writtenBy('d', 'a', 'c', 'b');
  t.deepEqual(vectorOf(truncated(record, 3)), { a: 1, b: 1, c: 1 });
  t.deepEqual(vectorOf(truncated(record, 2)), { b: 1, c: 1 });
});

test('truncate: retired actors go before older ones that are in use', (t) => {
  const record = writtenBy('d', 'a', 'c', 'b');
  t.deepEqual(vectorOf(truncated(record, 3, 'd', 'a', 'b')), { d: 1, a: 1, b: 1 });
  t.deepEqual(vectorOf(truncated(record, 2, 'd', 'a', 'b')), { a: 1, b: 1 });
});

test('truncate: an actor that owns a sibling stays, when it is the oldest and retired [T11]', (t) => {
  const old = putBytes(NOTHING, NOTHING, { actor: actorOf('z'), counter: 1, stamp: 1, value: 'old' });
  const record = mergeBytes(old, writtenBy('d', 'a', 'c', 'b'));
  const short = truncated(record, 1);
  t.deepEqual(vectorOf(short), { b: 1, z: 1 });
  t.deepEqual(valuesOf(short), ['b', 'old']);
  t.is(checkRecord(short, 0, short.length), undefined);
});

test('truncate: a version that was seen comes back as a sibling and nothing is lost, when its actor was truncated', (t) => {
  const old = writtenBy('d');
  const short = truncated(writtenBy('d', 'a', 'b'), 2);
  t.is(orderOf(old, short), 'concurrent');
  t.deepEqual(valuesOf(mergeBytes(old, short)), ['b', 'd']);
});

testProp(
  'truncate: siblings stay as they are and the vector only loses entries, when records are any',
  [anyRecord, fc.integer({ min: 1, max: 4 })],
  (t, record, max) => {
    const short = truncated(record, max, 'a');
    const [before, after] = [decodeNaive(record), decodeNaive(short)];
    t.deepEqual(encodeNaive({ ...after, vector: before.vector }), record);
    t.is(checkRecord(short, 0, short.length), undefined);
    for (const [actor, entry] of after.vector) t.deepEqual(entry, before.vector.get(actor));
    const owners = new Set(before.siblings.map(({ actor }) => actor)).size;
    t.is(after.vector.size, Math.min(before.vector.size, Math.max(max, owners)));
    t.deepEqual(mergeBytes(short, record), record);
  },
);

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { writeForwarded } from '../../../actors/store/forward-frames.ts';
import { RecentForwards } from '../../../actors/store/recent-forwards.ts';
import { INDETERMINATE, StoreAnswer } from '../../../actors/store/store-request.ts';
import { RecordView } from '../../../actors/version/record-view.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { exampleRecord } from '../version/examples.ts';
import { viewOf } from '../version/records.ts';

function answer(message: string): OutBuffer {
  const it = new StoreAnswer(viewOf(exampleRecord()));
  it.status = INDETERMINATE;
  it.received = 1;
  it.needed = 2;
  it.primaries = 3;
  it.message = message;
  const out = new OutBuffer(64, 10_000);
  writeForwarded(out, it);
  return out;
}

test('recent forwards: a write is known by origin and number together, while it is under way and when it is answered [T12]', (t) => {
  const recent = new RecentForwards({ capacity: 8 });
  const entry = recent.add(7, 1, 42);
  t.deepEqual([recent.find(7, 1), recent.find(7, 2), recent.find(8, 1)], [entry, -1, -1]);
  t.is(recent.tokenOf(entry), 42);
  const out = answer('first');
  recent.answered(entry, out.bytes, out.length);
  t.is(recent.tokenOf(recent.find(7, 1)), -1);
  t.deepEqual(Buffer.from(recent.answerOf(entry)), out.bytes.subarray(0, out.length));
});

test('recent forwards: status and counts outlive message and record, when answers are many or long', (t) => {
  const out = answer('long');
  const recent = new RecentForwards({ capacity: 16, answerBytes: out.length * 5 });
  const entries = Array.from({ length: 9 }, (_, number) => recent.add(1, number, 0));
  for (const entry of entries) recent.answered(entry, out.bytes, out.length);
  const short = Buffer.from([INDETERMINATE, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  t.deepEqual(Buffer.from(recent.answerOf(entries[0]!)), short);
  for (const entry of entries.slice(4)) t.deepEqual(Buffer.from(recent.answerOf(entry)), out.bytes.subarray(0, out.length));
  const small = new RecentForwards({ capacity: 16, answerBytes: out.length });
  const entry = small.add(1, 1, 0);
  small.answered(entry, out.bytes, out.length);
  t.deepEqual(Buffer.from(small.answerOf(entry)), short);
});

test('recent forwards: an answer to a write that has made room is ignored', (t) => {
  const recent = new RecentForwards({ capacity: 2 });
  const old = recent.add(1, 1, 5);
  for (const number of [2, 3]) recent.add(1, number, number);
  const out = answer('late');
  recent.answered(old, out.bytes, out.length);
  t.is(recent.find(1, 1), -1);
  t.deepEqual([recent.tokenOf(recent.find(1, 2)), recent.tokenOf(recent.find(1, 3))], [2, 3]);
});

testProp(
  'recent forwards: of any writes the last ones, as many as there is room for, are found with their tokens, and no others',
  [fc.array(fc.tuple(fc.nat(3), fc.nat(30)), { minLength: 1, maxLength: 80 })],
  (t, writes) => {
    const recent = new RecentForwards({ capacity: 8, answerBytes: 256 });
    let kept: { readonly origin: number; readonly number: number; readonly token: number }[] = [];
    for (const [token, [origin, number]] of writes.entries()) {
      const known = kept.find((it) => it.origin === origin && it.number === number);
      const found = recent.find(origin, number);
      t.is(found >= 0 ? recent.tokenOf(found) : undefined, known?.token);
      if (known !== undefined) continue;
      recent.add(origin, number, token);
      kept = [...kept, { origin, number, token }].slice(-8);
    }
  },
);

test('recent forwards: with a record view of nothing the answer is its head', (t) => {
  const recent = new RecentForwards({ capacity: 2 });
  const out = new OutBuffer(64, 10_000);
  writeForwarded(out, new StoreAnswer(new RecordView()));
  const entry = recent.add(1, 1, 0);
  recent.answered(entry, out.bytes, out.length);
  t.deepEqual(Buffer.from(recent.answerOf(entry)), Buffer.alloc(16));
});

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { newOperation } from '../../../bench/cluster/operation.ts';
import { keyText, putKey, ValueFormat } from '../../../bench/cluster/pair-format.ts';
import { Records } from '../../../bench/cluster/records.ts';

const BYTES = 100;
const format = new ValueFormat(BYTES);

function pairValue(key: number, stamp: number): Buffer {
  const value = Buffer.alloc(BYTES);
  format.write(value, 0, key, stamp);
  return value;
}

testProp('bench pairs: a key has the same digits both ways', [fc.nat(2 ** 31)], (t, key) => {
  const bytes = Buffer.alloc(18, 'x');
  putKey(bytes, 1, key);
  t.is(bytes.toString('latin1'), `x${keyText(key)}x`);
});

testProp(
  'bench pairs: a value tells its stamp, and that it is not whole when any one byte differs',
  [fc.nat(1_000_000), fc.nat(1_000_000), fc.nat(BYTES - 1), fc.integer({ min: 1, max: 255 })],
  (t, key, stamp, at, flip) => {
    const value = pairValue(key, stamp);
    t.is(format.stampOf(value, 0, BYTES, key), stamp);
    t.is(format.stampOf(value, 0, BYTES, key + 1), -1);
    t.is(format.stampOf(value, 0, BYTES - 1, key), -1);
    value[at]! ^= flip;
    // Another stamp's filler may begin at the same place: then the head alone differs, which is another stamp.
    const found = format.stampOf(value, 0, BYTES, key);
    t.true(found === -1 || (found !== stamp && at >= 4 && at < 8), `${found}`);
  },
);

test('bench records: a read is judged by the last write that was alone, when others overlapped', (t) => {
  const records = new Records(format, true);
  const [first, second, third] = [newOperation(), newOperation(), newOperation()];
  const read = newOperation();
  records.beginInsert(first);
  t.is(records.present, 0);
  records.endWrite(first, true);
  t.is(records.present, 1);
  // Two at once: either may be the last.
  records.beginWrite(second);
  records.beginWrite(third);
  records.endWrite(third, true);
  records.endWrite(second, true);
  records.beginRead(read);
  t.is(records.judge(read, pairValue(0, first.stamp), 0, BYTES), 'stale');
  t.is(records.judge(read, pairValue(0, second.stamp), 0, BYTES), 'right');
  t.is(records.judge(read, pairValue(0, third.stamp), 0, BYTES), 'right');
  t.is(records.judge(read, pairValue(1, third.stamp), 0, BYTES), 'wrong');
  t.is(records.judge(read, undefined, 0, 0), 'missing');
});

test('bench records: an older value is right, when reads need not see what was confirmed', (t) => {
  const records = new Records(format, false);
  const [insert, later, read] = [newOperation(), newOperation(), newOperation()];
  records.beginInsert(insert);
  records.endWrite(insert, true);
  records.beginWrite(later);
  records.endWrite(later, true);
  records.beginRead(read);
  t.is(records.judge(read, pairValue(0, insert.stamp), 0, BYTES), 'right');
});

test('bench records: a write that failed may take effect at any time, so no later one is the last', (t) => {
  const records = new Records(format, true);
  const [insert, failed, later, read] = [newOperation(), newOperation(), newOperation(), newOperation()];
  records.beginInsert(insert);
  records.endWrite(insert, true);
  records.beginWrite(failed);
  records.endWrite(failed, false);
  records.beginWrite(later);
  records.endWrite(later, true);
  records.beginRead(read);
  t.is(records.judge(read, pairValue(0, failed.stamp), 0, BYTES), 'right');
});

/** Steps of calls on one key of a register, each of which takes effect at once somewhere between its beginning and its end. */
const steps = fc.array(fc.record({ slot: fc.nat(3), isWrite: fc.boolean() }), { minLength: 10, maxLength: 60 });

testProp('bench records: no read of a register is blamed, whatever overlaps', [steps], (t, plan) => {
  const records = new Records(format, true);
  const insert = newOperation();
  records.beginInsert(insert);
  records.endWrite(insert, true);
  let held = insert.stamp;
  const blamed: string[] = [];
  const slots = Array.from({ length: 4 }, () => ({ operation: newOperation(), phase: 0, isWrite: false, found: 0 }));
  for (const { slot, isWrite } of plan) {
    const call = slots[slot]!;
    const { operation } = call;
    operation.key = 0;
    if (call.phase === 0) {
      call.isWrite = isWrite;
      if (isWrite) records.beginWrite(operation);
      else records.beginRead(operation);
    } else if (call.phase === 1) {
      if (call.isWrite) held = operation.stamp;
      else call.found = held;
    } else if (call.isWrite) records.endWrite(operation, true);
    else {
      const verdict = records.judge(operation, pairValue(0, call.found), 0, BYTES);
      if (verdict !== 'right') blamed.push(verdict);
    }
    call.phase = (call.phase + 1) % 3;
  }
  t.deepEqual(blamed, []);
});

test('bench records: arrays grow, when more is inserted than fits', (t) => {
  const records = new Records(format, true);
  const operation = newOperation();
  for (let i = 0; i < 70_000; i++) {
    records.beginInsert(operation);
    records.endWrite(operation, true);
  }
  t.is(records.present, 70_000);
  operation.key = 69_999;
  records.beginRead(operation);
  t.is(operation.floor, 70_000);
});

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { compareWhole } from '../../storage/key.ts';
import { type RangeDelete, RangeDeleteScanner, RangeDeletes } from '../../storage/range-deletes.ts';
import { anyKey, covers, hex } from './compaction/arbitraries.ts';

const anyRanges = fc.array(fc.record({ start: anyKey, end: anyKey, sequence: fc.integer({ min: 1, max: 20 }) }), { maxLength: 12 });

function naive(ranges: readonly RangeDelete[], key: Uint8Array, max: number): number {
  return Math.max(0, ...ranges.filter((range) => covers(range, key) && range.sequence <= max).map(({ sequence }) => sequence));
}

testProp(
  'range deletes: what covers a key is the newest range that is old enough, asked at random and in order, of one set and of merged ones',
  [anyRanges, anyRanges, fc.array(anyKey), fc.nat({ max: 21 })],
  (t, some, others, keys, max) => {
    const all = [...some, ...others];
    const merged = RangeDeletes.merge([RangeDeletes.of(some), RangeDeletes.of(others)]);
    t.deepEqual(merged.ranges(), RangeDeletes.of(all).ranges());
    const scanner = new RangeDeleteScanner(merged);
    for (const key of keys) t.is(merged.covering(key, 0, key.length, max), naive(all, key, max));
    for (const key of [...keys].sort(compareWhole)) t.is(scanner.covering(key, 0, key.length, max), naive(all, key, max));
  },
);

testProp("range deletes: pieces are in order, don't overlap and say something", [anyRanges], (t, ranges) => {
  const { starts, ends, sequences, count } = RangeDeletes.of(ranges);
  t.is(ends.length, count);
  for (let i = 0; i < count; i++) {
    t.true(compareWhole(starts[i]!, ends[i]!) < 0);
    if (i > 0) t.true(compareWhole(ends[i - 1]!, starts[i]!) <= 0);
    t.deepEqual(
      sequences[i],
      [...new Set(sequences[i])].sort((a, b) => b - a),
    );
    t.not(sequences[i]!.length, 0);
  }
});

test('range deletes: overlapping ranges are cut at each bound, and equal neighbours joined', (t) => {
  const range = (start: string, end: string, sequence: number) => ({ start: Buffer.from(start), end: Buffer.from(end), sequence });
  const set = RangeDeletes.of([range('a', 'k', 7), range('f', 'p', 9), range('p', 's', 9), range('z', 'b', 5)]);
  t.deepEqual(
    set.ranges().map(({ start, end, sequence }) => [hex(start), hex(end), sequence]),
    [
      ['61', '66', 7],
      ['66', '6b', 9],
      ['66', '6b', 7],
      ['6b', '73', 9],
    ],
  );
  t.true(RangeDeletes.of([range('z', 'b', 5)]).empty);
});

import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { joinSpans, KeyRanges, type KeySpan } from '../../../storage/compaction/key-ranges.ts';
import { type CutOptions, OutputCuts } from '../../../storage/compaction/output-cuts.ts';
import { compareWhole } from '../../../storage/key.ts';
import { anyKey } from './arbitraries.ts';

/** Where tables begin, of keys of one byte and `bytes` bytes each. */
function begins(keys: string, bytes: number, options: Partial<CutOptions>): string {
  const cuts = new OutputCuts({
    targetBytes: 100,
    boundaries: [],
    grandparents: [],
    grandparentBytesMax: Number.POSITIVE_INFINITY,
    ...options,
  });
  let size = 0;
  let cutAt = '';
  for (const key of keys) {
    if (cuts.before(Buffer.from(key), 0, 1, size)) {
      cutAt += key;
      size = 0;
    }
    size += bytes;
  }
  return cutAt;
}

const boundaries = ['c', 'd', 'g'].map((key) => Buffer.from(key));
test('output cuts: a table ends, when it has reached its target', (t) => {
  t.is(begins('abcdefgh', 30, {}), 'e');
  t.is(begins('abcdefgh', 200, {}), 'bcdefgh');
});
test('output cuts: a boundary ends a table, when it has a quarter of its target', (t) => {
  t.is(begins('abcdefgh', 13, { boundaries }), 'cg');
  t.is(begins('abcdefgh', 12, { boundaries }), 'dg');
  t.is(begins('abefgh', 13, { boundaries }), 'eg');
});
test('output cuts: a table ends, when it would overlap too much of the grandparents', (t) => {
  const grandparents = ['ab', 'cd', 'ef'].map((span) => ({ smallest: Buffer.from(span[0]!), largest: Buffer.from(span[1]!), bytes: 10 }));
  t.is(begins('abcdefgh', 1, { grandparents, grandparentBytesMax: 9 }), 'ceg');
  t.is(begins('abcdefgh', 1, { grandparents, grandparentBytesMax: 10 }), 'e');
  t.is(begins('abcdefgh', 1, { grandparents, grandparentBytesMax: 30 }), '');
});

const anySpans = fc.array(
  fc.tuple(anyKey, anyKey).map(([a, b]): KeySpan => (compareWhole(a, b) <= 0 ? { smallest: a, largest: b } : { smallest: b, largest: a })),
);
testProp(
  'key ranges: hold a key, when one of the spans does, asked in order',
  [anySpans, fc.array(anyKey), anyKey, anyKey],
  (t, spans, keys, one, other) => {
    const ranges = new KeyRanges(spans);
    const holds = ({ smallest, largest }: KeySpan, key: Uint8Array): boolean =>
      compareWhole(smallest, key) <= 0 && compareWhole(key, largest) <= 0;
    const joined = joinSpans(spans);
    t.true(joined.every((span, i) => i === 0 || compareWhole(joined[i - 1]!.largest, span.smallest) < 0));
    for (const key of keys.sort(compareWhole)) {
      t.is(
        ranges.holds(key, 0, key.length),
        spans.some((span) => holds(span, key)),
      );
    }
    const [start, end] = [one, other].sort(compareWhole) as [Uint8Array, Uint8Array];
    if (compareWhole(start, end) === 0) return;
    t.is(
      ranges.meets(start, end),
      spans.some(({ smallest, largest }) => compareWhole(smallest, end) < 0 && compareWhole(start, largest) <= 0),
    );
  },
);

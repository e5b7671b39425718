import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { TextScratch } from '../../../storage/embedded/text-scratch.ts';

const text = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.string({ unit: 'binary', maxLength: 30 }),
  // Around the lengths where it changes its way, and lone surrogates.
  fc
    .tuple(fc.constantFrom('a', 'é', '\u20ac', '\ud800', '\u{1f600}'), fc.constantFrom(1, 23, 24, 25, 682, 683, 1_365, 1_366, 5_000))
    .map(([unit, count]) => unit.repeat(count)),
);

testProp(
  'text scratch: bytes are those of Buffer.from, when texts follow each other',
  [fc.array(text, { minLength: 1, maxLength: 20 })],
  (t, texts) => {
    const scratch = new TextScratch();
    for (const each of texts) t.deepEqual(Buffer.from(scratch.encode(each)), Buffer.from(each, 'utf8'));
  },
);

test('text scratch: bytes are handed on as they are, when given bytes', (t) => {
  const bytes = new Uint8Array([1]);
  t.is(new TextScratch().encode(bytes), bytes);
});

test('text scratch: the same memory is used again, when a text has the length of an earlier one', (t) => {
  const scratch = new TextScratch();
  const first = scratch.encode('abc');
  t.is(scratch.encode('xyz'), first);
  t.is(String(first), 'xyz');
});

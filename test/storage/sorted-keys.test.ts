import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { compareWhole } from '../../storage/key.ts';
import { SortedKeys } from '../../storage/sorted-keys.ts';

const byte = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(0, 1, 0x30, 0x39, 255));
/** The second kind: many that differ only behind the bytes which are compared as a number. */
const key = fc
  .oneof(fc.array(byte, { maxLength: 12 }), fc.array(fc.constantFrom(0, 1), { minLength: 4, maxLength: 10 }))
  .map((bytes) => Uint8Array.from(bytes));
const prefix = fc.array(byte, { maxLength: 4 });

testProp(
  'sorted keys: find gives what a search from the beginning gives, when keys share beginnings, repeat or are few',
  [prefix, fc.array(key, { maxLength: 60 }), fc.array(key, { maxLength: 20 })],
  (t, shared, suffixes, others) => {
    const keys = suffixes.map((suffix) => Uint8Array.from([...shared, ...suffix])).sort(compareWhole);
    const sorted = SortedKeys.of(keys);
    for (const wanted of [...keys, ...others, ...others.map((other) => Uint8Array.from([...shared, ...other]))]) {
      const expected = keys.findIndex((each) => compareWhole(each, wanted) >= 0);
      t.is(sorted.find(wanted, 0, wanted.length), expected < 0 ? keys.length : expected);
    }
    t.is(sorted.count, keys.length);
  },
);

test('sorted keys: find gives the first of equal ones, when only they are there', (t) => {
  const keys = Array.from({ length: 40 }, () => Buffer.from('same'));
  const sorted = SortedKeys.of(keys);
  t.is(sorted.find(Buffer.from('same'), 0, 4), 0);
  t.is(sorted.find(Buffer.from('samf'), 0, 4), 40);
  t.is(sorted.find(Buffer.from('sam'), 0, 3), 0);
});

test('sorted keys: find is right for each of many keys, when they are decimal digits', (t) => {
  const keys = Array.from({ length: 5_000 }, (_, i) => Buffer.from(String(i * 7).padStart(12, '0')));
  const sorted = SortedKeys.of(keys);
  for (let i = 0; i < keys.length * 7; i++) {
    const wanted = Buffer.from(String(i).padStart(12, '0'));
    if (sorted.find(wanted, 0, 12) !== Math.ceil(i / 7)) t.fail(`${i}`);
  }
  t.pass();
});

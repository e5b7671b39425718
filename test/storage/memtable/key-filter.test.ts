import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { hashKey } from '../../../storage/hash.ts';
import { KeyFilter } from '../../../storage/memtable/key-filter.ts';

testProp(
  'key filter: has what was added, for any hashes',
  [fc.array(fc.integer()), fc.constantFrom(1_024, 70_000, 1 << 20)],
  (t, hashes, bytes) => {
    const filter = new KeyFilter(bytes);
    for (const hash of hashes) filter.add(hash);
    t.true(hashes.every((hash) => filter.mayHave(hash)));
  },
);

test('key filter: hardly ever has what was not added, with 16 bits per key', (t) => {
  const filter = new KeyFilter(1 << 20);
  const hashOf = (i: number): number => hashKey(Uint8Array.of(i, i >>> 8, 7, 7, 7), 0, 5);
  for (let i = 0; i < 8_192; i++) filter.add(hashOf(i));
  let wrong = 0;
  for (let i = 8_192; i < 16_384; i++) if (filter.mayHave(hashOf(i))) wrong++;
  t.true(wrong < 8_192 / 40, `${wrong} of 8192`);
});

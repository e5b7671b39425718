import test from 'ava';
import { ByteReader } from '../../../storage/byte-reader.ts';
import { hashKey } from '../../../storage/hash.ts';
import { DELETE } from '../../../storage/record.ts';
import { BloomBuilder, BloomFilter } from '../../../storage/table/bloom.ts';
import { verifyTable } from '../../../storage/table/verify-table.ts';
import { del, find, numbered, shardTable, syncTable, writeTable } from '../helpers/tables.ts';

function keyHash(i: number): number {
  const key = Buffer.from(`user:${i}:profile`);
  return hashKey(key, 0, key.length);
}

function filterOf(count: number, bitsPerKey: number): BloomFilter {
  const builder = new BloomBuilder(bitsPerKey);
  for (let i = 0; i < count; i++) builder.add(keyHash(i));
  const { bytes, length } = builder.write();
  return new BloomFilter(new ByteReader(bytes, 0, length, '/t', 0));
}

/** Rate at which a filter of lines of 512 bits passes an absent key: the keys of a line are Poisson distributed, each sets `probes` of its bits. */
function theory(bitsPerKey: number, probes: number): number {
  const mean = 512 / bitsPerKey;
  let chance = Math.exp(-mean);
  let rate = 0;
  for (let keys = 0; keys < mean * 4; keys++) {
    rate += chance * (1 - (1 - 1 / 512) ** (keys * probes)) ** probes;
    chance *= mean / (keys + 1);
  }
  return rate;
}

const rates = test.macro((t, bitsPerKey: number, probes: number) => {
  const count = 50_000;
  const filter = filterOf(count, bitsPerKey);
  for (let i = 0; i < count; i++) t.true(filter.mayHold(keyHash(i)));
  let passed = 0;
  const asked = 200_000;
  for (let i = 0; i < asked; i++) if (filter.mayHold(keyHash(count + i))) passed++;
  const ratio = passed / asked / theory(bitsPerKey, probes);
  t.true(ratio < 1.2 && ratio > 0.8, `false positives: ${passed} of ${asked}, ${ratio.toFixed(2)} of theory`);
});
test('bloom: no key is lost and false positives are as theory has it, when at 5 bits per key', rates, 5, 3);
test('bloom: no key is lost and false positives are as theory has it, when at 10 bits per key', rates, 10, 6);
test('bloom: no key is lost and false positives are as theory has it, when at 16 bits per key', rates, 16, 10);

test('bloom: a filter of one key knows it and little else, when it is the smallest there is', (t) => {
  const filter = filterOf(1, 10);
  t.is(filter.bytes, 64);
  t.true(filter.mayHold(keyHash(0)));
  t.is(Array.from({ length: 1_000 }, (_, i) => filter.mayHold(keyHash(i + 1))).filter(Boolean).length, 0);
});

/** Keys that can't be found any more, and whether a full check says so. */
function lost(mutants: ReadonlySet<string>): { readonly keys: number; readonly verified: boolean } {
  const items = numbered(200);
  const written = writeTable(items, { blockBytes: 500, mutants });
  const table = shardTable(written);
  const keys = items.filter(({ key }) => find(table, key) === undefined).length;
  try {
    Array.from(verifyTable(syncTable(written)));
    return { keys, verified: true };
  } catch {
    return { keys, verified: false };
  }
}

test('bloom: all keys of a table are found, when looked up through the filter', (t) => {
  t.deepEqual(lost(new Set()), { keys: 0, verified: true });
});
test('bloom: tombstones are found through the filter, so that no older value below them is [T32]', (t) => {
  const table = shardTable(
    writeTable(
      numbered(200).map(({ key }, i) => del(String(key), i + 1)),
      { blockBytes: 500 },
    ),
  );
  for (const { key } of numbered(200)) t.is(find(table, key)?.kind, DELETE);
});

test('bloom: keys are lost and a check of the table says so, when false negatives are planted', (t) => {
  const { keys, verified } = lost(new Set(['bloomFalseNegative']));
  t.true(keys > 0);
  t.false(verified);
});

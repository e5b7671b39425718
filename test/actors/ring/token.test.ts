import test from 'ava';
import { fingerprintText, Hasher, isPartitionCount, partitionOf, shardOf } from '../../../actors/ring/token.ts';

test('token: those of known keys never change', (t) => {
  const hasher = new Hasher();
  const tokenOf = (key: Uint8Array): string => {
    hasher.hash(key);
    return hasher.high.toString(16).padStart(8, '0') + hasher.low.toString(16).padStart(8, '0');
  };
  const keys = ['', 'a', 'user:1', 'x'.repeat(100)].map((key) => Buffer.from(key));
  t.deepEqual(keys.map(tokenOf), KNOWN);
  t.deepEqual(keys.map(fingerprintText), KNOWN);
  t.is(tokenOf(new Uint8Array(Buffer.from('-user:1-')).subarray(1, 7)), KNOWN[2]!);
});

test('token: that of a part of bytes is that of a view of it, at every length', (t) => {
  const [part, whole] = [new Hasher(), new Hasher()];
  const bytes = Buffer.from(Array.from({ length: 120 }, (_, i) => i * 7));
  for (let length = 0; length <= 100; length++) {
    part.hashPart(bytes, length % 11, (length % 11) + length);
    whole.hash(bytes.subarray(length % 11, (length % 11) + length));
    t.deepEqual([part.high, part.low], [whole.high, whole.low], `${length}`);
  }
});

const KNOWN: readonly string[] = ['9ae16a3b2f90404f', 'b3454265b6df75e3', 'e7ef0faa8b2b6eab', '5b7616b854568a1f'];

test('token: its partition is its place in the space, cut into equal parts', (t) => {
  t.deepEqual(
    [0, 0x1fff_ffff, 0x2000_0000, 0xffff_ffff].map((high) => partitionOf(high, 8)),
    [0, 0, 1, 7],
  );
  t.deepEqual(
    [0, 0x8000_0000, 0xffff_ffff].map((high) => partitionOf(high, 16_384)),
    [0, 8_192, 16_383],
  );
});

test('partitions: powers of two from 8 to 16,384', (t) => {
  t.deepEqual([4, 8, 12, 256, 16_384, 32_768, 8.5].filter(isPartitionCount), [8, 256, 16_384]);
});

test('shard of a partition: neighbours together, and counts differ by one at most', (t) => {
  for (const shards of [1, 3, 7, 8]) {
    const of = Array.from({ length: 256 }, (_, p) => shardOf(p, shards, 256));
    t.deepEqual(
      of,
      of.toSorted((a, b) => a - b),
    );
    const counts = Array.from({ length: shards }, (_, shard) => of.filter((s) => s === shard).length);
    t.true(Math.max(...counts) - Math.min(...counts) <= 1);
  }
});

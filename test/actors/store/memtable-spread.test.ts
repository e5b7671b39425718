import test from 'ava';
import { spreadMemtable } from '../../../actors/store/memtable-spread.ts';
import { SeededRandom } from '../../../runtime/random.ts';

const MIB = 1_024 * 1_024;

test('memtable spread: replicas have memtables of different size, none smaller by more than a quarter', (t) => {
  const sizes = Array.from(
    { length: 100 },
    (_, seed) => spreadMemtable({ memtableBytes: 64 * MIB, cacheBytes: 5 }, new SeededRandom(seed)).memtableBytes!,
  );
  t.true(sizes.every((bytes) => Number.isInteger(bytes) && bytes > 48 * MIB && bytes <= 64 * MIB));
  t.true(new Set(sizes).size > 95);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  t.true(least < 50 * MIB && most > 62 * MIB, `${least} to ${most}`);
});

test('memtable spread: what an engine takes at the least stays, and what is left to it', (t) => {
  t.deepEqual(spreadMemtable({ memtableBytes: 16_384, cacheBytes: 5 }, new SeededRandom(1)), { memtableBytes: 16_384, cacheBytes: 5 });
  t.deepEqual(spreadMemtable({ cacheBytes: 5 }, new SeededRandom(1)), { cacheBytes: 5 });
});

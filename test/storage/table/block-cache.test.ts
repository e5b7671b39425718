import test from 'ava';
import { BLOCK_OVERHEAD_BYTES, BlockCache, type BlockOwner, NO_SLOT } from '../../../storage/table/block-cache.ts';

const BLOCK = 1_000;
const CHARGE = BLOCK + BLOCK_OVERHEAD_BYTES;

function owner(cache: BlockCache, blocks: number): BlockOwner {
  return { slots: new Int32Array(blocks).fill(NO_SLOT), cacheId: cache.ownerId() };
}

/** What a reader does; true: it was there. */
function read(cache: BlockCache, by: BlockOwner, block: number, bytes = BLOCK): boolean {
  const slot = by.slots[block]!;
  if (slot >= 0) {
    cache.use(slot);
    return true;
  }
  if (cache.wants(by, block, bytes)) cache.insert(by, block, Buffer.alloc(bytes, block));
  return false;
}

test('cache: bytes stay within the bound, overhead included, when more is read than fits', (t) => {
  const cache = new BlockCache(CHARGE * 10 + 5);
  const table = owner(cache, 1_000);
  for (let i = 0; i < 3_000; i++) {
    const block = (i * 37) % 1_000;
    read(cache, table, block, 500 + (block % 7) * 100);
    const { bytes, blocks } = cache.stats();
    t.true(bytes <= cache.bytesMax);
    t.is(table.slots.filter((slot) => slot >= 0).length, blocks);
  }
  t.true(cache.stats().evictions > 0);
});

test('cache: each block is the one that was put in, when slots are used again', (t) => {
  const cache = new BlockCache(CHARGE * 8);
  const tables = [owner(cache, 40), owner(cache, 40)];
  for (let i = 0; i < 2_000; i++) {
    const table = tables[i & 1]!;
    const block = ((i * i) >>> 2) % 12;
    const slot = table.slots[block]!;
    if (slot >= 0) t.is(cache.use(slot)[0], block + (i & 1) * 100);
    else cache.insert(table, block, Buffer.alloc(BLOCK, block + (i & 1) * 100));
  }
});

test('cache: blocks that are read often stay, when a long scan passes by', (t) => {
  const cache = new BlockCache(CHARGE * 16);
  const hot = owner(cache, 8);
  const scanned = owner(cache, 5_000);
  for (let block = 0; block < 8; block++) read(cache, hot, block);
  for (let i = 0; i < 5_000; i++) {
    read(cache, scanned, i);
    read(cache, hot, i % 8);
  }
  t.deepEqual(
    Array.from({ length: 8 }, (_, block) => read(cache, hot, block)),
    Array(8).fill(true),
  );
});

test('cache: a block is taken in at the second miss, when the cache is full', (t) => {
  const cache = new BlockCache(CHARGE * 16);
  const table = owner(cache, 100);
  for (let block = 0; block < 16; block++) read(cache, table, block);
  t.false(read(cache, table, 50));
  t.false(read(cache, table, 50));
  t.true(read(cache, table, 50));
});

test('cache: an owner has no slots left and its room is free, when it is dropped', (t) => {
  const cache = new BlockCache(CHARGE * 16);
  const [a, b] = [owner(cache, 10), owner(cache, 10)];
  for (let block = 0; block < 6; block++) {
    read(cache, a, block);
    read(cache, b, block);
  }
  cache.drop(a);
  t.deepEqual([...new Set(a.slots)], [NO_SLOT]);
  t.like(cache.stats(), { blocks: 6, bytes: 6 * CHARGE });
  t.true(read(cache, b, 3));
});

test('cache: nothing is kept, when it has no room at all', (t) => {
  const cache = new BlockCache(0);
  const table = owner(cache, 4);
  for (let i = 0; i < 8; i++) t.false(read(cache, table, 1));
  t.like(cache.stats(), { blocks: 0, bytes: 0, misses: 8, hits: 0 });
});

test('cache: a block larger than an eighth of it goes past, when it is full', (t) => {
  const cache = new BlockCache(CHARGE * 4);
  const table = owner(cache, 10);
  for (let block = 0; block < 4; block++) read(cache, table, block);
  for (let i = 0; i < 4; i++) t.false(read(cache, table, 7));
  t.is(cache.stats().evictions, 0);
});

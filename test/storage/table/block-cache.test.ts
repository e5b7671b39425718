import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { BlockCache, type BlockOwner, NO_SLOT, SEGMENT_OVERHEAD_BYTES } from '../../../storage/table/block-cache.ts';

/** Too large to share a segment in a cache as small as these. */
const BLOCK = 1_024;
const CHARGE = BLOCK + 16 + SEGMENT_OVERHEAD_BYTES;

function owner(cache: BlockCache, blocks: number): BlockOwner {
  return { slots: new Int32Array(blocks).fill(NO_SLOT), cacheId: cache.ownerId() };
}

/** What a reader does; true: it was there. */
function read(cache: BlockCache, by: BlockOwner, block: number, bytes = BLOCK): boolean {
  if (by.slots[block]! >= 0) {
    cache.use(by, block);
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
    if (table.slots[block]! >= 0) t.is(cache.blockOf(cache.use(table, block))[0], block + (i & 1) * 100);
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

test('cache: what a reader has of a large block stays as it is, when the block has made room for others', (t) => {
  const cache = new BlockCache(64 * 1_024);
  const table = owner(cache, 500);
  const taken: Buffer[] = [];
  for (let i = 0; i < 500; i++) {
    cache.insert(table, i, Buffer.alloc(3_000, i));
    const slot = cache.use(table, i);
    t.true(cache.lasts(slot));
    taken.push(cache.blockOf(slot));
  }
  t.true(cache.stats().evictions > 400);
  for (const [i, bytes] of taken.entries()) t.true(bytes.length === 3_000 && bytes.every((byte) => byte === (i & 0xff)));
});

/** What memory the blocks of `table` lie in. */
function memoryOf(cache: BlockCache, table: BlockOwner): readonly ArrayBufferLike[] {
  return Array.from(table.slots.filter((slot) => slot >= 0)).map((slot) => cache.bytesOf(slot).buffer);
}

test('cache: no memory is taken for small blocks, when it is full, nor for those of another table, when one has gone', (t) => {
  const cache = new BlockCache(64 * 1_024);
  const hot = owner(cache, 10);
  const memory = new Set<ArrayBufferLike>();
  for (let block = 0; block < 10; block++) cache.insert(hot, block, Buffer.alloc(300, block));
  for (let round = 0; round < 5; round++) {
    const cold = owner(cache, 2_000);
    for (let i = 0; i < 2_000; i++) {
      cache.insert(cold, i, Buffer.alloc(300, 0xff));
      t.false(cache.lasts(cold.slots[i]!));
      t.is(cache.blockOf(cache.use(hot, i % 10))[299], i % 10);
    }
    for (const each of [...memoryOf(cache, hot), ...memoryOf(cache, cold)]) memory.add(each);
    cache.drop(cold);
  }
  const held = [...memory].reduce((sum, { byteLength }) => sum + byteLength + SEGMENT_OVERHEAD_BYTES, 0);
  t.true(cache.stats().evictions > 9_000 && held <= cache.bytesMax, `${memory.size} pieces, ${held} bytes`);
});

test('cache: memory of small blocks that have gone is given back, when large ones need the room', (t) => {
  const cache = new BlockCache(64 * 1_024);
  const [small, large, next] = [owner(cache, 100), owner(cache, 19), owner(cache, 100)];
  for (let block = 0; block < 100; block++) cache.insert(small, block, Buffer.alloc(300));
  const before = new Set(memoryOf(cache, small));
  cache.drop(small);
  for (let block = 0; block < 19; block++) cache.insert(large, block, Buffer.alloc(3_000, block));
  t.is(cache.stats().blocks, 19);
  for (let block = 0; block < 100; block++) cache.insert(next, block, Buffer.alloc(300, block));
  t.true(before.size > 5 && cache.stats().blocks > 90);
  t.deepEqual(
    memoryOf(cache, next).filter((each) => before.has(each)),
    [],
  );
});

test('cache: small blocks that are read often stay, when others make a segment go', (t) => {
  const cache = new BlockCache(64 * 1_024);
  const hot = owner(cache, 20);
  const cold = owner(cache, 20_000);
  for (let block = 0; block < 20; block++) cache.insert(hot, block, Buffer.alloc(200, block));
  for (let i = 0; i < 20_000; i++) {
    cache.insert(cold, i, Buffer.alloc(200, 0xff));
    t.true(hot.slots[i % 20]! >= 0);
    t.is(cache.blockOf(cache.use(hot, i % 20))[199], i % 20);
  }
  const { blocks, bytes } = cache.stats();
  t.true(bytes <= cache.bytesMax && blocks > 200, `${blocks} blocks in ${bytes} bytes`);
});

test('cache: small and large blocks share the bound, when they come in turns', (t) => {
  const cache = new BlockCache(200 * 1_024);
  const table = owner(cache, 1_000);
  const bytesOf = (block: number): number => (block % 5 === 0 ? 20_000 : 1 + (block % 700));
  for (let i = 0; i < 4_000; i++) {
    const block = (i * 389) % 1_000;
    if (table.slots[block]! < 0) cache.insert(table, block, Buffer.alloc(bytesOf(block), block));
    else t.is(cache.blockOf(cache.use(table, block)).length, bytesOf(block));
    t.true(cache.stats().bytes <= cache.bytesMax);
  }
  t.is(table.slots.filter((slot) => slot >= 0).length, cache.stats().blocks);
});

test('cache: segments that only a dropped owner had blocks in are free, when it is dropped', (t) => {
  const cache = new BlockCache(64 * 1_024);
  const [a, b] = [owner(cache, 100), owner(cache, 100)];
  for (let block = 0; block < 60; block++) cache.insert(a, block, Buffer.alloc(200));
  for (let block = 0; block < 60; block++) cache.insert(b, block, Buffer.alloc(200));
  const before = cache.stats().bytes;
  cache.drop(a);
  t.true(cache.stats().bytes < before);
  t.is(cache.stats().blocks, 60);
  cache.drop(b);
  t.like(cache.stats(), { blocks: 0, bytes: 0 });
});

const step = fc.record({
  by: fc.nat(2),
  block: fc.nat(40),
  /** Some share a segment, some have one of their own that is smaller than a shared one or larger. */
  bytes: fc.oneof(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1_000, max: 1_100 }), fc.integer({ min: 1_100, max: 9_000 })),
  drops: fc.integer({ min: 0, max: 30 }).map((n) => n === 0),
});

testProp(
  'cache: each block is what was put in and all are within the bound, for any sizes, hits and drops',
  [fc.integer({ min: 0, max: 40_000 }), fc.array(step, { minLength: 40, maxLength: 200, size: 'max' })],
  (t, bytesMax, steps) => {
    const cache = new BlockCache(bytesMax);
    const owners = Array.from({ length: 3 }, () => owner(cache, 41));
    const put = owners.map(() => new Map<number, Buffer>());
    for (const [i, { by, block, bytes, drops }] of steps.entries()) {
      const own = owners[by]!;
      if (drops) cache.drop(own);
      else if (own.slots[block]! >= 0) t.deepEqual(cache.blockOf(cache.use(own, block)), put[by]!.get(block));
      else if (cache.wants(own, block, bytes) || cache.wants(own, block, bytes)) {
        put[by]!.set(block, Buffer.alloc(bytes, i));
        cache.insert(own, block, put[by]!.get(block)!);
      }
      t.true(cache.stats().bytes <= bytesMax);
    }
    const kept = owners.flatMap(({ slots }, by) => Array.from(slots, (slot, block) => ({ slot, was: put[by]!.get(block) })));
    const there = kept.filter(({ slot }) => slot >= 0);
    for (const { slot, was } of there) t.deepEqual(cache.blockOf(slot), was);
    t.is(cache.stats().blocks, there.length);
  },
);

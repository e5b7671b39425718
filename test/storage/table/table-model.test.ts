/** Tables against a sorted list. */
import { fc, testProp } from '@fast-check/ava';
import type { Cursor } from '../../../storage/cursor.ts';
import { compareWhole } from '../../../storage/key.ts';
import { DELETE, PUT } from '../../../storage/record.ts';
import { verifyTable } from '../../../storage/table/verify-table.ts';
import { find, here, type Item, moverOf, type ShardOptions, shardTable, syncTable, writeTable } from '../helpers/tables.ts';

/** Short keys of few letters, 0 and 255 among them, so that they meet; some with a long common beginning. */
const letters = fc.constantFrom(0x00, 0x01, 0x61, 0x62, 0xfe, 0xff);
const key = fc
  .tuple(fc.boolean(), fc.array(letters, { maxLength: 9 }))
  .map(([long, tail]) => Buffer.concat([Buffer.alloc(long ? 40 : 0, 'prefix'), Buffer.from(tail)]));
const sequence = fc.oneof(fc.nat(20), fc.constantFrom(2 ** 32, 2 ** 40 + 7, Number.MAX_SAFE_INTEGER - 1));
const item = fc.record({
  key,
  sequence,
  kind: fc.constantFrom(PUT, PUT, PUT, DELETE),
  value: fc.oneof(fc.uint8Array({ maxLength: 8 }), fc.constant(new Uint8Array(300).fill(7))).map((bytes) => Buffer.from(bytes)),
});
const items = fc
  .array(item, { minLength: 1, maxLength: 120 })
  .map((list) =>
    list
      .sort((a, b) => compareWhole(a.key, b.key) || b.sequence - a.sequence)
      .filter((each, i) => i === 0 || each.sequence !== list[i - 1]!.sequence || !each.key.equals(list[i - 1]!.key)),
  );
const format = fc.record({
  blockBytes: fc.constantFrom(1, 60, 200, 4_096),
  codec: fc.constantFrom('none' as const, 'deflate' as const),
  bloomBitsPerKey: fc.constantFrom(0, 10),
});
const shard: fc.Arbitrary<ShardOptions> = fc.record({ inline: fc.boolean(), cacheBytes: fc.constantFrom(0, 2_000, 1 << 20) });

const RUNS = { numRuns: 80 };

testProp(
  'table: gives each version at its sequence and nothing else, when looked up by key',
  [items, format, shard, fc.array(fc.tuple(key, sequence), { maxLength: 30 })],
  (t, list, options, place, others) => {
    const table = shardTable(writeTable(list, options), place);
    for (const [wanted, max] of [...list.map((each) => [each.key, each.sequence] as const), ...others]) {
      const expected = list.find((each) => each.key.equals(wanted) && each.sequence <= max);
      const { key: _, ...rest } = expected ?? { key: wanted };
      t.deepEqual(find(table, wanted, max), expected === undefined ? undefined : (rest as Omit<Item, 'key'>));
    }
    t.deepEqual(
      table.file.waiting.map(() => 'unfinished read'),
      [],
    );
  },
  RUNS,
);

/** A move of a cursor and of an index into the list. */
type Step = readonly ['first' | 'last' | 'next' | 'prev'] | readonly ['seek' | 'seekBefore', Buffer];
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(['next'] as const, ['prev'] as const) },
  { weight: 1, arbitrary: fc.constantFrom(['first'] as const, ['last'] as const) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom('seek' as const, 'seekBefore' as const), key) },
);

function move(cursor: Cursor, [name, target]: Step): number {
  switch (name) {
    case 'first':
      return cursor.seekFirst();
    case 'last':
      return cursor.seekLast();
    case 'next':
      return cursor.valid ? cursor.next() : cursor.seekFirst();
    case 'prev':
      return cursor.valid ? cursor.prev() : cursor.seekLast();
    default:
      return cursor[name](Buffer.concat([Buffer.from('xx'), target, Buffer.from('y')]), 2, 2 + target.length);
  }
}

function moveIndex(list: readonly Item[], at: number, [name, target]: Step): number {
  const valid = at >= 0 && at < list.length;
  switch (name) {
    case 'first':
      return 0;
    case 'last':
      return list.length - 1;
    case 'next':
      return valid ? at + 1 : 0;
    case 'prev':
      return valid ? at - 1 : list.length - 1;
    default: {
      const first = list.findIndex((each) => compareWhole(each.key, target) >= 0);
      const bound = first < 0 ? list.length : first;
      return name === 'seek' ? bound : bound - 1;
    }
  }
}

testProp(
  'table: cursors of both kinds stand where a list index would, when moved at will',
  [items, format, shard, fc.array(step, { minLength: 1, maxLength: 60 })],
  (t, list, options, place, steps) => {
    const written = writeTable(list, options);
    const go = moverOf(shardTable(written, place));
    const cursor = syncTable(written).cursor();
    let at = -1;
    for (const each of steps) {
      at = moveIndex(list, at, each);
      move(cursor, each);
      t.deepEqual(here(cursor), list[at]);
      t.deepEqual(
        go((shardCursor) => move(shardCursor, each)),
        list[at],
      );
    }
  },
  RUNS,
);

testProp(
  'table: verifies and says what is in it, when it is whole',
  [items, format, fc.array(fc.tuple(key, key, sequence), { maxLength: 4 })],
  (t, list, options, bounds) => {
    const ranges = bounds
      .map(([a, b, at]) => (compareWhole(a, b) < 0 ? { start: a, end: b, sequence: at } : { start: b, end: a, sequence: at }))
      .filter(({ start, end }) => !start.equals(end));
    const written = writeTable(list, options, ranges);
    const table = syncTable(written);
    t.deepEqual(
      table.rangeDeletes.map(({ start, end, sequence: at }) => ({ start: Buffer.from(start), end: Buffer.from(end), sequence: at })),
      ranges,
    );
    const { smallestKey, largestKey, ...properties } = table.properties;
    const keys = [...list.map((each) => each.key), ...ranges.flatMap(({ start, end }) => [start, end])].sort(compareWhole);
    t.deepEqual([Buffer.from(smallestKey), Buffer.from(largestKey)], [keys[0], keys.at(-1)]);
    const sequences = [...list, ...ranges].map((each) => each.sequence);
    t.like(properties, {
      entries: list.length,
      deletes: list.filter(({ kind }) => kind === DELETE).length,
      rangeDeletes: ranges.length,
      keyBytes: list.reduce((sum, each) => sum + each.key.length, 0),
      valueBytes: list.reduce((sum, each) => sum + each.value.length, 0),
      smallestSequence: Math.min(...sequences),
      largestSequence: Math.max(...sequences),
    });
    const steps = verifyTable(table);
    let last = steps.next();
    while (last.done !== true) last = steps.next();
    t.deepEqual(last.value, { blocks: properties.dataBlocks, entries: list.length });
    t.is(written.file.synced, written.identity.bytes);
    t.is(written.file.bytes.length, written.identity.bytes);
  },
  RUNS,
);

import { fc, testProp } from '@fast-check/ava';
import type { OpenTable } from '../../../storage/engine/open-table.ts';
import { SearchedLevel } from '../../../storage/engine/searched-level.ts';

/** Two bounds a table, none below the one before, so that some tables meet at a key and some hold nothing else. */
const bounds = fc.array(fc.nat(6), { minLength: 2, maxLength: 16 }).map((numbers) => numbers.sort((a, b) => a - b));

testProp(
  'searched level: every table whose bounds hold the key comes up, in order, when tables meet',
  [bounds, fc.boolean(), fc.nat(7)],
  (t, numbers, overlapping, key) => {
    const ranges = Array.from({ length: numbers.length >> 1 }, (_, i) => ({ smallest: numbers[2 * i]!, largest: numbers[2 * i + 1]! }));
    const tables = ranges.map(({ smallest, largest }) => ({ meta: { smallest: Buffer.of(smallest), largest: Buffer.of(largest) } }));
    const level = new SearchedLevel(tables as unknown as readonly OpenTable[], overlapping, true);
    const found: number[] = [];
    for (let index = level.first(Buffer.of(key)); index < tables.length; index = level.after(index)) found.push(index);
    const holding = ranges.flatMap(({ smallest, largest }, i) => (smallest <= key && key <= largest ? [i] : []));
    t.deepEqual(
      found.filter((index) => holding.includes(index)),
      holding,
    );
    t.deepEqual(
      found,
      found.toSorted((a, b) => a - b),
    );
  },
);

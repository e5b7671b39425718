import test from 'ava';
import { READY } from '../../../storage/cursor.ts';
import { CursorBuffers } from '../../../storage/table/cursor-buffers.ts';
import { here, type Item, numbered, type ShardTable, shardTable, writeTable } from '../helpers/tables.ts';

const KIB = 1_024;
const items = numbered(3_000, 100);
const written = writeTable(items, { blockBytes: 1_000 });

test('cursor buffers: what was given back is taken again, by whoever needs as much', (t) => {
  const buffers = new CursorBuffers();
  const taken = [1, 4_096, 4_097, 8_192, 8_193, 200 * KIB, 256 * KIB].map((bytes) => buffers.take(bytes));
  t.deepEqual(
    taken.map(({ length }) => length / KIB),
    [4, 4, 8, 8, 16, 256, 256],
  );
  t.is(new Set(taken).size, taken.length);
  for (const buffer of taken) buffers.give(buffer);
  t.is(buffers.take(5_000), taken[3]!);
  t.is(buffers.take(5_000), taken[2]!);
  t.false(taken.includes(buffers.take(5_000)));
});

test('cursor buffers: of what nobody has 1 MiB is kept, and nothing that is longer than 256 KiB', (t) => {
  const buffers = new CursorBuffers();
  const long = buffers.take(257 * KIB);
  t.is(long.length, 257 * KIB);
  buffers.give(long);
  t.not(buffers.take(257 * KIB), long);
  const many = Array.from({ length: 6 }, () => buffers.take(256 * KIB));
  for (const buffer of many) buffers.give(buffer);
  const again = many.map(() => buffers.take(256 * KIB));
  t.is(again.filter((buffer) => many.includes(buffer)).length, 4);
  for (const buffer of again.slice(0, 4)) buffers.give(buffer);
  t.true(again.includes(buffers.take(256 * KIB)));
});

test('cursor buffers: cursors that follow each other read into the same memory', (t) => {
  const { reader, file } = shardTable(written, { cacheBytes: 0 });
  const memories = new Set<ArrayBufferLike>();
  const preadNow = file.preadNow.bind(file);
  file.preadNow = (into, position) => {
    memories.add(into.buffer);
    return preadNow(into, position);
  };
  for (let from = 0; from < 2_000; from += 50) {
    const cursor = reader.cursor(() => t.fail());
    const { key } = items[from]!;
    t.is(cursor.seek(key, 0, key.length), READY);
    for (let i = from; i < from + 30; i++) {
      t.deepEqual(here(cursor), items[i]);
      cursor.next();
    }
    cursor.close();
  }
  t.is(memories.size, 2);
});

/** Entries from `from` on, by a cursor of its own; `midway` is called when it has read ahead. */
function scan({ reader, file }: ShardTable, from: number, count: number, midway: () => void): (Item | undefined)[] {
  const cursor = reader.cursor(() => undefined);
  const { key } = items[from]!;
  cursor.seek(key, 0, key.length);
  file.settle();
  const found: (Item | undefined)[] = [];
  for (let i = 0; i < count; i++) {
    if (i === count / 2) midway();
    found.push(here(cursor));
    cursor.next();
    file.settle();
  }
  cursor.close();
  return found;
}

test('cursor buffers: the memory of a cursor that is closed during its read is not used by others before that has ended', (t) => {
  const table = shardTable(written, { inline: false, cacheBytes: 0 });
  const closed = table.reader.cursor(() => undefined);
  closed.seekFirst();
  table.file.settle();
  while (closed.next() === READY);
  t.is(table.file.waiting.length, 1);
  const late = table.file.waiting.shift()!;
  closed.close();
  t.deepEqual(scan(table, 1_500, 40, late), items.slice(1_500, 1_540));
  t.deepEqual(
    scan(table, 2_000, 40, () => undefined),
    items.slice(2_000, 2_040),
  );
});

import { randomBytes } from 'node:crypto';
import test from 'ava';
import { PUT, RANGE_DELETE, type RecordKind } from '../../../storage/record.ts';
import { separate } from '../../../storage/table/separator.ts';
import { type TableOptions, TableWriter } from '../../../storage/table/table-writer.ts';
import { dumpTable, verifyTable } from '../../../storage/table/verify-table.ts';
import { MemoryFile } from '../helpers/memory-file.ts';
import { allOf, codecs, del, numbered, put, syncTable, UID, writeTable } from '../helpers/tables.ts';

function writer(options: Partial<TableOptions> = {}): TableWriter {
  return new TableWriter(new MemoryFile(), { uid: UID, codecs, ...options });
}

function add(to: TableWriter, key: Uint8Array, sequence: number, value: Uint8Array = Buffer.alloc(0), kind: RecordKind = PUT): void {
  to.add(kind, sequence, key, 0, key.length, value, 0, value.length);
}

const A = Buffer.from('a');
const B = Buffer.from('b');

const refused = test.macro((t, message: RegExp, work: () => void) => {
  t.throws(work, { code: 'INVALID_ARGUMENT', message });
});
const order = /expected one behind the last/;
test('table writer: refuses a smaller key', refused, order, () => {
  const to = writer();
  add(to, B, 1);
  add(to, A, 2);
});
test('table writer: refuses a newer version behind an older one', refused, order, () => {
  const to = writer();
  add(to, A, 1);
  add(to, A, 2);
});
test('table writer: refuses a version twice', refused, order, () => {
  const to = writer();
  add(to, A, 1);
  add(to, A, 1);
});
test('table writer: refuses a range delete as an entry', refused, /kind/, () => add(writer(), A, 1, B, RANGE_DELETE));
test('table writer: refuses a key over 64 KiB', refused, /key: expected at most 65536/, () => add(writer(), Buffer.alloc(65_537), 1));
test('table writer: refuses a fractional sequence', refused, /sequence/, () => add(writer(), A, 1.5));
test('table writer: refuses a sequence over 2^53-1', refused, /sequence/, () => add(writer(), A, 2 ** 53));
test('table writer: refuses a short uid', refused, /uid/, () => writer({ uid: Buffer.alloc(15) }));
test('table writer: refuses a codec that is not here', refused, /codec/, () => writer({ codec: 'lz4' }));
test('table writer: refuses blocks of no bytes', refused, /blockBytes/, () => writer({ blockBytes: 0 }));
test('table writer: refuses a long note', refused, /note/, () => writer({ note: 'x'.repeat(256) }));
test('table writer: refuses to finish with nothing', refused, /expected entries/, () => void writer().finish());
test('table writer: refuses an empty range', refused, /range/, () => writer().addRangeDelete(A, A, 1));

test('table writer: the longest key, empty key and extreme sequences come back, when written', (t) => {
  const longest = { ...put('', 'at the end'), key: Buffer.alloc(65_536, 0xff) };
  const items = [put('', 'empty key', 0), put('k', '', Number.MAX_SAFE_INTEGER), del('k', 2 ** 32), put('k', 'x', 0), longest];
  const table = syncTable(writeTable(items));
  t.deepEqual(allOf(table.cursor()), items);
  t.is(Array.from(verifyTable(table)).length, table.properties.dataBlocks);
});

test('table writer: a block holds 65535 entries at most, when entries are tiny', (t) => {
  const key = Buffer.alloc(4);
  const to = new TableWriter(new MemoryFile(), { uid: UID, codecs, blockBytes: 1 << 24 });
  for (let i = 0; i < 70_000; i++) {
    key.writeUInt32BE(i);
    add(to, key, 1);
  }
  t.is(to.finish().dataBlocks, 2);
});

test('table writer: 16 B keys and 100 B values take no more than 121 B a pair, when nothing compresses', (t) => {
  const count = 20_000;
  const file = new MemoryFile();
  const to = new TableWriter(file, { uid: UID, codecs });
  for (let i = 0; i < count; i++) add(to, Buffer.from(String(i).padStart(16, '0')), 1 + ((i * 7_919) % count), randomBytes(100));
  t.true(to.bytes < count * 125);
  t.true(to.finish().bytes < count * 121);
});

test('table writer: blocks are compressed where that gains, when a codec is asked for', (t) => {
  const text = numbered(2_000, 200);
  const noise = text.map((item) => ({ ...item, value: randomBytes(200) }));
  const plain = writeTable(text).identity.bytes;
  t.true(writeTable(text, { codec: 'deflate' }).identity.bytes < plain / 4);
  const stored = writeTable(noise, { codec: 'deflate' });
  t.is(stored.identity.bytes, writeTable(noise).identity.bytes);
  t.is(stored.properties.codec, 1);
  t.deepEqual(allOf(syncTable(stored).cursor()), noise);
});

test('table writer: bytes are the same, when written again', (t) => {
  const options = { blockBytes: 300, codec: 'deflate' as const };
  t.deepEqual(writeTable(numbered(300), options).file.bytes, writeTable(numbered(300), options).file.bytes);
});

const between = test.macro((t, a: string, b: string, expected: string) => {
  const into = { bytes: 0, raised: false };
  const [left, right] = [Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1')];
  separate(left, 0, left.length, right, 0, right.length, into);
  const separator = Buffer.from(left.subarray(0, into.bytes));
  if (into.raised) separator[into.bytes - 1]!++;
  t.is(separator.toString('latin1'), expected);
});
test('separator: first difference raised, when there is room', between, 'abcdef', 'abxy', 'abd');
test('separator: a prefix of the right key, when that is longer', between, 'abcdef', 'abdy', 'abd');
test('separator: the next byte raised, when the right key is too near', between, 'abcdef', 'abd', 'abce');
test('separator: 255 passed over, when it comes behind the difference', between, 'ab\xff\xff12', 'b', 'ac');
test('separator: 255 kept, when nothing before it can be raised', between, 'a\xff\xff12', 'b', 'a\xff\xff2');
test('separator: the left key, when it is a prefix of the right', between, 'ab', 'abc', 'ab');
test('separator: the left key, when both are the same', between, 'ab', 'ab', 'ab');
test('separator: the left key, when it can not be shortened', between, 'abc', 'abd', 'abc');

test('table dump: says properties, blocks and entries, when asked for', (t) => {
  const range = { start: A, end: B, sequence: 3 };
  const lines = Array.from(dumpTable(syncTable(writeTable([put('a', 'x', 9), del('b', 4)], {}, [range])), true));
  t.true(lines.includes('entries 2'));
  t.true(lines.includes('range delete 61 to 62 @3'));
  t.deepEqual(lines.slice(-3), ['block 0 at 0: 42 bytes, 2 entries, up to 62', '  put 61 @9 1 bytes', '  delete 62 @4 0 bytes']);
});

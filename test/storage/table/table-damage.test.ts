/** Damaged tables: each way of damage gives CORRUPTION, never another answer. */
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { ByteReader } from '../../../storage/byte-reader.ts';
import { ByteWriter, putU32 } from '../../../storage/byte-writer.ts';
import { crc32 } from '../../../storage/checksum.ts';
import { StorageError, type StorageErrorCode } from '../../../storage/errors.ts';
import { BlockView } from '../../../storage/table/block-view.ts';
import { BloomFilter } from '../../../storage/table/bloom.ts';
import { decodeRangeDeletes } from '../../../storage/table/range-delete-block.ts';
import { BlockSeal } from '../../../storage/table/stored-block.ts';
import { TableIndex } from '../../../storage/table/table-index.ts';
import { decodeProperties } from '../../../storage/table/table-properties.ts';
import { MemoryFile } from '../helpers/memory-file.ts';
import {
  allOf,
  codecs,
  del,
  find,
  type Item,
  numbered,
  numberedKey,
  put,
  shardTable,
  syncTable,
  UID,
  type Written,
  writeTable,
} from '../helpers/tables.ts';

const RANGES = [{ start: Buffer.from('b'), end: Buffer.from('c'), sequence: 40 }];

/** A few hundred bytes with all that a table can hold: stored and compressed blocks, several versions, a delete, a range delete. */
function small(): { readonly items: readonly Item[]; readonly written: Written } {
  const items = [
    put('apple', 'red', 9),
    put('apple', 'green', 3),
    put('apricot', 'a'.repeat(150), 4),
    del('banana', 12),
    put('cherry', 'dark', 7),
    put('cherry tomato', 'no fruit of its own', 8),
  ];
  return { items, written: writeTable(items, { blockBytes: 64, codec: 'deflate', note: 'damage' }, RANGES) };
}

/** All that the damaged file says: undefined, or the code of the error it gave. Anything else than CORRUPTION or the truth is thrown. */
function judge(items: readonly Item[], written: Written, bytes: Buffer): StorageErrorCode | undefined {
  const damaged = { ...written, file: new MemoryFile('/t', bytes) };
  let code: StorageErrorCode | undefined;
  const guarded = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof StorageError) || error.code !== 'CORRUPTION') throw error;
      code = error.code;
    }
  };
  const truth = (is: boolean): void => {
    if (!is) throw new Error('a wrong answer');
  };
  guarded(() => {
    const table = syncTable(damaged);
    truth(table.rangeDeletes.length === 1 && table.rangeDeletes[0]!.sequence === 40);
    const found = allOf(table.cursor());
    truth(found.length === items.length && found.every((each, i) => same(each, items[i])));
  });
  guarded(() => {
    const table = shardTable(damaged);
    for (const { key, ...rest } of items) {
      guarded(() => truth(same({ ...(find(table, key, rest.sequence) as Item), key }, { key, ...rest })));
    }
    for (const key of ['a', 'bananas', 'zebra']) guarded(() => truth(find(table, Buffer.from(key)) === undefined));
  });
  return code;
}

function same(a: Item | undefined, b: Item | undefined): boolean {
  // A spread of what was not found has no value.
  if (a?.value === undefined || b === undefined) return false;
  return a.key.equals(b.key) && a.kind === b.kind && a.sequence === b.sequence && a.value.equals(b.value);
}

test('damage: any single bit is found, when flipped anywhere in a table', (t) => {
  const { items, written } = small();
  const whole = written.file.bytes;
  t.is(judge(items, written, whole), undefined);
  const survived: number[] = [];
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const bytes = Buffer.from(whole);
    bytes[bit >>> 3]! ^= 1 << (bit & 7);
    if (judge(items, written, bytes) !== 'CORRUPTION') survived.push(bit);
  }
  t.deepEqual(survived, []);
});

testProp(
  'damage: a range of bytes is found, when overwritten anywhere in a larger table',
  [fc.nat(), fc.uint8Array({ minLength: 1, maxLength: 3_000 }), fc.constantFrom('none' as const, 'deflate' as const)],
  (t, at, garbage, codec) => {
    const items = numbered(120, 60);
    const written = writeTable(items, { blockBytes: 1_000, codec }, RANGES);
    const bytes = Buffer.from(written.file.bytes);
    bytes.set(garbage.subarray(0, bytes.length - (at % bytes.length)), at % bytes.length);
    t.is(judge(items, written, bytes), bytes.equals(written.file.bytes) ? undefined : 'CORRUPTION');
  },
  { numRuns: 100 },
);

test('damage: a table that ends early is found, when cut at any length', (t) => {
  const { items, written } = small();
  const survived: number[] = [];
  for (let length = 0; length < written.file.bytes.length; length++) {
    const bytes = Buffer.from(written.file.bytes.subarray(0, length));
    if (judge(items, written, bytes) !== 'CORRUPTION') survived.push(length);
    // Also when the manifest were as wrong as the file.
    if (judge(items, { ...written, identity: { uid: UID, bytes: length } }, bytes) !== 'CORRUPTION') survived.push(length);
  }
  t.deepEqual(survived, []);
});

test('damage: a table of another uid is refused, when it lies in the place of this one', (t) => {
  const { items, written } = small();
  const other = writeTable(items, { blockBytes: 64, codec: 'deflate', note: 'damage', uid: Buffer.alloc(16, 9) }, RANGES);
  t.is(other.file.bytes.length, written.file.bytes.length);
  t.is(judge(items, written, other.file.bytes), 'CORRUPTION');
});

/** Moves blocks about in a table whose blocks all have one length. Returns the codes that a scan of the results gives. */
function misdirected(mutants: ReadonlySet<string>): (StorageErrorCode | undefined)[] {
  const items = numbered(64).map((each) => ({ ...each, sequence: 5 }));
  const options = { blockBytes: 200, mutants };
  const written = writeTable(items, options);
  const { offsets, count } = syncTable(written, mutants).parts.index;
  const block = (bytes: Buffer, i: number): Buffer => bytes.subarray(offsets[i], offsets[i + 1]);
  const whole = written.file.bytes;
  if (count < 6 || block(whole, 1).length !== block(whole, 4).length) throw new Error('blocks: expected equal ones');
  const swapped = Buffer.from(whole);
  block(swapped, 1).set(block(whole, 4));
  block(swapped, 4).set(block(whole, 1));
  const doubled = Buffer.from(whole);
  block(doubled, 4).set(block(whole, 1));
  const foreign = Buffer.from(whole);
  foreign.set(
    block(
      writeTable(
        items.map((each) => ({ ...each, sequence: 6 })),
        { ...options, uid: Buffer.alloc(16, 7) },
      ).file.bytes,
      1,
    ),
    offsets[1],
  );
  return [swapped, doubled, foreign].map((bytes) => {
    try {
      allOf(syncTable({ ...written, file: new MemoryFile('/t', bytes) }, mutants).cursor());
      return undefined;
    } catch (error) {
      return (error as StorageError).code;
    }
  });
}

test('damage: whole blocks in wrong places are found, when writes went astray', (t) => {
  t.deepEqual(misdirected(new Set()), ['CORRUPTION', 'CORRUPTION', 'CORRUPTION']);
});
test('damage: blocks in wrong places pass, when checksums are planted not to cover the place', (t) => {
  t.deepEqual(misdirected(new Set(['checksumScope'])), [undefined, undefined, undefined]);
});

test('damage: the error says file, offset, expected and found, when a block is damaged', (t) => {
  const written = writeTable(numbered(100), { blockBytes: 300 });
  const { offsets } = syncTable(written).parts.index;
  written.file.bytes[offsets[2]! + 30]! ^= 0x10;
  const error = t.throws(() => allOf(syncTable(written).cursor()), { instanceOf: StorageError, code: 'CORRUPTION' });
  t.is(error?.place?.file, written.file.path);
  t.is(error?.place?.offset, offsets[2]);
  t.regex(error?.place?.expected ?? '', /^a block with checksum [0-9a-f]{8}$/);
  t.regex(error?.place?.found ?? '', /^[0-9a-f]{8}$/);
});

test('damage: the other blocks stay readable, when one is damaged', (t) => {
  const items = numbered(100);
  const written = writeTable(items, { blockBytes: 300 });
  const { index } = syncTable(written).parts;
  written.file.bytes[index.offsets[2]! + 30]! ^= 0x10;
  const table = shardTable(written);
  for (const { key, value } of items) {
    if (index.find(key, 0, key.length) === 2) t.throws(() => find(table, key), { code: 'CORRUPTION' });
    else t.deepEqual(find(table, key)?.value, value);
  }
});

test('format: a newer version is refused by its number, when its footer is whole', (t) => {
  const { written } = small();
  const { bytes } = written.file;
  const end = bytes.length;
  putU32(bytes, end - 16, 2);
  putU32(bytes, end - 12, crc32(bytes.subarray(end - 68, end - 12)));
  t.throws(() => syncTable(written), { code: 'UNKNOWN_FORMAT', message: /expected table version 1, found 2/ });
  t.throws(() => shardTable(written), { code: 'UNKNOWN_FORMAT' });
});

test('format: a block of a codec that is not here is refused, when all else is right', (t) => {
  const out = Buffer.alloc(200);
  const seal = new BlockSeal('/t', UID, new Set());
  const end = seal.seal(out, 0, 100, 0, { id: 77, compress: () => Buffer.alloc(20), decompress: (bytes) => bytes });
  const stored = out.subarray(0, end);
  seal.check(stored, 0);
  t.throws(() => seal.open(stored, 0, codecs, 1_000), { code: 'UNKNOWN_FORMAT' });
});

test('damage: a block that claims more than the cap is refused before memory is taken, when its checksum is right', (t) => {
  const seal = new BlockSeal('/t', UID, new Set());
  const out = Buffer.alloc(6_000);
  const deflate = codecs.byId(1)!;
  const stored = out.subarray(0, seal.seal(out, 0, 5_000, 0, deflate));
  t.is(seal.open(stored, 0, codecs, 5_000).length, 5_000);
  t.throws(() => seal.open(stored, 0, codecs, 4_999), { code: 'CORRUPTION', message: /expected a block of 1 to 4999 bytes, found 5000/ });
  for (const claimed of [4_999, 5_001]) {
    putU32(stored, 0, claimed);
    t.throws(() => seal.open(stored, 0, codecs, 10_000), { code: 'CORRUPTION' }, `${claimed}`);
  }
});

const hostile = test.macro((t, fill: (out: ByteWriter) => void, read: (reader: ByteReader) => unknown, message: RegExp) => {
  const out = new ByteWriter();
  fill(out);
  t.throws(() => read(new ByteReader(out.bytes, 0, out.length, '/t', 1_000)), { instanceOf: StorageError, code: 'CORRUPTION', message });
});
const u32s =
  (...numbers: number[]) =>
  (out: ByteWriter) => {
    for (const number of numbers) out.u32(number);
  };
const varints =
  (...numbers: number[]) =>
  (out: ByteWriter) => {
    for (const number of numbers) out.varint(number);
  };
const index = (dataEnd: number) => (reader: ByteReader) => new TableIndex(reader, dataEnd);
const filter = (reader: ByteReader) => new BloomFilter(reader);
const MANY = 0xffff_ffff;
test('damage: index of too many blocks', hostile, u32s(MANY, 0), index(0), /at 1004: expected at most 2 blocks, found 4294967295/);
test('damage: index with too long a prefix', hostile, u32s(0, MANY), index(0), /expected a prefix of at most 65536/);
test('damage: index whose blocks end elsewhere', hostile, u32s(0, 0), index(9), /expected blocks of 9 bytes in all, found 0/);
test('damage: filter of an unknown kind', hostile, u32s(7, 1, 1, 0), filter, /expected a filter of kind 1/);
test('damage: filter of too many lines', hostile, u32s(1, 6, MANY, 0), filter, /expected 1 to 2097152 lines/);
test('damage: filter shorter than its lines', hostile, u32s(1, 6, 100, 0), filter, /expected 6400 more bytes, found 0/);
test('damage: filter of too many probes', hostile, u32s(1, MANY, 1, 0), filter, /probes/);
test('damage: more range deletes than bytes', hostile, varints(2 ** 40), decodeRangeDeletes, /expected at most 0 range deletes/);
test('damage: range delete that ends at its start', hostile, varints(1, 5, 0, 0), decodeRangeDeletes, /expected a range that ends behind/);
test('damage: range delete of a key too long', hostile, varints(1, 5, 70_000, 0), decodeRangeDeletes, /expected a length of at most 65536/);
test('damage: properties that end early', hostile, u32s(0, 0, 0, 0), decodeProperties, /expected 1 more bytes, found 0/);

test('damage: every byte of a block header is checked, when set to anything in a block that is otherwise right', (t) => {
  const written = writeTable(numbered(12), { blockBytes: 4_096 });
  const bytes = Buffer.from(written.file.bytes.subarray(0, syncTable(written).parts.footer.dataEnd));
  const view = new BlockView();
  const length = bytes.length - 5;
  t.is(view.check(bytes, length), undefined);
  const keys = Array.from({ length: 40 }, (_, i) => numberedKey(i));
  let refused = 0;
  for (let at = 0; at < 24; at++) {
    for (let value = 0; value < 256; value++) {
      const damaged = Buffer.from(bytes);
      damaged[at] = value;
      // What passes must at least be safe to read.
      if (view.check(damaged, length) !== undefined) refused++;
      else for (const key of keys) t.true(view.lowerBound(key, 0, key.length) <= view.count);
    }
  }
  t.true(refused > 14 * 255, `${refused}`);
});

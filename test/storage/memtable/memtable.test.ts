import { fc, testProp } from '@fast-check/ava';
import test, { type ExecutionContext } from 'ava';
import { BugError } from '../../../runtime/errors.ts';
import { StorageError } from '../../../storage/errors.ts';
import { hashKey } from '../../../storage/hash.ts';
import { KEY_BYTES_MAX } from '../../../storage/key.ts';
import { Arena } from '../../../storage/memtable/arena.ts';
import { Memtable } from '../../../storage/memtable/memtable.ts';
import { snapshotCursor } from '../../../storage/memtable/memtable-snapshot.ts';
import { DELETE, PUT, RANGE_DELETE, RECORD_HEADER_BYTES, type RecordKind, recordBytes } from '../../../storage/record.ts';
import { WriteBatch } from '../../../storage/write-batch.ts';
import { allBackward, allForward, compareEntries, entryOf, type ModelEntry, newest, shown, sorted, told } from './model.ts';

const BASE = 5_000_000_000_000;
const NOTHING = new Uint8Array(0);
const HEADER = 64;

/** A memtable and what it should hold. */
class Pair {
  readonly table: Memtable;
  readonly entries: ModelEntry[] = [];
  readonly offsets: number[] = [];
  sequence = BASE;

  constructor(arenaBytes = 1 << 20, arena = new Arena(arenaBytes)) {
    this.table = new Memtable(arena, BASE);
    this.table.reserve(HEADER);
    // A header looks like anything, and is no record.
    this.table.arena.bytes.fill('m', 0, HEADER);
  }

  add(kind: RecordKind, key: Uint8Array, value: Uint8Array): void {
    const offset = this.table.add(kind, this.sequence, key, value);
    if (offset === 0) throw new Error('the arena is full');
    this.offsets.push(offset);
    if (kind !== RANGE_DELETE) this.entries.push({ key: key.slice(), sequence: this.sequence, kind, value: value.slice() });
    this.sequence++;
  }

  addBatch(changes: readonly Change[]): void {
    const batch = new WriteBatch();
    let offset = this.table.length;
    for (const [index, { kind, key, value }] of changes.entries()) {
      if (kind === PUT) batch.put(key, value);
      else if (kind === DELETE) batch.delete(key);
      else batch.deleteRange(key, value);
      this.offsets.push(offset);
      offset += recordBytes(key.length, value.length);
      if (kind !== RANGE_DELETE) this.entries.push({ key, sequence: this.sequence + index, kind, value });
    }
    if (!this.table.addBatch(batch, this.sequence)) throw new Error('the arena is full');
    this.sequence += changes.length;
  }

  find(key: Uint8Array, maxSequence: number): ModelEntry | undefined {
    return entryAt(this.table, this.table.find(key, hashKey(key, 0, key.length), maxSequence));
  }
}

interface Change {
  readonly kind: RecordKind;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

function entryAt(table: Memtable, offset: number): ModelEntry | undefined {
  if (offset === 0) return undefined;
  const { bytes, words } = table.arena;
  const word = offset >>> 2;
  const start = offset + RECORD_HEADER_BYTES;
  const keyEnd = start + (words[word + 2]! >>> 4);
  return {
    key: Uint8Array.from(bytes.subarray(start, keyEnd)),
    sequence: BASE + words[word + 1]!,
    kind: (words[word + 2]! & 15) as RecordKind,
    value: Uint8Array.from(bytes.subarray(keyEnd, keyEnd + words[word + 3]!)),
  };
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Few different bytes and shared beginnings, so that keys meet again, and prefixes tie. */
const key = fc
  .tuple(fc.constantFrom('', 'aaaa', 'aaaaaaaa', 'b'), fc.array(fc.constantFrom(0, 1, 97, 255), { maxLength: 3 }))
  .map(([beginning, rest]) => Uint8Array.from([...bytesOf(beginning), ...rest]));
const value = fc.uint8Array({ maxLength: 40 });
const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant(PUT), key, value }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant(DELETE), key, value: fc.constant(NOTHING) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant(RANGE_DELETE), key, value: key }) },
);
const write = fc.oneof(
  { weight: 4, arbitrary: change.map((c) => [c]) },
  { weight: 1, arbitrary: fc.array(change, { minLength: 2, maxLength: 12 }) },
);
const writes = fc.array(write, { maxLength: 60 });

function pairOf(all: readonly (readonly Change[])[]): Pair {
  const pair = new Pair();
  for (const changes of all) apply(pair, changes);
  return pair;
}

function apply(pair: Pair, changes: readonly Change[]): void {
  const [only] = changes;
  if (changes.length === 1 && only !== undefined) pair.add(only.kind, only.key, only.value);
  else pair.addBatch(changes);
}

testProp('memtable: find gives the newest version up to a sequence, for any writes', [writes, key, fc.nat(80)], (t, all, absent, back) => {
  const pair = pairOf(all);
  for (const { key: wanted } of [...pair.entries, { key: absent }]) {
    for (const maxSequence of [pair.sequence, pair.sequence - 1 - back, BASE, BASE - 1]) {
      t.deepEqual(pair.find(wanted, maxSequence), newest(pair.entries, wanted, maxSequence));
    }
  }
  t.is(pair.table.keyCount, new Set(pair.entries.map((e) => String(e.key))).size);
  t.is(pair.table.recordCount, pair.offsets.length);
});

testProp('memtable: a cursor shows all versions in order both ways, for any writes', [writes], (t, all) => {
  const { table, entries } = pairOf(all);
  const expected = sorted(entries).map(told);
  t.deepEqual(allForward(table.cursor()), expected);
  t.deepEqual(allBackward(table.cursor()), expected.toReversed());
});

/** Keys that follow each other: what is put in behind the last key takes another way. */
const run = fc.record({
  from: fc.nat(600),
  step: fc.constantFrom(-1, 1, 1, 2, 3),
  length: fc.integer({ min: 1, max: 300 }),
  /** Some keys begin with others, and their ends are no whole words. */
  tail: fc.constantFrom('', 'a', '\u0000', 'aaaaa'),
});

testProp(
  'memtable: keys that come in runs, into each other, are all there in order',
  [fc.array(run, { minLength: 1, maxLength: 6 }), fc.boolean()],
  (t, runs, isBatched) => {
    const pair = new Pair();
    for (const { from, step, length, tail } of runs) {
      const changes = Array.from({ length }, (_, i): Change => {
        const own = bytesOf(`key${String(1_000 + from + i * step)}${tail}`);
        return { kind: PUT, key: own, value: NOTHING };
      });
      if (isBatched) pair.addBatch(changes);
      else {
        for (const { kind, key: own, value: none } of changes) {
          pair.add(kind, own, none);
          // A read between two of a run.
          pair.find(bytesOf('key1300'), pair.sequence);
        }
      }
    }
    t.deepEqual(allForward(pair.table.cursor()), sorted(pair.entries).map(told));
    for (const each of pair.entries.slice(0, 50)) t.is(pair.find(each.key, each.sequence)?.sequence, each.sequence);
  },
);

testProp('memtable: range deletes are kept beside the entries, for any writes', [writes], (t, all) => {
  const { table } = pairOf(all);
  const expected = all
    .flat()
    .flatMap((c, index) => (c.kind === RANGE_DELETE ? [{ start: c.key, end: c.value, sequence: BASE + index }] : []));
  t.deepEqual(table.rangeDeletes, expected);
});

testProp('memtable: previous leads to the next older record of the key, for any writes', [writes], (t, all) => {
  const { table, offsets } = pairOf(all);
  t.is(table.recordCount, offsets.length);
  const last = new Map<string, number>();
  for (const offset of offsets) {
    const { key: own, kind } = entryAt(table, offset) as ModelEntry;
    t.is(table.arena.words[offset >>> 2], kind === RANGE_DELETE ? 0 : (last.get(String(own)) ?? 0));
    if (kind !== RANGE_DELETE) last.set(String(own), offset);
  }
});

type Step =
  | { readonly move: 'next' | 'prev' | 'seekFirst' | 'seekLast' }
  | { readonly move: 'seek' | 'seekBefore'; readonly to: Uint8Array };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ move: fc.constantFrom('next' as const, 'prev' as const) }) },
  { weight: 1, arbitrary: fc.record({ move: fc.constantFrom('seekFirst' as const, 'seekLast' as const) }) },
  { weight: 2, arbitrary: fc.record({ move: fc.constantFrom('seek' as const, 'seekBefore' as const), to: key }) },
);

testProp(
  'memtable: a cursor neither skips nor repeats what it was made over, when entries are added between its moves',
  [writes, fc.array(fc.oneof({ weight: 3, arbitrary: step }, { weight: 2, arbitrary: write }), { maxLength: 80 })],
  (t, before, steps) => {
    const pair = pairOf(before);
    const old = sorted(pair.entries);
    const cursor = pair.table.cursor();
    t.false(cursor.valid);
    for (const each of steps) {
      if (Array.isArray(each)) {
        apply(pair, each);
        continue;
      }
      const from = cursor.valid ? entryOf(cursor) : undefined;
      const { move } = each;
      if ((move === 'next' || move === 'prev') && from === undefined) continue;
      const to = 'to' in each ? each.to : NOTHING;
      if (move === 'seek' || move === 'seekBefore') t.is(cursor[move](to, 0, to.length), 0);
      else t.is(cursor[move](), 0);
      // Old entries that the move could show, the nearest first.
      const target: ModelEntry = { key: to, sequence: Number.POSITIVE_INFINITY, kind: PUT, value: NOTHING };
      const forward = move === 'next' || move === 'seekFirst' || move === 'seek';
      const bound = move === 'next' || move === 'prev' ? from : 'to' in each ? target : undefined;
      const side = old.filter((e) => bound === undefined || (forward ? compareEntries(e, bound) > 0 : compareEntries(e, bound) < 0));
      const nearest = forward ? side[0] : side.at(-1);
      if (!cursor.valid) {
        t.is(nearest, undefined);
        continue;
      }
      const found = entryOf(cursor);
      t.true(pair.entries.some((e) => told(e) === told(found)));
      if (bound !== undefined) t.true(forward ? compareEntries(found, bound) > 0 : compareEntries(found, bound) < 0);
      if (nearest !== undefined) t.true(forward ? compareEntries(found, nearest) <= 0 : compareEntries(found, nearest) >= 0);
    }
  },
);

testProp('memtable: recovery makes an equal table, for any writes', [writes, fc.nat(0xffff_ffff)], (t, all, garbage) => {
  const { table, offsets } = pairOf(all);
  const arena = new Arena(1 << 20);
  table.arena.bytes.copy(arena.bytes);
  for (const offset of offsets) arena.words[offset >>> 2] = garbage;
  const again = new Memtable(arena, BASE);
  again.reserve(HEADER);
  table.arena.bytes.copy(arena.bytes, 0, 0, HEADER);
  let end = HEADER;
  for (const offset of offsets) {
    t.is(offset, end);
    end = again.indexRecord(offset, table.length, 'a.log');
  }
  t.is(end, table.length);
  t.deepEqual(allForward(again.cursor()), allForward(table.cursor()));
  t.deepEqual(again.rangeDeletes, table.rangeDeletes);
  const { keyCount, recordCount, length } = table;
  t.deepEqual([again.keyCount, again.recordCount, again.length], [keyCount, recordCount, length]);
  t.deepEqual(Buffer.from(arena.bytes.subarray(0, length)), Buffer.from(table.arena.bytes.subarray(0, length)));
});

testProp('memtable snapshot: a job sees the same entries, for any writes', [writes, key], (t, all, target) => {
  const { table } = pairOf(all);
  const snapshot = structuredClone(table.snapshot());
  const cursor = snapshotCursor(snapshot);
  const own = table.cursor();
  t.deepEqual(allForward(cursor), allForward(own));
  t.deepEqual(allBackward(cursor), allBackward(own));
  for (const move of ['seek', 'seekBefore'] as const) {
    cursor[move](target, 0, target.length);
    own[move](target, 0, target.length);
    t.is(shown(cursor), shown(own));
  }
  t.deepEqual(snapshot.rangeDeletes, table.rangeDeletes);
});

testProp(
  'memtable snapshot: of each key the newest alone is shown to who wants no more, in both directions',
  [writes, key],
  (t, all, target) => {
    const { table, entries } = pairOf(all);
    const cursor = snapshotCursor(table.snapshot(), true);
    const expected = sorted(entries).filter(({ key }, i, before) => i === 0 || Buffer.compare(before[i - 1]!.key, key) !== 0);
    t.deepEqual(allForward(cursor), expected.map(told));
    t.deepEqual(allBackward(cursor), expected.map(told).reverse());
    cursor.seekBefore(target, 0, target.length);
    t.is(
      shown(cursor),
      expected
        .filter(({ key }) => Buffer.compare(key, target) < 0)
        .map(told)
        .at(-1),
    );
  },
);

test('memtable snapshot: the memory is shared, when it is cloned', (t) => {
  const pair = new Pair();
  pair.add(PUT, bytesOf('k'), bytesOf('v'));
  const { memory } = structuredClone(pair.table.snapshot());
  pair.table.arena.words[3] = 0x1234_5678;
  t.is(new Uint32Array(memory)[3], 0x1234_5678);
});

/** Enough for thousands of leaves' splits, in orders that the index treats differently. */
const MANY = 6_000;
const families: Readonly<Record<string, (i: number) => string>> = {
  'ascending keys': (i) => String(i).padStart(12, '0'),
  'descending keys': (i) => String(MANY - i).padStart(12, '0'),
  'scattered keys': (i) => String.fromCharCode(...[0, 8, 16, 24].map((s) => ((Math.imul(i, 0x9e37_79b1) >>> s) & 127) + 1)) + i,
  'scattered keys with one beginning': (i) => `user:${(Math.imul(i, 0x9e37_79b1) >>> 0) % 100_000}:x${i}`,
  'keys with three beginnings': (i) => `${['accounts', 'zebra:long-beginning-of-keys:', 'm'][i % 3]}${Math.imul(i, 0x85eb_ca6b) >>> 0}`,
  'keys that begin other keys': (i) => 'ab'.repeat(Math.imul(i, 77) % 160) + String.fromCharCode(1 + (i % 100)) + (i >> 5),
  'one beginning, then others on both sides': (i) => (i < 3_000 ? `mmmmmmmmmm${i * 7}` : `${i % 2 === 0 ? 'a' : 'z'}${Math.imul(i, 31)}`),
};
const ordered = test.macro((t: ExecutionContext, keyOf: (i: number) => string) => {
  const pair = new Pair(4 << 20);
  const keys = Array.from({ length: MANY }, (_, i) => bytesOf(keyOf(i)));
  for (const own of keys) pair.add(PUT, own, NOTHING);
  for (let i = 0; i < MANY; i += 9) pair.add(DELETE, keys[i]!, NOTHING);
  const expected = sorted(pair.entries);
  t.deepEqual(allForward(pair.table.cursor()), expected.map(told));
  t.deepEqual(allBackward(pair.table.cursor()), expected.map(told).toReversed());
  const cursor = pair.table.cursor();
  for (const [at, entry] of expected.entries()) {
    const { key: own, sequence } = entry;
    if (pair.find(own, sequence)?.sequence !== sequence) t.fail(`not found: ${told(entry)}`);
    const first = expected[at - 1] === undefined || String(expected[at - 1]!.key) !== String(own);
    if (!first) continue;
    cursor.seek(own, 0, own.length);
    if (shown(cursor) !== told(entry)) t.fail(`seek to ${told(entry)} shows ${shown(cursor)}`);
    cursor.seekBefore(own, 0, own.length);
    const before = at === 0 ? undefined : told(expected[at - 1]!);
    if (shown(cursor) !== before) t.fail(`seekBefore ${told(entry)} shows ${shown(cursor)}`);
  }
});
for (const [name, keyOf] of Object.entries(families))
  test(`memtable: thousands of entries are in order and found, for ${name}`, ordered, keyOf);

test('memtable: going back through many versions takes time in proportion, when one key has them all', (t) => {
  const pair = new Pair(4 << 20);
  for (let i = 0; i < 60_000; i++) pair.add(PUT, bytesOf('hot'), NOTHING);
  const cursor = pair.table.cursor();
  let sequence = BASE;
  // Were each step a walk from the newest version on, these were 1.8 billion steps.
  for (cursor.seekLast(); cursor.valid; cursor.prev()) if (cursor.sequence !== sequence++) t.fail(String(sequence));
  t.is(sequence, pair.sequence);
});

test('memtable: add and addBatch change nothing, when the arena is full', (t) => {
  const pair = new Pair(1_024);
  while (pair.table.length < 1_024 - 60) pair.add(PUT, bytesOf(`key${pair.sequence - BASE}`), bytesOf('12345'));
  const { table } = pair;
  const before = { length: table.length, count: table.recordCount, all: allForward(table.cursor()) };
  const bytes = Buffer.from(table.arena.bytes);
  t.is(table.add(PUT, pair.sequence, bytesOf('key0'), new Uint8Array(100)), 0);
  t.false(table.addBatch(new WriteBatch().put(bytesOf('key0'), new Uint8Array(100)), pair.sequence));
  t.is(table.reserve(100), -1);
  t.deepEqual({ length: table.length, count: table.recordCount, all: allForward(table.cursor()) }, before);
  t.deepEqual(Buffer.from(table.arena.bytes), bytes);
  const room = 1_024 - table.length;
  t.true(table.add(PUT, pair.sequence, bytesOf('last'), new Uint8Array(room - RECORD_HEADER_BYTES - 4)) > 0);
  t.is(table.length, 1_024);
});

test('memtable: bytes of the table before do not show, when an arena is used again', (t) => {
  const arena = new Arena(4_096);
  arena.bytes.fill(0xff);
  const { table } = new Pair(0, arena);
  const offset = table.add(PUT, BASE, bytesOf('k'), bytesOf('vv'));
  const reserved = table.reserve(8);
  t.deepEqual([...arena.bytes.subarray(reserved, reserved + 8)], new Array(8).fill(0));
  t.deepEqual([...arena.bytes.subarray(offset + 16, offset + 20)], [107, 118, 118, 0]);
  t.is(table.find(bytesOf('l'), hashKey(bytesOf('l'), 0, 1), BASE), 0);
});

test('memtable: the first record is refused, when nothing was reserved', (t) => {
  const table = new Memtable(new Arena(4_096), 0);
  t.throws(() => table.add(PUT, 1, bytesOf('k'), NOTHING), { instanceOf: BugError });
  t.throws(() => table.addBatch(new WriteBatch().put(bytesOf('k'), NOTHING), 1), { instanceOf: BugError });
  t.throws(() => table.reserve(6), { instanceOf: BugError });
});

interface Damage {
  readonly offset?: number;
  readonly words: readonly (readonly [word: number, value: number])[];
  readonly limit?: number;
  /** Bytes from the record's beginning. */
  readonly at: number;
  readonly expected: string;
  readonly found: string;
}
/** A record of `key` and `value` behind another of the same key, in an arena of 4096 bytes; `words` of it damaged. */
const refused = test.macro((t: ExecutionContext, damage: Damage) => {
  const pair = new Pair(4_096);
  pair.add(PUT, bytesOf('key'), bytesOf('value'));
  pair.add(PUT, bytesOf('key'), bytesOf('value'));
  const [first, second] = pair.offsets as [number, number];
  const { arena } = pair.table;
  for (const [word, content] of damage.words) arena.words[(second >>> 2) + word] = content;
  const table = new Memtable(arena, BASE);
  table.reserve(HEADER);
  t.is(table.indexRecord(first, 4_096, 'a.log'), second);
  const offset = damage.offset ?? second;
  const error = t.throws(() => table.indexRecord(offset, damage.limit ?? 4_096, 'a.log'), { instanceOf: StorageError, code: 'CORRUPTION' });
  const { at, expected, found } = damage;
  t.deepEqual(error.place, { file: 'a.log', offset: offset + at, expected: `record: ${expected}`, found });
  t.deepEqual([table.recordCount, table.length, allForward(table.cursor()).length], [1, second, 1]);
});
const SECOND = HEADER + recordBytes(3, 5);
const ROOM = 4_096 - SECOND - RECORD_HEADER_BYTES;
const damages: Readonly<Record<string, Damage>> = {
  'of kind 0': { words: [[2, (3 << 4) | 0]], at: 8, expected: 'kind 1 to 3', found: '0' },
  'of kind 4': { words: [[2, (3 << 4) | 4]], at: 8, expected: 'kind 1 to 3', found: '4' },
  'with a key longer than keys can be': {
    words: [[2, ((KEY_BYTES_MAX + 1) << 4) | PUT]],
    at: 8,
    expected: `a key of at most ${KEY_BYTES_MAX} bytes`,
    found: String(KEY_BYTES_MAX + 1),
  },
  'with a key that passes the end': { words: [[2, (4_090 << 4) | PUT]], at: 8, expected: `a key of at most ${ROOM} bytes`, found: '4090' },
  'with a value that passes the end': {
    words: [[3, ROOM - 2]],
    at: 12,
    expected: `a value of at most ${ROOM - 3} bytes`,
    found: String(ROOM - 2),
  },
  'with the longest length': { words: [[3, 0xffff_ffff]], at: 12, expected: `a value of at most ${ROOM - 3} bytes`, found: '4294967295' },
  'of DELETE with a value': { words: [[2, (3 << 4) | DELETE]], at: 12, expected: 'a value of at most 0 bytes', found: '5' },
  'with the sequence of the one before': { words: [[1, 0]], at: 4, expected: 'a sequence above 0', found: '0' },
  'whose header passes the limit': { words: [], limit: SECOND + 12, at: 0, expected: `16 bytes before ${SECOND + 12}`, found: '12' },
  'whose padding passes the limit': {
    words: [[3, 6]],
    limit: SECOND + 26,
    at: 0,
    expected: `an end at or before ${SECOND + 26}`,
    found: String(SECOND + 28),
  },
  'at an odd offset': { words: [], offset: SECOND + 2, at: 0, expected: 'an offset that is a multiple of 4', found: String(SECOND + 2) },
  'before the end of the one before': {
    words: [],
    offset: HEADER,
    at: 0,
    expected: `an offset of at least ${SECOND}`,
    found: String(HEADER),
  },
};
for (const [name, damage] of Object.entries(damages)) test(`memtable: recovery refuses a record, when it is one ${name}`, refused, damage);

test('memtable: recovery refuses a record at offset 0, when nothing was reserved', (t) => {
  t.throws(() => new Memtable(new Arena(4_096), 0).indexRecord(0, 4_096, 'a.log'), { instanceOf: StorageError, code: 'CORRUPTION' });
});

for (const bytes of [0, 1_020, 4_098, 2_048.5, Number.NaN, 2 ** 31]) {
  test(`arena: a capacity is refused, when it is ${bytes}`, (t) => {
    const error = t.throws(() => new Arena(bytes), { instanceOf: StorageError, code: 'INVALID_ARGUMENT' });
    t.true(error.message.endsWith(`got ${bytes}`));
  });
}

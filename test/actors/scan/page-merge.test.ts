import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { beginEntry, endEntry, faultOfEntries, PageEntries } from '../../../actors/scan/page-entries.ts';
import { PageMerge } from '../../../actors/scan/page-merge.ts';
import { beginPage, type Page, readPage } from '../../../actors/scan/scan-frames.ts';
import { stripValues } from '../../../actors/scan/strip-values.ts';
import { checkRecord } from '../../../actors/version/check-record.ts';
import { RecordView } from '../../../actors/version/record-view.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { anyNaive } from '../version/arbitraries.ts';
import { encodeNaive, type NaiveRecord, NO_RECORD, naiveMerge } from '../version/naive-record.ts';
import { mergeBytes, viewOf } from '../version/records.ts';
import { recordOf, siblingOf } from './scan-cluster.ts';

/** A key as text that sorts as keys do: the token in hexadecimal, then the key. */
type Name = string;
interface NaivePage {
  /** Of all that the replica has in the range. */
  readonly has: ReadonlyMap<Name, NaiveRecord>;
  /** It says what it has up to this one; undefined: all. */
  readonly covered: Name | undefined;
}

const NOW = 1_764_000_000_000;

function nameOf(high: number, low: number, key: string): Name {
  return `${high.toString(16).padStart(8, '0')}${low.toString(16).padStart(8, '0')}${key}`;
}

function pageOf({ has, covered }: NaivePage): Page {
  const out = new OutBuffer(1_024, 1 << 20);
  const partsOf = (name: Name): [number, number, Buffer] => [
    Number.parseInt(name.slice(0, 8), 16),
    Number.parseInt(name.slice(8, 16), 16),
    Buffer.from(name.slice(16)),
  ];
  if (covered === undefined) {
    beginPage(out, null);
  } else {
    const [high, low, key] = partsOf(covered);
    beginPage(out, { high, low, key });
  }
  for (const [name, record] of [...has].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (covered !== undefined && name > covered) continue;
    const [high, low, key] = partsOf(name);
    const bytes = encodeNaive(record);
    const start = out.length;
    if (!beginEntry(out, high, low, key, 0, key.length, bytes.length)) throw new Error('page: no room');
    out.bytes.set(bytes, out.length);
    out.length += bytes.length;
    endEntry(out, start);
  }
  const page = readPage(out.bytes, 0, out.length);
  if (typeof page === 'string') throw new Error(page);
  return page;
}

function isLive({ siblings }: NaiveRecord): boolean {
  return siblings.some(({ isTombstone, expiry }) => !isTombstone && (expiry === 0 || NOW < expiry));
}

/** What there is, said the long way: per key, with all records of it. */
function oracle(pages: readonly NaivePage[]): { readonly covered: Name | undefined; readonly keys: readonly (readonly [Name, string])[] } {
  const bounds = pages.flatMap(({ covered }) => (covered === undefined ? [] : [covered]));
  const covered = bounds.sort()[0];
  const names = [...new Set(pages.flatMap(({ has }) => [...has.keys()]))].sort().filter((name) => covered === undefined || name <= covered);
  const keys: (readonly [Name, string])[] = [];
  for (const name of names) {
    const merged = pages.reduce((all, { has }) => naiveMerge(all, has.get(name) ?? NO_RECORD), NO_RECORD);
    if (isLive(merged)) keys.push([name, encodeNaive(merged).toString('hex')]);
  }
  return { covered, keys };
}

function merged(pages: readonly NaivePage[], mutants: readonly string[] = []): ReturnType<typeof oracle> {
  const out = new OutBuffer(16, 1 << 22);
  const result = new PageMerge(new Set(mutants)).merge(pages.map(pageOf), out, { isLww: false, wallMs: NOW });
  const entries = new PageEntries();
  const keys: (readonly [Name, string])[] = [];
  entries.open(out.bytes, 0, out.length);
  while (entries.next()) {
    const name = nameOf(entries.high, entries.low, Buffer.from(entries.key()).toString());
    keys.push([name, out.bytes.toString('hex', entries.keyEnd, entries.recordEnd)]);
  }
  const { covered } = result;
  return { covered: covered ? nameOf(covered.high, covered.low, Buffer.from(covered.key).toString()) : undefined, keys };
}

/** Few tokens, so that keys collide, and some at the ends of their halves. */
const anyName = fc
  .tuple(fc.constantFrom(0, 7, 0x8000_0000, 0xffff_ffff), fc.constantFrom(0, 5, 0xffff_ffff), fc.constantFrom('a', 'aa', 'b', 'c'))
  .map(([high, low, key]) => nameOf(high, low, key));
const anyPage: fc.Arbitrary<NaivePage> = fc.record({
  has: fc.array(fc.tuple(anyName, anyNaive), { maxLength: 8 }).map((all) => new Map(all)),
  covered: fc.option(anyName, { nil: undefined }),
});

testProp(
  'page merge: it says what all replicas hold together, as far as all have said all',
  [fc.array(anyPage, { minLength: 1, maxLength: 4 })],
  (t, pages) => {
    t.deepEqual(merged(pages), oracle(pages));
  },
);

test('page merge: a page that ends earlier holds back what lies behind it', (t) => {
  const value = recordOf(siblingOf('a', 1, 'v'));
  const [a, b, c] = ['a', 'b', 'c'].map((key) => nameOf(5, 5, key)) as [Name, Name, Name];
  const pages = [
    {
      has: new Map([
        [a, value],
        [c, value],
      ]),
      covered: undefined,
    },
    { has: new Map([[b, value]]), covered: b },
  ];
  t.deepEqual(
    merged(pages).keys.map(([name]) => name),
    [a, b],
  );
  t.is(merged(pages).covered, b);
});

const planted = test.macro((t, mutant: string) => {
  const anyPages = fc.array(anyPage, { minLength: 1, maxLength: 4 });
  const found = fc.check(
    fc.property(anyPages, (pages) => JSON.stringify(merged(pages, [mutant])) === JSON.stringify(oracle(pages))),
    { seed: 1, numRuns: 300 },
  );
  t.true(found.failed);
});
for (const mutant of ['boundIgnored', 'farthestPageCounts', 'lastReplicaWins', 'tombstoneShown'])
  test(`page merge: ${mutant} is found, when planted`, planted, mutant);

test('page merge: of last-writer-wins the newest stays', (t) => {
  const name = nameOf(1, 1, 'k');
  const pages = ['a', 'b', 'c'].map((letter, i) => ({
    has: new Map([[name, recordOf(siblingOf(letter, i + 1, letter))]]),
    covered: undefined,
  }));
  const out = new OutBuffer(16, 1 << 20);
  new PageMerge().merge(pages.map(pageOf), out, { isLww: true, wallMs: NOW });
  const entries = new PageEntries();
  entries.open(out.bytes, 0, out.length);
  t.true(entries.next());
  const view = entries.record(new RecordView());
  t.deepEqual([view.siblings, view.entries], [1, 3]);
  t.is(out.bytes.toString('latin1', entries.recordEnd - 1, entries.recordEnd), 'c');
});

test('page merge: what has no room is left for the next page', (t) => {
  const has = new Map(['a', 'b', 'c'].map((key) => [nameOf(1, 1, key), recordOf(siblingOf('a', 1, 'v'.repeat(100)))]));
  const page = pageOf({ has, covered: undefined });
  const out = new OutBuffer(16, 450);
  const first = new PageMerge().merge([page], out, { isLww: false, wallMs: NOW });
  t.like(first, { keys: 2, isFull: true, covered: { high: 1, low: 1 } });
  t.is(Buffer.from(first.covered!.key).toString(), 'b');
  t.like(new PageMerge().merge([page], new OutBuffer(16, 100), { isLww: false, wallMs: NOW }), {
    keys: 0,
    isFull: true,
    covered: undefined,
  });
});

testProp('strip values: a record without its values is one, and merges as the whole one does', [anyNaive, anyNaive], (t, a, b) => {
  const strip = (record: Uint8Array): Buffer => {
    const out = new OutBuffer(16, 1 << 20);
    out.ensure(record.length);
    stripValues(viewOf(record), out);
    return Buffer.from(out.bytes.subarray(0, out.length));
  };
  const whole = mergeBytes(encodeNaive(a), encodeNaive(b));
  const stripped = mergeBytes(strip(encodeNaive(a)), strip(encodeNaive(b)));
  t.is(checkRecord(stripped, 0, stripped.length), undefined);
  t.is(viewOf(stripped).entries, viewOf(whole).entries);
  const hasTwins = [a, b].some(({ siblings }) => new Set(siblings.map((s) => `${s.actor} ${s.counter}`)).size < siblings.length);
  const differs = a.siblings.some((s) =>
    b.siblings.some((o) => o.actor === s.actor && o.counter === s.counter && JSON.stringify(o) !== JSON.stringify(s)),
  );
  if (!hasTwins && !differs) t.is(stripped.toString('hex'), strip(whole).toString('hex'));
});

/** Names of the entries that fill `bytes`, said the long way; undefined: something else is in it. */
function naiveEntries(bytes: Buffer): readonly Name[] | undefined {
  const names: Name[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + 14 > bytes.length) return undefined;
    const keyEnd = at + 14 + bytes.readUInt16LE(at + 8);
    const end = keyEnd + bytes.readUInt32LE(at + 10);
    const name = nameOf(bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4), bytes.toString('latin1', at + 14, keyEnd));
    if (keyEnd === at + 14 || end > bytes.length || checkRecord(bytes, keyEnd, end) !== undefined || name <= (names.at(-1) ?? ''))
      return undefined;
    names.push(name);
    at = end;
  }
  return names;
}

testProp(
  'page entries: damaged ones are refused where they are none any more, and read to their end where they are',
  [anyPage, fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 3 })],
  (t, naive, changes) => {
    const { bytes, entriesStart, entriesEnd } = pageOf(naive);
    const damaged = Buffer.from(bytes.subarray(0, entriesEnd));
    for (const [at, value] of changes) if (entriesStart + at < entriesEnd) damaged[entriesStart + at] = value;
    const expected = naiveEntries(damaged.subarray(entriesStart));
    const fault = faultOfEntries(damaged, entriesStart, entriesEnd);
    t.is(fault === undefined, expected !== undefined, fault);
    const entries = new PageEntries();
    const names: Name[] = [];
    entries.open(damaged, entriesStart, expected === undefined ? entriesStart : entriesEnd);
    while (entries.next()) names.push(nameOf(entries.high, entries.low, Buffer.from(entries.key()).toString('latin1')));
    t.deepEqual(names, expected ?? []);
  },
);

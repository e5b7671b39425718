import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { faultOfEntries, PageEntries } from '../../../actors/scan/page-entries.ts';
import { PageMerge, type Said } from '../../../actors/scan/page-merge.ts';
import { stripValues } from '../../../actors/scan/strip-values.ts';
import { checkRecord } from '../../../actors/version/check-record.ts';
import { RecordView } from '../../../actors/version/record-view.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { anyNaive } from '../version/arbitraries.ts';
import { encodeNaive, type NaiveRecord, NO_RECORD, naiveMerge } from '../version/naive-record.ts';
import { mergeBytes, viewOf } from '../version/records.ts';
import { type NaivePage, type Name, nameOf, pageOf, pageWith } from './naive-page.ts';
import { recordOf, siblingOf } from './scan-cluster.ts';

const NOW = 1_764_000_000_000;

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

/** Each replica says the same once more, unless `later` has something else of it. */
function saidOf(pages: readonly NaivePage[], later: readonly (NaivePage | undefined)[] = pages): Said[] {
  return pages.map((page, i) => ({ page: pageOf(page), later: later[i] === undefined ? undefined : pageOf(later[i]) }));
}

function merged(
  pages: readonly NaivePage[],
  mutants: readonly string[] = [],
  later: readonly (NaivePage | undefined)[] = pages,
): ReturnType<typeof oracle> & { readonly unsure: number } {
  const out = new OutBuffer(16, 1 << 22);
  const options = { needed: pages.length, isLww: false, wallMs: NOW };
  const result = new PageMerge(new Set(mutants)).merge(saidOf(pages, later), out, options);
  const entries = new PageEntries();
  const keys: (readonly [Name, string])[] = [];
  entries.open(out.bytes, 0, out.length);
  while (entries.next()) {
    const name = nameOf(entries.high, entries.low, Buffer.from(entries.key()).toString());
    keys.push([name, out.bytes.toString('hex', entries.keyEnd, entries.recordEnd)]);
  }
  const { covered, unsure } = result;
  return { covered: covered ? nameOf(covered.high, covered.low, Buffer.from(covered.key).toString()) : undefined, keys, unsure };
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
    const { unsure, ...said } = merged(pages);
    t.deepEqual(said, oracle(pages));
    t.is(unsure, 0);
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

/** Of three keys that each two replicas are asked for. */
const [A, B, C] = ['a', 'b', 'c'].map((key) => nameOf(5, 5, key)) as [Name, Name, Name];
const ONE = recordOf(siblingOf('a', 1, 'one'));
const GONE = recordOf(siblingOf('a', 2, undefined));
const AFTER_ONE = recordOf(siblingOf('a', 2, 'two'));
const TWO = recordOf(siblingOf('b', 3, 'two'));
function valuesOf({ keys }: { readonly keys: readonly (readonly [Name, string])[] }): readonly string[] {
  return keys.map(
    ([name, hex]) =>
      `${name.slice(16)} ${Buffer.from(hex, 'hex')
        .toString('latin1')
        .match(/one|two/g)
        ?.join(',')}`,
  );
}

test('page merge: who alone has a key is asked once more, and nobody where all agree, or one knows better', (t) => {
  const none = [undefined, undefined];
  t.is(merged([pageWith([A, ONE]), pageWith([A, ONE])], [], none).unsure, 0);
  t.is(merged([pageWith([A, ONE]), pageWith([A, GONE])], [], none).unsure, 0);
  t.is(merged([pageWith([A, GONE]), pageWith()], [], none).unsure, 0);
  t.is(merged([pageWith(), pageWith([A, ONE])], [], none).unsure, 0b10);
  t.is(merged([pageWith([A, ONE]), pageWith([B, ONE])], [], none).unsure, 0b11);
  t.is(merged([pageWith([A, ONE]), pageWith([A, TWO])], [], none).unsure, 0b11);
  t.is(merged([pageWith([A, ONE]), pageWith([A, AFTER_ONE])], [], none).unsure, 0);
  const three = [pageWith([A, ONE]), pageWith([A, ONE]), pageWith()];
  t.is(merged(three, [], [undefined, undefined, undefined]).unsure, 0b11, 'needed: 3');
});

test('page merge: of a key that one alone has, what that one says later counts; of others what was said first', (t) => {
  const first = [pageWith([A, ONE], [B, GONE], [C, ONE]), pageWith([B, ONE], [C, ONE])];
  t.deepEqual(valuesOf(merged(first, [], [pageWith([A, ONE]), undefined])), ['a one', 'c one']);
  t.deepEqual(valuesOf(merged(first, [], [pageWith([A, GONE]), undefined])), ['c one']);
  // It has lost two of them since: B is as dead as it was, and C is shown.
  t.deepEqual(valuesOf(merged(first, [], [pageWith(), undefined])), ['c one']);
  const mixed = [pageWith([A, ONE]), pageWith([A, TWO])];
  t.deepEqual(valuesOf(merged(mixed, [], [pageWith([A, GONE]), pageWith([A, TWO])])), ['a two']);
  t.deepEqual(valuesOf(merged(mixed, [], [pageWith(), pageWith([A, TWO])])), ['a two']);
  t.deepEqual(valuesOf(merged(mixed)), ['a one,two']);
  t.deepEqual(valuesOf(merged(mixed, ['purgedScanMixed'], [pageWith(), pageWith([A, TWO])])), ['a one,two'], 'control');
});

test('page merge: what is said later bounds the page as what was said first does', (t) => {
  const first = [pageWith([A, ONE], [C, ONE]), pageWith([C, ONE])];
  const found = merged(first, [], [{ has: new Map([[A, ONE]]), covered: B }, undefined]);
  t.is(found.covered, B);
  t.deepEqual(valuesOf(found), ['a one']);
});

const planted = test.macro((t, mutant: string) => {
  const anyPages = fc.array(anyPage, { minLength: 1, maxLength: 4 });
  const found = fc.check(
    fc.property(anyPages, (pages) => JSON.stringify(merged(pages, [mutant])) === JSON.stringify({ ...oracle(pages), unsure: 0 })),
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
  new PageMerge().merge(saidOf(pages), out, { needed: 2, isLww: true, wallMs: NOW });
  const entries = new PageEntries();
  entries.open(out.bytes, 0, out.length);
  t.true(entries.next());
  const view = entries.record(new RecordView());
  t.deepEqual([view.siblings, view.entries], [1, 3]);
  t.is(out.bytes.toString('latin1', entries.recordEnd - 1, entries.recordEnd), 'c');
});

test('page merge: what has no room is left for the next page', (t) => {
  const has = new Map(['a', 'b', 'c'].map((key) => [nameOf(1, 1, key), recordOf(siblingOf('a', 1, 'v'.repeat(100)))]));
  const said = saidOf([{ has, covered: undefined }]);
  const options = { needed: 1, isLww: false, wallMs: NOW };
  const out = new OutBuffer(16, 450);
  const first = new PageMerge().merge(said, out, options);
  t.like(first, { keys: 2, isFull: true, covered: { high: 1, low: 1 } });
  t.is(Buffer.from(first.covered!.key).toString(), 'b');
  t.like(new PageMerge().merge(said, new OutBuffer(16, 100), options), {
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

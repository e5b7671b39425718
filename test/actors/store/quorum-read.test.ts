import test from 'ava';
import { QuorumReads, type ReadProgress, type ReadReply } from '../../../actors/store/quorum-read.ts';

/** Replica (a, b, ...), what it says, and of which version: 0 is absent. */
type Step = readonly [replica: string, reply: ReadReply, version?: number];

interface Row {
  readonly primaries: string;
  /** Default: the primaries. */
  readonly replicas?: string;
  readonly isSloppy?: boolean;
  readonly r: number;
  readonly steps: readonly Step[];
  readonly progress: ReadProgress;
  readonly wanted?: string;
  readonly why: string;
}

const bit = (name: string): number => name.charCodeAt(0) - 97;
const mask = (names: string): number => Array.from(names).reduce((all, name) => all | (1 << bit(name)), 0);
const records = (version: number, names: string): Step[] => Array.from(names, (name) => [name, 'record', version] as const);
const digests = (version: number, names: string): Step[] => Array.from(names, (name) => [name, 'digest', version] as const);
const fail = (names: string): Step[] => Array.from(names, (name) => [name, 'failed'] as const);
const overload = (names: string): Step[] => Array.from(names, (name) => [name, 'overloaded'] as const);
const stale = (names: string): Step[] => Array.from(names, (name) => [name, 'stale'] as const);

const ROWS: readonly Row[] = [
  { primaries: 'abc', r: 2, steps: [], progress: 'waiting', why: 'nobody has answered' },
  { primaries: 'abc', r: 1, steps: records(1, 'a'), progress: 'met', why: 'one is enough' },
  { primaries: 'abc', r: 2, steps: records(1, 'a'), progress: 'waiting', why: 'R - 1 is not R' },
  { primaries: 'abc', r: 2, steps: records(1, 'aa'), progress: 'waiting', why: 'one node, one vote' },
  { primaries: 'abc', r: 2, steps: [...records(1, 'a'), ...digests(1, 'b')], progress: 'met', why: 'equal digests' },
  {
    primaries: 'abc',
    r: 2,
    steps: [...records(1, 'a'), ...digests(2, 'b')],
    progress: 'mismatch',
    wanted: 'b',
    why: 'what b holds is not here yet',
  },
  {
    primaries: 'abc',
    r: 2,
    steps: [...records(1, 'a'), ...digests(2, 'b'), ...records(2, 'b')],
    progress: 'met',
    why: 'the record of b came',
  },
  {
    primaries: 'abc',
    r: 2,
    steps: [...records(2, 'b'), ...digests(1, 'b'), ...records(1, 'a')],
    progress: 'met',
    why: 'a late digest replaces no record',
  },
  {
    primaries: 'abc',
    r: 3,
    steps: [...records(1, 'a'), ...digests(2, 'bc')],
    progress: 'mismatch',
    wanted: 'bc',
    why: 'both differ',
  },
  {
    primaries: 'abc',
    r: 3,
    steps: [...records(1, 'a'), ...digests(2, 'bc'), ...records(2, 'b')],
    progress: 'met',
    why: 'the record of b covers c',
  },
  {
    primaries: 'abc',
    r: 2,
    steps: digests(1, 'bc'),
    progress: 'mismatch',
    wanted: 'bc',
    why: 'digests alone are no value',
  },
  {
    primaries: 'abc',
    r: 2,
    steps: [...fail('a'), ...digests(1, 'b')],
    progress: 'waiting',
    wanted: 'b',
    why: 'c may make it up',
  },
  {
    primaries: 'abc',
    r: 2,
    steps: [...fail('a'), ...digests(1, 'b'), ...records(1, 'c')],
    progress: 'met',
    why: 'c is equal to b',
  },
  {
    primaries: 'abc',
    r: 2,
    steps: [...digests(1, 'b'), ...fail('b'), ...records(2, 'a')],
    progress: 'waiting',
    why: 'a digest whose record will not come does not count',
  },
  { primaries: 'abc', r: 2, steps: [...fail('bc'), ...records(1, 'a')], progress: 'lost', why: 'one is left' },
  { primaries: 'ab', r: 3, steps: [], progress: 'lost', why: 'more than there are' },
  { primaries: 'abc', r: 2, steps: [...fail('ab'), ...records(1, 'abc')], progress: 'met', why: 'late is not never' },
  {
    primaries: 'abc',
    r: 2,
    steps: [...records(0, 'a'), ...digests(0, 'b')],
    progress: 'met',
    why: 'two primaries that hold nothing are an answer',
  },
  {
    primaries: 'abc',
    r: 2,
    steps: [...records(0, 'a'), ...fail('bc')],
    progress: 'lost',
    why: 'too few answers is not the same as not found [T15]',
  },
  {
    primaries: 'abc',
    replicas: 'abcd',
    isSloppy: true,
    r: 2,
    steps: [...records(0, 'd'), ...fail('c')],
    progress: 'waiting',
    why: 'a stand-in that holds nothing has no vote alone [T15]',
  },
  {
    primaries: 'abc',
    replicas: 'abcde',
    isSloppy: true,
    r: 2,
    steps: [...records(0, 'de'), ...fail('abc')],
    progress: 'lost',
    why: 'nor have two, when all primaries fail [T15]',
  },
  {
    primaries: 'abc',
    replicas: 'abcd',
    isSloppy: true,
    r: 2,
    steps: [...records(0, 'a'), ...digests(0, 'd')],
    progress: 'met',
    why: 'it has one beside a primary that holds nothing either',
  },
  {
    primaries: 'abc',
    replicas: 'abcd',
    isSloppy: true,
    r: 2,
    steps: [...fail('bc'), ...records(0, 'd'), ...records(1, 'a')],
    progress: 'met',
    why: 'and beside one that holds something, which is what is answered',
  },
  {
    primaries: 'abc',
    replicas: 'abcd',
    isSloppy: true,
    r: 2,
    steps: [...records(1, 'ad')],
    progress: 'met',
    why: 'what it holds counts in a sloppy read',
  },
  {
    primaries: 'abc',
    replicas: 'abcd',
    r: 2,
    steps: [...records(1, 'ad')],
    progress: 'waiting',
    why: 'and not in a strict one [T14]',
  },
  {
    primaries: 'abc',
    r: 2,
    steps: [...records(1, 'a'), ...stale('b')],
    progress: 'waiting',
    why: 'stale is no vote, c may give one [T19]',
  },
  {
    primaries: 'abc',
    r: 2,
    steps: [...records(1, 'a'), ...stale('bc')],
    progress: 'stale',
    why: 'with the present ring it may work',
  },
  { primaries: 'abc', r: 2, steps: [...records(1, 'a'), ...overload('b')], progress: 'waiting', why: 'c may answer' },
  {
    primaries: 'abc',
    r: 2,
    steps: [...records(1, 'a'), ...overload('bc')],
    progress: 'overloaded',
    why: 'with one of them it would be enough',
  },
  {
    primaries: 'abc',
    r: 2,
    steps: [...records(1, 'a'), ...overload('b'), ...fail('c')],
    progress: 'overloaded',
    why: 'with b it would be enough',
  },
  {
    primaries: 'ab',
    replicas: 'abc',
    isSloppy: true,
    r: 1,
    steps: [...overload('c'), ...records(0, 'c'), ...fail('ab')],
    progress: 'lost',
    why: 'c has answered after all, and holds nothing [T15]',
  },
  { primaries: 'abc', r: 2, steps: [...fail('ab'), ...overload('c')], progress: 'lost', why: 'with c it is not enough either' },
  { primaries: 'abc', r: 2, steps: [...overload('abc'), ...fail('ab')], progress: 'lost', why: 'what was said last counts' },
  {
    primaries: 'abc',
    r: 2,
    steps: [...overload('ab'), ...stale('c')],
    progress: 'stale',
    why: 'it is tried again by the present ring first',
  },
  { primaries: 'abc', r: 2, steps: [...overload('ab'), ...records(1, 'ab')], progress: 'met', why: 'they have answered after all' },
  {
    primaries: 'abc',
    r: 2,
    steps: [...records(1, 'a'), ...overload('a'), ...fail('bc')],
    progress: 'lost',
    why: 'the record of a is here',
  },
];

const NAMES: readonly string[] = ROWS.map(
  ({ primaries, isSloppy, r, steps }) =>
    `${primaries} r ${r}${isSloppy === true ? ' sloppy' : ''} ${steps.map((it) => it.join('')).join(' ')}`,
);

function run(
  { primaries, replicas = primaries, isSloppy = false, r, steps }: Row,
  mutants?: ReadonlySet<string>,
): { progress: ReadProgress; wanted: number } {
  const reads = new QuorumReads(2, mutants);
  reads.start(1, replicas.length, mask(primaries), isSloppy, r);
  for (const [who, reply, version = 0] of steps) reads.addReply(1, bit(who), reply, version, version * 7);
  return { progress: reads.enough(1), wanted: reads.wanted(1) };
}

const row = test.macro((t, at: number) => {
  const { progress, wanted = '' } = ROWS[at]!;
  t.deepEqual(run(ROWS[at]!), { progress, wanted: mask(wanted) });
});

for (const [at, { why }] of ROWS.entries()) test(`quorum read: ${NAMES[at]}: ${why}`, row, at);

const bug = test.macro((t, name: string) => {
  const found = ROWS.filter((it) => {
    const { progress } = run(it, new Set([name]));
    return progress !== it.progress;
  });
  t.true(found.length > 0);
});

for (const name of ['countsReplicaTwice', 'notFoundFromNonPrimaryCounts', 'digestIgnored', 'staleRingIgnored']) {
  test(`quorum read: the table finds the planted bug ${name}`, bug, name);
}

test('quorum read: who was not asked is next, in order, and gives its record where none has come', (t) => {
  const reads = new QuorumReads(1);
  reads.start(0, 3, mask('abc'), false, 2);
  reads.asked(0, 0, true);
  reads.asked(0, 1, false);
  t.is(reads.next(0), 2);
  t.is(reads.silent(0), mask('ab'));
  t.true(reads.lacksRecord(0));
  reads.addReply(0, 0, 'record', 1, 1);
  t.false(reads.lacksRecord(0));
  reads.asked(0, 2, false);
  t.is(reads.next(0), -1);
  t.is(reads.silent(0), mask('bc'));
});

test('quorum read: a record is asked for once', (t) => {
  const reads = new QuorumReads(1);
  reads.start(0, 3, mask('abc'), false, 2);
  reads.addReply(0, 0, 'record', 1, 1);
  reads.addReply(0, 1, 'digest', 2, 2);
  t.is(reads.wanted(0), mask('b'));
  reads.asked(0, 1, true);
  t.is(reads.wanted(0), 0);
});

test('quorum read: primaries that hold something else than the merged record are repaired, stand-ins are not [T17]', (t) => {
  const reads = new QuorumReads(1);
  reads.start(0, 4, mask('abc'), true, 2);
  reads.addReply(0, 0, 'record', 1, 0);
  reads.addReply(0, 1, 'record', 2, -5);
  reads.addReply(0, 3, 'record', 9, 9);
  t.is(reads.repairs(0, 2, 0xffff_fffb), mask('a'));
  t.is(reads.repairs(0, 3, 3), mask('ab'));
  t.deepEqual([reads.received(0), reads.primaries(0), reads.needed(0)], [3, 2, 2]);
});

test('quorum read: the only primary that is asked for one reply is sole, and no longer when another is asked', (t) => {
  const reads = new QuorumReads(1);
  reads.start(0, 3, mask('abc'), false, 1);
  reads.asked(0, bit('a'), true);
  t.true(reads.isSole(0, bit('a')));
  t.false(reads.isSole(0, bit('b')));
  reads.asked(0, bit('b'), false);
  t.false(reads.isSole(0, bit('a')));
  reads.start(0, 3, mask('abc'), false, 2);
  reads.asked(0, bit('a'), true);
  t.false(reads.isSole(0, bit('a')), 'two replies are needed');
  reads.start(0, 3, mask('bc'), true, 1);
  reads.asked(0, bit('a'), true);
  t.false(reads.isSole(0, bit('a')), 'a stand-in');
});

test('quorum read: one record that came once is the only one, and who said something else is repaired', (t) => {
  const reads = new QuorumReads(1);
  reads.start(0, 3, mask('abc'), false, 3);
  t.is(reads.onlyRecord(0), -1);
  reads.addReply(0, bit('b'), 'record', 7, 7);
  reads.addReply(0, bit('a'), 'digest', 7, 7);
  reads.addReply(0, bit('c'), 'digest', 8, 7);
  t.is(reads.onlyRecord(0), bit('b'));
  t.is(reads.repairsAs(0, bit('b')), mask('c'));
  reads.addReply(0, bit('b'), 'record', 9, 9);
  t.is(reads.onlyRecord(0), -1, 'it came twice, and may have changed');
  reads.start(0, 3, mask('abc'), false, 3);
  t.is(reads.onlyRecord(0), -1);
});

test('quorum read: who has something is asked again beside who has nothing, what they said before counts no more, and that comes to an end', (t) => {
  const reads = new QuorumReads(4);
  reads.start(1, 3, mask('abc'), false, 2);
  const say = (name: string, reply: ReadReply, version: number): void => reads.addReply(1, bit(name), reply, version, version);
  for (const name of 'abc') reads.asked(1, bit(name), true);
  say('a', 'record', 7);
  say('b', 'record', 0);
  t.deepEqual([reads.enough(1), reads.mayBeMixed(1, mask('a'))], ['met', true]);
  t.is(reads.again(1), mask('a'));
  t.deepEqual([reads.enough(1), reads.silent(1)], ['waiting', 0]);
  reads.asked(1, bit('a'), true);
  say('a', 'record', 8);
  t.deepEqual([reads.enough(1), reads.mayBeMixed(1, mask('a')), reads.replied(1)], ['met', false, mask('ab')], 'b had nothing before');
  say('c', 'digest', 0);
  t.deepEqual([reads.mayBeMixed(1, mask('a')), reads.again(1)], [true, mask('a')]);
  t.is(reads.enough(1), 'met', 'R of them have nothing');
});

test('quorum read: who is asked again is waited for, though it had failed, and so is the record of who has nothing but a digest', (t) => {
  const reads = new QuorumReads(4);
  reads.start(3, 3, mask('abc'), false, 2);
  for (const name of 'abc') reads.asked(3, bit(name), true);
  reads.addReply(3, bit('a'), 'record', 7, 7);
  reads.addReply(3, bit('b'), 'digest', 0, 0);
  reads.addReply(3, bit('c'), 'digest', 7, 7);
  reads.addReply(3, bit('c'), 'failed', 0, 0);
  t.is(reads.wanted(3), 0, 'it was asked for');
  t.is(reads.again(3), mask('ac'));
  for (const name of 'ac') reads.asked(3, bit(name), true);
  t.is(reads.silent(3), mask('ac'));
  reads.addReply(3, bit('a'), 'record', 7, 7);
  t.deepEqual([reads.wanted(3), reads.onlyRecord(3)], [mask('b'), bit('a')]);
});

test('quorum read: where nobody has said what merging gave, all are asked again, once', (t) => {
  const reads = new QuorumReads(4);
  reads.start(2, 3, mask('abc'), false, 2);
  for (const name of 'ab') reads.asked(2, bit(name), true);
  for (const version of [5, 6]) reads.addReply(2, version - 5, 'record', version, version);
  t.true(reads.mayBeMixed(2, 0));
  t.false(reads.mayBeMixed(2, mask('a')), 'that of a covers that of b');
  t.is(reads.again(2), mask('ab'));
  for (const version of [5, 6]) reads.addReply(2, version - 5, 'record', version, version);
  t.false(reads.mayBeMixed(2, 0));
});

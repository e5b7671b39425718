import { readFileSync } from 'node:fs';
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { checkBareVector, checkRecord } from '../../../actors/version/check-record.ts';
import { expiryAt, isLiveAt, isTombstone, siblingEnd, stampAt, valueStart } from '../../../actors/version/record-view.ts';
import { anyNaive, anyRecord } from './arbitraries.ts';
import { exampleContext, exampleRecord, hexOfExample } from './examples.ts';
import { decodeNaive, encodeNaive } from './naive-record.ts';
import { actorOf, mergeBytes, NOTHING, putBytes, viewOf } from './records.ts';

const check = (bytes: Uint8Array) => checkRecord(bytes, 0, bytes.length);
/** `bytes` with `change` made to a copy. */
const changed = (bytes: Buffer, change: (copy: Buffer) => unknown): Buffer => {
  const copy = Buffer.from(bytes);
  const other = change(copy);
  return Buffer.isBuffer(other) ? other : copy;
};

testProp('record: the view reads what the book says, when any record is opened', [anyNaive], (t, naive) => {
  const bytes = encodeNaive(naive);
  t.is(check(bytes), undefined);
  const view = viewOf(bytes);
  t.is(view.entries, naive.vector.size);
  for (const [actor, { counter }] of naive.vector) {
    t.is(view.counterOf(Buffer.from(actor, 'hex'), 0), counter);
    t.true(view.hasSeen(Buffer.from(actor, 'hex'), 0, counter));
    t.false(view.hasSeen(Buffer.from(actor, 'hex'), 0, counter + 1));
  }
  t.is(view.counterOf(actorOf('z'), 0), 0);
  const { siblings } = decodeNaive(bytes);
  let at = view.siblingsAt;
  for (const sibling of siblings) {
    t.is(Buffer.from(view.bytes.subarray(view.actorOf(at), view.actorOf(at) + 16)).toString('hex'), sibling.actor);
    t.is(stampAt(view.bytes, at), sibling.stamp);
    t.is(expiryAt(view.bytes, at), sibling.expiry);
    t.is(isTombstone(view.bytes, at), sibling.isTombstone);
    t.is(Buffer.from(view.bytes.subarray(valueStart(view.bytes, at), siblingEnd(view.bytes, at))).toString('latin1'), sibling.value);
    at = siblingEnd(view.bytes, at);
  }
  t.is(at, view.end);
});

testProp('record: has one encoding, when its parts are given in any order', [anyNaive], (t, { vector, siblings }) => {
  const other = { vector: new Map([...vector].reverse()), siblings: [...siblings].reverse() };
  t.deepEqual(encodeNaive(other), encodeNaive({ vector, siblings }));
});

test('record format: the examples of FORMAT.md are what the code writes', (t) => {
  const text = readFileSync('actors/version/FORMAT.md', 'utf8');
  t.is(hexOfExample(text, 'record'), exampleRecord().toString('hex'));
  t.is(hexOfExample(text, 'context'), exampleContext().toString('hex'));
});

test('record format: golden records of version 1 are read and merged, and come out the same', (t) => {
  const golden = JSON.parse(readFileSync('test/actors/version/golden/records-v1.json', 'utf8')) as {
    name: string;
    hex: string;
    siblings: unknown;
  }[];
  t.true(golden.length >= 5);
  for (const { name, hex, siblings } of golden) {
    const bytes = Buffer.from(hex, 'hex');
    t.is(check(bytes), undefined, name);
    t.deepEqual(JSON.parse(JSON.stringify(decodeNaive(bytes).siblings)), siblings, name);
    t.deepEqual(mergeBytes(bytes, bytes), bytes, name);
  }
});

const one = putBytes(NOTHING, NOTHING, { actor: actorOf('a'), counter: 5, stamp: 9, value: 'v' });
const two = putBytes(one, NOTHING, { actor: actorOf('b'), counter: 7, stamp: 10, expiry: 99, value: 'w' });
const twins = putBytes(one, NOTHING, { actor: actorOf('a'), counter: 6, value: 'w' });
const ENTRIES_END = 6 + 2 * 32;

const refused = test.macro((t, bytes: Buffer, message: string) => {
  t.is(check(bytes), message);
});

test(
  'check record: too short is refused, when there is no header',
  refused,
  one.subarray(0, 5),
  'expected a header of 6 bytes, found 5 bytes, at 0',
);
test(
  'check record: a newer format is refused',
  refused,
  changed(one, (b) => b.writeUInt8(2, 0)),
  'expected record format 1, found 2, at 0',
);
test(
  'check record: something in the unused byte is refused',
  refused,
  changed(one, (b) => b.writeUInt8(1, 1)),
  'expected zero, found 1, at 1',
);
test(
  'check record: more entries than bytes are refused',
  refused,
  changed(one, (b) => b.writeUInt16LE(65_535, 2)),
  'expected 2097126 bytes for 65535 entries, found 63 bytes, at 2',
);
test(
  'check record: a record of nothing is refused',
  refused,
  Buffer.from([1, 0, 0, 0, 0, 0]),
  'expected an entry or more, found none, at 2',
);
test(
  'check record: a counter of 0 is refused',
  refused,
  changed(one, (b) => b.writeBigUInt64LE(0n, 22)),
  'expected a counter of 1 .. 2^53-1, found 0, at 22',
);
test(
  'check record: a counter of 2^53 is refused',
  refused,
  changed(one, (b) => b.writeBigUInt64LE(2n ** 53n, 22)),
  'expected a counter of 1 .. 2^53-1, found 9007199254740992, at 22',
);
test(
  'check record: actors out of order are refused',
  refused,
  changed(two, (b) => b.fill('c', 6, 22)),
  'expected an actor above the one before, found none, at 38',
);
test(
  'check record: an actor twice is refused',
  refused,
  changed(two, (b) => b.fill('b', 6, 22)),
  'expected an actor above the one before, found none, at 38',
);
test(
  'check record: a sibling of no actor is refused',
  refused,
  changed(two, (b) => b.writeUInt16LE(2, ENTRIES_END)),
  'expected an actor below 2, found 2, at 70',
);
test(
  'check record: siblings out of order are refused',
  refused,
  changed(twins, (b) => b.writeUInt8(4, 71)),
  'expected a dot above the one before, found none, at 63',
);
test(
  'check record: unknown flags are refused',
  refused,
  changed(two, (b) => b.writeUInt8(3, ENTRIES_END + 2)),
  'expected flags 0, 1 or 2, found 3, at 72',
);
test(
  'check record: a tombstone with a value is refused',
  refused,
  changed(two, (b) => b.writeUInt8(1, ENTRIES_END + 2)),
  'expected a tombstone without value, found 1 bytes, at 70',
);
test(
  'check record: a dot that the vector has not seen is refused',
  refused,
  changed(two, (b) => b.writeUInt8(6, ENTRIES_END + 8)),
  'expected a counter of 1 .. 5, found 6, at 78',
);
test(
  'check record: a value beyond the end is refused',
  refused,
  changed(two, (b) => b.writeUInt32LE(0xffff_ffff, ENTRIES_END + 4)),
  'expected 4294967295 bytes of expiry and value, found 34 bytes, at 74',
);
test(
  'check record: a stamp of 2^53 in an entry is refused',
  refused,
  changed(one, (b) => b.writeBigUInt64LE(2n ** 53n, 30)),
  'expected a stamp below 2^53, found 9007199254740992, at 30',
);
test(
  'check record: a stamp of 2^53 is refused',
  refused,
  changed(one, (b) => b.writeBigUInt64LE(2n ** 53n, 54)),
  'expected a stamp below 2^53, found 9007199254740992, at 54',
);
test(
  'check record: an expiry of 0 is refused',
  refused,
  changed(two, (b) => b.writeBigUInt64LE(0n, 95 + 24)),
  'expected an expiry of 1 .. 2^53-1, found 0, at 119',
);
test(
  'check record: bytes behind the end are refused',
  refused,
  Buffer.concat([one, Buffer.alloc(3)]),
  'expected the end, found 3 more bytes, at 63',
);

test('check record: a bare vector passes without siblings only', (t) => {
  const bare = changed(one, (b) => b.subarray(0, 38).fill(0, 4, 6));
  t.is(checkBareVector(bare, 0, bare.length), undefined);
  t.is(checkBareVector(one, 0, one.length), 'expected no siblings, found 1, at 4');
  t.is(checkBareVector(Buffer.concat([bare, Buffer.alloc(1)]), 0, 39), 'expected the end, found 1 more bytes, at 38');
});

testProp(
  'check record: what passes is read within its bounds and is its own encoding, when any bytes of a record are changed',
  [anyRecord, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), fc.option(fc.nat())],
  (t, record, changes, cut) => {
    const bytes = Buffer.from(cut === null ? record : record.subarray(0, cut % (record.length + 1)));
    for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
    const wrong = check(bytes);
    if (wrong === undefined) t.deepEqual(encodeNaive(decodeNaive(bytes)), bytes);
    else t.regex(wrong, /^expected .+, found .+, at \d+$/);
  },
  { numRuns: 1_000 },
);

test('record: a value is live before its expiry and not from then on, when it has one', (t) => {
  const view = viewOf(putBytes(NOTHING, NOTHING, { actor: actorOf('a'), counter: 1, expiry: 1_000, value: 'v' }));
  t.deepEqual(
    [0, 999, 1_000, 1_001].map((now) => isLiveAt(view.bytes, view.siblingsAt, now)),
    [true, true, false, false],
  );
});

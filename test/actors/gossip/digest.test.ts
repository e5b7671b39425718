import { fc, testProp } from '@fast-check/ava';
import test, { type ExecutionContext } from 'ava';
import { type Digest, type DigestContext, decodeDigest, encodeDigest, hashMembers } from '../../../actors/gossip/digest.ts';
import { accusationOf, beatOf } from './arbitraries.ts';
import { idOf } from './world.ts';

const RING = { generation: 1, epoch: 7 };

function contextOf(nodes: number): DigestContext {
  const members = Array.from({ length: nodes }, (_, index) => idOf(index));
  return { members, membersHash: hashMembers(members), ring: RING };
}

const CONTEXT = contextOf(2);
const EXAMPLE: Digest = { kind: 'full', beats: [beatOf(0, 1, 0, 4, 7), beatOf(1, 2, 0, 9, 7)], accusations: [] };

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

test('digest: the worked example of its header', (t) => {
  const hash = CONTEXT.membersHash.toString(16).padStart(8, '0');
  t.is(hex(encodeDigest(EXAMPLE, CONTEXT, false)), `0101${hash}02000100080002001200`);
});

test('digest: a member costs six bytes or seven, when all is quiet', (t) => {
  const context = contextOf(300);
  const beats = context.members.map((_, index) => beatOf(index, 3, 1, 5000, 7));
  const { length } = encodeDigest({ kind: 'full', beats, accusations: [] }, context, false);
  t.true(length <= 7 * 300 + 9, `${length} bytes`);
});

const entry = fc.record({
  boot: fc.integer({ min: 1, max: 0xffff_ffff }),
  incarnation: fc.nat(1000),
  heartbeat: fc.integer({ min: 0, max: 2 ** 48 }),
  epoch: fc.integer({ min: 6, max: 8 }),
  isThere: fc.boolean(),
  accusers: fc.uniqueArray(fc.nat(9), { maxLength: 3 }),
});

testProp(
  'digest: comes out as it went in, by index and by name',
  [fc.array(entry, { minLength: 10, maxLength: 10 }), fc.constantFrom('full' as const, 'answer' as const), fc.boolean()],
  (t, entries, kind, isNamed) => {
    const context = contextOf(10);
    const there = entries.flatMap((value, index) => (value.isThere ? [{ ...value, index }] : []));
    const digest: Digest = {
      kind,
      beats: there.map(({ index, boot, incarnation, heartbeat, epoch }) => beatOf(index, boot, incarnation, heartbeat, epoch)),
      accusations: there.flatMap(({ index, boot, incarnation, accusers }) =>
        accusers.map((accuser) => accusationOf(index, accuser, boot, incarnation)),
      ),
    };
    t.deepEqual(decodeDigest(encodeDigest(digest, context, isNamed), context), { type: 'digest', digest, isNamed });
  },
);

testProp(
  'digest: bytes of any kind give a digest or a reason, never an exception',
  [fc.uint8Array({ maxLength: 60 }), fc.boolean()],
  (t, bytes, isHeaded) => {
    const head = encodeDigest({ kind: 'full', beats: [], accusations: [] }, CONTEXT, false).subarray(0, 6);
    const decoded = decodeDigest(isHeaded ? Uint8Array.from([...head, ...bytes]) : bytes, CONTEXT);
    t.true(['digest', 'malformed', 'otherMembers'].includes(decoded.type));
  },
);

test('digest: any flipped bit gives another digest, of members only, or a reason', (t) => {
  const bytes = encodeDigest(EXAMPLE, CONTEXT, false);
  const count = { digest: 0, malformed: 0, otherMembers: 0 };
  for (let at = 0; at < bytes.length * 8; at++) {
    const decoded = decodeDigest(
      bytes.map((byte, i) => (i === at >> 3 ? byte ^ (1 << (at & 7)) : byte)),
      CONTEXT,
    );
    count[decoded.type]++;
    if (decoded.type !== 'digest') continue;
    t.notDeepEqual(decoded, { type: 'digest', digest: EXAMPLE, isNamed: false }, `bit ${at}`);
    for (const { id } of decoded.digest.beats) t.true(CONTEXT.members.includes(id), `bit ${at}`);
  }
  t.is(count.otherMembers, 32, 'all bits of the hash of members');
  t.true(count.malformed > 30 && count.digest > 20, JSON.stringify(count));
});

const malformed = test.macro((t: ExecutionContext, change: (bytes: number[]) => number[], reason: RegExp) => {
  const decoded = decodeDigest(Uint8Array.from(change([...encodeDigest(EXAMPLE, CONTEXT, false)])), CONTEXT);
  t.is(decoded.type, 'malformed');
  if (decoded.type === 'malformed') t.regex(decoded.reason, reason);
});
const set =
  (at: number, ...values: number[]) =>
  (bytes: number[]): number[] =>
    bytes.with(at, values[0]!).toSpliced(at + 1, 0, ...values.slice(1));
test('digest: refused, when it is empty', malformed, () => [], /expected format 1, got 0/);
test('digest: refused, when it is of another format', malformed, set(0, 2), /expected format 1, got 2/);
test('digest: refused, when its kind is unknown', malformed, set(1, 9), /expected a kind from 1 to 3, got 9/);
test('digest: refused, when it ends too early', malformed, (bytes) => bytes.slice(0, -1), /ends too early/);
test('digest: refused, when something follows', malformed, (bytes) => [...bytes, 0], /1 bytes too many/);
test('digest: refused, when it claims too many entries', malformed, set(6, 0xff, 0xff, 0x7f), /at most 4096 entries, got 2097151/);
test('digest: refused, when an entry is of no member', malformed, set(7, 5), /entry 0 is of no member/);
test('digest: refused, when a number is too long', malformed, set(8, 255, 255, 255, 255, 255, 255, 255, 255, 255), /out of range|too long/);
test(
  'digest: refused, when an accusation has no entry',
  malformed,
  (bytes) => [...bytes.slice(0, -1), 1, 5, 0],
  /accusation 0 names no member/,
);
test(
  'digest: refused, when it is larger than any can be',
  malformed,
  () => new Array<number>(300_000).fill(1),
  /at most 262144 bytes, got 300000/,
);

test('digest: says so, when its indexes mean other members', (t) => {
  t.deepEqual(decodeDigest(encodeDigest(EXAMPLE, CONTEXT, false), contextOf(3)), { type: 'otherMembers', kind: 'full' });
  t.like(decodeDigest(encodeDigest(EXAMPLE, CONTEXT, true), contextOf(3)), { type: 'digest', digest: EXAMPLE });
});

test('digest: an accusation goes only with the life that it is against', (t) => {
  const digest: Digest = { ...EXAMPLE, accusations: [accusationOf(1, 0, 2, 0), accusationOf(1, 0, 2, 1), accusationOf(0, 1, 3, 0)] };
  t.like(decodeDigest(encodeDigest(digest, CONTEXT, false), CONTEXT), { digest: { ...EXAMPLE, accusations: [accusationOf(1, 0, 2, 0)] } });
});

import { readdirSync, readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';
import { fc, testProp } from '@fast-check/ava';
import test, { type ExecutionContext } from 'ava';
import { decodeProposal, encodeProposal } from '../../../actors/ring/operation-codec.ts';
import { decodeRing, encodeRing, hashOfRing, hashOfRingBytes } from '../../../actors/ring/ring-codec.ts';
import type { RingState } from '../../../actors/ring/ring-state.ts';
import { RuntimeError } from '../../../runtime/errors.ts';
import { GOLDEN_DIR, goldenProposals, goldenRings } from './goldens.ts';
import { idOf, keyspaceOf, RingWorld } from './ring-world.ts';

const golden = (name: string): Buffer => readFileSync(`${GOLDEN_DIR}/${name}`);

test('ring codec: golden files are what the code writes', (t) => {
  for (const [name, ring] of goldenRings()) t.deepEqual(encodeRing(ring), golden(name), name);
  for (const [name, proposal] of goldenProposals()) t.deepEqual(encodeProposal(proposal), golden(name), name);
});

test('ring codec: each golden file is read, and written again as it is', (t) => {
  const names = readdirSync(GOLDEN_DIR);
  t.true(names.length >= goldenRings().size + goldenProposals().size);
  for (const name of names) {
    const bytes = golden(name);
    if (name.startsWith('ring-')) t.deepEqual(encodeRing(decodeRing(bytes)), bytes, name);
    else t.deepEqual(encodeProposal(decodeProposal(bytes)), bytes, name);
  }
});

test('ring codec: what is decoded is what was encoded', (t) => {
  for (const ring of goldenRings().values()) t.deepEqual(decodeRing(encodeRing(ring)), ring);
  for (const proposal of goldenProposals().values()) t.deepEqual(decodeProposal(encodeProposal(proposal)), proposal);
});

test('ring decode: rings that follow each other have one hidden class, and so do their members and keyspaces', (t) => {
  setFlagsFromString('--allow-natives-syntax');
  const hasSameMap = runInThisContext('(a, b) => %HaveSameMap(a, b)') as (a: object, b: object) => boolean;
  t.false(hasSameMap({ a: 1 }, { b: 1 }));
  const { ring } = new RingWorld(3);
  const transition = { startedAt: 1, step: 'stream' as const, owners: ring.owners };
  const decoded = Array.from({ length: 6 }, (_, i) =>
    decodeRing(encodeRing({ ...ring, epoch: ring.epoch + i, transition: i < 3 ? null : transition })),
  );
  for (const it of decoded.slice(1)) {
    const [before] = decoded as [RingState];
    t.true(hasSameMap(before, it));
    for (const member of it.members) t.true(hasSameMap(before.members[0]!, member));
    t.true(hasSameMap(before.keyspaces[0]!, it.keyspaces[0]!));
  }
});

test('ring hash: it is that of the bytes, and another one for any other ring', (t) => {
  const world = new RingWorld(3);
  const { ring } = world;
  t.regex(hashOfRing(ring), /^[0-9a-f]{16}$/);
  t.is(hashOfRing(ring), hashOfRingBytes(encodeRing(ring)));
  t.is(hashOfRing(decodeRing(encodeRing(ring))), hashOfRing(ring));
  t.not(hashOfRing({ ...ring, epoch: ring.epoch + 1 }), hashOfRing(ring));
  t.is(hashOfRing(goldenRings().get('ring-1-first.bin')!), 'cfe79c7faa85ba82');
});

test('ring decode: a keyspace that is said to ask for primaries, and asks for none, is refused', (t) => {
  const { ring } = new RingWorld(1, { partitions: 8, keyspace: { pr: 1 } });
  const bytes = encodeRing(ring);
  const at = bytes.indexOf(Buffer.from([3 + 1, 3 + 0]));
  t.true(at > 0);
  const spoilt = Buffer.from(bytes);
  spoilt[at] = 3;
  t.throws(() => decodeRing(spoilt), { message: /mode: expected one without primaries, as pr and pw are 0, found ap\+primaries/ });
});

const refused = test.macro((t: ExecutionContext, spoil: (ring: RingState) => RingState, message: RegExp) => {
  const { ring } = new RingWorld(3, { partitions: 8 });
  const error = t.throws(() => decodeRing(encodeRing(spoil(ring))), { instanceOf: RuntimeError });
  t.is(error?.code, 'PROTOCOL');
  t.regex(error?.message ?? '', message);
});
const member = (ring: RingState, changes: object): RingState => ({
  ...ring,
  members: [{ ...ring.members[0]!, ...changes }, ...ring.members.slice(1)],
});

test('ring decode: a banned member is refused', refused, (ring) => ({ ...ring, banned: [ring.members[0]!.id] }), /its id 0+1 is banned/);
test(
  'ring decode: members out of order are refused',
  refused,
  (ring) => ({ ...ring, members: ring.members.toReversed() }),
  /expected rising ids/,
);
test(
  'ring decode: two members of one name are refused',
  refused,
  (ring) => member(ring, { name: 'n2' }),
  /member name "n2" is there twice/,
);
test('ring decode: a bad name is refused', refused, (ring) => member(ring, { name: '2n' }), /member name: expected .*, found "2n"/);
test('ring decode: capacity 0 is refused', refused, (ring) => member(ring, { capacity: 0 }), /capacity: expected at least 1, found 0/);
test(
  'ring decode: an owner who is no member is refused',
  refused,
  (ring) => ({ ...ring, owners: ring.owners.map(() => 3) }),
  /indices below 3, found 3/,
);
test(
  'ring decode: an owner who is joining is refused',
  refused,
  (ring) => member(ring, { state: 'joining' }),
  /n1 owns a partition and is joining/,
);
test(
  'ring decode: seven partitions are refused',
  refused,
  (ring) => ({ ...ring, owners: ring.owners.slice(1), changedAt: ring.changedAt.slice(1) }),
  /found 7/,
);
test(
  'ring decode: a change in the future is refused',
  refused,
  (ring) => ({ ...ring, changedAt: ring.changedAt.map(() => ring.epoch + 1) }),
  /changedAt/,
);
test(
  'ring decode: a keyspace id that is not given out is refused',
  refused,
  (ring) => ({ ...ring, nextKeyspaceId: 1 }),
  /keyspace users: expected an id/,
);
test(
  'ring decode: r above n is refused',
  refused,
  (ring) => ({ ...ring, keyspaces: [{ ...ring.keyspaces[0]!, r: 4 }] }),
  /expected r from 1 to n = 3/,
);
test(
  'ring decode: a first ring with a parent is refused',
  refused,
  (ring) => ({ ...ring, epoch: 1, changedAt: ring.changedAt.fill(1) }),
  /expected none/,
);
test(
  'ring decode: too many excluded are refused',
  refused,
  (ring) => ({ ...ring, members: ring.members.map((m) => ({ ...m, isExcluded: true })) }),
  /min\(R, W\)/,
);
test(
  'ring decode: a transition of another size is refused',
  refused,
  (ring) => ({ ...ring, transition: { startedAt: 1, step: 'stream', owners: new Uint16Array(4) } }),
  /expected 8 owners, found 4/,
);

test('ring decode: another version and other magic bytes are refused', (t) => {
  const bytes = encodeRing(new RingWorld(1).ring);
  t.throws(() => decodeRing(withByte(bytes, 4, 2)), { message: /version: expected 1, found 2/ });
  t.throws(() => decodeRing(withByte(bytes, 0, 0)), { message: /magic: expected DRng/ });
  t.throws(() => decodeProposal(bytes), { message: /magic: expected DOpn/ });
  t.throws(() => decodeRing(Buffer.concat([bytes, bytes])), { message: /end: expected nothing more/ });
});

const sampleRing = encodeRing(goldenRings().get('ring-1-busy.bin')!);
const sampleProposals = [...goldenProposals().values()].map(encodeProposal);

testProp(
  'ring decode: bytes that were tampered with are refused or are one ring again, and nothing else is thrown',
  [fc.nat(sampleRing.length - 1), fc.nat(255), fc.nat(3)],
  (t, at, value, cut) => {
    const bytes = withByte(sampleRing, at, value).subarray(0, sampleRing.length - cut * (at % 50));
    outcomeIsClean(t, bytes, (ours) => encodeRing(decodeRing(ours)));
  },
  { numRuns: 1_000 },
);
testProp('ring decode: any bytes are refused', [fc.uint8Array({ maxLength: 200 })], (t, bytes) => {
  t.throws(() => decodeRing(Buffer.concat([sampleRing.subarray(0, 5), bytes])), { instanceOf: RuntimeError });
});
testProp(
  'proposal decode: bytes that were tampered with are refused or are one proposal again',
  [fc.nat(sampleProposals.length - 1), fc.nat(), fc.nat(255)],
  (t, which, at, value) => {
    const bytes = sampleProposals[which]!;
    outcomeIsClean(t, withByte(bytes, at % bytes.length, value), (ours) => encodeProposal(decodeProposal(ours)));
  },
  { numRuns: 1_000 },
);

test('ring decode: a count beyond the bytes that came allocates nothing', (t) => {
  const empty = encodeProposal({
    operationId: idOf(1),
    operation: { type: 'beginTransition', parent: '0123456789abcdef', owners: new Uint16Array(0) },
  });
  const bytes = Buffer.concat([empty.subarray(0, -1), Buffer.from([0x80, 0x80, 0x01])]);
  t.throws(() => decodeProposal(bytes), { message: /owners: expected 16384 more bytes, found 0/ });
});

test('proposal codec: an alteration keeps only the fields that change', (t) => {
  const operation = { type: 'alterKeyspace', name: keyspaceOf('a').name, changes: { w: 'all' } } as const;
  t.deepEqual(decodeProposal(encodeProposal({ operationId: idOf(1), operation })).operation, operation);
});

function outcomeIsClean(t: ExecutionContext, bytes: Uint8Array, again: (bytes: Uint8Array) => Uint8Array): void {
  try {
    t.deepEqual(Buffer.from(again(bytes)), Buffer.from(bytes));
  } catch (error) {
    t.true(error instanceof RuntimeError && error.code === 'PROTOCOL', String(error));
  }
}

function withByte(bytes: Uint8Array, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = value;
  return copy;
}

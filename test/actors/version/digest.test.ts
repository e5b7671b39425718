import { isDeepStrictEqual } from 'node:util';
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { DIGEST_BYTES, writeDigest } from '../../../actors/version/digest.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { anyNaive } from './arbitraries.ts';
import { encodeNaive, type NaiveRecord } from './naive-record.ts';
import { actorOf, digestOf, NOTHING, putBytes, viewOf } from './records.ts';

/** As a replica that truncated its version vector, or never did, holds it: entries without a sibling are other ones, so that all numbers of entries shift. */
function withOtherVector({ vector, siblings }: NaiveRecord): NaiveRecord {
  const owners = new Set(siblings.map(({ actor }) => actor));
  const kept = [...vector].filter(([actor]) => owners.has(actor)).map(([actor, entry]) => [actor, { ...entry, stamp: 9 }] as const);
  return { vector: new Map([...kept, [actorOf('0').toString('hex'), { counter: 1, stamp: 1 }]]), siblings };
}

testProp('digest: is the same, when siblings are equal and version vectors are not [T9]', [anyNaive], (t, naive) => {
  t.is(digestOf(encodeNaive(withOtherVector(naive))), digestOf(encodeNaive(naive)));
});

testProp('digest: differs, when siblings do', [anyNaive, anyNaive], (t, a, b) => {
  const [mine, theirs] = [a, b].map(({ siblings }) => siblings.map((sibling) => JSON.stringify(sibling)).sort());
  t.is(digestOf(encodeNaive(a)) === digestOf(encodeNaive(b)), isDeepStrictEqual(mine, theirs));
});

testProp(
  'digest: differs, when one byte of one sibling is changed',
  [fc.constantFrom(0, 3, 30, 511, 512, 2_000), fc.nat(), fc.integer({ min: 1, max: 255 })],
  (t, length, at, by) => {
    const record = putBytes(NOTHING, NOTHING, { actor: actorOf('a'), counter: 5, stamp: 77, expiry: 9, value: 'v'.repeat(length) });
    const changed = Buffer.from(record);
    // Behind flags and length, which say where the value begins and ends.
    const where = 46 + (at % (record.length - 46));
    changed[where]! ^= by;
    t.not(digestOf(changed), digestOf(record));
  },
);

test('digest: is frozen for version 1, when records are these', (t) => {
  const small = putBytes(NOTHING, NOTHING, { actor: actorOf('a'), counter: 1, stamp: 2, value: 'value' });
  const large = putBytes(small, NOTHING, { actor: actorOf('b'), counter: 2 ** 40, stamp: 3, value: 'v'.repeat(600) });
  t.deepEqual(
    [NOTHING, small, large].map((record) => digestOf(record)),
    ['0000000000000000', '7cf88e6d612e80ee', 'd1c4eb96f26b43fd'],
  );
});

test('digest: is not written and says so, when the buffer is at its cap', (t) => {
  const out = new OutBuffer(16, 16);
  out.length = 16 - DIGEST_BYTES + 1;
  t.false(writeDigest(viewOf(NOTHING), out));
  t.is(out.length, 9);
});

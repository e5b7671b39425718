import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { ContextSeal } from '../../../actors/version/causal-context.ts';
import type { RecordView } from '../../../actors/version/record-view.ts';
import { SipHash } from '../../../actors/version/siphash.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { anyRecord } from './arbitraries.ts';
import { decodeNaive } from './naive-record.ts';
import { actorOf, NOTHING, outBuffer, putBytes, taken, viewOf } from './records.ts';

const CLUSTER_KEY = Buffer.from('of this cluster.');
const KEY = Buffer.from('user:1');
const seal = new ContextSeal(CLUSTER_KEY);
const record = putBytes(NOTHING, NOTHING, { actor: actorOf('a'), counter: 5, value: 'v' });
const context = sealed(record);

function sealed(bytes: Buffer, keyspace = 7, key = KEY, by = seal): Buffer {
  const out = outBuffer();
  by.seal(viewOf(bytes), keyspace, key, 0, key.length, out);
  return taken(out);
}

function opened(bytes: Buffer, keyspace = 7, key = KEY, by = seal): string | RecordView {
  const view = viewOf(record);
  const padded = Buffer.concat([Buffer.alloc(3), bytes, Buffer.alloc(3)]);
  const wrong = by.open(padded, 3, 3 + bytes.length, keyspace, Buffer.concat([key, key]), 0, key.length, view);
  if (wrong !== undefined && view.entries !== 0) throw new Error('a refused context was opened');
  return wrong ?? view;
}

const FOREIGN = 'context: expected one that this cluster gave out for this keyspace and key, found another tag';

testProp('context: comes back as the version vector of the record, when it is given back for the same key', [anyRecord], (t, bytes) => {
  const view = opened(sealed(bytes)) as RecordView;
  t.is(view.siblings, 0);
  const { vector } = decodeNaive(bytes);
  t.is(view.entries, vector.size);
  for (const [actor, { counter }] of vector) t.is(view.counterOf(Buffer.from(actor, 'hex'), 0), counter);
});

test('context: no bytes are the empty context, and a key that is not there has one that is empty too', (t) => {
  t.is((opened(NOTHING) as RecordView).entries, 0);
  t.is((opened(sealed(NOTHING)) as RecordView).entries, 0);
});

test('context: is refused, when it is of another key, keyspace or cluster', (t) => {
  t.is(opened(context, 7, Buffer.from('user:2')), FOREIGN);
  t.is(opened(context, 7, Buffer.from('user:')), FOREIGN);
  t.is(opened(context, 8), FOREIGN);
  t.is(opened(context, 7, KEY, new ContextSeal(Buffer.alloc(16, 1))), FOREIGN);
});

test('context: is refused, when it claims what was not read', (t) => {
  const forged = Buffer.from(context);
  forged.writeBigUInt64LE(2n ** 50n, 22);
  t.is(opened(forged), FOREIGN);
});

test('context: is refused with what was expected and found, when it is cut short or of a newer format', (t) => {
  t.is(opened(context.subarray(0, 10)), 'context: expected 22 to 2097142 bytes, found 10');
  t.is(opened(context.subarray(0, context.length - 1)), 'context: expected 38 bytes for 1 entries, found 37 bytes, at 2');
  t.is(opened(Buffer.concat([context, Buffer.alloc(1)])), 'context: expected the end, found 1 more bytes, at 38');
  const newer = Buffer.from(context);
  newer[0] = 2;
  t.is(opened(newer), 'context: expected record format 1, found 2, at 0');
  t.is(opened(Buffer.concat([record, Buffer.alloc(16)])), 'context: expected no siblings, found 1, at 4');
});

test('context: is refused, when any one bit of it is flipped', (t) => {
  for (let bit = 0; bit < context.length * 8; bit++) {
    const flipped = Buffer.from(context);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    t.is(typeof opened(flipped), 'string', `bit ${bit}`);
  }
});

testProp('context: is refused, when it is any bytes', [fc.uint8Array({ minLength: 1, maxLength: 100 })], (t, bytes) => {
  t.regex(String(opened(Buffer.from(bytes))), /^context: expected .+, found .+/);
});

test('context: a key boundary moves no byte between key and vector, when keys differ in length', (t) => {
  t.not(sealed(record, 7, Buffer.from('ab')).toString('hex'), sealed(record, 7, Buffer.from('a')).toString('hex'));
});

test('context: is not given out and says so, when the buffer is at its cap', (t) => {
  const out = new OutBuffer(16, 32);
  t.false(seal.seal(viewOf(record), 7, KEY, 0, KEY.length, out));
  t.is(out.length, 0);
});

test('context: a cluster key of another length is refused', (t) => {
  t.throws(() => new ContextSeal(Buffer.alloc(8)), { code: 'INVALID_ARGUMENT', message: 'cluster key: expected 16 bytes, found 8' });
});

/** Of the reference implementation: key 00 01 ... 0f, message 00 01 ... of that length. */
const VECTORS: Readonly<Record<number, string>> = {
  0: 'a3817f04ba25a8e66df67214c7550293',
  1: 'da87c1d86b99af44347659119b22fc45',
  2: '8177228da4a45dc7fca38bdef60affe4',
  3: '9c70b60c5267a94e5f33b6b02985ed51',
  4: 'f88164c12d9c8faf7d0f6e7c7bcd5579',
  5: '1368875980776f8854527a07690e9627',
  6: '14eeca338b208613485ea0308fd7a15e',
  7: 'a1f1ebbed8dbc153c0b84aa61ff08239',
  8: '3b62a9ba6258f5610f83e264f31497b4',
  9: '264499060ad9baabc47f8b02bb6d71ed',
  15: '5493e99933b0a8117e08ec0f97cfc3d9',
  16: '6ee2a4ca67b054bbfd3315bf85230577',
  17: '473d06e8738db89854c066c47ae47740',
  31: '2939b0183223fafc1723de4f52c43d35',
  63: '5150d1772f50834a503e069a973fbd7c',
};

test('siphash: tags are those of the reference implementation, when messages have each length around a block', (t) => {
  const hash = new SipHash(Buffer.from(Array.from({ length: 16 }, (_, i) => i)));
  for (const [length, expected] of Object.entries(VECTORS)) {
    const message = Buffer.from(Array.from({ length: Number(length) + 2 }, (_, i) => (i === 0 ? 99 : i - 1)));
    const tag = Buffer.alloc(20);
    hash.tag(message, 1, 1 + Number(length), tag, 3);
    t.is(tag.subarray(3, 19).toString('hex'), expected, length);
  }
});

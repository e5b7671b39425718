import { testProp } from '@fast-check/ava';
import test from 'ava';
import fc from 'fast-check';
import { contextOf, vectorOf } from '../../../actors/client/context-text.ts';
import { checkBareVector } from '../../../actors/version/check-record.ts';
import { actorOf, NOTHING, putBytes, viewOf } from '../version/records.ts';

const KEY = Buffer.from('key');
const record = putBytes(putBytes(NOTHING, NOTHING, { actor: actorOf('a'), counter: 3, value: 'x' }), NOTHING, {
  actor: actorOf('b'),
  counter: 9,
  value: 'y',
});

test('client context: it is the version vector of what was read, and of the same key only', (t) => {
  const context = contextOf(viewOf(record), 'users', KEY);
  const vector = vectorOf(context, 'users', KEY)!;
  t.is(checkBareVector(vector, 0, vector.length), undefined);
  t.is(viewOf(vector).counterOf(actorOf('a'), 0), 3);
  t.is(viewOf(vector).counterOf(actorOf('b'), 0), 9);
  t.throws(() => vectorOf(context, 'users', Buffer.from('other')), { code: 'INVALID_ARGUMENT' });
  t.throws(() => vectorOf(context, 'orders', KEY), { code: 'INVALID_ARGUMENT' });
});

test('client context: of nothing it is empty, and stands for none', (t) => {
  t.is(String(contextOf(viewOf(NOTHING), 'users', KEY)), '');
  t.is(vectorOf('', 'users', KEY), undefined);
});

testProp('client context: one that was changed anywhere is refused', [fc.nat(), fc.integer({ min: 1, max: 255 })], (t, at, by) => {
  const bytes = Buffer.from(contextOf(viewOf(record), 'users', KEY), 'base64url');
  bytes[at % bytes.length]! ^= by;
  t.throws(() => vectorOf(bytes.toString('base64url'), 'users', KEY), { code: 'INVALID_ARGUMENT' });
});

testProp('client context: any text is refused in words', [fc.string({ minLength: 1 })], (t, text) => {
  t.throws(() => vectorOf(text, 'users', KEY), { code: 'INVALID_ARGUMENT', message: /^context: expected/ });
});

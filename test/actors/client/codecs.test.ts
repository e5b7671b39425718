import { testProp } from '@fast-check/ava';
import test from 'ava';
import fc from 'fast-check';
import { bytes, type Codec, cbor, json, utf8 } from '../../../actors/client/codecs.ts';

function again<T>(codec: Codec<T>, value: T): T {
  return codec.decode(Uint8Array.from(codec.encode(value)));
}

testProp(
  'client codecs: what is encoded is decoded as it was',
  [fc.string({ unit: 'grapheme' }), fc.jsonValue(), fc.uint8Array()],
  (t, text, value, raw) => {
    t.is(again(utf8, text), text);
    t.deepEqual(again(json(), value), JSON.parse(JSON.stringify(value)));
    t.deepEqual(Buffer.from(again(bytes, raw)), Buffer.from(raw));
  },
);

test('client codecs: CBOR keeps what JSON loses', (t) => {
  const value = { when: new Date(5), raw: Buffer.from([1, 2]), big: 2n ** 60n, set: new Set([1]), nothing: undefined };
  t.deepEqual(again(cbor<unknown>(), value), value);
});

test('client codecs: results of two encodings are apart', (t) => {
  const codec = cbor<readonly number[]>();
  const [a, b] = [codec.encode([1, 2, 3]), codec.encode([4, 5, 6])];
  t.deepEqual(
    [codec.decode(a), codec.decode(b)],
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
  );
});

test('client codecs: text that would come back as something else is refused', (t) => {
  for (const text of ['\ud800', 'a\udc00b', '\udc00\ud800']) t.throws(() => utf8.encode(text), { message: /lone surrogate/ });
  t.is(again(utf8, '\ud83d\ude00 \ufffd'), '\ud83d\ude00 \ufffd');
  t.throws(() => utf8.decode(Buffer.from([0xc3])));
  t.throws(() => utf8.encode(5 as never), { message: /expected a string, got number/ });
  t.throws(() => json<unknown>().encode(() => 1), { message: /expected a JSON value, got function/ });
  t.throws(() => cbor<unknown>().encode(undefined), { message: /got undefined/ });
  t.throws(() => bytes.encode('x' as never), { message: /expected a Uint8Array/ });
});

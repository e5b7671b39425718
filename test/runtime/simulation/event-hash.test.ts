import test from 'ava';
import { EventHash } from '../../../runtime/simulation/event-hash.ts';

function hashOf(...values: readonly number[]): string {
  const hash = new EventHash();
  for (const value of values) hash.add(value);
  return hash.toString();
}

test('event hash: depends on every value and on their order', (t) => {
  t.is(hashOf(1, 2, 3), hashOf(1, 2, 3));
  t.not(hashOf(1, 2, 3), hashOf(1, 3, 2));
  t.not(hashOf(1, 2), hashOf(1, 2, 0));
  t.not(hashOf(), hashOf(0));
});

test('event hash: single bits move about half of the digest', (t) => {
  let flipped = 0;
  for (let bit = 0; bit < 32; bit++) {
    const a = BigInt(`0x${hashOf(5, 1 << bit, 9)}`);
    const b = BigInt(`0x${hashOf(5, 0, 9)}`);
    flipped += (a ^ b).toString(2).replaceAll('0', '').length;
  }
  t.true(flipped > 32 * 24 && flipped < 32 * 40, `${flipped / 32} bits on average`);
});

test('event hash: bytes count by length and content, wherever they lie', (t) => {
  const digest = (bytes: Uint8Array, start: number, end: number): string => {
    const hash = new EventHash();
    hash.addBytes(bytes, start, end);
    return hash.toString();
  };
  const digests = new Set<string>();
  for (let length = 0; length < 12; length++) {
    digests.add(digest(new Uint8Array(length), 0, length));
    for (let i = 0; i < length; i++) digests.add(digest(new Uint8Array(length).fill(1, i, i + 1), 0, length));
  }
  t.is(digests.size, 12 + (12 * 11) / 2);
  t.is(digest(Buffer.from('xxhello world'), 2, 13), digest(Buffer.from('hello world'), 0, 11));
});

test('event hash: times above 32 bits count in full', (t) => {
  const low = new EventHash();
  const high = new EventHash();
  low.addTime(7);
  high.addTime(7 + 2 ** 32);
  t.not(low.toString(), high.toString());
});

test('event hash: a copy goes its own way', (t) => {
  const hash = new EventHash();
  hash.add(1);
  const copy = hash.copy();
  copy.add(2);
  t.is(hash.toString(), hashOf(1));
  t.is(copy.toString(), hashOf(1, 2));
});

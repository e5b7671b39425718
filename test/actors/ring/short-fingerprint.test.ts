import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import farmhash from 'farmhash';
import { SHORT_BYTES_MAX, ShortFingerprint } from '../../../actors/ring/short-fingerprint.ts';
import { Hasher } from '../../../actors/ring/token.ts';

function textOf({ high, low }: { readonly high: number; readonly low: number }): string {
  return ((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)).toString(16);
}

function assertSame(t: { is(actual: string, expected: string, message: string): unknown }, bytes: Buffer): void {
  const padded = Buffer.concat([Buffer.of(7), bytes, Buffer.of(9)]);
  const expected = farmhash.fingerprint64(bytes).toString(16);
  const hasher = new Hasher();
  hasher.hashPart(padded, 1, 1 + bytes.length);
  t.is(textOf(hasher), expected, `hasher, ${bytes.toString('hex')}`);
  if (bytes.length > SHORT_BYTES_MAX) return;
  const short = new ShortFingerprint();
  short.hash(padded, 1, 1 + bytes.length);
  t.is(textOf(short), expected, `short, ${bytes.toString('hex')}`);
}

test('short fingerprint: bit for bit that of the package, of all ones, all zeros and one bit, at every length', (t) => {
  for (let length = 0; length <= SHORT_BYTES_MAX + 2; length++) {
    assertSame(t, Buffer.alloc(length));
    assertSame(t, Buffer.alloc(length, 0xff));
    for (let bit = 0; bit < length * 8; bit++) {
      const bytes = Buffer.alloc(length);
      bytes[bit >>> 3] = 1 << (bit & 7);
      assertSame(t, bytes);
    }
  }
});

testProp(
  'short fingerprint: bit for bit that of the package, of any bytes',
  [fc.uint8Array({ maxLength: SHORT_BYTES_MAX + 8 })],
  (t, bytes) => {
    assertSame(t, Buffer.from(bytes));
  },
  { numRuns: 2_000 },
);

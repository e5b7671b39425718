import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { readList, readListed, writeList, writeListed } from '../../../actors/scan/list-frames.ts';
import { readPage, ScanAsk, WANT_HEADS, WANT_RECORDS } from '../../../actors/scan/scan-frames.ts';
import { GROUPS, groupOf, startOfGroup } from '../../../actors/scan/scan-position.ts';
import { ScanAnswer, ScanRequest } from '../../../actors/scan/scan-request.ts';
import { rangeOfTokens } from '../../../actors/store/engine-range.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';

const anyHalf = fc.oneof(fc.constantFrom(0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff), fc.nat());
const anyKey = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes));
const anyWish = fc.constantFrom(WANT_HEADS, WANT_RECORDS);

/** A copy in the middle of other bytes. */
function taken(out: OutBuffer): { readonly bytes: Buffer; readonly start: number; readonly end: number } {
  const bytes = Buffer.concat([Buffer.alloc(7, 0xee), out.bytes.subarray(0, out.length), Buffer.alloc(9, 0xee)]);
  return { bytes, start: 7, end: 7 + out.length };
}

const anyAsk = fc.record({
  keyspace: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  tokenHigh: anyHalf,
  tokenLow: anyHalf,
  changedAt: anyHalf,
  generation: anyHalf,
  option: anyWish,
  keysMax: fc.integer({ min: 1, max: 65_535 }),
  bytesMax: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
  key: anyKey,
  prefix: anyKey,
});

testProp('scan frames: SCAN is read as it was written', [anyAsk], (t, fields) => {
  const ask = Object.assign(new ScanAsk(), fields, { lastHigh: 0xffff_ffff, lastLow: 0xffff_ffff });
  const out = new OutBuffer(16, 1_000);
  ask.write(out);
  const { bytes, start, end } = taken(out);
  const read = new ScanAsk();
  t.is(read.read(bytes, start, end), undefined);
  t.deepEqual(read, ask);
});

testProp(
  'scan frames: LIST is read as it was written',
  [anyAsk, fc.nat(16), fc.integer({ min: 1, max: 100_000 })],
  (t, { keyspace, tokenHigh: high, tokenLow: low, key, prefix, option: wish, keysMax, bytesMax }, r, ms) => {
    const request = Object.assign(new ScanRequest(), {
      keyspaceId: keyspace,
      start: { high, low, key },
      prefix,
      wish,
      keysMax,
      bytesMax,
      r,
    });
    const out = new OutBuffer(16, 1_000);
    writeList(out, request, ms);
    const { bytes, start, end } = taken(out);
    const read = new ScanRequest();
    t.is(readList(bytes, start, end, read), Math.min(ms, 65_535));
    t.deepEqual(read, request);
  },
);

testProp(
  'scan frames: LISTED is read as it was written',
  [fc.nat(10), anyHalf, anyHalf, anyKey, fc.boolean(), fc.string({ maxLength: 50 })],
  (t, status, high, low, key, isEnd, message) => {
    const answer = new ScanAnswer();
    Object.assign(answer, {
      status,
      next: isEnd ? null : { high, low, key },
      received: 2,
      needed: 3,
      message,
    });
    const out = new OutBuffer(16, 1_000);
    t.true(writeListed(out, answer, out.bytes, 0, 0));
    const { bytes, start, end } = taken(out);
    const read = new ScanAnswer();
    t.is(readListed(bytes, start, end, read), undefined);
    for (const field of ['status', 'next', 'received', 'needed', 'message'] as const) t.deepEqual(read[field], answer[field], field);
    t.false(read.entries.next());
  },
);

testProp('scan frames: damaged ones are refused or read, and harm nobody', [fc.uint8Array({ maxLength: 80 })], (t, noise) => {
  const heard = [
    new ScanAsk().read(noise, 0, noise.length),
    readList(noise, 0, noise.length, new ScanRequest()),
    readListed(noise, 0, noise.length, new ScanAnswer()),
    readPage(noise, 0, noise.length),
  ];
  t.true(
    heard.every((said) => typeof said !== 'string' || /^(SCAN|LIST|LISTED|PAGE): expected/.test(said)),
    heard.join(),
  );
});

testProp(
  'scan positions: a group is the upper 53 bits of a token, and begins before all its tokens',
  [anyHalf, anyHalf],
  (t, high, low) => {
    const group = groupOf(high, low);
    t.is(BigInt(group), ((BigInt(high) << 32n) | BigInt(low)) >> 11n);
    t.true(group < GROUPS);
    const start = startOfGroup(group);
    t.deepEqual([start.high, start.low], [high, (low & ~0x7ff) >>> 0]);
  },
);

test('engine range: tokens to the last one, included, also of a keyspace and of all', (t) => {
  const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex');
  const none = new Uint8Array(0);
  const whole = rangeOfTokens(3, 0, 0, none, 0xffff_ffff, 0xffff_ffff);
  t.deepEqual([hex(whole.gte), hex(whole.lt)], ['000000030000000000000000', '000000040000000000000000']);
  const part = rangeOfTokens(3, 1, 2, none, 5, 0xffff_ffff);
  t.deepEqual([hex(part.gte), hex(part.lt)], ['000000030000000100000002', '000000030000000600000000']);
  const one = rangeOfTokens(3, 1, 2, Buffer.from('k'), 1, 2);
  t.deepEqual([hex(one.gt), one.gte, hex(one.lt)], ['00000003000000010000000' + '26b', undefined, '000000030000000100000003']);
});

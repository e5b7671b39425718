import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { Forward, readForwarded, writeForward, writeForwarded } from '../../../actors/store/forward-frames.ts';
import { KeyPlace } from '../../../actors/store/key-place.ts';
import {
  CONTEXT_GIVEN,
  CONTEXT_LOCAL,
  DELETE,
  DURABILITY_SYNC,
  GET,
  INDETERMINATE,
  PUT,
  StoreAnswer,
  StoreRequest,
} from '../../../actors/store/store-request.ts';
import { RecordView } from '../../../actors/version/record-view.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { exampleContext, exampleRecord } from '../version/examples.ts';
import { viewOf } from '../version/records.ts';

const CONTEXT = exampleContext();
const VECTOR = CONTEXT.subarray(0, CONTEXT.length - 16);

const PLACE = { keyspace: 7, tokenHigh: 0xfedc_ba98, tokenLow: 0x0123_4567, changedAt: 5, generation: 2 };
const ORIGIN = 0xdead_beef;
const NUMBER = 0x8000_0001;

function putRequest(): StoreRequest {
  const it = new StoreRequest();
  it.kind = PUT;
  it.key = Buffer.from('.key.');
  it.keyStart = 1;
  it.keyEnd = 4;
  it.value = Buffer.from('..value');
  it.valueStart = 2;
  it.valueEnd = 7;
  it.contextKind = CONTEXT_GIVEN;
  it.context = VECTOR;
  it.contextEnd = VECTOR.length;
  it.expiryMs = 1_800_000_000_000;
  it.w = 2;
  it.primaries = 1;
  it.durability = DURABILITY_SYNC;
  return it;
}

function forwardOf(request: StoreRequest, remainingMs = 250): Buffer {
  const out = new OutBuffer(16, 100_000);
  out.length = 3;
  if (!writeForward(out, Object.assign(new KeyPlace(), PLACE), request, remainingMs, ORIGIN, NUMBER)) throw new Error('no room');
  return Buffer.from(out.bytes.subarray(3, out.length));
}

/** In the middle of other bytes, so that an offset that is left out is found. */
function read(payload: Uint8Array): { readonly forward: Forward; readonly fault: string | undefined } {
  const forward = new Forward(new StoreRequest());
  const padded = Buffer.concat([Buffer.alloc(5, 0xee), payload, Buffer.alloc(9, 0xee)]);
  return { forward, fault: forward.read(padded, 5, payload.length) };
}

test('forward frames: FORWARD is laid out byte by byte as described', (t) => {
  const request = new StoreRequest();
  request.kind = DELETE;
  request.contextKind = CONTEXT_LOCAL;
  request.key = Buffer.from('k1');
  request.keyEnd = 2;
  request.w = 3;
  request.durability = DURABILITY_SYNC;
  const place = ['07000000', '98badcfe', '67452301', '05000000', '02000000', '0200', '03', '00', '6b31'];
  const rest = ['01', '00', '03', '03', '00', '00', 'fa00', '0000000000000000', '00000000', '00000000', 'efbeadde', '01000080'];
  t.is(forwardOf(request).toString('hex'), [...place, ...rest].join(''));
});

test('forward frames: a request comes out of FORWARD as it went in', (t) => {
  const request = putRequest();
  const { forward, fault } = read(forwardOf(request, 70_000));
  t.is(fault, undefined);
  t.like(forward.place, PLACE);
  t.deepEqual([forward.origin, forward.number, forward.remainingMs], [ORIGIN, NUMBER, 0xffff]);
  const got = forward.request;
  t.deepEqual(Buffer.from(got.key.subarray(got.keyStart, got.keyEnd)).toString(), 'key');
  t.deepEqual(Buffer.from(got.value.subarray(got.valueStart, got.valueEnd)).toString(), 'value');
  t.deepEqual(Buffer.from(got.context.subarray(got.contextStart, got.contextEnd)), Buffer.from(VECTOR));
  t.deepEqual(
    [got.kind, got.contextKind, got.r, got.w, got.primaries, got.durability, got.expiryMs, got.isLocal],
    [PUT, CONTEXT_GIVEN, 0, 2, 1, DURABILITY_SYNC, 1_800_000_000_000, false],
  );
});

test('forward frames: what a kind has no use for is left out of FORWARD', (t) => {
  const request = putRequest();
  request.kind = GET;
  request.isLocal = true;
  const { forward, fault } = read(forwardOf(request, 0.2));
  t.is(fault, undefined);
  t.is(forward.remainingMs, 1);
  const got = forward.request;
  t.deepEqual([got.contextKind, got.contextEnd - got.contextStart, got.valueEnd - got.valueStart, got.expiryMs], [0, 0, 0, 0]);
  t.true(got.isLocal);
  request.isLocal = false;
  request.isMonotonic = true;
  const { request: monotonic } = read(forwardOf(request)).forward;
  t.deepEqual([monotonic.isLocal, monotonic.isMonotonic], [false, true]);
});

const patch = test.macro((t, at: number, byte: number, expected: string) => {
  const payload = forwardOf(putRequest());
  payload[at] = byte;
  const { fault = 'none' } = read(payload);
  t.true(fault.startsWith('FORWARD: ') && fault.includes(expected), fault);
});

/** The key has 3 bytes: the rest begins at 27. */
const WRONG: readonly (readonly [string, number, number, string])[] = [
  ['no keyspace', 0, 0, 'expected a keyspace from 1, found 0'],
  ['an unknown kind', 22, 4, 'expected kind 1, 2 or 3, found 4'],
  ['a get with a value', 22, GET, 'expected no context in a get, found 3'],
  ['a delete with a value', 22, DELETE, 'expected no value, found 5 bytes'],
  ['reserved bits in the key place', 23, 1, 'expected zero at 23, found 1'],
  ['no key', 20, 0, 'expected a key of 1 to 65524 bytes, found 0'],
  ['a key that does not fit', 21, 1, 'expected a key of 259 bytes, found'],
  ['a key length that does not fit', 20, 9, 'bytes behind the key, found'],
  ['an unknown context', 27, 9, 'expected context 0 to 3, found 9'],
  ['context bytes that are not given', 27, 1, 'expected no bytes of context 1, found'],
  ['r above any n', 28, 17, 'expected 0 to 16 replicas, found 17'],
  ['w above any n', 29, 255, 'expected 0 to 16 replicas, found 255'],
  ['an unknown durability', 30, 4, 'expected durability 0 to 3, found 4'],
  ['a flag that a put has no use for', 31, 1, 'expected flags 0, found 1'],
  ['more primaries than any n', 32, 17, 'expected 0 to 16 primaries, found 17'],
  ['an expiry beyond 2^53', 42, 1, 'expected an expiry below 2^53'],
  ['a context of another format', 59, 9, 'context: expected record format 1, found 9'],
];
for (const [what, at, byte, expected] of WRONG) test(`forward frames: FORWARD is refused, when it has ${what}`, patch, at, byte, expected);

test('forward frames: FORWARD is refused at every length but its own', (t) => {
  const payload = forwardOf(putRequest());
  for (let length = 0; length < payload.length; length++) t.not(read(payload.subarray(0, length)).fault, undefined);
  t.not(read(Buffer.concat([payload, Buffer.alloc(1)])).fault, undefined);
});

function answer(record: RecordView, message = ''): StoreAnswer {
  const it = new StoreAnswer(record);
  it.status = INDETERMINATE;
  it.received = 1;
  it.needed = 2;
  it.primaries = 1;
  it.message = message;
  it.epoch = 9;
  it.replied[0] = 4;
  it.repliedCount = 1;
  return it;
}

function forwardedOf(it: StoreAnswer): Buffer {
  const out = new OutBuffer(16, 100_000);
  if (!writeForwarded(out, it)) throw new Error('no room');
  return Buffer.from(out.bytes.subarray(0, out.length));
}

test('forward frames: FORWARDED is laid out byte by byte as described', (t) => {
  t.is(
    forwardedOf(answer(new RecordView(), 'why')).toString('hex'),
    ['03010201', '03000100', '00000000', '09000000', '0400', '776879'].join(''),
  );
});

test('forward frames: an answer comes out of FORWARDED as it went in, with and without a record', (t) => {
  const record = exampleRecord();
  for (const view of [viewOf(record), new RecordView()]) {
    const payload = forwardedOf(answer(view, 'why'));
    const got = new StoreAnswer(new RecordView());
    t.is(readForwarded(payload, 0, payload.length, got), undefined);
    t.deepEqual([got.status, got.received, got.needed, got.primaries, got.message], [INDETERMINATE, 1, 2, 1, 'why']);
    t.deepEqual([got.epoch, got.repliedCount, got.replied[0]], [9, 1, 4]);
    t.deepEqual(
      Buffer.from(got.record.bytes.subarray(got.record.start, got.record.end)),
      Buffer.from(view.bytes.subarray(view.start, view.end)),
    );
  }
});

test('forward frames: FORWARDED is refused, when length, status or record are wrong', (t) => {
  const payload = forwardedOf(answer(viewOf(exampleRecord()), 'why'));
  const got = new StoreAnswer(new RecordView());
  for (let length = 0; length < payload.length; length++) t.not(readForwarded(payload, 0, length, got), undefined);
  for (const [at, byte, expected] of [
    [0, 200, 'expected status 0 to 10, found 200'],
    [7, 9, 'expected zero at 7, found 9'],
    [21, 9, 'record: expected record format 1, found 9'],
  ] as const) {
    const wrong = Buffer.from(payload);
    wrong[at] = byte;
    t.true(readForwarded(wrong, 0, wrong.length, got)?.includes(expected));
  }
  t.is(got.record.siblings, 0);
});

testProp('forward frames: any bytes are read or refused, never more than that', [fc.uint8Array({ maxLength: 120 })], (t, bytes) => {
  const got = new StoreAnswer(new RecordView());
  const outcomes = [read(bytes).fault, readForwarded(bytes, 0, bytes.length, got)];
  t.true(outcomes.every((fault) => fault === undefined || fault.startsWith('FORWARD')));
});

const GOOD = forwardOf(putRequest());

testProp(
  'forward frames: what passes of damaged FORWARDs is its own encoding, and lies within them',
  [fc.array(fc.tuple(fc.nat(GOOD.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 }), fc.nat(GOOD.length)],
  (t, changes, cut) => {
    const payload = Buffer.from(cut % 4 === 0 ? GOOD.subarray(0, cut) : GOOD);
    for (const [at, byte] of changes) if (at < payload.length) payload[at] = byte;
    const { forward, fault } = read(payload);
    if (fault !== undefined) return t.regex(fault, /^FORWARD: .*expected .+, found .+/);
    const { place, request, remainingMs, origin, number } = forward;
    const out = new OutBuffer(16, 1_000);
    t.true(writeForward(out, place, request, Math.max(1, remainingMs), origin, number));
    // No milliseconds are not written.
    if (remainingMs === 0) payload[place.keyEnd - 5 + 6] = 1;
    t.deepEqual(Buffer.from(out.bytes.subarray(0, out.length)), payload);
  },
  { numRuns: 500 },
);

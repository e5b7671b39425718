import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { Forward, KeyPlace, readForwarded, writeForward, writeForwarded } from '../../../actors/store/forward-frames.ts';
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

function place(): KeyPlace {
  const it = new KeyPlace();
  it.keyspace = 7;
  it.high = 0xfedc_ba98;
  it.low = 0x0123_4567;
  it.changedAt = 5;
  it.generation = 2;
  it.origin = 0xdead_beef;
  it.number = 0x8000_0001;
  return it;
}

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
  it.durability = DURABILITY_SYNC;
  return it;
}

function forwardOf(request: StoreRequest, remainingMs = 250): Buffer {
  const out = new OutBuffer(16, 100_000);
  out.length = 3;
  if (!writeForward(out, place(), request, remainingMs)) throw new Error('no room');
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
  const expected = ['07000000', '98badcfe', '67452301', '05000000', '02000000', '0100', '0000', '03', '01', '00', '03', '03', '00', 'fa00'];
  t.is(
    forwardOf(request).toString('hex'),
    [...expected, '0000000000000000', '00000000', '00000000', 'efbeadde', '01000080', '6b31'].join(''),
  );
});

test('forward frames: a request comes out of FORWARD as it went in', (t) => {
  const request = putRequest();
  const { forward, fault } = read(forwardOf(request, 70_000));
  t.is(fault, undefined);
  t.deepEqual(forward.place, place());
  t.is(forward.remainingMs, 0xffff);
  const got = forward.request;
  t.deepEqual(Buffer.from(got.key.subarray(got.keyStart, got.keyEnd)).toString(), 'key');
  t.deepEqual(Buffer.from(got.value.subarray(got.valueStart, got.valueEnd)).toString(), 'value');
  t.deepEqual(Buffer.from(got.context.subarray(got.contextStart, got.contextEnd)), Buffer.from(VECTOR));
  t.deepEqual(
    [got.kind, got.contextKind, got.r, got.w, got.durability, got.expiryMs, got.isLocal],
    [PUT, CONTEXT_GIVEN, 0, 2, DURABILITY_SYNC, 1_800_000_000_000, false],
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
});

const patch = test.macro((t, at: number, byte: number, expected: string) => {
  const payload = forwardOf(putRequest());
  payload[at] = byte;
  const { fault = 'none' } = read(payload);
  t.true(fault.startsWith('FORWARD: ') && fault.includes(expected), fault);
});

const WRONG: readonly (readonly [string, number, number, string])[] = [
  ['an unknown kind', 24, 4, 'expected kind 1, 2 or 3, found 4'],
  ['a get with a value', 24, GET, 'expected no context in a get, found 3'],
  ['a delete with a value', 24, DELETE, 'expected no value, found 5 bytes'],
  ['an unknown context', 25, 9, 'expected context 0 to 3, found 9'],
  ['context bytes that are not given', 25, 1, 'expected no bytes of context 1, found'],
  ['r above any n', 26, 17, 'expected 0 to 16 replicas, found 17'],
  ['w above any n', 27, 255, 'expected 0 to 16 replicas, found 255'],
  ['an unknown durability', 28, 4, 'expected durability 0 to 3, found 4'],
  ['a flag that a put has no use for', 29, 1, 'expected flags 0, found 1'],
  ['an expiry beyond 2^53', 39, 1, 'expected an expiry below 2^53'],
  ['a key length that does not fit', 20, 9, 'bytes, found'],
  ['reserved bits', 22, 1, 'expected zero at 22, found 1'],
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
  return it;
}

function forwardedOf(it: StoreAnswer): Buffer {
  const out = new OutBuffer(16, 100_000);
  if (!writeForwarded(out, it)) throw new Error('no room');
  return Buffer.from(out.bytes.subarray(0, out.length));
}

test('forward frames: FORWARDED is laid out byte by byte as described', (t) => {
  t.is(forwardedOf(answer(new RecordView(), 'why')).toString('hex'), ['03010201', '03000000', '00000000', '776879'].join(''));
});

test('forward frames: an answer comes out of FORWARDED as it went in, with and without a record', (t) => {
  const record = exampleRecord();
  for (const view of [viewOf(record), new RecordView()]) {
    const payload = forwardedOf(answer(view, 'why'));
    const got = new StoreAnswer(new RecordView());
    t.is(readForwarded(payload, 0, payload.length, got), undefined);
    t.deepEqual([got.status, got.received, got.needed, got.primaries, got.message], [INDETERMINATE, 1, 2, 1, 'why']);
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
    [15, 9, 'record: expected record format 1, found 9'],
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

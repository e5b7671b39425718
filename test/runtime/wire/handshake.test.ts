import test from 'ava';
import { Decoder, Encoder } from 'cbor-x';
import { MAIN_SHARD } from '../../../runtime/address.ts';
import { RuntimeError } from '../../../runtime/errors.ts';
import { BULK_CLASS } from '../../../runtime/lanes.ts';
import { FirstFrame, GREETING_BYTES_MAX } from '../../../runtime/wire/first-frame.ts';
import { FRAME_HEADER_BYTES, KIND_HELLO, KIND_PING, KIND_WELCOME } from '../../../runtime/wire/frame.ts';
import {
  comesBefore,
  decodeAnswer,
  decodeHello,
  encodeHello,
  encodeRefusal,
  encodeWelcome,
  type Hello,
  isRefusal,
  judgeHello,
  judgeWelcome,
  REFUSAL_CODES,
  type Welcome,
} from '../../../runtime/wire/handshake.ts';
import { SINGLES } from './handshake-shapes.ts';

const HELLO: Hello = {
  cluster: 'test',
  node: 'a',
  shard: 3,
  boot: Number.MAX_SAFE_INTEGER,
  laneClass: BULK_CLASS,
  expectedNode: 'b',
  expectedShard: MAIN_SHARD,
  maxFrameBytes: 8 << 20,
  attempt: 7,
};
const WELCOME: Welcome = { version: 1, node: 'b', shard: MAIN_SHARD, boot: 0x1_0000_0001, maxFrameBytes: 4096, attemptsVoid: 5 };
const ME = { cluster: 'test', node: 'b', shard: MAIN_SHARD, boot: 2 };
const HELLO_ITEMS = [1, 1, 'test', 'a', 3, 0x1f_ffff, 0xffff_ffff, 1, 'b', 0xffff, 8 << 20, 7];

/** `frame` with another payload. */
function withPayload(frame: Buffer, items: unknown): Buffer {
  const payload = Buffer.isBuffer(items) ? items : new Encoder({ useRecords: false }).encode(items);
  const whole = Buffer.concat([frame.subarray(0, FRAME_HEADER_BYTES), payload]);
  whole.writeUInt32BE(whole.length - 4);
  return whole;
}

test('handshake: HELLO, WELCOME and REFUSE come back as they were', (t) => {
  t.deepEqual(decodeHello(encodeHello(HELLO)), HELLO);
  t.deepEqual(decodeAnswer(encodeWelcome(WELCOME)), WELCOME);
  for (const code of REFUSAL_CODES) t.deepEqual(decodeAnswer(encodeRefusal(code, 'why')), { code, reason: '"why"' });
});

test('handshake: payloads are the arrays that the layout describes', (t) => {
  const items = (frame: Buffer) => new Decoder({ useRecords: false }).decode(frame.subarray(FRAME_HEADER_BYTES)) as unknown;
  t.deepEqual(items(encodeHello(HELLO)), HELLO_ITEMS);
  t.deepEqual(items(encodeWelcome(WELCOME)), [1, 'b', 0xffff, 1, 1, 4096, 5]);
  t.deepEqual(items(encodeRefusal('CLUSTER', 'why')), [2, 'why']);
  t.is(encodeHello(HELLO)[7], KIND_HELLO);
  t.is(encodeWelcome(WELCOME)[7], KIND_WELCOME);
});

test('handshake: the longest names fit the frame that may come before it', (t) => {
  const long = 'n'.repeat(64);
  const frame = encodeHello({ ...HELLO, cluster: 'c'.repeat(128), node: long, expectedNode: long });
  t.true(frame.length < GREETING_BYTES_MAX / 2);
  t.is((decodeHello(frame) as Hello).node, long);
  t.true(encodeRefusal('SHAPE', 'x'.repeat(10_000)).length < GREETING_BYTES_MAX);
});

test('handshake: a HELLO of versions we do not speak is refused whatever else is in it', (t) => {
  const refused = decodeHello(withPayload(encodeHello(HELLO), [2, 9, { anything: 'else' }]));
  t.like(refused, { code: 'VERSION', reason: 'peer speaks protocol versions 2 to 9, expected one of 1 to 1' });
});

test('handshake: a HELLO is refused, when one of its fields is of the wrong form', (t) => {
  for (const { index, value, message } of SINGLES) {
    const items: unknown[] = [...HELLO_ITEMS];
    items[index] = value;
    const refused = decodeHello(withPayload(encodeHello(HELLO), items));
    t.like(refused, { code: 'SHAPE' }, `field ${index}`);
    t.regex((refused as { reason: string }).reason, message);
  }
});

test('handshake: a HELLO is refused, when it has a field too few or too many, or is no array', (t) => {
  for (const items of [HELLO_ITEMS.slice(0, 11), [...HELLO_ITEMS, 0], [1, 1], {}, 'HELLO', null]) {
    t.like(decodeHello(withPayload(encodeHello(HELLO), items)), { code: 'SHAPE' });
  }
});

test('handshake: a payload that CBOR or the scanner refuses is refused before anything is built', (t) => {
  const hostile = [
    Buffer.alloc(2000, 0x81), // nested 2,000 deep
    Buffer.from('9b7fffffffffffffff', 'hex'), // array of 2^63 - 1
    Buffer.from('8c0101', 'hex'), // cut off
    Buffer.from('c11a00000000', 'hex'), // a date
    Buffer.from('a1695f5f70726f746f5f5f01', 'hex'), // {__proto__: 1}
    Buffer.from('0101', 'hex'), // two items
  ];
  for (const payload of hostile) t.like(decodeHello(withPayload(encodeHello(HELLO), payload)), { code: 'SHAPE' });
});

test('handshake: an answer that is no answer breaks the protocol', (t) => {
  const broken = [
    encodeHello(HELLO),
    withPayload(encodeWelcome(WELCOME), [1]),
    withPayload(encodeWelcome(WELCOME), [9, 'b', 0xffff, 1, 1, 4096, 5]),
    withPayload(encodeWelcome(WELCOME), [1, 'b', 0xffff, 0, 0, 4096, 5]),
    withPayload(encodeWelcome(WELCOME), [1, 'b c', 0xffff, 1, 1, 4096, 5]),
    withPayload(encodeRefusal('SHAPE', ''), [1]),
    withPayload(encodeRefusal('SHAPE', ''), [1, 2]),
  ];
  for (const frame of broken) t.throws(() => decodeAnswer(frame), { instanceOf: RuntimeError, code: 'PROTOCOL' });
});

test('handshake: a refusal code of a later version is unknown, not an error', (t) => {
  t.like(decodeAnswer(withPayload(encodeRefusal('SHAPE', ''), [99, 'new\nreason'])), { code: 'UNKNOWN', reason: '"new\\nreason"' });
});

test('handshake: a HELLO is judged by cluster, own name, place dialled and frame size', (t) => {
  const judge = (change: Partial<Hello>, outMaxBytes = 8 << 20) => judgeHello({ ...HELLO, ...change }, ME, outMaxBytes);
  t.is(judge({}), null);
  t.deepEqual(judge({ cluster: 'prod' }), { code: 'CLUSTER', reason: 'peer is of cluster "prod", expected "test"' });
  t.like(judge({ node: 'b' }), { code: 'SELF' });
  t.deepEqual(judge({ expectedNode: 'c' }), { code: 'WRONG_PLACE', reason: 'peer expected c/main, this is b/main' });
  t.like(judge({ expectedShard: 0 }), { code: 'WRONG_PLACE' });
  t.like(judge({ maxFrameBytes: 1000 }), { code: 'FRAME_SIZE' });
});

test('handshake: a WELCOME is judged by place and frame size', (t) => {
  t.is(judgeWelcome(WELCOME, ME, 4096), null);
  t.deepEqual(judgeWelcome(WELCOME, { node: 'b', shard: 0 }, 4096), { code: 'WRONG_PLACE', reason: 'peer is b/main, expected b/0' });
  t.like(judgeWelcome(WELCOME, ME, 4097), { code: 'FRAME_SIZE' });
});

test('handshake: of two places exactly one comes before the other', (t) => {
  const places = ['a', 'a0', 'b'].flatMap((node) => [0, 1, MAIN_SHARD].map((shard) => ({ node, shard })));
  for (const a of places) for (const b of places) t.is(Number(comesBefore(a, b)) + Number(comesBefore(b, a)), a === b ? 0 : 1);
});

test('first frame: is found however it is cut, and what follows is left', (t) => {
  const frame = encodeHello(HELLO);
  const bytes = Buffer.concat([frame, Buffer.from('more')]);
  for (let cut = 0; cut <= frame.length; cut++) {
    const first = new FirstFrame();
    const early = first.push(bytes, 0, cut);
    const rest = early >= 0 ? early : first.push(bytes, cut, bytes.length);
    t.is(rest, frame.length);
    t.false(isRefusal(decodeHello(first.frame)));
  }
  const first = new FirstFrame();
  for (let at = 0; at < frame.length - 1; at++) t.is(first.push(frame, at, at + 1), -1);
  t.is(first.push(frame, frame.length - 1, frame.length), frame.length);
  t.deepEqual(first.frame, frame);
});

test('first frame: bytes of another protocol are told from the first eight on', (t) => {
  for (const text of ['GET / HTTP/1.1\r\n', 'SSH-2.0-x', '\x16\x03\x01\x02\x00\x01\x00\x01', '*1\r\n$4\r\nPING\r\n']) {
    const bytes = Buffer.from(text, 'latin1');
    const first = new FirstFrame();
    t.is(first.push(bytes, 0, 7), -1);
    t.throws(() => first.push(bytes, 7, 8), {
      code: 'PROTOCOL',
      message: /^first bytes [0-9a-f]{16} \(".*"\), expected a handshake frame$/,
    });
  }
});

test('first frame: lengths outside 36 bytes to 4 KiB are refused before their bytes come', (t) => {
  const frame = encodeHello(HELLO);
  for (const length of [0, 31, GREETING_BYTES_MAX - 3, 0xffff_ffff]) {
    const prefix = Buffer.from(frame.subarray(0, 8));
    prefix.writeUInt32BE(length);
    t.throws(() => new FirstFrame().push(prefix, 0, 8), { code: 'PROTOCOL', message: /handshake frame of \d+ bytes, expected 36 to 4096/ });
  }
});

test('first frame: a frame of another kind is no greeting', (t) => {
  const frame = encodeHello(HELLO);
  frame[7] = KIND_PING;
  t.throws(() => decodeHello(frame), { code: 'PROTOCOL', message: 'first frame of kind 19, expected HELLO (16)' });
});

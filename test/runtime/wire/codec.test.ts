import test from 'ava';
import { decode as plainDecode, Tag } from 'cbor-x';
import type { Address } from '../../../runtime/address.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { BugError } from '../../../runtime/errors.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { COPIED_BYTES_MAX, PayloadCodec, type Peer } from '../../../runtime/wire/codec.ts';
import { arrivesAs, BINDER, HOME, TestRef, ValueMaker } from './values.ts';

const codec = new PayloadCodec(BINDER);

function encode(value: unknown, by: PayloadCodec = codec): Buffer {
  const out = new OutBuffer(64, 1 << 22);
  if (!by.encode(value, out)) throw new Error('over the cap');
  return Buffer.from(out.bytes.subarray(0, out.length));
}

/** Decodes from the middle of a buffer, which must not matter. */
function decode(bytes: Uint8Array, trusted = false, by: PayloadCodec = codec, peer: Peer = HOME): unknown {
  const around = Buffer.concat([Buffer.alloc(5, 0xff), bytes, Buffer.alloc(20, 0x61)]);
  return by.decode(around, 5, 5 + bytes.length, peer, trusted);
}

const returns = test.macro((t, value: unknown) => {
  for (const trusted of [true, false]) {
    for (const message of [value, [value], { a: value }, { long: 'x'.repeat(COPIED_BYTES_MAX), value }]) {
      const got = decode(encode(message), trusted);
      t.true(arrivesAs(message, got));
    }
  }
});
test('codec: returns it, when it is undefined', returns, undefined);
test('codec: returns it, when it is null', returns, null);
test('codec: returns it, when it is true', returns, true);
test('codec: returns it, when it is false', returns, false);
for (const n of [
  0,
  -0,
  1,
  -1,
  23,
  -24,
  -25,
  255,
  -256,
  65_536,
  2 ** 31,
  -(2 ** 31),
  2 ** 32 - 1,
  2 ** 32,
  -(2 ** 32),
  -(2 ** 32) - 1,
  2 ** 53 - 1,
  -(2 ** 53),
  0.1,
]) {
  test(`codec: returns it, when it is ${Object.is(n, -0) ? 'minus zero' : n}`, returns, n);
}
test('codec: returns it, when it is not a number', returns, NaN);
test('codec: returns it, when it is infinite', returns, Infinity);
test('codec: returns it, when it is infinite and negative', returns, -Infinity);
for (const n of [0n, -1n, 2n ** 53n + 1n, 2n ** 64n - 1n, -(2n ** 63n)]) test(`codec: returns it, when it is the bigint ${n}`, returns, n);
test('codec: returns it, when it is an empty string', returns, '');
test('codec: returns it, when it is a string of many scripts', returns, 'a\x00é日😀\uffff');
test('codec: returns it, when it is a long string', returns, 'abcé😀'.repeat(20_000));
test('codec: returns U+FFFD, when surrogates are alone', returns, 'a\ud800b\udfff');
test('codec: returns a Buffer, when it is bytes', returns, Uint8Array.of(1, 2, 255));
test('codec: returns it, when it is a Buffer of many bytes', returns, Buffer.alloc(100_000, 3));
test('codec: returns it, when it is nested', returns, { a: [1, [], {}, { b: [{ c: null }] }] });
test('codec: returns own properties, when keys are names of Object.prototype', returns, {
  constructor: 1,
  toString: 2,
  hasOwnProperty: 3,
  valueOf: [4],
});
test('codec: returns it, when keys are numbers, empty or odd', returns, { '': 1, '7': 2, 'a b': 3, é: 4, ['k'.repeat(300)]: 5 });
test('codec: returns an object, when its prototype was null', (t) => {
  const got = decode(encode(Object.assign(Object.create(null) as object, { a: 1 })));
  t.is(Object.getPrototypeOf(got), Object.prototype);
  t.deepEqual(got, { a: 1 });
});

test('codec: returns what was sent, when messages are made by seed', (t) => {
  const random = new SeededRandom(process.env.SEED ?? 'codec');
  const maker = new ValueMaker(random, { refs: true, odd: true });
  const wrong: string[] = [];
  for (let round = 0; round < 5000; round++) {
    const message = maker.message(1 + random.below(60));
    const bytes = encode(message);
    if (!arrivesAs(message, decode(bytes)) || !arrivesAs(message, decode(bytes, true))) wrong.push(bytes.toString('hex'));
  }
  t.deepEqual(wrong, []);
});

const lengths = [COPIED_BYTES_MAX - 4, COPIED_BYTES_MAX * 4];
for (const length of lengths) {
  test(`codec: gives bytes to the message alone, when the frame is used again after ${length} bytes`, (t) => {
    const sent = Buffer.alloc(length, 1);
    const frame = encode(sent);
    const got = codec.decode(frame, 0, frame.length, HOME, false) as Buffer;
    codec.decode(encode(Buffer.alloc(length, 2)), 0, frame.length, HOME, false);
    t.true(Buffer.isBuffer(got));
    t.deepEqual(got, sent);
    // Up to COPIED_BYTES_MAX the bytes are a copy, and beyond it a view.
    t.is(got.buffer === frame.buffer, frame.length > COPIED_BYTES_MAX);
  });
}

class OtherRef extends TestRef {}
class DeepRef extends OtherRef {}
/** Two places that talk: refs of each are of the same slot and uid. */
const BETA: Peer = { place: { node: 'beta', shard: 0 }, boot: 9 };
const beta = new PayloadCodec({ ...BETA, bind: (address) => new OtherRef(address) });

test('refs: are bound to the address they had, when they are the sender’s, the receiver’s or of a third place', (t) => {
  const addresses: readonly Address[] = [
    { ...HOME.place, boot: HOME.boot, slot: 0xc000_0007, uid: 1 },
    { ...HOME.place, boot: 0, slot: 1, uid: 0 },
    { ...BETA.place, boot: BETA.boot, slot: 7, uid: 1 },
    { node: 'gamma', shard: 0xffff, boot: 2 ** 53 - 1, slot: 0, uid: 0xffff_ffff },
  ];
  const message = { refs: addresses.map((address) => new DeepRef(address)) };
  for (const trusted of [true, false]) {
    const got = decode(encode(message), trusted, beta, HOME) as { readonly refs: readonly OtherRef[] };
    t.deepEqual(
      got.refs.map((ref) => ref.address),
      addresses,
    );
    t.true(got.refs.every((ref) => ref instanceof OtherRef));
  }
});
test('refs: come back whole, when they are sent on to another place', (t) => {
  const address = { ...HOME.place, boot: HOME.boot, slot: 7, uid: 1 };
  const there = decode(encode(new TestRef(address)), false, beta, HOME);
  const back = decode(encode(there, beta), false, codec, BETA) as TestRef;
  t.deepEqual(back.address, address);
});
test('refs: are written short, when they are of the place that sends, and long when not', (t) => {
  const ref = new TestRef({ ...HOME.place, boot: HOME.boot, slot: 7, uid: 1 });
  t.is(encode(ref).length, 6);
  t.true(encode(ref, beta).length > 6);
});
test('refs: are bound by the codec that decodes, when several of one thread decode by turns', (t) => {
  const bytes = encode([new TestRef({ node: 'gamma', shard: 1, boot: 1, slot: 5, uid: 2 })]);
  for (let turn = 0; turn < 3; turn++) {
    t.false((decode(bytes) as readonly unknown[])[0] instanceof OtherRef);
    t.true((decode(bytes, false, beta, HOME) as readonly unknown[])[0] instanceof OtherRef);
  }
});
test('refs: fail an assertion, when a binder decodes a message itself', (t) => {
  const bytes = encode([new TestRef({ node: 'gamma', shard: 1, boot: 1, slot: 5, uid: 2 })]);
  const within = new PayloadCodec({ ...BETA, bind: () => decode(bytes) as TestRef });
  t.throws(() => decode(bytes, false, within), { instanceOf: BugError, message: 'a message is decoded while another one is' });
  t.true(arrivesAs([1], decode(encode([1]))));
});
test('refs: stay tags, when other code of the thread decodes them with cbor-x', (t) => {
  t.throws(() => decode(Buffer.from('d9d7ac', 'hex')), { code: 'PROTOCOL' });
  const got: unknown = plainDecode(Buffer.from('d9d7ac820102', 'hex'));
  t.true(got instanceof Tag);
  t.deepEqual((got as Tag).value, [1, 2]);
});
test('refs: leave nothing behind, when a binder throws', (t) => {
  const bug = new BugError('binder');
  const failing = new PayloadCodec({
    ...BETA,
    bind: () => {
      throw bug;
    },
  });
  const bytes = encode([new TestRef({ ...HOME.place, boot: HOME.boot, slot: 1, uid: 1 })]);
  t.is(
    t.throws(() => decode(bytes, false, failing, HOME)),
    bug,
  );
  t.true(plainDecode(Buffer.from('d9d7ac820102', 'hex')) instanceof Tag);
  t.true(arrivesAs([1], decode(encode([1]))));
});

test('codec: refuses and goes on, when bytes are none of a message', (t) => {
  for (const hex of [
    '',
    '81',
    'ff',
    '8100ff',
    'c100',
    'd81b8266526567457870612e2a',
    'a1695f5f70726f746f5f5f80',
    '9bffffffffffffffff',
    `${'81'.repeat(17)}00`,
  ]) {
    t.throws(() => decode(Buffer.from(hex, 'hex')), { code: 'PROTOCOL' }, hex);
    t.deepEqual(decode(encode({ a: 1 })), { a: 1 });
  }
});
test('codec: turns what cbor-x throws into an error of the protocol, when bytes were trusted', (t) => {
  for (const hex of ['81', '6261', 'fc', 'a16161', '5f4100ff', `81${'ff'.repeat(200)}`]) {
    t.throws(() => decode(Buffer.from(hex, 'hex'), true), { code: 'PROTOCOL' }, hex);
    t.deepEqual(decode(encode({ a: 1 }), true), { a: 1 });
  }
});
test('codec: passes on what the encoder finds, when a message can not be sent or is over the cap', (t) => {
  const out = new OutBuffer(16, 100);
  out.length = 4;
  t.throws(() => codec.encode({ a: [() => 1] }, out), { code: 'NOT_ENCODABLE', message: 'message.a[0]: function' });
  t.false(codec.encode('x'.repeat(100), out));
  t.is(out.length, 4);
});

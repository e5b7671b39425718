import test from 'ava';
import { Encoder } from 'cbor-x';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { CBOR_OPTIONS } from '../../../runtime/wire/codec.ts';
import { PayloadEncoder } from '../../../runtime/wire/encoder.ts';
import { ARRAY_ITEMS_MAX, DEPTH_MAX, OBJECT_KEYS_MAX } from '../../../runtime/wire/scan.ts';
import { HOME, TestRef, ValueMaker } from './values.ts';

const encoder = new PayloadEncoder(HOME);
const cborx = new Encoder({ ...CBOR_OPTIONS });

function encode(message: unknown): Buffer {
  const out = new OutBuffer(16, 1 << 20);
  if (!encoder.encode(message, out)) throw new Error('over the cap');
  return Buffer.from(out.bytes.subarray(0, out.length));
}

const writes = test.macro((t, value: unknown, hex: string) => {
  t.is(encode(value).toString('hex'), hex);
});
test('encoder: writes documented bytes, when it is a message', writes, { type: 'add', by: 5 }, 'a264747970656361646462627905');
test('encoder: writes documented bytes, when it is minus zero', writes, -0, 'fb8000000000000000');
test('encoder: writes documented bytes, when it is a bigint', writes, 5n, '1b0000000000000005');
test('encoder: writes documented bytes, when it is the lowest bigint', writes, -(2n ** 63n), '3b7fffffffffffffff');
test('encoder: writes U+FFFD, when a surrogate is alone in a short string', writes, 'a\ud800b\udc00', '6861efbfbd62efbfbd');
test(
  'encoder: writes U+FFFD, when a surrogate is alone in a long string',
  writes,
  `${'x'.repeat(70)}\ud800`,
  `7849${'78'.repeat(70)}efbfbd`,
);
test(
  'encoder: writes slot and uid, when a ref is of this place',
  writes,
  new TestRef({ ...HOME.place, boot: HOME.boot, slot: 300, uid: 2 }),
  'd9d7ac8219012c02',
);
test(
  'encoder: writes the whole address, when a ref is of another place',
  writes,
  new TestRef({ node: 'b', shard: 0xffff, boot: 2 ** 40, slot: 0xffff_ffff, uid: 0 }),
  'd9d7ac85616219fffffb42700000000000001affffffff00',
);
test(
  'encoder: writes the whole address, when a ref is of an earlier boot of this place',
  writes,
  new TestRef({ ...HOME.place, boot: 7, slot: 1, uid: 2 }),
  'd9d7ac8565616c70686103070102',
);
test(
  'encoder: writes the whole address, when a ref is of another shard',
  writes,
  new TestRef({ node: 'alpha', shard: 4, boot: HOME.boot, slot: 1, uid: 2 }),
  [...['d9d7ac85', '65616c706861', '04', 'fb4279a9ec06400000', '0102']].join(''),
);

test('encoder: writes the same bytes as cbor-x, when numbers are near a change of form', (t) => {
  for (let bits = 0; bits <= 64; bits++) {
    for (let near = -2; near <= 2; near++) {
      for (const value of [2 ** bits + near, -(2 ** bits) + near, 2 ** bits + near / 4, 2 ** -bits + near]) {
        if (!Object.is(value, -0)) t.deepEqual(encode(value), cborx.encode(value), String(value));
      }
    }
  }
});
test('encoder: writes the same bytes as cbor-x, when strings are of every length and spelling', (t) => {
  for (const unit of ['a', 'é', '日', '😀', 'ab\x7fé']) {
    for (let count = 0; count < 300; count++) {
      const text = unit.repeat(count);
      if (Buffer.compare(encode({ [text]: text }), cborx.encode({ [text]: text })) !== 0) t.fail(`${count} times ${unit}`);
    }
    for (const count of [1023, 1024, 1025, 21_845, 21_846, 65_535, 65_536]) {
      const text = unit.repeat(count);
      if (Buffer.compare(encode([text]), cborx.encode([text])) !== 0) t.fail(`${count} times ${unit}`);
    }
  }
  t.pass();
});
test('encoder: writes the same bytes as cbor-x, when bytes and arrays and objects are of every length of head', (t) => {
  for (const count of [0, 1, 23, 24, 47, 48, 255, 256, 4096, 65_535, 65_536]) {
    const items = new Array<number>(count).fill(1);
    const object = Object.fromEntries(items.slice(0, OBJECT_KEYS_MAX).map((item, i) => [`k${i}`, item]));
    for (const value of [Buffer.alloc(count, 7), new Uint8Array(count), items, object])
      t.true(Buffer.compare(encode(value), cborx.encode(value)) === 0);
  }
});

test('encoder: appends, when the buffer holds something', (t) => {
  const out = new OutBuffer(16, 1000);
  out.length = 5;
  t.true(encoder.encode([1, 'a'.repeat(40)], out));
  t.is(out.length, 5 + 1 + 1 + 42);
  t.is(out.bytes[5], 0x82);
});

test('encoder: takes the prototype null for an object, holes for undefined, getters for their values', (t) => {
  t.deepEqual(encode(Object.assign(Object.create(null) as object, { a: 1 })), encode({ a: 1 }));
  t.deepEqual(encode(new Array(2)), encode([undefined, undefined]));
  t.deepEqual(
    encode({
      get a() {
        return 1;
      },
    }),
    encode({ a: 1 }),
  );
});
test('encoder: leaves out symbols, hidden properties and toJSON, when objects have them', (t) => {
  const message = Object.defineProperty({ a: 1, [Symbol('s')]: 2 }, 'hidden', { value: () => 3, enumerable: false });
  t.deepEqual(encode(message), encode({ a: 1 }));
});

class Point {
  readonly x = 1;
}
class Sub extends Array<number> {}
const spoil = (value: unknown) => ({ items: [0, 1, 2, { 'odd key': 1, callback: value }] });
const refuses = test.macro((t, value: unknown, what: string) => {
  const out = new OutBuffer(16, 1000);
  out.length = 3;
  t.throws(() => encoder.encode(value, out), { code: 'NOT_ENCODABLE', message: `message: ${what}` });
  t.throws(() => encoder.encode(spoil(value), out), { code: 'NOT_ENCODABLE', message: `message.items[3].callback: ${what}` });
  t.is(out.length, 3);
});
test('encoder: refuses with its path, when it is a function', refuses, () => 1, 'function');
test('encoder: refuses with its path, when it is a class', refuses, Point, 'function');
test('encoder: refuses with its path, when it is a symbol', refuses, Symbol('s'), 'symbol');
test('encoder: refuses with its path, when it is an instance of a class', refuses, new Point(), 'instance of Point');
test('encoder: refuses with its path, when it is an array of a class', refuses, new Sub(), 'instance of Sub');
test('encoder: refuses with its path, when it is a map', refuses, new Map(), 'instance of Map');
test('encoder: refuses with its path, when it is a set', refuses, new Set(), 'instance of Set');
test('encoder: refuses with its path, when it is a date', refuses, new Date(0), 'instance of Date');
test('encoder: refuses with its path, when it is an error', refuses, new RangeError('e'), 'instance of RangeError');
test('encoder: refuses with its path, when it is a regular expression', refuses, /a/, 'instance of RegExp');
test('encoder: refuses with its path, when it is a promise', refuses, Promise.resolve(), 'instance of Promise');
test('encoder: refuses with its path, when it is a boxed number', refuses, Object(5), 'instance of Number');
test('encoder: refuses with its path, when it is floats', refuses, new Float64Array(1), 'instance of Float64Array');
test('encoder: refuses with its path, when it is clamped bytes', refuses, new Uint8ClampedArray(1), 'instance of Uint8ClampedArray');
test('encoder: refuses with its path, when it is a buffer of bytes', refuses, new ArrayBuffer(1), 'instance of ArrayBuffer');
test('encoder: refuses with its path, when it is a view', refuses, new DataView(new ArrayBuffer(1)), 'instance of DataView');
test('encoder: refuses with its path, when it has a prototype of its own', refuses, Object.create({ inherited: 1 }), 'instance of Object');
test(
  'encoder: refuses with its path, when it is a namespace without a class',
  refuses,
  Object.create(Object.create(null) as object),
  'instance of a class',
);
test('encoder: refuses with its path, when it is a bigint over 64 bits', refuses, 2n ** 64n, 'bigint beyond 64 bits');
test('encoder: refuses with its path, when it is a bigint under 64 bits', refuses, -(2n ** 63n) - 1n, 'bigint beyond 64 bits');
test(
  'encoder: refuses with its path, when an array is too long',
  refuses,
  new Array(ARRAY_ITEMS_MAX + 1),
  `array of ${ARRAY_ITEMS_MAX + 1} items, at most ${ARRAY_ITEMS_MAX}`,
);
test(
  'encoder: refuses with its path, when an object has too many keys',
  refuses,
  Object.fromEntries(Array.from({ length: OBJECT_KEYS_MAX + 1 }, (_, i) => [`k${i}`, 0])),
  `object of ${OBJECT_KEYS_MAX + 1} keys, at most ${OBJECT_KEYS_MAX}`,
);

test('encoder: refuses the key __proto__, when an object has it', (t) => {
  const message: unknown = JSON.parse('{"a": [{"__proto__": {"x": 1}}]}');
  t.throws(() => encode(message), { code: 'NOT_ENCODABLE', message: 'message.a[0].__proto__: key __proto__' });
  t.deepEqual(({} as { readonly x?: number }).x, undefined);
});

test('encoder: quotes odd keys and shortens long ones, when it names a path', (t) => {
  t.throws(() => encode({ 'a b': { '': [{ ['k'.repeat(99)]: () => 1 }] } }), {
    message: `message["a b"][""][0]["${'k'.repeat(40)}"]: function`,
  });
});

function nested(levels: number, make: (inner: unknown) => unknown): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = make(value);
  return value;
}
test('encoder: writes as many levels as allowed and no more, when arrays and objects are nested', (t) => {
  for (const [make, step] of [
    [(inner: unknown) => [inner], '[0]'],
    [(inner: unknown) => ({ a: inner }), '.a'],
  ] as const) {
    t.deepEqual(encode(nested(DEPTH_MAX, make)), cborx.encode(nested(DEPTH_MAX, make)));
    t.throws(() => encode(nested(DEPTH_MAX + 1, make)), {
      code: 'NOT_ENCODABLE',
      message: `message${step.repeat(DEPTH_MAX)}: nested deeper than ${DEPTH_MAX}`,
    });
  }
});
test('encoder: says where a cycle closes, when there is one', (t) => {
  const loop: { items: unknown[] } = { items: [1] };
  loop.items.push(loop.items);
  t.throws(() => encode({ a: loop }), { code: 'NOT_ENCODABLE', message: 'message.a.items[1]: cycle, the same as message.a.items' });
  const self: Record<string, unknown> = {};
  self.self = self;
  t.throws(() => encode(self), { code: 'NOT_ENCODABLE', message: 'message.self: cycle, the same as message' });
});
test('encoder: writes an object twice, when it is shared but no cycle', (t) => {
  const shared = { a: 1 };
  t.deepEqual(encode([shared, shared]), encode([{ a: 1 }, { a: 1 }]));
});

test('encoder: returns false and leaves the length, when the message is over the cap by a byte', (t) => {
  const random = new SeededRandom(process.env.SEED ?? 'cap');
  const maker = new ValueMaker(random, { refs: true, odd: true });
  for (let round = 0; round < 3000; round++) {
    const message = maker.message(20);
    const bytes = encode(message);
    const start = random.below(20);
    const cap = start + bytes.length;
    if (cap < 17) continue;
    const exact = new OutBuffer(16, cap);
    exact.length = Math.min(start, 16);
    if (start <= 16 && !encoder.encode(message, exact)) t.fail(`did not fit into ${cap}: ${bytes.toString('hex')}`);
    const short = new OutBuffer(16, cap - 1);
    short.length = start <= 16 ? start : 0;
    if (start <= 16 && (encoder.encode(message, short) || short.length !== start))
      t.fail(`did fit into ${cap - 1}: ${bytes.toString('hex')}`);
  }
  t.pass();
});
test('encoder: stops at the cap, when a message shares its parts a million times', (t) => {
  let value: unknown = 'x';
  for (let i = 0; i < DEPTH_MAX; i++) value = new Array(100).fill(value);
  const out = new OutBuffer(16, 100_000);
  t.false(encoder.encode(value, out));
  t.is(out.bytes.length <= 100_000, true);
});

test('encoder: refuses, when a getter sends a message itself', (t) => {
  const out = new OutBuffer(16, 1000);
  const message = {
    get a() {
      return encoder.encode(1, out);
    },
  };
  t.throws(() => encoder.encode(message, out), { code: 'NOT_ENCODABLE', message: 'message: has a getter that sends a message' });
  t.true(encoder.encode(1, out));
  t.is(out.length, 1);
});
test('encoder: refuses with the cause, when a getter throws', (t) => {
  const cause = new Error('no value');
  const message = {
    get a() {
      throw cause;
    },
  };
  const error = t.throws(() => encode(message), { code: 'NOT_ENCODABLE', message: 'message: a getter failed: no value' });
  t.is(error.cause, cause);
});

test('encoder: goes on as before, when it refused something', (t) => {
  t.throws(() => encode([1, { a: () => 1 }]));
  t.false(encoder.encode('x'.repeat(50), new OutBuffer(16, 20)));
  t.deepEqual(encode({ a: [1] }), cborx.encode({ a: [1] }));
});

test('encoder: names the path of what is spoilt, when that is anywhere', (t) => {
  const random = new SeededRandom(process.env.SEED ?? 'path');
  const maker = new ValueMaker(random, { refs: true, odd: false });
  for (let round = 0; round < 2000; round++) {
    const message = maker.message(30);
    const path = plant(random, message);
    if (path !== '') t.throws(() => encode(message), { code: 'NOT_ENCODABLE', message: `message${path}: symbol` });
  }
});

/** Puts a symbol in the place of some value deep in `message`, and returns the path to it. */
function plant(random: SeededRandom, message: unknown): string {
  let path = '';
  let at: unknown = message;
  for (;;) {
    if (typeof at !== 'object' || at === null || at instanceof Uint8Array || at instanceof TestRef) return '';
    const inner = at as Record<string, unknown>;
    const keys = Object.keys(at).filter((key) => /^(?:\d+|k\d+)$/.test(key) && (Array.isArray(at) || key.startsWith('k')));
    if (keys.length === 0) return '';
    const key = keys[random.below(keys.length)]!;
    path += Array.isArray(at) ? `[${key}]` : `.${key}`;
    const next = inner[key];
    if (
      random.chance(0.3) ||
      typeof next !== 'object' ||
      next === null ||
      Object.keys(next).length === 0 ||
      next instanceof Uint8Array ||
      next instanceof TestRef
    ) {
      inner[key] = Symbol('planted');
      return path;
    }
    at = next;
  }
}

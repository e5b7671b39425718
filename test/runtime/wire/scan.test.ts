import test from 'ava';
import { Encoder } from 'cbor-x';
import { ARRAY_ITEMS_MAX, DEPTH_MAX, OBJECT_KEYS_MAX, Scanner } from '../../../runtime/wire/scan.ts';
import { isValue } from './oracle.ts';

const scanner = new Scanner();
const encoder = new Encoder({ useRecords: false, mapsAsObjects: true, variableMapSize: true, tagUint8Array: false });

/** Scans the bytes where they lie between others, which must not matter. */
function scan(bytes: Uint8Array): void {
  const around = Buffer.concat([Buffer.alloc(3, 0xff), bytes, Buffer.alloc(16, 0x00)]);
  scanner.scan(around, 3, 3 + bytes.length);
}

function outcome(bytes: Uint8Array): boolean | string {
  try {
    scan(bytes);
    return true;
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string };
    return code === 'PROTOCOL' ? false : message;
  }
}

const passes = test.macro((t, ...hex: string[]) => {
  for (const item of hex) {
    t.is(outcome(Buffer.from(item, 'hex')), true, item);
    t.true(isValue(Buffer.from(item, 'hex')), `oracle: ${item}`);
  }
});
const refuses = test.macro((t, message: RegExp, ...hex: string[]) => {
  for (const item of hex) {
    const bytes = Buffer.from(item, 'hex');
    t.throws(() => scan(bytes), { code: 'PROTOCOL', message }, item);
    t.false(isValue(bytes), `oracle: ${item}`);
  }
});

test('scan: passes, when it is a simple value', passes, 'f4', 'f5', 'f6', 'f7');
test('scan: passes, when it is a float of any width', passes, 'f97e00', 'f9fc00', 'fa7fc00000', 'fb7ff0000000000000', 'fb8000000000000000');
test(
  'scan: passes, when it is an integer of any width',
  passes,
  '00',
  '17',
  '1818',
  '190100',
  '1a00010000',
  '1bffffffffffffffff',
  '37',
  '3b7fffffffffffffff',
);
test('scan: passes, when it is a string', passes, '40', '420102', '60', '6161', '780161', '790001ff', '5a0000000100');
test(
  'scan: passes, when it is an array or map',
  passes,
  '80',
  '8180',
  '820102',
  '98018101',
  'a0',
  'a1616101',
  'a261610161618101',
  'b801616180',
);
test('scan: passes, when it is a ref of the sender', passes, 'd9d7ac820102', 'd9d7ac821affffffff1affffffff', '81d9d7ac82190100181f');
test(
  'scan: passes, when it is a ref of another place',
  passes,
  ...['d9d7ac85616100000102', `d9d7ac857840${'412d2e5f5a30397a'.repeat(8)}18ff1a01020304182a07`],
  ...['d9d7ac85616119ffff00182a07', 'd9d7ac85616100fb433fffffffffffff0102', 'd9d7ac85616100fb41f00000000000000102'],
);

test('scan: refuses, when there is nothing', refuses, /byte 0: found the end, expected an item/, '');
test('scan: refuses, when something follows', refuses, /found 1 more bytes, expected the end/, '0000', '8000', 'f6f6', '616100');
test('scan: refuses, when an item is missing', refuses, /found (?:the end|\d+ items)/, '81', '8201', 'a1', 'a16161', '828101', 'a2616101');
test('scan: refuses, when an integer is cut off', refuses, /integer cut off/, '18', '1901', '1a010203', '1b01020304050607', '38', '3b');
test('scan: refuses, when a float is cut off', refuses, /float cut off/, 'f9', 'f900', 'fa000000', 'fb00000000000000');
test('scan: refuses, when a length is cut off', refuses, /length cut off/, '58', '7900', '9a000000', 'b8', 'b900');
test(
  'scan: refuses, when a string is longer than what is left',
  refuses,
  /string of \d+ bytes, expected at most/,
  '41',
  '6261',
  '5803aabb',
  '7affffffff',
  '5a7fffffff00',
);
test(
  'scan: refuses, when a count is higher than what is left',
  refuses,
  /\d+ items, expected at most/,
  '8201',
  '9affffffff',
  'baffffffff',
  'b9ffff0000',
);
test(
  'scan: refuses, when a length has 8 bytes',
  refuses,
  /expected a length of at most 4 bytes/,
  ...[
    '9b0000000000000000',
    '9b7fffffffffffffff',
    '9bffffffffffffffff',
    'bb0000000000000000',
    'bb8000000000000000',
    '5b000000000000000161',
    '7bffffffffffffffff',
  ],
);
test(
  'scan: refuses, when a length is indefinite',
  refuses,
  /info 31\), expected a length/,
  '5f4100ff',
  '7f6161ff',
  '9fff',
  '9f01ff',
  'bfff',
  'bf616101ff',
);
test(
  'scan: refuses, when additional information is reserved',
  refuses,
  /info (?:2[89]|30)\)/,
  '1c',
  '1d',
  '1e',
  '3c',
  '5d',
  '7e',
  '9c',
  'bd',
  'fc',
  'fd',
  'fe',
);
test('scan: refuses, when a break stands alone', refuses, /info 31/, 'ff', '81ff', '1f', '3f');
test(
  'scan: refuses, when a simple value is another',
  refuses,
  /false, true, null, undefined or a float/,
  'e0',
  'f3',
  'f800',
  'f814',
  'f8ff',
);
test('scan: refuses, when an integer is below what 64 bits hold', refuses, /below -2\^63/, '3b8000000000000000', '3bffffffffffffffff');
test(
  'scan: refuses, when a key is no text',
  refuses,
  /expected a text as key/,
  'a10000',
  'a1f600',
  'a14000',
  'a18000',
  'a1a000',
  'a1d9d7ac82010200',
  'a2616100f600',
);
test(
  'scan: refuses, when a key is __proto__ in whatever form',
  refuses,
  /the key __proto__/,
  ...[
    'a1695f5f70726f746f5f5f00',
    'a178095f5f70726f746f5f5f00',
    'a17900095f5f70726f746f5f5f00',
    'a17a000000095f5f70726f746f5f5f00',
    '81a2616100695f5f70726f746f5f5f80',
  ],
);
test(
  'scan: passes, when __proto__ is a value or part of a key',
  passes,
  '695f5f70726f746f5f5f',
  'a16161695f5f70726f746f5f5f',
  'a1685f5f70726f746f5f00',
  'a1695f5f70726f746f5f7800',
);

test('scan: refuses every tag but that of refs, when there is one', (t) => {
  for (let tag = 0; tag < 65_536; tag++) {
    const head = tag < 24 ? [0xc0 | tag] : tag < 256 ? [0xd8, tag] : [0xd9, tag >> 8, tag & 255];
    const bytes = Uint8Array.from([...head, 0x82, 0x01, 0x02]);
    if (outcome(bytes) !== (tag === 55_212)) t.fail(`tag ${tag}: ${outcome(bytes)}`);
  }
  t.pass();
});
test(
  'scan: refuses a ref, when its tag or array is of another form',
  refuses,
  /found tag [0-9a-f]*, expected tag 55212 of an array of 2 or 5/,
  ...[
    'd9d7ac',
    'd9d7',
    'd9',
    'c6',
    'd9d7ac00',
    'd9d7ac80',
    'd9d7ac8101',
    'd9d7ac83010203',
    'd9d7ac840a010203',
    'd9d7aca201020304',
    'd9d7ac98020102',
  ],
  ...['da0000d7ac820102', 'db000000000000d7ac820102', 'd9d7ac9f0102ff', 'd9d7acd9d7ac820102', 'd9d7ab820102'],
);
test(
  'scan: refuses a ref, when a number in it is not of 32 bits',
  refuses,
  /of 32 bits|integer|length cut off/,
  ...[
    'd9d7ac82',
    'd9d7ac8201',
    'd9d7ac82f601',
    'd9d7ac820120',
    'd9d7ac821b000000000000000001',
    'd9d7ac82fb3ff000000000000001',
    'd9d7ac8218',
    'd9d7ac82011a0000',
  ],
  ...['d9d7ac85616100f60102', 'd9d7ac8561610020', 'd9d7ac856161001b00000000000000010102', 'd9d7ac856161f6000102'],
);
test(
  'scan: refuses a ref, when its node has no name of a node',
  refuses,
  /node/,
  ...[
    'd9d7ac8560000000',
    'd9d7ac8541610000000102',
    'd9d7ac856120000001',
    'd9d7ac8561c3000001',
    'd9d7ac8562612f000001',
    'd9d7ac8500000001',
    'd9d7ac85',
  ],
  ...[`d9d7ac857841${'61'.repeat(65)}00000102`, 'd9d7ac85787f61'],
);
test(
  'scan: refuses a ref, when its shard can be none',
  refuses,
  /shard (?:256|65534|65536)/,
  'd9d7ac85616119010000',
  'd9d7ac85616119fffe00',
  'd9d7ac8561611a0001000000',
);
test(
  'scan: refuses a ref, when its boot is no integer below 2^53',
  refuses,
  /boot|float cut off/,
  ...['fb4340000000000000', 'fb3fe0000000000000', 'fbbff0000000000000', 'fb7ff8000000000000', 'fb7ff0000000000000', 'fb0000'].map(
    (boot) => `d9d7ac85616100${boot}`,
  ),
);

const nested = (opening: string, levels: number) => Buffer.from(`${opening.repeat(levels)}00`, 'hex');
test('scan: passes as many levels as allowed and no more, when arrays and maps are nested', (t) => {
  for (const opening of ['81', 'a16161', '81a16161']) {
    const each = opening === '81a16161' ? 2 : 1;
    t.is(outcome(nested(opening, DEPTH_MAX / each)), true, opening);
    t.throws(() => scan(nested(opening, DEPTH_MAX / each + 1)), { code: 'PROTOCOL', message: /depth 17, expected at most 16/ });
  }
});
test('scan: refuses without overflow, when a million levels are nested', (t) => {
  for (const opening of ['81', 'a16161', '9a00000001', '820081']) t.is(outcome(nested(opening, 1_000_000)), false, opening);
});
test('scan: counts a ref as no level, when it lies at the deepest', (t) => {
  t.is(outcome(Buffer.concat([Buffer.alloc(DEPTH_MAX, 0x81), Buffer.from('d9d7ac820102', 'hex')])), true);
});
test('scan: returns to the outer container in the right state, when inner ones end', (t) => {
  // A key must be a text again behind a map within an array within a map.
  t.is(outcome(Buffer.from('a2616181a16162006163f6', 'hex')), true);
  t.is(outcome(Buffer.from('a2616181a161620000f6', 'hex')), false);
  t.is(outcome(Buffer.from('82a1616180a161620000', 'hex')), false);
});

test('scan: passes as many items as allowed and no more, when an array is long', (t) => {
  const array = (count: number) => Buffer.concat([Buffer.from(`9a${count.toString(16).padStart(8, '0')}`, 'hex'), Buffer.alloc(count)]);
  t.is(outcome(array(ARRAY_ITEMS_MAX)), true);
  t.throws(() => scan(array(ARRAY_ITEMS_MAX + 1)), { code: 'PROTOCOL', message: /array of 65537 items, expected at most 65536/ });
});
test('scan: passes as many keys as allowed and no more, when a map is large', (t) => {
  const map = (count: number) => encoder.encode(Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i])));
  t.is(outcome(map(OBJECT_KEYS_MAX)), true);
  t.throws(() => scan(map(OBJECT_KEYS_MAX + 1)), { code: 'PROTOCOL', message: /map of 4097 keys, expected at most 4096/ });
});

test('scan: says where, what and what instead, when it refuses', (t) => {
  const bytes = Buffer.from('83016161d8408000', 'hex');
  t.throws(() => scan(bytes), {
    code: 'PROTOCOL',
    message: 'value at byte 4: found tag d8408000, expected tag 55212 of an array of 2 or 5',
  });
});

test('scan: agrees with the oracle, when a header of every form meets every number of bytes', (t) => {
  for (let first = 0; first < 256; first++) {
    for (const fill of [0x00, 0x01, 0x61, 0xff]) {
      for (let length = 1; length <= 12; length++) {
        const bytes = Buffer.alloc(length, fill);
        bytes[0] = first;
        if (outcome(bytes) !== isValue(bytes)) t.fail(`${bytes.toString('hex')}: ${outcome(bytes)}`);
      }
    }
  }
  t.pass();
});
test('scan: agrees with the oracle, when three bytes take values from all over', (t) => {
  const bytes = Buffer.alloc(3);
  let differ = 0;
  for (let word = 0; word < 1 << 24; word += 211) {
    bytes.writeUIntBE(word, 0, 3);
    if (outcome(bytes) !== isValue(bytes)) differ++;
  }
  t.is(differ, 0);
});

test('scan: forgets what it refused, when the next value comes', (t) => {
  t.is(outcome(Buffer.from('828281', 'hex')), false);
  t.is(outcome(Buffer.from('a1616101', 'hex')), true);
});

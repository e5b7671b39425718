import { readFileSync } from 'node:fs';
import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { NodeError } from '../../../actors/node/node-error.ts';
import { decodeRecord, encodeRecord, type NodeRecord, PHASES } from '../../../actors/node/node-record.ts';
import { crc32 } from '../../../storage/checksum.ts';

const RECORD: NodeRecord = {
  id: '000102030405060708090a0b0c0d0e0f',
  cluster: 'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff',
  phase: 'member',
  name: 'paris-1',
  shards: 3,
  boot: 0x1_0000_0002,
  address: { node: 'paris-1.0001020304050607', host: '10.0.0.1', ports: [7000, 7001, 7002, 7003] },
};

/** The bytes of the example in README.md: lines `offset: hex  comment`. */
function exampleBytes(): Buffer {
  const block = readFileSync('actors/node/README.md', 'utf8').split('Example: `NODE`')[1]?.split('```')[1] ?? '';
  const parts: Buffer[] = [];
  let length = 0;
  for (const line of block.trim().split('\n')) {
    const { at, hex } = /^ *(?<at>\d+): (?<hex>(?:[0-9a-f]{2} ?)+)/.exec(line)?.groups ?? {};
    if (Number(at) !== length) throw new Error(`expected offset ${length}, got ${line}`);
    const part = Buffer.from((hex ?? '').replaceAll(' ', ''), 'hex');
    parts.push(part);
    length += part.length;
  }
  return Buffer.concat(parts);
}

test('node record: the example of its README is what the code writes', (t) => {
  t.deepEqual(exampleBytes(), encodeRecord(RECORD));
});

test('node record: the golden file of version 1 is read', (t) => {
  t.deepEqual(decodeRecord(readFileSync('test/actors/node/golden/v1/NODE'), 'NODE'), RECORD);
});

const id = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('hex'))
  .filter((text) => !/^0+$/.test(text));
const record: fc.Arbitrary<NodeRecord> = fc.record({
  id,
  cluster: fc.oneof(fc.constant(''), id),
  phase: fc.constantFrom(...PHASES),
  name: fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,30}$/),
  shards: fc.integer({ min: 1, max: 255 }),
  boot: fc.maxSafeNat(),
  address: fc.oneof(
    fc.constant(null),
    fc.record({
      node: fc.constant('a.b'),
      host: fc.ipV6(),
      ports: fc.array(fc.integer({ min: 1, max: 65_535 }), { minLength: 1, maxLength: 20 }),
    }),
  ),
});

testProp('node record: comes back as it was written', [record], (t, value) => {
  t.deepEqual(decodeRecord(encodeRecord(value), 'NODE'), value);
});

test('node record: every bit that is flipped and every byte that is missing is found', (t) => {
  const whole = encodeRecord(RECORD);
  for (let bit = 0; bit < whole.length * 8; bit++) {
    const bytes = Buffer.from(whole);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    t.throws(() => decodeRecord(bytes, 'NODE'), { instanceOf: NodeError, code: 'DAMAGED' }, `bit ${bit}`);
  }
  for (let length = 0; length < whole.length; length++)
    t.throws(() => decodeRecord(whole.subarray(0, length), 'NODE'), { code: 'DAMAGED' }, `${length} bytes`);
  t.throws(() => decodeRecord(Buffer.concat([whole, Buffer.of(0)]), '/d/NODE'), {
    message: /^\/d\/NODE is damaged: expected \d+ bytes, found \d+/,
  });
});

test('node record: a later version is named, not called damaged', (t) => {
  const bytes = Buffer.concat([encodeRecord(RECORD), Buffer.from('more')]);
  bytes.writeUInt32LE(2, 8);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 16)), 16);
  t.throws(() => decodeRecord(bytes, 'NODE'), { code: 'NEWER_FORMAT', message: /format 2, this version of dynactor reads 1/ });
});

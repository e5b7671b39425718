import test from 'ava';
import { decodeRingFile, emptyStoredRing, encodeRingFile, type StoredRing } from '../../../actors/membership/ring-file.ts';
import { crc32 } from '../../../storage/checksum.ts';
import { StorageError } from '../../../storage/errors.ts';

const FILE = '/data/ring/ring-7';
const id = (digit: string): string => digit.repeat(32);

const FULL: StoredRing = {
  owner: id('a'),
  ring: { generation: 2, epoch: 300, bytes: Uint8Array.from(Buffer.from('ring')) },
  promised: { round: 130, proposer: id('b') },
  accepted: { ballot: { round: 129, proposer: id('c') }, proposal: Uint8Array.from(Buffer.from('op')) },
  round: 128,
  registered: [{ id: id('b'), boot: 5, instance: '0123456789abcdef' }],
  decided: [{ operationId: id('d'), generation: 2, epoch: 300 }],
};

/** Format version 1: only ever added to. */
const GOLDEN = [
  '44594e4152494e47 01000000 07000000 7b000000',
  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
  '02000000 2c010000 04 72696e67',
  '01 8201 bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',
  '01 8101 cccccccccccccccccccccccccccccccc 02 6f70',
  '8001',
  '01 bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 05 0123456789abcdef',
  '01 dddddddddddddddddddddddddddddddd 02000000 2c010000',
];

function golden(): Buffer {
  const body = Buffer.from(GOLDEN.join('').replace(/ /g, ''), 'hex');
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32LE(crc32(body));
  return Buffer.concat([body, checksum]);
}

function corrupted(at: number, byte: number): Buffer {
  const bytes = Buffer.from(golden());
  bytes[at] = byte;
  return bytes;
}

/** With its checksum made right again. */
function forged(at: number, byte: number): Buffer {
  const bytes = corrupted(at, byte);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4);
  return bytes;
}

test('ring file: the worked example is encoded and decoded', (t) => {
  t.is(Buffer.from(encodeRingFile(FULL, 7)).toString('hex'), golden().toString('hex'));
  t.deepEqual(decodeRingFile(golden(), FILE, 7), FULL);
});

test('ring file: an empty state comes back', (t) => {
  const empty = emptyStoredRing(id('e'));
  t.deepEqual(decodeRingFile(encodeRingFile(empty, 1), FILE, 1), empty);
});

const refused = test.macro((t, bytes: Buffer, offset: number, found: string | RegExp) => {
  const error = t.throws(() => decodeRingFile(bytes, FILE, 7), { instanceOf: StorageError });
  t.is(error?.code, 'CORRUPTION');
  t.is(error?.place?.file, FILE);
  t.is(error?.place?.offset, offset);
  t.regex(error?.place?.found ?? '', found instanceof RegExp ? found : new RegExp(`^${found}$`));
});
const length = golden().length;
test('ring file: rot is reported with its place, when a bit of the body is wrong', refused, corrupted(40, 0xff), length - 4, /^0x/);
test('ring file: rot is reported with its place, when the file is too short', refused, golden().subarray(0, 10), 10, '10');
test('ring file: rot is reported with its place, when the magic is wrong', refused, corrupted(0, 0), 0, /^00594e/);
test('ring file: another number than that of its name is reported', refused, forged(12, 9), 12, '9');
test('ring file: a wrong length of the body is reported', refused, forged(16, 0x7c), 16, '124');
test('ring file: a flag that is none is reported, though the checksum is right', refused, forged(49, 2), 50, '2');

test('ring file: every wrong byte and every cut is found', (t) => {
  const bytes = golden();
  for (let at = 0; at < bytes.length; at++) {
    t.throws(() => decodeRingFile(corrupted(at, bytes[at]! ^ 0x10), FILE, 7), { instanceOf: StorageError }, `byte ${at}`);
    t.throws(() => decodeRingFile(bytes.subarray(0, at), FILE, 7), { instanceOf: StorageError }, `cut at ${at}`);
  }
});

test('ring file: a newer format is not taken for damage', (t) => {
  const error = t.throws(() => decodeRingFile(forged(8, 2), FILE, 7), { instanceOf: StorageError });
  t.is(error?.code, 'UNKNOWN_FORMAT');
});

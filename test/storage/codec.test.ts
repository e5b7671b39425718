import test from 'ava';
import { ByteReader } from '../../storage/byte-reader.ts';
import { ByteWriter } from '../../storage/byte-writer.ts';
import { CRC_RESIDUE, crc32, seedOfPlace, seedOfUid } from '../../storage/checksum.ts';
import { CODEC_DEFLATE, CODEC_ZSTD, Codecs } from '../../storage/codec.ts';

const NUMBERS = [0, 1, 127, 128, 16_383, 16_384, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 49, Number.MAX_SAFE_INTEGER];

function readerOf({ bytes, length }: ByteWriter): ByteReader {
  return new ByteReader(bytes, 0, length, '/t', 0);
}

test('bytes: varints and u64 come back, when they are any integer below 2^53', (t) => {
  const out = new ByteWriter();
  for (const number of NUMBERS) {
    out.varint(number);
    out.u64(number);
  }
  const reader = readerOf(out);
  for (const number of NUMBERS) t.deepEqual([reader.varint(), reader.u64()], [number, number]);
  reader.ended();
});

test('bytes: integers of 2^53 and more are corruption, when read', (t) => {
  const read = (bytes: number[], take: (reader: ByteReader) => number) =>
    t.throws(() => take(new ByteReader(Buffer.from(bytes), 0, bytes.length, '/t', 100)), { code: 'CORRUPTION' });
  read([255, 255, 255, 255, 255, 255, 255, 16], (reader) => reader.varint());
  read([128, 128, 128, 128, 128, 128, 128, 128, 1], (reader) => reader.varint());
  read([0, 0, 0, 0, 0, 0, 32, 0], (reader) => reader.u64());
  read([128], (reader) => reader.varint());
});

test('bytes: a length beyond its bound or the end is corruption with its place, when read', (t) => {
  const out = new ByteWriter();
  out.sized(Buffer.alloc(50));
  t.is(readerOf(out).sized(50).length, 50);
  t.throws(() => readerOf(out).sized(49), { code: 'CORRUPTION', message: '/t at 1: expected a length of at most 49, found 50' });
  t.throws(() => new ByteReader(out.bytes, 0, 20, '/t', 7).sized(50), { message: '/t at 8: expected 50 more bytes, found 19' });
});

test('bytes: what was written stays, when the buffer grows', (t) => {
  const out = new ByteWriter();
  const blob = Buffer.alloc(700, 'blob');
  for (let i = 0; i < 100; i++) {
    out.u8(i);
    out.u32(i * 1_000_003);
    out.put(blob, i, 700 - i);
  }
  const reader = readerOf(out);
  for (let i = 0; i < 100; i++) {
    t.deepEqual([reader.u8(), reader.u32()], [i, i * 1_000_003]);
    t.deepEqual(Buffer.from(reader.take(700 - 2 * i)), blob.subarray(i, 700 - i));
  }
  t.is(reader.left, 0);
});

test('checksum: is the known CRC-32, and of bytes and their checksum the residue, when seeded or not', (t) => {
  const bytes = Buffer.from('123456789....');
  t.is(crc32(bytes.subarray(0, 9)), 0xcbf4_3926);
  for (const seed of [0, 1, 0xffff_ffff]) {
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 9), seed), 9);
    t.is(crc32(bytes, seed), CRC_RESIDUE);
  }
});

test('checksum: seeds differ, when uid, offset or length do', (t) => {
  const seeds = new Set<number>();
  const uids = [1, 2].map((fill) => seedOfUid(Buffer.alloc(16, fill)));
  const offsets = [0, 1, 4_096, 2 ** 32, 2 ** 32 + 4_096, 2 ** 40];
  const lengths = [10, 11, 4_096];
  for (const uid of uids) for (const offset of offsets) for (const length of lengths) seeds.add(seedOfPlace(uid, offset, length));
  t.is(seeds.size, uids.length * offsets.length * lengths.length);
  t.true([...seeds].every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32));
});

test('codec: bytes come back and longer ones are refused, when compressed by any codec that is here', (t) => {
  const codecs = new Codecs();
  const bytes = Buffer.from('all work and no play makes jack a dull boy. '.repeat(80));
  const here = [CODEC_DEFLATE, CODEC_ZSTD].map((id) => codecs.byId(id)).filter((codec) => codec !== undefined);
  t.true(here.length >= 1);
  for (const codec of here) {
    const packed = codec.compress(bytes);
    t.true(packed.length < bytes.length / 4);
    const raw = codec.decompress(packed, bytes.length);
    t.deepEqual(Buffer.from(raw), bytes);
    t.true(raw.buffer.byteLength <= Math.max(4_096, bytes.length + 1), `memory of ${raw.buffer.byteLength}`);
    t.throws(() => codec.decompress(packed, bytes.length - 1));
    t.throws(() => codec.decompress(bytes, bytes.length));
  }
});

test('codec: one that is passed in is used, when asked for by its number', (t) => {
  const own = { id: 3, compress: (bytes: Uint8Array) => bytes, decompress: (bytes: Uint8Array) => bytes };
  t.is(new Codecs([own]).byId(3), own);
  t.is(new Codecs().byId(3), undefined);
  t.is(new Codecs().byId(0), undefined);
});

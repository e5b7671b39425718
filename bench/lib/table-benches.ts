/** Cases of bench:micro for tables: what a point lookup and a block read consist of. */
import { ByteReader } from '../../storage/byte-reader.ts';
import { putVarint } from '../../storage/byte-writer.ts';
import { crc32 } from '../../storage/checksum.ts';
import { Codecs } from '../../storage/codec.ts';
import { hashKey } from '../../storage/hash.ts';
import { PUT } from '../../storage/record.ts';
import { BlockBuilder } from '../../storage/table/block-builder.ts';
import { BlockView } from '../../storage/table/block-view.ts';
import { BloomBuilder, BloomFilter } from '../../storage/table/bloom.ts';

interface Case {
  readonly label: string;
  readonly run: () => unknown;
}

interface TableBench {
  readonly name: string;
  readonly ours: Case;
  readonly peers: readonly Case[];
}

const KEYS = 100_000;
const BLOCK_BYTES = 4_096;

export function tableBenches(): TableBench[] {
  return [bloomProbe(), blockSeek(), varint(), checksum(), compression()];
}

function keyOf(i: number): Buffer {
  return Buffer.from(String(i).padStart(16, '0'));
}

/** Calls `run` with 0 .. count-1 over and over. */
function inTurn(count: number, run: (i: number) => unknown): () => unknown {
  let i = 0;
  return () => {
    i = i + 1 === count ? 0 : i + 1;
    return run(i);
  };
}

function bloomProbe(): TableBench {
  const builder = new BloomBuilder(10);
  const hashes = Int32Array.from({ length: KEYS }, (_, i) => hashKey(keyOf(i), 0, 16));
  for (const hash of hashes) builder.add(hash);
  const out = builder.write();
  const filter = new BloomFilter(new ByteReader(out.bytes, 0, out.length, 'bench', 0));
  const set = new Set(hashes);
  const bits = new Uint8Array((KEYS * 10) / 8);
  const spread = (hash: number, step: number): number => (Math.imul(hash, step) >>> 0) % (KEYS * 10);
  const STEPS = [0x9e37_79b1, 0x85eb_ca6b, 0xc2b2_ae35, 0x27d4_eb2f, 0x1656_67b1, 0x2545_f491];
  for (const hash of hashes) for (const step of STEPS) bits[spread(hash, step) >>> 3]! |= 1 << (spread(hash, step) & 7);
  const plain = (hash: number): boolean => {
    for (const step of STEPS) if ((bits[spread(hash, step) >>> 3]! & (1 << (spread(hash, step) & 7))) === 0) return false;
    return true;
  };
  return {
    name: `Bloom probe of a key that is there, ${KEYS} keys`,
    ours: { label: 'lines of 512 bits', run: inTurn(KEYS, (i) => filter.mayHold(hashes[i]!)) },
    peers: [
      { label: 'bits all over the filter', run: inTurn(KEYS, (i) => plain(hashes[i]!)) },
      { label: 'Set of numbers', run: inTurn(KEYS, (i) => set.has(hashes[i]!)) },
    ],
  };
}

function blockSeek(): TableBench {
  const builder = new BlockBuilder();
  const value = Buffer.alloc(100, 1);
  const keys: Buffer[] = [];
  for (let i = 0; builder.bytesWith(16, 100) <= BLOCK_BYTES; i++) {
    const key = keyOf(i * 7);
    keys.push(key);
    builder.add(PUT, i, hashKey(key, 0, 16), key, 0, 16, value, 0, 100);
  }
  const bytes = Buffer.alloc(builder.bytesMax);
  builder.writeTo(bytes, 0);
  const view = new BlockView();
  const map = new Map(keys.map((key, i) => [key.toString('latin1'), i]));
  return {
    name: `block seek, ${keys.length} keys of 16 B in 4 KiB`,
    ours: {
      label: 'by hash bytes',
      run: inTurn(keys.length, (i) => {
        const key = keys[i]!;
        view.open(bytes);
        return view.find(key, hashKey(key, 0, 16), Number.MAX_SAFE_INTEGER);
      }),
    },
    peers: [
      {
        label: 'binary search',
        run: inTurn(keys.length, (i) => {
          view.open(bytes);
          return view.lowerBound(keys[i]!, 0, 16);
        }),
      },
      { label: 'Map by string', run: inTurn(keys.length, (i) => map.get(keys[i]!.toString('latin1'))) },
    ],
  };
}

function varint(): TableBench {
  const numbers = Array.from({ length: 64 }, (_, i) => 2 ** (i % 40) + i);
  const bytes = Buffer.alloc(16);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    name: 'varint, one out and in',
    ours: {
      label: 'putVarint and ByteReader',
      run: inTurn(numbers.length, (i) => new ByteReader(bytes, 0, putVarint(bytes, 0, numbers[i]!), 'bench', 0).varint()),
    },
    peers: [
      {
        label: 'DataView, u64 by bigint',
        run: inTurn(numbers.length, (i) => {
          view.setBigUint64(0, BigInt(numbers[i]!), true);
          return Number(view.getBigUint64(0, true));
        }),
      },
    ],
  };
}

function checksum(): TableBench {
  const bytes = Buffer.alloc(BLOCK_BYTES, 'block');
  const table = Int32Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let k = 0; k < 8; k++) c = (c & 1) === 1 ? 0xedb8_8320 ^ (c >>> 1) : c >>> 1;
    return c;
  });
  const inJavaScript = (): number => {
    let crc = -1;
    for (let i = 0; i < bytes.length; i++) crc = table[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8);
    return ~crc >>> 0;
  };
  return {
    name: 'checksum of 4 KiB',
    ours: { label: 'CRC-32 of zlib', run: () => crc32(bytes) },
    peers: [
      { label: 'CRC-32 in JavaScript', run: inJavaScript },
      { label: 'MurmurHash3, 32 bits, in JavaScript', run: () => hashKey(bytes, 0, bytes.length) },
    ],
  };
}

function compression(): TableBench {
  const bytes = Buffer.from(Array.from({ length: 64 }, (_, i) => `{"id":${i * 7_919},"name":"user ${i}","ok":true}`).join('\n'));
  const deflate = new Codecs().byId(1)!;
  const packed = deflate.compress(bytes);
  return {
    name: `deflate level 1, ${bytes.length} B of JSON to ${packed.length} B`,
    ours: { label: 'decompress', run: () => deflate.decompress(packed, bytes.length) },
    peers: [{ label: 'compress', run: () => deflate.compress(bytes) }],
  };
}

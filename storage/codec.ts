/** Compression of blocks. Pure: bytes in, bytes out, on the caller's thread. */
import * as zlib from 'node:zlib';

/** Numbers on disk: only ever added. LZ4 is kept for a codec that is passed in. */
export const CODEC_NONE = 0;
export const CODEC_DEFLATE = 1;
export const CODEC_ZSTD = 2;
export const CODEC_LZ4 = 3;
export type CodecName = 'none' | 'deflate' | 'zstd' | 'lz4';
export const CODEC_IDS: Readonly<Record<CodecName, number>> = {
  none: CODEC_NONE,
  deflate: CODEC_DEFLATE,
  zstd: CODEC_ZSTD,
  lz4: CODEC_LZ4,
};

export interface Codec {
  readonly id: number;
  compress(bytes: Uint8Array): Uint8Array;
  /** Gives at most `rawBytes` bytes and allocates no more; throws when the bytes are none of its own or give more. */
  decompress(bytes: Uint8Array, rawBytes: number): Uint8Array;
}

/** Level 1: a block of 4 KiB takes 10 us (bench:micro, Node 20); higher levels gain few percent at that size. */
const DEFLATE: Codec = {
  id: CODEC_DEFLATE,
  compress: (bytes) => zlib.deflateRawSync(bytes, { level: 1 }),
  decompress: (bytes, rawBytes) => ownMemory(zlib.inflateRawSync(bytes, bounds(rawBytes))),
};

type OneShot = (bytes: Uint8Array, options?: ReturnType<typeof bounds>) => Uint8Array;

/** The codecs that can be used here: deflate always, zstd where Node has it (22.15 and later), and those passed in. */
export class Codecs {
  readonly #byId: (Codec | undefined)[] = [];

  constructor(more: readonly Codec[] = []) {
    for (const codec of [DEFLATE, zstd(), ...more]) if (codec !== undefined) this.#byId[codec.id] = codec;
  }

  /** Undefined for `none`, and for what is not here. */
  byId(id: number): Codec | undefined {
    return this.#byId[id];
  }
}

function zstd(): Codec | undefined {
  const { zstdCompressSync, zstdDecompressSync } = zlib as { readonly zstdCompressSync?: OneShot; readonly zstdDecompressSync?: OneShot };
  if (zstdCompressSync === undefined || zstdDecompressSync === undefined) return undefined;
  return {
    id: CODEC_ZSTD,
    compress: (bytes) => zstdCompressSync(bytes),
    decompress: (bytes, rawBytes) => ownMemory(zstdDecompressSync(bytes, bounds(rawBytes))),
  };
}

/** One buffer of the right size, where zlib takes it: one byte more than needed says that it is the last. */
function bounds(rawBytes: number): { maxOutputLength: number; chunkSize: number } {
  return { maxOutputLength: Math.max(1, rawBytes), chunkSize: Math.max(CHUNK_BYTES_MIN, rawBytes + 1) };
}

/** A view of a larger chunk, or of Node's pool (8 KiB, 64 KiB in later versions), would keep all of it as long as the block is cached: it is copied. */
function ownMemory(raw: Uint8Array): Uint8Array {
  if (raw.buffer.byteLength <= raw.length + CHUNK_BYTES_MIN) return raw;
  const copy = Buffer.allocUnsafeSlow(raw.length);
  copy.set(raw);
  return copy;
}

/** What zlib takes as the size of a chunk. */
const CHUNK_BYTES_MIN = 64;

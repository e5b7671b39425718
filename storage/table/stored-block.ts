/**
 * Blocks as they are on disk: payload, codec u8, CRC-32 u32. The checksum covers payload and codec and is seeded with the uid of the file, the offset of the
 * block and its length, so a block that lies elsewhere than it was written to doesn't pass.
 */
import { u32At } from '../byte-reader.ts';
import { putU32 } from '../byte-writer.ts';
import { CRC_RESIDUE, crc32, seedOfPlace, seedOfUid } from '../checksum.ts';
import { CODEC_NONE, type Codec, type Codecs } from '../codec.ts';
import { corruption, StorageError } from '../errors.ts';
import { RAW_LENGTH_BYTES, TRAILER_BYTES } from './table-format.ts';

/** Compressed at most to this, or else stored as it is. */
const COMPRESSED_RATIO_MAX = 0.88;

/** Makes and checks the blocks of one file. */
export class BlockSeal {
  readonly file: string;
  readonly #uidSeed: number;
  readonly #bound: boolean;

  constructor(file: string, uid: Uint8Array, mutants: ReadonlySet<string>) {
    this.file = file;
    this.#uidSeed = seedOfUid(uid);
    this.#bound = !mutants.has('checksumScope');
  }

  /**
   * Turns the payload `out[at, end)` into the block at `offset` of the file. Requires: room for TRAILER_BYTES + RAW_LENGTH_BYTES behind `end`.
   * Returns the offset in `out` behind the block.
   */
  seal(out: Buffer, at: number, end: number, offset: number, codec: Codec | undefined): number {
    let to = end;
    let id = CODEC_NONE;
    if (codec !== undefined) {
      const packed = codec.compress(out.subarray(at, end));
      if (packed.length + RAW_LENGTH_BYTES <= (end - at) * COMPRESSED_RATIO_MAX) {
        putU32(out, at, end - at);
        out.set(packed, at + RAW_LENGTH_BYTES);
        to = at + RAW_LENGTH_BYTES + packed.length;
        id = codec.id;
      }
    }
    out[to++] = id;
    return putU32(out, to, crc32(out.subarray(at, to), this.#seed(offset, to + 4 - at)));
  }

  /** Verifies `stored`, a whole block at `offset` of the file. Errors: CORRUPTION. */
  check(stored: Uint8Array, offset: number): void {
    const found = crc32(stored, this.#seed(offset, stored.length));
    if (found === CRC_RESIDUE) return;
    const crcAt = stored.length - 4;
    const expected = `a block with checksum ${hex(u32At(stored, crcAt))}`;
    throw corruption({
      file: this.file,
      offset,
      expected,
      found: hex(crc32(stored.subarray(0, crcAt), this.#seed(offset, stored.length))),
    });
  }

  /**
   * The payload of a block that `check` has passed: `stored` itself, whose payload then is followed by the trailer, or what it was compressed from, a
   * buffer of its own. Errors: CORRUPTION; UNKNOWN_FORMAT when the codec is not here.
   */
  open(stored: Buffer, offset: number, codecs: Codecs, rawBytesMax: number): Buffer {
    const id = stored[stored.length - TRAILER_BYTES]!;
    if (id === CODEC_NONE) return stored;
    const codec = codecs.byId(id);
    if (codec === undefined) throw new StorageError('UNKNOWN_FORMAT', `${this.file} at ${offset}: codec ${id} is not in this process`);
    const { file } = this;
    const rawBytes = stored.length < RAW_LENGTH_BYTES + TRAILER_BYTES ? 0 : u32At(stored, 0);
    if (rawBytes === 0 || rawBytes > rawBytesMax) {
      throw corruption({ file, offset, expected: `a block of 1 to ${rawBytesMax} bytes`, found: `${rawBytes}` });
    }
    const raw = decompressed(codec, stored.subarray(RAW_LENGTH_BYTES, stored.length - TRAILER_BYTES), rawBytes);
    if (raw?.length === rawBytes) return Buffer.from(raw.buffer, raw.byteOffset, raw.length);
    throw corruption({ file, offset, expected: `${rawBytes} bytes decompressed`, found: raw === undefined ? 'none' : `${raw.length}` });
  }

  /** Length of the payload in what `open` gave for `stored`. */
  payloadBytes(stored: Buffer, opened: Buffer): number {
    return opened === stored ? stored.length - TRAILER_BYTES : opened.length;
  }

  #seed(offset: number, length: number): number {
    return this.#bound ? seedOfPlace(this.#uidSeed, offset, length) : 0;
  }
}

function decompressed(codec: Codec, bytes: Uint8Array, rawBytes: number): Uint8Array | undefined {
  try {
    return codec.decompress(bytes, rawBytes);
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0');
}

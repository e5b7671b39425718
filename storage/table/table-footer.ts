/** The last bytes of a table: where its parts are. Parts lie one behind the other, so lengths say it all. */
import { copyBytes, u32At, u64At } from '../byte-reader.ts';
import { putU32, putU64 } from '../byte-writer.ts';
import { crc32 } from '../checksum.ts';
import { corruption, StorageError } from '../errors.ts';
import {
  FOOTER_BYTES,
  FOOTER_BYTES_MAX,
  FOOTER_DATA_END,
  FOOTER_FILE_BYTES,
  FOOTER_FILTER_BYTES,
  FOOTER_INDEX_BYTES,
  FOOTER_LENGTH,
  FOOTER_PROPERTIES_BYTES,
  FOOTER_RANGES_BYTES,
  FOOTER_TAIL_BYTES,
  FOOTER_UID,
  TABLE_MAGIC,
  TABLE_VERSION,
  UID_BYTES,
} from './table-format.ts';

/** What the manifest knows of a table. */
export interface TableIdentity {
  readonly uid: Uint8Array;
  /** Length of the file. */
  readonly bytes: number;
}

/** Lengths on disk, trailers included; 0: there is no such part. */
export interface TableFooter extends TableIdentity {
  /** Data blocks are [0, dataEnd). Filter, range deletes, index, properties and footer follow in this order. */
  readonly dataEnd: number;
  readonly filterBytes: number;
  readonly rangesBytes: number;
  readonly indexBytes: number;
  readonly propertiesBytes: number;
}

export function encodeFooter(footer: TableFooter): Buffer {
  const out = Buffer.alloc(FOOTER_BYTES);
  out.set(footer.uid, FOOTER_UID);
  putU64(out, FOOTER_FILE_BYTES, footer.bytes);
  putU64(out, FOOTER_DATA_END, footer.dataEnd);
  putU32(out, FOOTER_FILTER_BYTES, footer.filterBytes);
  putU32(out, FOOTER_RANGES_BYTES, footer.rangesBytes);
  putU32(out, FOOTER_INDEX_BYTES, footer.indexBytes);
  putU32(out, FOOTER_PROPERTIES_BYTES, footer.propertiesBytes);
  let at = putU32(out, FOOTER_LENGTH, FOOTER_BYTES);
  at = putU32(out, at, TABLE_VERSION);
  at = putU32(out, at, crc32(out.subarray(0, at)));
  out.set(TABLE_MAGIC, at);
  return out;
}

/**
 * `tail` is the last bytes of the file: FOOTER_BYTES_MAX of them, or all. Errors: CORRUPTION; UNKNOWN_FORMAT when the footer is whole and of a newer
 * version.
 */
export function decodeFooter(tail: Uint8Array, file: string, expected: TableIdentity): TableFooter {
  const tailStart = expected.bytes - tail.length;
  const bad = (at: number, wanted: string, found: string): StorageError =>
    corruption({ file, offset: tailStart + at, expected: wanted, found });
  const end = tail.length;
  if (end < FOOTER_TAIL_BYTES) throw bad(0, 'a footer', `${end} bytes`);
  const magicAt = end - TABLE_MAGIC.length;
  if (TABLE_MAGIC.some((byte, i) => tail[magicAt + i] !== byte)) {
    throw bad(magicAt, `magic ${hex(TABLE_MAGIC)}`, hex(tail.subarray(magicAt)));
  }
  const length = u32At(tail, end - FOOTER_TAIL_BYTES);
  if (length < FOOTER_TAIL_BYTES || length > Math.min(end, FOOTER_BYTES_MAX)) {
    throw bad(end - FOOTER_TAIL_BYTES, `a footer of ${FOOTER_TAIL_BYTES} to ${Math.min(end, FOOTER_BYTES_MAX)} bytes`, `${length}`);
  }
  const start = end - length;
  const crcAt = magicAt - 4;
  const crc = crc32(tail.subarray(start, crcAt));
  if (crc !== u32At(tail, crcAt)) throw bad(start, `a footer with checksum ${u32At(tail, crcAt)}`, `${crc}`);
  const version = u32At(tail, crcAt - 4);
  if (version !== TABLE_VERSION || length !== FOOTER_BYTES) {
    throw new StorageError(
      'UNKNOWN_FORMAT',
      `${file}: expected table version ${TABLE_VERSION}, found ${version} with a footer of ${length} bytes`,
    );
  }
  const footer: TableFooter = {
    uid: copyBytes(tail, start + FOOTER_UID, start + FOOTER_UID + UID_BYTES),
    bytes: u64At(tail, start + FOOTER_FILE_BYTES),
    dataEnd: u64At(tail, start + FOOTER_DATA_END),
    filterBytes: u32At(tail, start + FOOTER_FILTER_BYTES),
    rangesBytes: u32At(tail, start + FOOTER_RANGES_BYTES),
    indexBytes: u32At(tail, start + FOOTER_INDEX_BYTES),
    propertiesBytes: u32At(tail, start + FOOTER_PROPERTIES_BYTES),
  };
  if (Buffer.compare(footer.uid, expected.uid) !== 0) throw bad(start, `uid ${hex(expected.uid)}`, hex(footer.uid));
  const { dataEnd, filterBytes, rangesBytes, indexBytes, propertiesBytes } = footer;
  const sum = dataEnd + filterBytes + rangesBytes + indexBytes + propertiesBytes + FOOTER_BYTES;
  if (footer.bytes !== expected.bytes || sum !== expected.bytes) {
    throw bad(start + FOOTER_FILE_BYTES, `a file of ${expected.bytes} bytes`, `${footer.bytes}, parts of ${sum}`);
  }
  return footer;
}

function hex(bytes: ArrayLike<number>): string {
  return Buffer.from(Array.from(bytes)).toString('hex');
}

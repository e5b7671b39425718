/** The header of a segment file: on disk, whole, before the file gets its name. */
import { crc32Of } from '../checksum.ts';
import { corruption, StorageError } from '../errors.ts';
import {
  LOG_MAGIC_HIGH,
  LOG_MAGIC_LOW,
  LOG_VERSION,
  SEGMENT_CHECKSUM,
  SEGMENT_DB_UID,
  SEGMENT_FILE_BYTES,
  SEGMENT_HEADER_BYTES,
  SEGMENT_MAGIC,
  SEGMENT_NUMBER,
  SEGMENT_UID,
  SEGMENT_VERSION,
  SEGMENT_ZERO,
  UID_BYTES,
} from './log-format.ts';

export interface SegmentHeader {
  readonly number: number;
  /** 16 random bytes, of this use of the file. */
  readonly uid: Uint8Array;
  readonly dbUid: Uint8Array;
  readonly fileBytes: number;
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  bytes.writeUInt32LE(LOG_MAGIC_LOW, SEGMENT_MAGIC);
  bytes.writeUInt32LE(LOG_MAGIC_HIGH, SEGMENT_MAGIC + 4);
  bytes.writeUInt32LE(LOG_VERSION, SEGMENT_VERSION);
  bytes.writeUInt32LE(header.number, SEGMENT_NUMBER);
  bytes.set(header.uid, SEGMENT_UID);
  bytes.set(header.dbUid, SEGMENT_DB_UID);
  bytes.writeUInt32LE(header.fileBytes, SEGMENT_FILE_BYTES);
  bytes.writeUInt32LE(crc32Of(bytes, 0, SEGMENT_CHECKSUM, 0), SEGMENT_CHECKSUM);
  return bytes;
}

/** Of the whole file `bytes`, named `file`. Throws CORRUPTION, UNKNOWN_FORMAT. */
export function decodeSegmentHeader(bytes: Buffer, file: string): SegmentHeader {
  if (bytes.length < SEGMENT_HEADER_BYTES) {
    throw corruption({
      file,
      offset: bytes.length,
      expected: `a segment header of ${SEGMENT_HEADER_BYTES} bytes`,
      found: 'the end of the file',
    });
  }
  const expect = (offset: number, what: string, expected: number, found: number): void => {
    if (expected !== found) throw corruption({ file, offset, expected: `${what} ${expected}`, found: `${found}` });
  };
  expect(SEGMENT_MAGIC, 'first half of the magic', LOG_MAGIC_LOW, bytes.readUInt32LE(SEGMENT_MAGIC));
  expect(SEGMENT_MAGIC + 4, 'second half of the magic', LOG_MAGIC_HIGH, bytes.readUInt32LE(SEGMENT_MAGIC + 4));
  expect(SEGMENT_CHECKSUM, 'checksum', crc32Of(bytes, 0, SEGMENT_CHECKSUM, 0), bytes.readUInt32LE(SEGMENT_CHECKSUM));
  // Magic, version and checksum keep their places in all versions, so that a newer one is told from a damaged one.
  const version = bytes.readUInt32LE(SEGMENT_VERSION);
  if (version !== LOG_VERSION)
    throw new StorageError('UNKNOWN_FORMAT', `${file}: expected a commit log of version ${LOG_VERSION}, found ${version}`);
  for (let at = SEGMENT_ZERO; at < SEGMENT_CHECKSUM; at += 4) expect(at, 'word', 0, bytes.readUInt32LE(at));
  const fileBytes = bytes.readUInt32LE(SEGMENT_FILE_BYTES);
  if (fileBytes !== bytes.length) {
    const offset = Math.min(fileBytes, bytes.length);
    throw corruption({ file, offset, expected: `a file of ${fileBytes} bytes, as its header says`, found: `${bytes.length} bytes` });
  }
  return {
    number: bytes.readUInt32LE(SEGMENT_NUMBER),
    uid: bytes.subarray(SEGMENT_UID, SEGMENT_UID + UID_BYTES),
    dbUid: bytes.subarray(SEGMENT_DB_UID, SEGMENT_DB_UID + UID_BYTES),
    fileBytes,
  };
}

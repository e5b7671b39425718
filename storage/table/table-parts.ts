/** What of a table stays in memory while it is open: all but the data blocks. */

import { FileError, type OpenFile, type SyncFile } from '../../runtime/files.ts';
import { ByteReader } from '../byte-reader.ts';
import { CODEC_NONE } from '../codec.ts';
import { corruption, StorageError } from '../errors.ts';
import { BloomFilter } from './bloom.ts';
import { decodeRangeDeletes, type RangeDelete } from './range-delete-block.ts';
import { BlockSeal } from './stored-block.ts';
import type { TableFooter } from './table-footer.ts';
import { FOOTER_BYTES, TRAILER_BYTES } from './table-format.ts';
import { TableIndex } from './table-index.ts';
import { decodeProperties, type TableProperties } from './table-properties.ts';

export interface TableParts {
  readonly seal: BlockSeal;
  readonly footer: TableFooter;
  readonly properties: TableProperties;
  readonly index: TableIndex;
  /** Undefined: the table was written without one. */
  readonly filter: BloomFilter | undefined;
  readonly rangeDeletes: readonly RangeDelete[];
}

/** `meta` is the file from `footer.dataEnd` to the footer, and stays in use. Errors: CORRUPTION. */
export function decodeParts(meta: Buffer, footer: TableFooter, file: string, mutants: ReadonlySet<string>): TableParts {
  const seal = new BlockSeal(file, footer.uid, mutants);
  let at = 0;
  const part = (length: number): ByteReader => {
    const offset = footer.dataEnd + at;
    const block = meta.subarray(at, at + length);
    if (length <= TRAILER_BYTES) throw corruption({ file, offset, expected: 'a block', found: `${length} bytes` });
    seal.check(block, offset);
    const codec = block[length - TRAILER_BYTES]!;
    if (codec !== CODEC_NONE) throw corruption({ file, offset, expected: `codec ${CODEC_NONE}`, found: `${codec}` });
    at += length;
    return new ByteReader(block, 0, length - TRAILER_BYTES, file, offset);
  };
  const filter = footer.filterBytes === 0 ? undefined : new BloomFilter(part(footer.filterBytes));
  const rangeDeletes = footer.rangesBytes === 0 ? [] : decodeRangeDeletes(part(footer.rangesBytes));
  const index = new TableIndex(part(footer.indexBytes), footer.dataEnd);
  const reader = part(footer.propertiesBytes);
  const properties = decodeProperties(reader);
  reader.ended();
  if (properties.dataBlocks !== index.count || properties.rangeDeletes !== rangeDeletes.length) {
    throw reader.bad(
      `${index.count} blocks and ${rangeDeletes.length} range deletes`,
      `${properties.dataBlocks} and ${properties.rangeDeletes}`,
    );
  }
  return { seal, footer, properties, index, filter, rangeDeletes };
}

/** Length of `meta`. */
export function metaBytes(footer: TableFooter): number {
  return footer.bytes - FOOTER_BYTES - footer.dataEnd;
}

/** A read gave `count` bytes: CORRUPTION when it is not all of `wanted`, since the file is shorter than it was written. */
export function checkRead(count: number, wanted: number, offset: number, file: string): void {
  if (count !== wanted) throw corruption({ file, offset, expected: `${wanted} bytes`, found: `${count}` });
}

/** Fills `into`. Errors: CORRUPTION, IO. */
export function readFully(file: SyncFile | Pick<OpenFile, 'path' | 'preadNow'>, into: Uint8Array, offset: number): void {
  let count: number;
  try {
    count = 'preadNow' in file ? file.preadNow(into, offset) : file.pread(into, offset);
  } catch (error) {
    throw storageError(error);
  }
  checkRead(count, into.length, offset, file.path);
}

/** A failed call as an error of storage; what is none (a bug) goes on as it is. */
export function storageError(error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  if (error instanceof FileError) return new StorageError('IO', error.message, { cause: error });
  throw error;
}

/** The error that `work` throws, as one of storage. */
export function attempt(work: () => void): StorageError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return storageError(error);
  }
}

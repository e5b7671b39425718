/** Opens a table on a shard's thread. */
import type { OpenFile } from '../../runtime/files.ts';
import type { StorageDone, StorageError } from '../errors.ts';
import { decodeFooter, type TableIdentity } from './table-footer.ts';
import { FOOTER_BYTES_MAX } from './table-format.ts';
import { checkRead, decodeParts, metaBytes, storageError, type TableParts } from './table-parts.ts';
import { type TableContext, TableReader } from './table-reader.ts';

/**
 * Reads and verifies all of the table but its data blocks. `file` is the reader's from the call on, and is closed when it fails.
 * Errors: CORRUPTION (also when the file is not the expected one), UNKNOWN_FORMAT, IO.
 */
export function openTable(file: OpenFile, expected: TableIdentity, context: TableContext, done: StorageDone<TableReader>): void {
  const mutants = context.mutants ?? new Set<string>();
  const tail = Buffer.allocUnsafeSlow(Math.min(FOOTER_BYTES_MAX, expected.bytes));
  const fail = (error: StorageError): void => file.close(() => done({ ok: false, error }));
  read(
    file,
    tail,
    expected.bytes - tail.length,
    () => decodeFooter(tail, file.path, expected),
    fail,
    (footer) => {
      const meta = Buffer.allocUnsafeSlow(metaBytes(footer));
      const decode = (): TableParts => decodeParts(meta, footer, file.path, mutants);
      read(file, meta, footer.dataEnd, decode, fail, (parts) => done({ ok: true, value: new TableReader(file, parts, context) }));
    },
  );
}

/** Errors are those of the read and of `decode` only: what `next` throws is a bug, and none of the table. */
function read<T>(
  file: OpenFile,
  into: Buffer,
  offset: number,
  decode: () => T,
  fail: (error: StorageError) => void,
  next: (value: T) => void,
): void {
  file.pread(into, offset, (result) => {
    let value: T;
    try {
      if (!result.ok) throw result.error;
      checkRead(result.value, into.length, offset, file.path);
      value = decode();
    } catch (thrown) {
      fail(storageError(thrown));
      return;
    }
    next(value);
  });
}

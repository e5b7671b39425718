/** Opens a table on a shard's thread. */
import type { OpenFile } from '../../runtime/files.ts';
import type { StorageDone, StorageError } from '../errors.ts';
import { decodeFooter, type TableIdentity } from './table-footer.ts';
import { FOOTER_BYTES_MAX } from './table-format.ts';
import { checkRead, decodeParts, metaBytes, storageError } from './table-parts.ts';
import { type TableContext, TableReader } from './table-reader.ts';

/**
 * Reads and verifies all of the table but its data blocks. `file` is the reader's from the call on, and is closed when it fails.
 * Errors: CORRUPTION (also when the file is not the expected one), UNKNOWN_FORMAT, IO.
 */
export function openTable(file: OpenFile, expected: TableIdentity, context: TableContext, done: StorageDone<TableReader>): void {
  const mutants = context.mutants ?? new Set<string>();
  const tail = Buffer.allocUnsafeSlow(Math.min(FOOTER_BYTES_MAX, expected.bytes));
  read(file, tail, expected.bytes - tail.length, done, () => {
    const footer = decodeFooter(tail, file.path, expected);
    const meta = Buffer.allocUnsafeSlow(metaBytes(footer));
    read(file, meta, footer.dataEnd, done, () => {
      done({ ok: true, value: new TableReader(file, decodeParts(meta, footer, file.path, mutants), context) });
    });
  });
}

function read(file: OpenFile, into: Buffer, offset: number, done: StorageDone<TableReader>, next: () => void): void {
  file.pread(into, offset, (result) => {
    let error: StorageError;
    try {
      if (!result.ok) throw result.error;
      checkRead(result.value, into.length, offset, file.path);
      return next();
    } catch (thrown) {
      error = storageError(thrown);
    }
    file.close(() => done({ ok: false, error }));
  });
}

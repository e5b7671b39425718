/** Checks of single files as they are on disk, for a scrub and for a repair. In synchronous form, for jobs and commands. */
import type { SyncFile, SyncFileSystem } from '../../runtime/files.ts';
import type { Codecs } from '../codec.ts';
import { type CorruptionPlace, StorageError } from '../errors.ts';
import type { PreviousSegment } from '../log/group.ts';
import { readSegment } from '../log/segment-reader.ts';
import { CURRENT_NAME, logName, manifestName } from '../manifest/file-names.ts';
import { decodeCurrent, type ManifestReading, readManifest } from '../manifest/manifest-reader.ts';
import { openTableSync, type SyncTable } from '../table/sync-table.ts';
import type { TableIdentity } from '../table/table-footer.ts';
import { FOOTER_BYTES_MAX, FOOTER_TAIL_BYTES, UID_BYTES } from '../table/table-format.ts';
import { storageError } from '../table/table-parts.ts';
import { verifyTable } from '../table/verify-table.ts';
import { placeOf, type ScrubbedFile } from './scrubbed-file.ts';

const FILE_BYTES_MAX = 1 << 30;

/** Runs `use` on the open file. Throws StorageError: IO, and what `use` throws. */
export function withFile<T>(files: SyncFileSystem, path: string, use: (file: SyncFile) => T): T {
  let file: SyncFile;
  try {
    file = files.open(path, 'read');
  } catch (error) {
    throw storageError(error);
  }
  try {
    return use(file);
  } catch (error) {
    throw storageError(error);
  } finally {
    file.close();
  }
}

/** The whole file, in memory that jobs may share. Throws StorageError: IO, CORRUPTION when it is larger than any that is written. */
export function readFileSync(files: SyncFileSystem, path: string): Buffer {
  return withFile(files, path, (file) => {
    const { size } = files.stat(path);
    if (size > FILE_BYTES_MAX) {
      const place = { file: path, offset: FILE_BYTES_MAX, expected: `at most ${FILE_BYTES_MAX} bytes`, found: `${size}` };
      throw new StorageError('CORRUPTION', `${path}: expected ${place.expected}, found ${size}`, { place });
    }
    const bytes = Buffer.allocUnsafeSlow(size);
    return bytes.subarray(0, file.pread(bytes, 0));
  });
}

/** What the footer says the table is: for tables that no manifest names. Where the footer is damaged, opening the table says so. */
export function identityOf(file: SyncFile, bytes: number): TableIdentity {
  const tail = Buffer.alloc(Math.min(FOOTER_BYTES_MAX, bytes));
  file.pread(tail, bytes - tail.length);
  const length = tail.length < FOOTER_TAIL_BYTES ? 0 : tail.readUInt32LE(tail.length - FOOTER_TAIL_BYTES);
  const start = Math.min(Math.max(0, tail.length - length), Math.max(0, tail.length - UID_BYTES));
  return { uid: Uint8Array.from(tail.subarray(start, start + UID_BYTES)), bytes };
}

/** `expected` undefined: as its footer says. Yields the bytes of each block that was read. Never throws on damage. */
export function* checkTable(
  files: SyncFileSystem,
  path: string,
  expected: TableIdentity | undefined,
  codecs: Codecs,
): Generator<number, ScrubbedFile, undefined> {
  let bytes = 0;
  let file: SyncFile | undefined;
  try {
    file = files.open(path, 'read');
    bytes = files.stat(path).size;
    const table: SyncTable = openTableSync(file, expected ?? identityOf(file, bytes), codecs);
    const { index } = table.parts;
    let block = 0;
    for (const _ of verifyTable(table)) yield index.storedBytes(block++);
    return { file: path, bytes, damage: undefined };
  } catch (error) {
    return { file: path, bytes, damage: placeOf(error, path) };
  } finally {
    file?.close();
  }
}

/**
 * Segments `numbers`, ascending, each by what the next one says of it. `dbUid` undefined: of any database. Yields the bytes of each that was read. Never
 * throws on damage.
 */
export function* checkLogs(
  files: SyncFileSystem,
  dir: string,
  numbers: readonly number[],
  dbUid: Uint8Array | undefined,
): Generator<number, readonly ScrubbedFile[], undefined> {
  const checked: ScrubbedFile[] = [];
  let next: PreviousSegment | undefined;
  for (const number of numbers.toReversed()) {
    const path = `${dir}/${logName(number)}`;
    let damage: CorruptionPlace | undefined;
    let bytes = 0;
    try {
      const content = readFileSync(files, path);
      bytes = content.length;
      const known = next?.number === number ? { end: next.end, synced: next.synced } : {};
      const { header, opening, end } = readSegment(content, path, known);
      const wrong = (offset: number, expected: string, found: string): CorruptionPlace => ({ file: path, offset, expected, found });
      if (end.kind === 'corruption') damage = end.place;
      else if (header.number !== number) damage = wrong(12, `segment number ${number}, as its name says`, `${header.number}`);
      else if (dbUid !== undefined && Buffer.compare(header.dbUid, dbUid) !== 0)
        damage = wrong(32, 'a segment of this database', 'of another');
      next = opening?.previous ?? next;
    } catch (error) {
      damage = placeOf(error, path);
    }
    checked.unshift({ file: path, bytes, damage });
    yield bytes;
  }
  return checked;
}

export interface CheckedManifest {
  readonly files: readonly ScrubbedFile[];
  /** Undefined: CURRENT or the manifest is damaged. */
  readonly reading: ManifestReading | undefined;
}

/** CURRENT, and the manifest that it names. Never throws on damage. */
export function checkManifest(files: SyncFileSystem, dir: string): CheckedManifest {
  const current = `${dir}/${CURRENT_NAME}`;
  const checked: ScrubbedFile[] = [];
  let path = current;
  let bytes = 0;
  try {
    let content = readFileSync(files, current);
    bytes = content.length;
    const number = decodeCurrent(content, current);
    checked.push({ file: current, bytes, damage: undefined });
    path = `${dir}/${manifestName(number)}`;
    bytes = 0;
    content = readFileSync(files, path);
    bytes = content.length;
    const reading = readManifest(content, path);
    checked.push({ file: path, bytes, damage: undefined });
    return { files: checked, reading };
  } catch (error) {
    checked.push({ file: path, bytes, damage: placeOf(error, path) });
    return { files: checked, reading: undefined };
  }
}

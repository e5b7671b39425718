/** Scrub of a database that nobody has open: file by file, in this thread. */
import type { SyncFileSystem } from '../../runtime/files.ts';
import { Codecs } from '../codec.ts';
import { StorageError } from '../errors.ts';
import { readLog } from '../log/log-reader.ts';
import { CURRENT_NAME, type FileName, logName, parseFileName, tableName } from '../manifest/file-names.ts';
import type { ManifestReading } from '../manifest/manifest-reader.ts';
import { storageError } from '../table/table-parts.ts';
import { checkLogs, checkManifest, checkTable, readFileSync } from './check-files.ts';
import { placeOf, type ScrubbedFile } from './scrubbed-file.ts';

export interface DirectoryFile {
  readonly name: string;
  readonly parsed: FileName;
}

/** Errors: IO; NOT_FOUND where there is no such directory, or no file of a database in it. */
export function listDatabase(files: SyncFileSystem, dir: string): readonly DirectoryFile[] {
  let names: readonly string[];
  try {
    names = files.readdir(dir);
  } catch (error) {
    const failure = storageError(error);
    throw isMissing(failure) ? new StorageError('NOT_FOUND', `${dir}: expected the directory of a database, found none`) : failure;
  }
  const found = names.map((name) => ({ name, parsed: parseFileName(name) }));
  const isDatabase = found.some(({ parsed: { kind } }) => kind === 'current' || kind === 'manifest' || kind === 'table' || kind === 'log');
  if (!isDatabase)
    throw new StorageError('NOT_FOUND', `${dir}: expected files of a database (${CURRENT_NAME}, MANIFEST-000001, 000001.sst), found none`);
  return found;
}

/**
 * Gives each file of the database as it was checked: those that the manifest names or, where that is damaged, all that are there.
 * Never throws on damage. Errors: as `listDatabase`.
 */
export function* scrubDirectory(files: SyncFileSystem, dir: string): Generator<ScrubbedFile, void, undefined> {
  const found = listDatabase(files, dir);
  const { files: checked, reading } = checkManifest(files, dir);
  yield* checked;
  const codecs = new Codecs();
  const tables = reading?.state.levels.flat() ?? numbersOf(found, 'table').map((number) => ({ number, uid: undefined, bytes: 0 }));
  for (const { number, uid, bytes } of tables) {
    yield* last(checkTable(files, `${dir}/${tableName(number)}`, uid === undefined ? undefined : { uid, bytes }, codecs));
  }
  const numbers = numbersOf(found, 'log').filter((number) => number >= (reading?.state.logNumber ?? 0));
  const logs = yield* lastOf(checkLogs(files, dir, numbers, reading?.header.dbUid));
  if (reading !== undefined && logs.every(({ damage }) => damage === undefined)) yield* missingSegments(files, dir, numbers, reading);
}

/** Each segment for itself is right: whether the row of them is. */
function* missingSegments(
  files: SyncFileSystem,
  dir: string,
  numbers: readonly number[],
  { state, header }: ManifestReading,
): Generator<ScrubbedFile, void, undefined> {
  try {
    const sources = numbers.map((number) => ({
      number,
      file: `${dir}/${logName(number)}`,
      bytes: readFileSync(files, `${dir}/${logName(number)}`),
    }));
    readLog(sources, state.logNumber, header.dbUid);
  } catch (error) {
    const place = placeOf(error, dir);
    yield { file: place.file, bytes: 0, damage: place };
  }
}

export function numbersOf(found: readonly DirectoryFile[], kind: 'log' | 'table' | 'manifest'): number[] {
  return found.flatMap(({ parsed }) => (parsed.kind === kind ? [parsed.number] : [])).sort((a, b) => a - b);
}

function isMissing({ cause }: StorageError): boolean {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** Runs it to its end, and gives what it returns. */
function* last(check: Generator<number, ScrubbedFile, undefined>): Generator<ScrubbedFile, void, undefined> {
  for (;;) {
    const step = check.next();
    if (step.done === true) {
      yield step.value;
      return;
    }
  }
}

function* lastOf(check: ReturnType<typeof checkLogs>): Generator<ScrubbedFile, readonly ScrubbedFile[], undefined> {
  for (;;) {
    const step = check.next();
    if (step.done === true) {
      yield* step.value;
      return step.value;
    }
  }
}

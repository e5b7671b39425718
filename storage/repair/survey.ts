/** What a directory holds, before anything is done to it: the state that can be known, and every table and segment as far as it can be read. */
import { FileError, type SyncFileSystem } from '../../runtime/files.ts';
import { Codecs } from '../codec.ts';
import { checkManifest, checkTable, identityOf, readFileSync, withFile } from '../engine/check-files.ts';
import { type DirectoryFile, listDatabase, numbersOf } from '../engine/scrub-directory.ts';
import { placeOf, type ScrubbedFile } from '../engine/scrubbed-file.ts';
import { type CorruptionPlace, StorageError } from '../errors.ts';
import { NO_FILE, readLog, type SegmentBytes } from '../log/log-reader.ts';
import { decodeSegmentHeader } from '../log/segment-header.ts';
import { CURRENT_NAME, logName, manifestName, tableName } from '../manifest/file-names.ts';
import { decodeCurrent, type ManifestReading, readManifest } from '../manifest/manifest-reader.ts';
import type { TableMeta } from '../manifest/version-edit.ts';
import { openTableSync } from '../table/sync-table.ts';
import type { TableIdentity } from '../table/table-footer.ts';
import { type SalvagedTable, salvageTable } from './salvage-table.ts';

export interface SurveyedTable extends TableIdentity {
  readonly number: number;
  /** As the manifest has it, or as the table says of itself; undefined: it is damaged, and no manifest has it. */
  readonly meta: TableMeta | undefined;
  /** Undefined: it is whole. */
  readonly damaged: { readonly check: ScrubbedFile; readonly salvaged: SalvagedTable | undefined } | undefined;
}

export interface Survey {
  readonly found: readonly DirectoryFile[];
  /** Undefined: nothing says which tables make up the database. */
  readonly known: ManifestReading | undefined;
  /** What is wrong with CURRENT and the manifest. */
  readonly manifestDamages: readonly ScrubbedFile[];
  /** Of the database; all that are there, where no state is known. Ascending. */
  readonly tables: readonly SurveyedTable[];
  /** Numbers of tables that the manifest has and the directory has not. */
  readonly missing: readonly number[];
  readonly segments: readonly SegmentBytes[];
  /** Undefined: the log is whole. */
  readonly logDamage: CorruptionPlace | undefined;
}

/** Cost: reads every file. Errors: NOT_FOUND; UNKNOWN_FORMAT where a file is of a newer format, which no repair here can judge; IO but for EIO. */
export function survey(files: SyncFileSystem, dir: string, codecs: Codecs): Survey {
  const found = listDatabase(files, dir);
  for (const file of found) refuseNewer(files, dir, file);
  const checked = checkManifest(files, dir);
  const present = new Set(numbersOf(found, 'table'));
  const reading = checked.reading ?? newestManifest(files, dir, found);
  const named = reading?.state.levels.flat() ?? [];
  const missing = named.filter(({ number }) => !present.has(number)).map(({ number }) => number);
  const hasStrangers = present.size + missing.length > named.length;
  const logs = numbersOf(found, 'log').map((number) => segmentOf(files, dir, number));
  const logDamage = reading === undefined ? undefined : logDamageOf(logs, reading);
  // A manifest that has tables or segments that are gone, beside tables that it doesn't have, has lost its last edits: it knows nothing.
  const hasOlder = missing.length > 0 || logDamage?.found === NO_FILE;
  const known = hasOlder && hasStrangers ? undefined : reading;
  const numbers =
    known === undefined
      ? [...present].sort((a, b) => a - b)
      : named.filter(({ number }) => present.has(number)).map(({ number }) => number);
  const metas = new Map(named.map((meta) => [meta.number, meta]));
  const tables = numbers
    .toSorted((a, b) => a - b)
    .map((number) => surveyTable(files, dir, number, known === undefined ? undefined : metas.get(number), codecs));
  return {
    found,
    known,
    manifestDamages: checked.files.filter(({ damage }) => damage !== undefined),
    tables,
    missing: known === undefined ? [] : missing,
    segments: logs.filter(({ number }) => number >= (known?.state.logNumber ?? 0)),
    logDamage: known === undefined ? undefined : logDamage,
  };
}

/** Only where CURRENT can't say which: one that it names and that is damaged must not be replaced by an older one. */
function newestManifest(files: SyncFileSystem, dir: string, found: readonly DirectoryFile[]): ManifestReading | undefined {
  try {
    decodeCurrent(readFileSync(files, `${dir}/${CURRENT_NAME}`), CURRENT_NAME);
    return undefined;
  } catch (error) {
    placeOf(error, CURRENT_NAME);
  }
  const number = numbersOf(found, 'manifest').at(-1);
  if (number === undefined) return undefined;
  try {
    const path = `${dir}/${manifestName(number)}`;
    return readManifest(readFileSync(files, path), path);
  } catch (error) {
    placeOf(error, dir);
    return undefined;
  }
}

function surveyTable(files: SyncFileSystem, dir: string, number: number, meta: TableMeta | undefined, codecs: Codecs): SurveyedTable {
  const path = `${dir}/${tableName(number)}`;
  const bytes = sizeOf(files, path);
  const identity = meta ?? attempt(() => withFile(files, path, (file) => identityOf(file, bytes))) ?? { uid: new Uint8Array(0), bytes };
  const check = endOf(checkTable(files, path, identity, codecs));
  const { uid } = identity;
  if (check.damage === undefined) {
    const own = meta ?? withFile(files, path, (file) => metaOf(openTableSync(file, identity, codecs).properties, number, bytes));
    return { number, uid, bytes, meta: own, damaged: undefined };
  }
  const salvaged = attempt(() => withFile(files, path, (file) => salvageTable(file, { uid, bytes }, codecs)));
  return { number, uid, bytes, meta, damaged: { check, salvaged: salvaged?.span === undefined ? undefined : salvaged } };
}

function metaOf(properties: ReturnType<typeof openTableSync>['properties'], number: number, bytes: number): TableMeta {
  const { uid, entries, rangeDeletes, smallestKey, largestKey, smallestSequence, largestSequence } = properties;
  return {
    level: 0,
    number,
    uid: Uint8Array.from(uid),
    bytes,
    entries,
    rangeDeletes,
    smallest: Uint8Array.from(smallestKey),
    largest: Uint8Array.from(largestKey),
    smallestSequence,
    largestSequence,
    createdMs: 0,
  };
}

function segmentOf(files: SyncFileSystem, dir: string, number: number): SegmentBytes {
  const file = `${dir}/${logName(number)}`;
  return { number, file, bytes: attempt(() => readFileSync(files, file)) ?? Buffer.alloc(0) };
}

function logDamageOf(logs: readonly SegmentBytes[], { state, header }: ManifestReading): CorruptionPlace | undefined {
  try {
    readLog(
      logs.filter(({ number }) => number >= state.logNumber),
      state.logNumber,
      header.dbUid,
    );
    return undefined;
  } catch (error) {
    return placeOf(error, '');
  }
}

function refuseNewer(files: SyncFileSystem, dir: string, { name, parsed }: DirectoryFile): void {
  const path = `${dir}/${name}`;
  try {
    if (parsed.kind === 'table') withFile(files, path, (file) => openTableSync(file, identityOf(file, sizeOf(files, path)), new Codecs()));
    else if (parsed.kind === 'log') decodeSegmentHeader(readFileSync(files, path), path);
    else if (parsed.kind === 'manifest') readManifest(readFileSync(files, path), path);
    else if (parsed.kind === 'current') decodeCurrent(readFileSync(files, path), path);
  } catch (error) {
    refuse(error);
  }
}

/** Damage is what a repair is for; all else is the caller's to mend first. */
function refuse(error: unknown): void {
  if (!(error instanceof StorageError)) throw error;
  if (error.code === 'CORRUPTION') return;
  if (error.code === 'IO' && error.cause instanceof FileError && error.cause.code === 'EIO') return;
  throw error;
}

/** Undefined: it is damaged. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    refuse(error);
    return undefined;
  }
}

function sizeOf(files: SyncFileSystem, path: string): number {
  return files.stat(path).size;
}

function endOf(check: ReturnType<typeof checkTable>): ScrubbedFile {
  for (;;) {
    const step = check.next();
    if (step.done === true) return step.value;
  }
}

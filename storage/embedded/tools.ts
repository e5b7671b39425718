/** What the `dynactor` command does to databases and their files. Lines go to `write`; what fails as a whole is thrown, a StorageError. */

import type { FileLock } from '../../runtime/files.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { realClock } from '../../runtime/real/clock.ts';
import { RealFiles } from '../../runtime/real/files.ts';
import { absolutePath } from '../../runtime/real/host.ts';
import { RealSyncFiles } from '../../runtime/real/sync-files.ts';
import { Codecs } from '../codec.ts';
import { checkTable, identityOf, readFileSync, withFile } from '../engine/check-files.ts';
import { ioError } from '../engine/file-steps.ts';
import { listDatabase, scrubDirectory } from '../engine/scrub-directory.ts';
import type { ScrubbedFile } from '../engine/scrubbed-file.ts';
import { StorageError } from '../errors.ts';
import { dumpSegment } from '../log/segment-dump.ts';
import { LOCK_NAME } from '../manifest/file-names.ts';
import { dumpManifest } from '../manifest/manifest-dump.ts';
import { repair } from '../repair/repair.ts';
import type { RepairLine } from '../repair/repair-report.ts';
import { openTableSync } from '../table/sync-table.ts';
import { TABLE_MAGIC } from '../table/table-format.ts';
import { dumpTable } from '../table/verify-table.ts';
import { Store } from './store.ts';

export interface ToolOptions {
  /** Called with each line, without its end. */
  readonly write: (line: string) => void;
  /** A JSON object per line. */
  readonly json?: boolean;
}

export interface DumpOptions {
  readonly write: (line: string) => void;
  /** Lines at most; 0: all. */
  readonly limit: number;
}

/** Verifies every file of a database that nobody has open. Returns whether all are as they were written. Errors: NOT_FOUND, LOCKED, IO. */
export async function scrubTool(path: string, { write, json = false }: ToolOptions): Promise<boolean> {
  const dir = absolutePath(path);
  const files = new RealSyncFiles();
  listDatabase(files, dir);
  return locked(dir, () => {
    let count = 0;
    let damaged = 0;
    let bytes = 0;
    for (const file of scrubDirectory(files, dir)) {
      count++;
      bytes += file.bytes;
      if (file.damage !== undefined) damaged++;
      write(json ? JSON.stringify(file) : lineOf(file));
    }
    if (!json)
      write(
        `${count} files, ${bytes} bytes: ${damaged === 0 ? 'no damage' : `${damaged} damaged; \`dynactor repair\` saves what can be read`}`,
      );
    return damaged === 0;
  });
}

/** Returns whether the database is sound now; of a dry run: whether it was. Errors: NOT_FOUND, LOCKED, UNKNOWN_FORMAT, IO. */
export async function repairTool(
  path: string,
  { write, json = false, dryRun }: ToolOptions & { readonly dryRun: boolean },
): Promise<boolean> {
  const dir = absolutePath(path);
  const files = new RealSyncFiles();
  listDatabase(files, dir);
  const seed = globalThis.crypto.getRandomValues(new Uint32Array(4)).join('.');
  const report = (line: RepairLine): void =>
    write(json ? JSON.stringify(line) : `${line.verdict} ${line.file}${line.file === '' ? '' : ': '}${line.text}`);
  return locked(dir, () => {
    const { changed, lossy } = repair({ files, clock: realClock(), random: new SeededRandom(seed), dir, dryRun, report });
    if (json) write(JSON.stringify({ verdict: 'result', changed, lossy, dryRun }));
    else if (lossy) write('something that was written may be missing, or something that was deleted be back: see the lines above');
    else if (changed) write('nothing that was written is missing');
    return !(dryRun && changed);
  });
}

/** The database in `path` as a second one in `to`, which is made; tables are hard links. Errors: as `Store.open` and `Store.checkpoint`. */
export async function checkpointTool(path: string, to: string, { write }: ToolOptions): Promise<void> {
  await using store = await Store.open(path, { createIfMissing: false });
  await store.checkpoint(to);
  write(`${path} as it is now is in ${to}`);
}

/** Returns whether the table is as it was written. Errors: IO; INVALID_ARGUMENT where the file is of another kind. */
export function verifyTableTool(path: string, { write, json = false }: ToolOptions): boolean {
  const file = absolutePath(path);
  const files = new RealSyncFiles();
  expectKind(files, file, 'table');
  const check = checkTable(files, file, undefined, new Codecs());
  let blocks = 0;
  let step = check.next();
  for (; step.done !== true; step = check.next()) blocks++;
  write(json ? JSON.stringify({ ...step.value, blocks }) : `${lineOf(step.value)}, ${blocks} blocks`);
  return step.value.damage === undefined;
}

/** `entries`: each of them too. Errors: IO; CORRUPTION, UNKNOWN_FORMAT; INVALID_ARGUMENT where the file is of another kind. */
export function dumpTableTool(path: string, options: DumpOptions & { readonly entries: boolean }): void {
  const file = absolutePath(path);
  const files = new RealSyncFiles();
  expectKind(files, file, 'table');
  withFile(files, file, (open) => {
    const table = openTableSync(open, identityOf(open, files.stat(file).size), new Codecs());
    writeLines(dumpTable(table, options.entries), options);
  });
}

export function dumpLogTool(path: string, options: DumpOptions): void {
  const file = absolutePath(path);
  const files = new RealSyncFiles();
  expectKind(files, file, 'log');
  writeLines(dumpSegment(readFileSync(files, file), file), options);
}

export function dumpManifestTool(path: string, options: DumpOptions): void {
  const file = absolutePath(path);
  const files = new RealSyncFiles();
  expectKind(files, file, 'manifest');
  writeLines(dumpManifest(readFileSync(files, file), file), options);
}

type Kind = 'table' | 'log' | 'manifest';
const MAGIC_BYTES = 8;
const COMMANDS: Readonly<Record<Kind, string>> = { table: 'sst', log: 'wal', manifest: 'manifest' };
const KINDS: Readonly<Record<Kind, string>> = { table: 'a table', log: 'a segment of a commit log', manifest: 'a manifest' };

/** A file of no kind at all goes on: what of it is wrong is what the reader says. */
function expectKind(files: RealSyncFiles, path: string, expected: Kind): void {
  const kind = withFile(files, path, (file): Kind | undefined => {
    const { size } = files.stat(path);
    const head = Buffer.alloc(MAGIC_BYTES);
    const tail = Buffer.alloc(MAGIC_BYTES);
    if (size < MAGIC_BYTES) return undefined;
    file.pread(head, 0);
    file.pread(tail, size - MAGIC_BYTES);
    if (head.toString('latin1') === 'DYNALOG\0') return 'log';
    if (head.toString('latin1') === 'DYNAMAN\0') return 'manifest';
    return tail.equals(Buffer.from(TABLE_MAGIC)) ? 'table' : undefined;
  });
  if (kind === expected || kind === undefined) return;
  throw new StorageError(
    'INVALID_ARGUMENT',
    `${path}: expected ${KINDS[expected]}, got ${KINDS[kind]}: see \`dynactor ${COMMANDS[kind]} dump\``,
  );
}

function writeLines(lines: Iterable<string>, { write, limit }: DumpOptions): void {
  let count = 0;
  for (const line of lines) {
    if (limit > 0 && count === limit) {
      write(`... more than ${limit} lines; --limit 0 writes all`);
      return;
    }
    count++;
    write(line);
  }
}

function lineOf({ file, bytes, damage }: ScrubbedFile): string {
  if (damage === undefined) return `ok ${file}: ${bytes} bytes`;
  const where = damage.file === file ? '' : `${damage.file} `;
  return `DAMAGED ${file}: ${where}at ${damage.offset}: expected ${damage.expected}, found ${damage.found}`;
}

/** Runs `work` while nobody else can open the database. Errors: LOCKED, IO. */
async function locked<T>(dir: string, work: () => T): Promise<T> {
  const lock = await new Promise<FileLock>((resolve, reject) => {
    new RealFiles().lock(`${dir}/${LOCK_NAME}`, (result) => {
      if (result.ok) resolve(result.value);
      else if (result.error.code === 'ELOCKED')
        reject(new StorageError('LOCKED', `${dir} is open in another process; of a live store there is Store.scrub`));
      else reject(ioError('lock', result.error));
    });
  });
  try {
    return work();
  } finally {
    await new Promise<void>((resolve) => lock.release(() => resolve()));
  }
}

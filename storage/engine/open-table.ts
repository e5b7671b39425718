/** A table of the database and its reader. */
import type { FileSystem } from '../../runtime/files.ts';
import { Codecs } from '../codec.ts';
import { corruption, type StorageDone, type StorageError } from '../errors.ts';
import { InlinePolicy } from '../inline-policy.ts';
import { tableName } from '../manifest/file-names.ts';
import type { TableMeta } from '../manifest/version-edit.ts';
import { BlockCache } from '../table/block-cache.ts';
import { openTable } from '../table/open-table.ts';
import { ReadRuns } from '../table/read-runs.ts';
import { Scratch, type TableContext, type TableReader } from '../table/table-reader.ts';
import type { WriteDone } from './api.ts';
import { forEach, ioError } from './file-steps.ts';
import type { CheckedOptions, EngineDoors } from './options.ts';

/** Of the tables of an engine. */
export interface EngineTableContext extends TableContext {
  readonly runs: ReadRuns;
}

export interface OpenTable {
  readonly meta: TableMeta;
  readonly reader: TableReader;
}

/** For the tables of one engine. */
export function tableContextOf(options: CheckedOptions, { clock, timers }: EngineDoors): EngineTableContext {
  const policy = new InlinePolicy({ inline: options.inlineReads });
  return {
    cache: new BlockCache(options.cacheBytes),
    policy,
    runs: new ReadRuns(policy, timers),
    clock,
    codecs: new Codecs(),
    scratch: new Scratch(),
    mutants: options.mutants,
  };
}

/** Errors: IO; CORRUPTION, also when the file is not the one that `meta` describes. */
export function openTableFile(files: FileSystem, dir: string, meta: TableMeta, context: TableContext, done: StorageDone<OpenTable>): void {
  files.open(`${dir}/${tableName(meta.number)}`, 'read', (opened) => {
    if (!opened.ok) {
      done({ ok: false, error: opened.error.code === 'ENOENT' ? missing(opened.error.path, meta) : ioError('open', opened.error) });
      return;
    }
    openTable(opened.value, { uid: meta.uid, bytes: meta.bytes }, context, (result) => {
      if (result.ok) done({ ok: true, value: { meta, reader: result.value } });
      else done(result);
    });
  });
}

const CLOSED_AT_ONCE = 8;

/** The first error, once all are closed. */
export function closeTables(tables: Iterable<OpenTable>, done: WriteDone): void {
  let failure: StorageError | undefined;
  forEach<OpenTable, undefined>(
    [...tables],
    CLOSED_AT_ONCE,
    ({ reader }, closed) => {
      reader.close((result) => {
        if (!result.ok) failure ??= result.error;
        closed({ ok: true, value: undefined });
      });
    },
    () => done(failure),
  );
}

function missing(file: string, { bytes }: TableMeta): StorageError {
  return corruption({ file, offset: 0, expected: `a table of ${bytes} bytes, as the manifest says`, found: 'no file' });
}

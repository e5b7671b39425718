/** What a merge reads. */
import type { SyncFile, SyncFileSystem } from '../../runtime/files.ts';
import type { Codecs } from '../codec.ts';
import type { Cursor } from '../cursor.ts';
import { tableName } from '../manifest/file-names.ts';
import { MergingCursor } from '../merging-cursor.ts';
import { RangeDeletes } from '../range-deletes.ts';
import { RunCursor } from '../run-cursor.ts';
import { openTableSync, type SyncTable } from '../table/sync-table.ts';
import type { TableIdentity } from '../table/table-footer.ts';
import { storageError } from '../table/table-parts.ts';

export interface InputTable extends TableIdentity {
  readonly number: number;
}

/** Tables that don't overlap, in order of their keys: one of level 0, or all of another level. */
export type InputRun = readonly InputTable[];

export class MergeInputs {
  readonly cursor: Cursor;
  readonly rangeDeletes: RangeDeletes;
  readonly #files: SyncFile[] = [];

  /**
   * Runs newest first; `more` are newer than all of them (memtables) and stay the caller's. On an error nothing is left open. Tables are held open until
   * `close`; memory: their indexes and filters, about 1.5 % of their bytes.
   * Errors: CORRUPTION, UNKNOWN_FORMAT, IO.
   */
  constructor(
    files: SyncFileSystem,
    dir: string,
    runs: readonly InputRun[],
    codecs: Codecs,
    more: { readonly cursors: readonly Cursor[]; readonly rangeDeletes: readonly RangeDeletes[] },
    mutants: ReadonlySet<string>,
  ) {
    try {
      const opened = runs.map((run) => run.map((table) => this.#open(files, `${dir}/${tableName(table.number)}`, table, codecs, mutants)));
      this.rangeDeletes = RangeDeletes.merge([
        ...more.rangeDeletes,
        ...opened.flatMap((run) => run.map(({ rangeDeletes }) => RangeDeletes.of(rangeDeletes))),
      ]);
      const cursors = [...more.cursors, ...opened.map(cursorOf)];
      this.cursor = cursors.length === 1 ? cursors[0]! : new MergingCursor(() => cursors);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    for (const file of this.#files) file.close();
    this.#files.length = 0;
  }

  #open(files: SyncFileSystem, path: string, expected: TableIdentity, codecs: Codecs, mutants: ReadonlySet<string>): SyncTable {
    try {
      const file = files.open(path, 'read');
      this.#files.push(file);
      return openTableSync(file, expected, codecs, mutants);
    } catch (error) {
      throw storageError(error);
    }
  }
}

function cursorOf(run: readonly SyncTable[]): Cursor {
  if (run.length === 1) return run[0]!.cursor();
  const spans = run.map(({ properties }) => ({ smallest: properties.smallestKey, largest: properties.largestKey }));
  return new RunCursor({ spans, open: (index) => run[index]!.cursor() });
}

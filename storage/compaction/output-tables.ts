/** The tables that a merge writes: files that are either all finished and kept, or all removed. */
import { FileError, type SyncFile, type SyncFileSystem } from '../../runtime/files.ts';
import { tableName } from '../manifest/file-names.ts';
import type { RecordKind } from '../record.ts';
import { storageError } from '../table/table-parts.ts';
import { type TableOptions, TableWriter } from '../table/table-writer.ts';
import type { MergeOutput } from './merge-entries.ts';

/** What an output may be: its file is named by `number`. */
export interface OutputPlace {
  readonly number: number;
  /** 16 random bytes. */
  readonly uid: Uint8Array;
}

/** A table that a merge has written, as the manifest keeps it but for its level, and how many of its entries are tombstones. */
export interface MergedTable extends OutputPlace {
  readonly bytes: number;
  readonly entries: number;
  readonly deletes: number;
  readonly rangeDeletes: number;
  readonly smallest: Uint8Array;
  readonly largest: Uint8Array;
  readonly smallestSequence: number;
  readonly largestSequence: number;
  readonly createdMs: number;
}

export interface OutputTablesOptions {
  readonly files: SyncFileSystem;
  readonly dir: string;
  /** As many tables are written at most. */
  readonly places: readonly OutputPlace[];
  readonly table: Omit<TableOptions, 'uid'>;
  readonly createdMs: number;
}

export class OutputTables {
  readonly finished: MergedTable[] = [];
  readonly #options: OutputTablesOptions;
  readonly #begun: string[] = [];
  readonly #open = new Set<SyncFile>();

  constructor(options: OutputTablesOptions) {
    this.#options = options;
  }

  /** Undefined: all places are taken. Errors: IO, also where there is such a file. */
  begin(): MergeOutput | undefined {
    const { files, dir, places, table } = this.#options;
    const place = places[this.#begun.length];
    if (place === undefined) return undefined;
    const path = `${dir}/${tableName(place.number)}`;
    let file: SyncFile;
    try {
      file = files.open(path, 'createNew');
    } catch (error) {
      throw storageError(error);
    }
    this.#begun.push(path);
    this.#open.add(file);
    return new OutputTable(new TableWriter(file, { ...table, uid: place.uid }), (writer) => this.#finish(place, file, writer));
  }

  /** Durability: all finished tables are on disk, and their names. Errors: IO. */
  keep(): void {
    try {
      this.#options.files.syncDir(this.#options.dir);
    } catch (error) {
      throw storageError(error);
    }
  }

  /** Removes all of them, as far as the disk allows: what is left is removed when the database is opened. */
  discard(): void {
    for (const file of this.#open) quietly(() => file.close());
    for (const path of this.#begun) quietly(() => this.#options.files.unlink(path));
  }

  #finish(place: OutputPlace, file: SyncFile, writer: TableWriter): void {
    const { bytes, entries, deletes, rangeDeletes, smallestKey, largestKey, smallestSequence, largestSequence } = writer.finish();
    this.#open.delete(file);
    file.close();
    const { createdMs } = this.#options;
    const table = { bytes, entries, deletes, rangeDeletes, smallestSequence, largestSequence, createdMs };
    this.finished.push({ ...place, ...table, smallest: smallestKey, largest: largestKey });
  }
}

class OutputTable implements MergeOutput {
  readonly #writer: TableWriter;
  readonly #finished: (writer: TableWriter) => void;

  constructor(writer: TableWriter, finished: (writer: TableWriter) => void) {
    this.#writer = writer;
    this.#finished = finished;
  }

  get bytes(): number {
    return this.#writer.entries === 0 ? 0 : this.#writer.bytes;
  }

  add(
    kind: RecordKind,
    sequence: number,
    keyBytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
    valueBytes: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    this.#writer.add(kind, sequence, keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueEnd);
  }

  addRangeDelete(start: Uint8Array, end: Uint8Array, sequence: number): void {
    this.#writer.addRangeDelete(start, end, sequence);
  }

  finish(): void {
    this.#finished(this.#writer);
  }
}

/** A merge that has failed or was cancelled has nothing to say about what fails after it. */
function quietly(call: () => void): void {
  try {
    call();
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
  }
}

/** A table for jobs: whole passes with large reads, past the cache. */
import type { SyncFile } from '../../runtime/files.ts';
import type { Codecs } from '../codec.ts';
import type { Cursor } from '../cursor.ts';
import { BlockRun } from './block-run.ts';
import type { RangeDelete } from './range-delete-block.ts';
import { type BlockSource, TableCursor } from './table-cursor.ts';
import { decodeFooter, type TableIdentity } from './table-footer.ts';
import { FOOTER_BYTES_MAX } from './table-format.ts';
import type { TableIndex } from './table-index.ts';
import { decodeParts, metaBytes, readFully, type TableParts } from './table-parts.ts';
import type { TableProperties } from './table-properties.ts';

/** Read at once by a cursor. */
const RUN_BYTES = 512 * 1_024;
/** Read at once after a seek. */
const SEEK_BYTES = 64 * 1_024;

export class SyncTable {
  readonly properties: TableProperties;
  readonly rangeDeletes: readonly RangeDelete[];
  readonly parts: TableParts;
  readonly #file: SyncFile;
  readonly #codecs: Codecs;

  constructor(file: SyncFile, parts: TableParts, codecs: Codecs) {
    this.properties = parts.properties;
    this.rangeDeletes = parts.rangeDeletes;
    this.parts = parts;
    this.#file = file;
    this.#codecs = codecs;
  }

  /** Its moves are done when they return, and throw StorageError. */
  cursor(): Cursor {
    return new TableCursor(new RunBlocks(this.#file, this.parts, this.#codecs), undefined);
  }

  /** The blocks one by one, in order or not. */
  blocks(): BlockSource {
    return new RunBlocks(this.#file, this.parts, this.#codecs);
  }
}

/** Reads and verifies all but the data blocks. `file` stays the caller's to close. Errors: CORRUPTION, UNKNOWN_FORMAT, IO. */
export function openTableSync(
  file: SyncFile,
  expected: TableIdentity,
  codecs: Codecs,
  mutants: ReadonlySet<string> = new Set<string>(),
): SyncTable {
  const tail = Buffer.allocUnsafeSlow(Math.min(FOOTER_BYTES_MAX, expected.bytes));
  readFully(file, tail, expected.bytes - tail.length);
  const footer = decodeFooter(tail, file.path, expected);
  const meta = Buffer.allocUnsafeSlow(metaBytes(footer));
  readFully(file, meta, footer.dataEnd);
  return new SyncTable(file, decodeParts(meta, footer, file.path, mutants), codecs);
}

class RunBlocks implements BlockSource {
  readonly index: TableIndex;
  readonly #file: SyncFile;
  readonly #run: BlockRun;

  constructor(file: SyncFile, parts: TableParts, codecs: Codecs) {
    this.index = parts.index;
    this.#file = file;
    this.#run = new BlockRun(parts.index, parts.seal, codecs);
  }

  load(block: number, step: number): Buffer {
    if (!this.#run.has(block)) {
      this.#run.plan(block, step, step === 0 && block > 0 ? SEEK_BYTES : RUN_BYTES);
      readFully(this.#file, this.#run.bytes, this.#run.offset);
      this.#run.filled();
    }
    return this.#run.open(block);
  }

  close(): void {
    // The run goes with the cursor.
  }
}

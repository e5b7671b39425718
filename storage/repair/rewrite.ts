/** Writes what a repair has read into new tables: the merge of a compaction, over whatever can still be read. */
import type { Clock, Random } from '../../runtime/doors.ts';
import type { SyncFile, SyncFileSystem } from '../../runtime/files.ts';
import type { Codecs } from '../codec.ts';
import type { KeySpan } from '../compaction/key-ranges.ts';
import { mergeEntries } from '../compaction/merge-entries.ts';
import { OutputCuts } from '../compaction/output-cuts.ts';
import { type MergedTable, OutputTables } from '../compaction/output-tables.ts';
import { Retention } from '../compaction/retention.ts';
import { Throttle } from '../compaction/throttle.ts';
import type { Cursor } from '../cursor.ts';
import { KEY_BYTES_MAX } from '../key.ts';
import { tableName } from '../manifest/file-names.ts';
import type { Memtable } from '../memtable/memtable.ts';
import { MergingCursor } from '../merging-cursor.ts';
import { type RangeDelete, RangeDeletes } from '../range-deletes.ts';
import { openTableSync } from '../table/sync-table.ts';
import { storageError } from '../table/table-parts.ts';
import { SalvageCursor } from './salvage-cursor.ts';
import type { SurveyedTable } from './survey.ts';

const TABLE_BYTES = 32 << 20;
const PLACES_EXTRA = 16;
const UID_BYTES = 16;
const NO_MUTANTS: ReadonlySet<string> = new Set();

export interface RewriteDoors {
  readonly files: SyncFileSystem;
  readonly clock: Clock;
  readonly random: Random;
  readonly dir: string;
  readonly codecs: Codecs;
  readonly nextNumber: () => number;
}

export interface RewriteInputs {
  /** Newest first; all newer than the tables. */
  readonly memtables: readonly Memtable[];
  /** In any order: sequences say what is newer and, of the same one, file numbers. */
  readonly tables: readonly SurveyedTable[];
  /** Whether there is other data that deletions in these may be there for. */
  readonly keepsDeletions: boolean;
}

/** One merge of all inputs. On disk when it returns, names too; after an error nothing of it is left. Nothing may come out: all of it was deleted. Errors: IO. */
export function rewrite(doors: RewriteDoors, { memtables, tables, keepsDeletions }: RewriteInputs): readonly MergedTable[] {
  const { files, clock, dir, codecs, nextNumber } = doors;
  const open: SyncFile[] = [];
  const bytes = memtables.reduce((sum, { length }) => sum + length, 0) + tables.reduce((sum, table) => sum + table.bytes, 0);
  const count = Math.ceil(bytes / TABLE_BYTES) * 2 + PLACES_EXTRA;
  const places = Array.from({ length: count }, () => ({ number: nextNumber(), uid: randomUid(doors.random) }));
  const outputs = new OutputTables({ files, dir, places, table: { codecs, note: 'repair' }, createdMs: clock.wall() });
  let kept = false;
  try {
    const sources = tables.toSorted((a, b) => b.number - a.number).map((table) => sourceOf(doors, table, open));
    const cursors = [...memtables.map((table) => table.cursor()), ...sources.map(({ cursor }) => cursor)];
    const older: readonly KeySpan[] = keepsDeletions
      ? [{ smallest: new Uint8Array(0), largest: new Uint8Array(KEY_BYTES_MAX).fill(0xff) }]
      : [];
    const ranges = RangeDeletes.of([
      ...memtables.flatMap(({ rangeDeletes }) => rangeDeletes),
      ...sources.flatMap(({ rangeDeletes }) => rangeDeletes),
    ]);
    const work = mergeEntries({
      input: cursors.length === 1 ? cursors[0]! : new MergingCursor(() => cursors),
      retention: new Retention({ snapshots: [], rangeDeletes: ranges, older, unnumber: false, filter: undefined, mutants: NO_MUTANTS }),
      cuts: new OutputCuts({ targetBytes: TABLE_BYTES, boundaries: [], grandparents: [], grandparentBytesMax: Number.POSITIVE_INFINITY }),
      throttle: new Throttle(undefined, { files, clock, pause: () => undefined, giveWay: () => undefined }),
      open: () => outputs.begin(),
      mutants: NO_MUTANTS,
    });
    while (work.next().done !== true);
    outputs.keep();
    kept = true;
    return outputs.finished;
  } finally {
    for (const file of open) file.close();
    if (!kept) outputs.discard();
  }
}

export function randomUid(random: Random): Uint8Array {
  const uid = Buffer.alloc(UID_BYTES);
  for (let i = 0; i < UID_BYTES; i += 4) uid.writeUInt32LE(random.u32(), i);
  return uid;
}

function sourceOf(
  { files, dir, codecs }: RewriteDoors,
  { number, uid, bytes, damaged }: SurveyedTable,
  open: SyncFile[],
): { readonly cursor: Cursor; readonly rangeDeletes: readonly RangeDelete[] } {
  let file: SyncFile;
  try {
    file = files.open(`${dir}/${tableName(number)}`, 'read');
  } catch (error) {
    throw storageError(error);
  }
  open.push(file);
  if (damaged?.salvaged !== undefined) {
    const { salvaged } = damaged;
    return { cursor: new SalvageCursor(file, salvaged, codecs), rangeDeletes: salvaged.rangeDeletes };
  }
  const table = openTableSync(file, { uid, bytes }, codecs);
  return { cursor: table.cursor(), rangeDeletes: table.rangeDeletes };
}

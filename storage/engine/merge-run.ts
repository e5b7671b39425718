/** One run of the merge job for an engine: its input made, its outputs opened. */
import { FileError } from '../../runtime/files.ts';
import type { JobOutcome } from '../../runtime/jobs.ts';
import { type KeySpan, spanOf } from '../compaction/key-ranges.ts';
import type { MergeJobInput, MergeJobOutcome } from '../compaction/merge-job.ts';
import type { MergedTable, OutputPlace } from '../compaction/output-tables.ts';
import type { ScheduledJob } from '../compaction/scheduler.ts';
import { type StorageDone, StorageError, type StorageResult } from '../errors.ts';
import type { TableMeta } from '../manifest/version-edit.ts';
import type { MemtableSnapshot } from '../memtable/memtable-snapshot.ts';
import type { EngineParts } from './engine-parts.ts';
import { forEach } from './file-steps.ts';
import { type OpenTable, openTableFile } from './open-table.ts';

const UID_BYTES = 16;
const OPEN_AT_ONCE = 4;
/** Room for tables that are cut early, beside what the bytes need. */
const PLACES_EXTRA = 8;
/** A table overlaps at most so many times its size of the next level. */
const GRANDPARENT_TABLES = 10;

export interface MergeRequest {
  readonly memtables: readonly MemtableSnapshot[];
  /** Newest first. */
  readonly runs: readonly (readonly TableMeta[])[];
  readonly outputLevel: number;
  /** Spans of all data that is older. */
  readonly older: readonly KeySpan[];
  readonly grandparents: readonly (KeySpan & { readonly bytes: number })[];
  readonly note: string;
}

export function mergeInput(parts: EngineParts, request: MergeRequest): ScheduledJob {
  const { options, dir, manifest, snapshots, scheduler } = parts;
  const { memtables, runs, outputLevel } = request;
  const bytes =
    memtables.reduce((sum, { length }) => sum + length, 0) + runs.reduce((sum, run) => sum + run.reduce((all, table) => all + table.bytes, 0), 0);
  // A flush makes one table, whatever its size.
  const tableBytes = runs.length === 0 ? Number.MAX_SAFE_INTEGER : options.tableBytes;
  const count = runs.length === 0 ? 1 : Math.ceil(bytes / options.tableBytes) * 2 + PLACES_EXTRA;
  const input: MergeJobInput = {
    dir,
    memtables,
    runs: runs.map((run) => run.map(({ number, uid, bytes: size }) => ({ number, uid: owned(uid), bytes: size }))),
    places: Array.from({ length: count }, (): OutputPlace => ({ number: manifest.nextNumber(), uid: randomUid(parts) })),
    cuts: {
      targetBytes: tableBytes,
      boundaries: [],
      grandparents: request.grandparents.map(({ smallest, largest, bytes: size }) => ({ smallest: owned(smallest), largest: owned(largest), bytes: size })),
      grandparentBytesMax: GRANDPARENT_TABLES * options.tableBytes,
    },
    snapshots: snapshots.list(),
    older: request.older.map(({ smallest, largest }) => ({ smallest: owned(smallest), largest: owned(largest) })),
    unnumber: outputLevel > 0,
    table: { codec: options.codec, blockBytes: options.blockBytes, bloomBitsPerKey: options.bloomBitsPerKey, note: request.note },
    filter: options.filter,
    throttle: runs.length === 0 ? undefined : scheduler.throttle,
    mutants: options.mutants,
  };
  return { job: options.mergeJob, input };
}

/** Opens the tables that the job has written. Errors: what the job failed with; of opening them: IO, CORRUPTION. */
export function openOutputs(parts: EngineParts, outcome: JobOutcome, level: number, done: StorageDone<readonly OpenTable[]>): void {
  const merged = mergedOf(outcome);
  if (!merged.ok) {
    done(merged);
    return;
  }
  forEach<MergedTable, OpenTable>(
    merged.value.tables,
    OPEN_AT_ONCE,
    ({ deletes: _, ...table }, opened) => openTableFile(parts.doors.files, parts.dir, { ...table, level }, parts.context, opened),
    done,
  );
}

type Merged = Extract<MergeJobOutcome, { readonly kind: 'merged' }>;

export function mergedOf(outcome: JobOutcome): StorageResult<Merged> {
  if (!outcome.ok) {
    const code = outcome.code === 'JOB_CANCELLED' ? 'CANCELLED' : 'IO';
    return { ok: false, error: new StorageError(code, `merge: ${outcome.message}`) };
  }
  const value = outcome.value as MergeJobOutcome;
  if (value.kind === 'merged') return { ok: true, value };
  const { code, message, place, systemCode } = value;
  const options = {
    ...(place === undefined ? {} : { place }),
    ...(systemCode === undefined ? {} : { cause: new FileError(systemCode, 'merge', '') }),
  };
  return { ok: false, error: new StorageError(code, `merge: ${message}`, options) };
}

/** Over nothing: undefined. */
export function spanOfTables(tables: readonly KeySpan[]): KeySpan | undefined {
  return tables.length === 0 ? undefined : spanOf(tables);
}

function randomUid({ doors }: EngineParts): Uint8Array {
  const uid = new Uint8Array(UID_BYTES);
  const words = new DataView(uid.buffer);
  for (let i = 0; i < UID_BYTES; i += 4) words.setUint32(i, doors.random.u32());
  return uid;
}

/** Of a view, all the memory behind it would be cloned. */
function owned(bytes: Uint8Array): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes);
}

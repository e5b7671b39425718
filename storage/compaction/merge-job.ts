/**
 * The job that flushes memtables and merges tables, in the pool. Cancelled or failed, it leaves no file behind; that a thread or machine dies under it,
 * the database finds out when it is opened: what the manifest doesn't name is removed.
 */
import { FileError } from '../../runtime/files.ts';
import { defineJob, type JobDefinition, type JobDoors } from '../../runtime/jobs.ts';
import { type Codec, type CodecName, Codecs } from '../codec.ts';
import { type CorruptionPlace, StorageError, type StorageErrorCode } from '../errors.ts';
import { type MemtableSnapshot, snapshotCursor } from '../memtable/memtable-snapshot.ts';
import { RangeDeletes } from '../range-deletes.ts';
import { type FilterChoice, type FilterTable, filterOf } from './filter.ts';
import type { KeySpan } from './key-ranges.ts';
import { type MergeCounts, mergeEntries } from './merge-entries.ts';
import { type InputRun, MergeInputs } from './merge-inputs.ts';
import { type CutOptions, OutputCuts } from './output-cuts.ts';
import { type MergedTable, type OutputPlace, OutputTables } from './output-tables.ts';
import { Retention } from './retention.ts';
import { Throttle } from './throttle.ts';

/** Plain data. Keys should be arrays of their own: of a view, all the memory behind it is cloned. */
export interface MergeJobInput {
  /** Directory of the inputs and outputs. */
  readonly dir: string;
  /** Newest first; all newer than the runs. */
  readonly memtables: readonly MemtableSnapshot[];
  /** Newest first. */
  readonly runs: readonly InputRun[];
  /** What the outputs may be, as many as there are. At least one; when they are used up the last table takes the rest. */
  readonly places: readonly OutputPlace[];
  readonly cuts: CutOptions;
  /** Sequences that are read, ascending; the newest state is always kept. */
  readonly snapshots: readonly number[];
  /** Spans of all data older than the inputs (`olderTables`). */
  readonly older: readonly KeySpan[];
  /** Whether sequences that say nothing any more become 0. Not for outputs in level 0. */
  readonly unnumber: boolean;
  readonly table: { readonly codec?: CodecName; readonly blockBytes?: number; readonly bloomBitsPerKey?: number; readonly note?: string };
  readonly filter?: FilterChoice | undefined;
  /** Over shared memory: KiB of input per second; 0: no limit. Undefined: none, ever. */
  readonly throttle?: Int32Array | undefined;
  readonly mutants?: ReadonlySet<string>;
}

export type MergeJobOutcome =
  /** The tables, in order, are on disk, and so are their names. None when nothing was left. */
  | ({ readonly kind: 'merged'; readonly tables: readonly MergedTable[]; readonly writtenBytes: number } & MergeCounts)
  | {
      readonly kind: 'failed';
      readonly code: StorageErrorCode;
      readonly message: string;
      readonly place: CorruptionPlace | undefined;
      /** Of the operating system, where `code` is IO: ENOSPC, EIO, ... */
      readonly systemCode: string | undefined;
    };

/** What code a job has beside its input, which is only data. */
export interface MergeParts {
  readonly filters: FilterTable;
  /** More than those that are always here. */
  readonly codecs: readonly Codec[];
}

/** A merge job with filters and codecs: to be exported by a module of the pool's jobs. Engines are told its name. */
export function defineMergeJob(name: string, parts: MergeParts): JobDefinition<MergeJobInput, MergeJobOutcome> {
  return defineJob(name, function* run(input: MergeJobInput, doors: JobDoors) {
    try {
      return yield* merge(input, parts, doors);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      const systemCode = error.cause instanceof FileError ? error.cause.code : undefined;
      return { kind: 'failed', code: error.code, message: error.message, place: error.place, systemCode } as const;
    }
  });
}

export const mergeJob = defineMergeJob('storage.merge', { filters: {}, codecs: [] });

function* merge(input: MergeJobInput, parts: MergeParts, doors: JobDoors): Generator<undefined, MergeJobOutcome, undefined> {
  const { dir, memtables, runs, snapshots, older, unnumber, places, table, cuts } = input;
  const { files, clock } = doors;
  const mutants = input.mutants ?? new Set<string>();
  const codecs = new Codecs(parts.codecs);
  const filter = filterOf(parts.filters, input.filter);
  const more = {
    // Who reads at an older sequence is in `snapshots`: of what was overwritten in memory nothing is kept for anybody else.
    cursors: memtables.map((memtable) => snapshotCursor(memtable, snapshots.length === 0)),
    rangeDeletes: memtables.map(({ rangeDeletes }) => RangeDeletes.of(rangeDeletes)),
  };
  const inputs = new MergeInputs(files, dir, runs, codecs, more, mutants);
  const outputs = new OutputTables({ files, dir, places, table: { ...table, codecs, mutants }, createdMs: clock.wall() });
  let kept = false;
  try {
    const { rangeDeletes, cursor } = inputs;
    const counts = yield* mergeEntries({
      input: cursor,
      retention: new Retention({ snapshots, rangeDeletes, older, unnumber, filter, mutants }),
      cuts: new OutputCuts(cuts),
      throttle: new Throttle(input.throttle, doors),
      open: () => outputs.begin(),
      mutants,
    });
    outputs.keep();
    kept = true;
    const tables = outputs.finished;
    return { kind: 'merged', tables, writtenBytes: tables.reduce((sum, { bytes }) => sum + bytes, 0), ...counts };
  } finally {
    inputs.close();
    if (!kept) outputs.discard();
  }
}

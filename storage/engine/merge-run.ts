/** One run of the merge job for an engine: its input made, its outputs opened. */
import type { Random } from '../../runtime/doors.ts';
import { FileError } from '../../runtime/files.ts';
import type { JobOutcome } from '../../runtime/jobs.ts';
import type { MergeJobInput, MergeJobOutcome } from '../compaction/merge-job.ts';
import type { MergedTable, OutputPlace } from '../compaction/output-tables.ts';
import type { ScheduledJob } from '../compaction/scheduler.ts';
import { type StorageDone, StorageError, type StorageResult } from '../errors.ts';
import type { EngineParts } from './engine-parts.ts';
import { forEach } from './file-steps.ts';
import { type OpenTable, openTableFile } from './open-table.ts';

const UID_BYTES = 16;
const OPEN_AT_ONCE = 4;

export interface MergeRequest extends Pick<MergeJobInput, 'memtables' | 'runs' | 'older' | 'unnumber' | 'cuts' | 'throttle'> {
  /** Outputs there may be. */
  readonly placeCount: number;
  readonly note: string;
}

export function mergeInput(parts: EngineParts, request: MergeRequest): ScheduledJob {
  const { options, dir, manifest, snapshots } = parts;
  const { placeCount, note, ...rest } = request;
  const input: MergeJobInput = {
    ...rest,
    dir,
    places: Array.from({ length: placeCount }, (): OutputPlace => ({ number: manifest.nextNumber(), uid: randomUid(parts.doors.random) })),
    snapshots: snapshots.list(),
    table: { codec: options.codec, blockBytes: options.blockBytes, bloomBitsPerKey: options.bloomBitsPerKey, note },
    filter: options.filter,
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
    (table, opened) => openTableFile(parts.doors.files, parts.dir, { ...table, level }, parts.context, opened),
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

export function randomUid(random: Random): Uint8Array {
  const uid = new Uint8Array(UID_BYTES);
  const words = new DataView(uid.buffer);
  for (let i = 0; i < UID_BYTES; i += 4) words.setUint32(i, random.u32());
  return uid;
}

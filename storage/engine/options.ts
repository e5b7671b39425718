/** Options of an engine: what they mean, their defaults, and the check of what a caller gave. */
import type { Clock, Log, Random, Timers } from '../../runtime/doors.ts';
import type { FileSystem } from '../../runtime/files.ts';
import type { JobRunner } from '../../runtime/jobs.ts';
import type { FilterChoice } from '../compaction/filter.ts';
import type { CompactionScheduler } from '../compaction/scheduler.ts';
import { StorageError } from '../errors.ts';
import { KEY_BYTES_MAX } from '../key.ts';
import type { Durability } from './api.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

/** What an engine is given of the world. */
export interface EngineDoors {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly timers: Timers;
  readonly files: FileSystem;
  /** Must know the jobs of `storage/jobs.ts`. */
  readonly jobs: JobRunner;
  /** Who shares the machine's threads between engines. Default: a `JobScheduler` of its own, over `jobs`. */
  readonly scheduler?: CompactionScheduler;
}

export interface EngineOptions {
  /** Make the database when the directory has none. Default true. */
  readonly createIfMissing?: boolean;
  /** Refuse a directory that has one. Default false. */
  readonly errorIfExists?: boolean;
  /** Nothing is written, not even the lock; what the log holds is replayed into memory. Default false. */
  readonly readOnly?: boolean;
  /** Of writes that don't say. Default `sync`. */
  readonly durability?: Durability;
  /** How long a `periodic` write may take to be on disk, in ms. Default 100. */
  readonly periodMs?: number;
  /** Bytes of a memtable, and of a segment of the commit log. Default 32 MiB. A write that does not fit one is refused. */
  readonly memtableBytes?: number;
  /** Memtables that may wait for their flush before writers do. Default 3. */
  readonly memtablesMax?: number;
  /** Read single keys in memtables that are in tables already, in the memory of those that may wait but one, as long as none of these needs it. Default true. */
  readonly keepFlushed?: boolean;
  /** Bytes of writes that may wait while writers are stopped; more are OVERLOADED. Default 16 MiB. */
  readonly waitingBytesMax?: number;
  /** Largest value, in bytes. Default 16 MiB. */
  readonly valueBytesMax?: number;
  /** Bytes of the cache of blocks. Default 64 MiB. */
  readonly cacheBytes?: number;
  /** Bytes of a block before compression, about. Default 4 KiB. */
  readonly blockBytes?: number;
  /** Of blocks. Default `none`. */
  readonly codec?: 'none' | 'deflate' | 'zstd';
  /** Bits per key of the Bloom filters; 0: none. Default 10. */
  readonly bloomBitsPerKey?: number;
  /** Read blocks on the caller's thread as long as that is quick, since the page cache has them. Default true. */
  readonly inlineReads?: boolean;
  /** Write the log on the caller's thread as long as that is quick, where nobody waits for the disk (`none`, `periodic`). Default true. */
  readonly inlineWrites?: boolean;
  /** Bytes of a table that a compaction writes, about. Default 32 MiB. */
  readonly tableBytes?: number;
  /** Bytes of the highest level under level 0, at most; each level holds about ten times the one above it. Default 512 MiB. */
  readonly levelBytes?: number;
  /** Bytes of the manifest beyond which a new one is begun. Default 4 MiB. */
  readonly manifestBytes?: number;
  /** Bytes per second that compactions may write while clients are busy; 0: unlimited. Default 0. */
  readonly compactionBytesPerSecond?: number;
  /** Job of the pool that flushes and merges, as `defineMergeJob` made it. Default `storage.merge`, which has no filters. */
  readonly mergeJob?: string;
  /** Rule by which merges remove entries; the merge job must have it. Default: none. */
  readonly filter?: FilterChoice;
  /** Bugs planted by tests. */
  readonly mutants?: ReadonlySet<string>;
}

export type CheckedOptions = Required<Omit<EngineOptions, 'filter'>> & Pick<EngineOptions, 'filter'>;

/** What a memtable holds beside its records: headers of the segment and of groups. */
export const MEMTABLE_SLACK_BYTES = 4 * KIB;

const DEFAULTS: Readonly<CheckedOptions> = {
  createIfMissing: true,
  errorIfExists: false,
  readOnly: false,
  durability: 'sync',
  periodMs: 100,
  memtableBytes: 32 * MIB,
  memtablesMax: 3,
  keepFlushed: true,
  waitingBytesMax: 16 * MIB,
  valueBytesMax: 16 * MIB,
  cacheBytes: 64 * MIB,
  blockBytes: 4 * KIB,
  codec: 'none',
  bloomBitsPerKey: 10,
  inlineReads: true,
  inlineWrites: true,
  tableBytes: 32 * MIB,
  levelBytes: 512 * MIB,
  manifestBytes: 4 * MIB,
  compactionBytesPerSecond: 0,
  mergeJob: 'storage.merge',
  mutants: new Set(),
};

/** Inclusive bounds of the numbers. */
const BOUNDS: Readonly<Record<string, readonly [number, number]>> = {
  periodMs: [1, 60_000],
  memtableBytes: [16 * KIB, 1024 * MIB],
  memtablesMax: [1, 64],
  waitingBytesMax: [0, 1024 * MIB],
  valueBytesMax: [1, 256 * MIB],
  cacheBytes: [0, 64 * 1024 * MIB],
  blockBytes: [256, MIB],
  bloomBitsPerKey: [0, 32],
  tableBytes: [16 * KIB, 2048 * MIB],
  levelBytes: [64 * KIB, 1024 * 1024 * MIB],
  manifestBytes: [KIB, 1024 * MIB],
  compactionBytesPerSecond: [0, Number.MAX_SAFE_INTEGER],
};
const CODECS: readonly unknown[] = ['none', 'deflate', 'zstd'];
export const DURABILITIES: readonly unknown[] = ['sync', 'periodic', 'none'];

/** Of memtables and cached blocks together, at most. */
export function memoryBytesMax(given: EngineOptions): number {
  const { memtableBytes, memtablesMax, cacheBytes } = { ...DEFAULTS, ...given };
  return memtableBytes * (memtablesMax + 1) + cacheBytes;
}

/** Errors: INVALID_ARGUMENT, naming the option, what was expected and what it got. */
export function checkOptions(given: EngineOptions): CheckedOptions {
  const options: Record<string, unknown> = { ...DEFAULTS };
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(DEFAULTS, name) && name !== 'filter') throw invalid(`unknown option ${name}`);
    if (value === undefined) continue;
    check(name, value);
    options[name] = value;
  }
  const checked = options as unknown as CheckedOptions;
  const valueBytesMost = checked.memtableBytes - MEMTABLE_SLACK_BYTES - Math.min(KEY_BYTES_MAX, checked.memtableBytes >> 2);
  if (given.valueBytesMax === undefined) return { ...checked, valueBytesMax: Math.max(1, Math.min(checked.valueBytesMax, valueBytesMost)) };
  if (checked.valueBytesMax > valueBytesMost) {
    throw invalid(
      `option valueBytesMax: expected at most ${valueBytesMost}, since a memtable (memtableBytes) holds it and its key, got ${checked.valueBytesMax}`,
    );
  }
  return checked;
}

function check(name: string, value: unknown): void {
  const bounds = BOUNDS[name];
  if (bounds !== undefined) {
    const [least, most] = bounds;
    if (!(Number.isInteger(value) && (value as number) >= least && (value as number) <= most)) {
      throw invalid(`option ${name}: expected a whole number from ${least} to ${most}, got ${String(value)}`);
    }
  } else if (name === 'codec') {
    if (!CODECS.includes(value)) throw invalid(`option codec: expected ${CODECS.join(', ')}, got ${String(value)}`);
  } else if (name === 'durability') {
    if (!DURABILITIES.includes(value)) throw invalid(`option durability: expected ${DURABILITIES.join(', ')}, got ${String(value)}`);
  } else if (name === 'mergeJob') {
    if (typeof value !== 'string') throw invalid(`option mergeJob: expected the name of a job, got ${String(value)}`);
  } else if (name === 'filter') {
    if (typeof value !== 'object' || value === null || !('name' in value))
      throw invalid(`option filter: expected {name, argument}, got ${String(value)}`);
  } else if (name === 'mutants') {
    if (!(value instanceof Set)) throw invalid(`option mutants: expected a Set, got ${String(value)}`);
  } else if (typeof value !== 'boolean') {
    throw invalid(`option ${name}: expected true or false, got ${String(value)}`);
  }
}

function invalid(message: string): StorageError {
  return new StorageError('INVALID_ARGUMENT', message);
}

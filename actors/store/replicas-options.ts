/** What the replicas of a shard are opened with. */
import type { EngineDoors, EngineOptions } from '../../storage/engine/options.ts';
import type { HintLimits } from '../hints/hint-book.ts';
import type { HintsOptions } from '../hints/hints.ts';
import type { FloorsOptions } from '../purge/floors.ts';
import type { WriteMarks } from '../repair/dirty-marks.ts';

export interface ReplicasOptions extends HintLimits, Pick<HintsOptions, 'hintForgotten'>, Pick<FloorsOptions, 'recordPurged'> {
  /** Absolute; the directory above it exists. */
  readonly dir: string;
  readonly engine?: EngineOptions;
  readonly doors: EngineDoors;
  /** Called outside of turns, any number of times: `drain` is to be called in one. */
  readonly ring: () => void;
  /** Calls that may wait for a read, for room or for a dot, at most half of them MERGE_IN; more are OVERLOADED. Default 4,096. */
  readonly waitingMax?: number;
  /** Bytes of their keys, records and values; once there are as many, or half as many of MERGE_IN, more of them are OVERLOADED. Default 4 MiB. */
  readonly waitingBytesMax?: number;
  /** Siblings a client's write may leave; one that would leave more is INVALID. Default 1,000. */
  readonly siblingsMax?: number;
  /** Entries of a version vector, from which on those of retired actors are dropped by writes. Default 64. */
  readonly entriesMax?: number;
  /** Bytes of a record, at most. Default 7 MiB: with the longest key it fits a frame (8 MiB). */
  readonly recordBytesMax?: number;
  /** Told of each key that is written, for repair. */
  readonly marks?: WriteMarks;
  /** Of the present ring; 0: there is none. Default: there is none, and hints that are refused leave no marks. */
  readonly partitions?: () => number;
  readonly leaseCounters?: number;
  readonly driftMaxMs?: number;
  /** Planted bugs: ackBeforeDurable, missRunsMergeUnordered, stallIgnored, shownBeforeHeld, oldRingWritesLater, droppedComesBack, and those of versions and engine. */
  readonly mutants?: ReadonlySet<string>;
}

export const WAITING_MAX = 4_096;
export const WAITING_BYTES_MAX = 4 * 1_024 * 1_024;
export const SIBLINGS_MAX = 1_000;
export const ENTRIES_MAX = 64;
export const RECORD_BYTES_MAX = 7 * 1024 * 1024;

/** What a commit log is made with, and what it counts. */
import type { Timers } from '../../runtime/doors.ts';
import type { StorageError } from '../errors.ts';
import type { PreviousSegment } from './group.ts';
import type { InlineWrites } from './inline-writes.ts';
import type { SegmentPoolOptions } from './segment-pool.ts';

export interface CommitLogOptions extends Omit<SegmentPoolOptions, 'onPrepared' | 'fileBytes'> {
  readonly timers: Timers;
  /** Undefined: all is written by other threads. */
  readonly inline: InlineWrites | undefined;
  /** Size of every arena. */
  readonly arenaBytes: number;
  /** Of `periodic` writes: on disk after so long. */
  readonly periodMs: number;
  /** After so long without a write a mark says that all is on disk. */
  readonly idleMs: number;
  /** An attempt to make a segment file that failed is repeated after so long. */
  readonly retryMs: number;
  /** End of the log that was recovered, and is on disk so far; undefined: there is none, or it is obsolete. */
  readonly previous: PreviousSegment | undefined;
  /** After each attempt to make a spare segment: undefined when `rotate` can be called; an error (disk full), when it was not made yet. */
  readonly onSpare: (error: StorageError | undefined) => void;
  /** Once per failure: the log takes no more until the engine has flushed all memtables to tables and then rotated. */
  readonly onPoisoned: (error: StorageError) => void;
}

export interface CommitLogStats {
  readonly groups: number;
  /** Of these, written on the caller's thread. */
  readonly inlineGroups: number;
  /** Written, headers included. */
  readonly bytes: number;
  /** Calls that synced. */
  readonly syncs: number;
  readonly largestGroupBytes: number;
  /** Writes not acknowledged yet. */
  readonly queue: number;
}

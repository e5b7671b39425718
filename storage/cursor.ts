/**
 * A position in an ordered source of entries: memtable, table, or a merge of several. Entries are ordered by key ascending, of one key by
 * sequence descending (the newest first).
 *
 * In a job every move is done when the call returns. On a shard's thread a move may need a block that is not in memory: then it returns
 * PENDING, and the `onReady` that the cursor was made with is called once, later, when the move has ended; until then no other call is made.
 */
import type { StorageError } from './errors.ts';
import type { RecordKind } from './record.ts';

export const READY = 0;
export const PENDING = 1;
export type Move = typeof READY | typeof PENDING;

export interface Cursor {
  /** False: past either end, or `error` is set. */
  readonly valid: boolean;
  /** What ended the cursor; from then on it stays invalid. Moves don't throw on a shard's thread; in a job they throw instead of setting it. */
  readonly error: StorageError | undefined;

  /** To the first entry of a key >= `key[start, end)`. */
  seek(key: Uint8Array, start: number, end: number): Move;
  /** To the last entry of the last key < `key[start, end)`: the oldest version of it. */
  seekBefore(key: Uint8Array, start: number, end: number): Move;
  seekFirst(): Move;
  seekLast(): Move;
  /** Requires: valid. */
  next(): Move;
  /** Requires: valid. */
  prev(): Move;

  /** Of the current entry, requires: valid. Bytes stay as they are until the next move. */
  readonly keyBytes: Uint8Array;
  readonly keyStart: number;
  readonly keyEnd: number;
  readonly kind: RecordKind;
  readonly sequence: number;
  readonly valueBytes: Uint8Array;
  readonly valueStart: number;
  readonly valueEnd: number;

  /** Gives up what the cursor holds; nothing is called after it. */
  close(): void;
}

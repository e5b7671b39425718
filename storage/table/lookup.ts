/** The answer of a point lookup, and its question while a block is being read. Reused: one per caller that has one lookup under way. */
import type { StorageError } from '../errors.ts';
import { PUT, type RecordKind } from '../record.ts';

export const ABSENT = 0;
export const FOUND = 1;
/** A block has to be read: the answer comes by `onReady`. */
export const LOOKUP_PENDING = 2;
export type LookupOutcome = typeof ABSENT | typeof FOUND | typeof LOOKUP_PENDING;

/** Whoever waits for a block of a table. Called once, later, with the one or the other. */
export interface BlockWaiter {
  onBlock(bytes: Buffer | undefined, error: StorageError | undefined): void;
}

/** What goes on with a lookup when its block is there. */
export interface LookupTable {
  resume(lookup: Lookup, bytes: Buffer | undefined, error: StorageError | undefined): void;
}

export class Lookup implements BlockWaiter {
  /** Of the entry found. */
  kind: RecordKind = PUT;
  sequence = 0;
  valueBytes: Buffer = NOTHING;
  valueStart = 0;
  valueEnd = 0;
  /** Of the bytes of the value: they are as they should only until the next call to a table. */
  isLent = false;

  /** Called once, later, after LOOKUP_PENDING; never within `get`. Must not throw. */
  onReady: (outcome: typeof ABSENT | typeof FOUND, error: StorageError | undefined) => void;

  /** Of the table, while it waits. */
  key: Uint8Array = NOTHING;
  hash = 0;
  maxSequence = 0;
  block = 0;
  table: LookupTable | undefined;

  constructor(onReady: (outcome: typeof ABSENT | typeof FOUND, error: StorageError | undefined) => void) {
    this.onReady = onReady;
  }

  onBlock(bytes: Buffer | undefined, error: StorageError | undefined): void {
    const { table } = this;
    this.table = undefined;
    table?.resume(this, bytes, error);
  }
}

const NOTHING = Buffer.alloc(0);

/**
 * Reads a record where it lies. One view is used for many records: opening it costs a few loads and allocates nothing.
 * `checkRecord` must have passed once for the bytes; the rest then stays within them.
 */
import { u16At, u32At, u64At } from '../../storage/byte-reader.ts';
import { compareActors } from './incarnation.ts';
import {
  ENTRY_BYTES,
  ENTRY_COUNTER,
  EXPIRES,
  EXPIRY_BYTES,
  RECORD_ENTRIES,
  RECORD_HEADER_BYTES,
  RECORD_SIBLINGS,
  SIBLING_EXPIRY,
  SIBLING_FLAGS,
  SIBLING_HEAD_BYTES,
  SIBLING_STAMP,
  SIBLING_VALUE_BYTES,
  TOMBSTONE,
} from './record-format.ts';

export class RecordView {
  bytes: Uint8Array = NOTHING;
  start = 0;
  end = 0;
  entries = 0;
  siblings = 0;
  /** Offsets of the first entry and of the first sibling in `bytes`. */
  entriesAt = 0;
  siblingsAt = 0;

  /** The record is `bytes[start, end)`. */
  open(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.entries = u16At(bytes, start + RECORD_ENTRIES);
    this.siblings = u16At(bytes, start + RECORD_SIBLINGS);
    this.entriesAt = start + RECORD_HEADER_BYTES;
    this.siblingsAt = this.entriesAt + this.entries * ENTRY_BYTES;
  }

  /** Becomes the record of a key that is not there: no entries, no siblings. */
  clear(): void {
    this.bytes = NOTHING;
    this.start = 0;
    this.end = 0;
    this.entries = 0;
    this.siblings = 0;
    this.entriesAt = 0;
    this.siblingsAt = 0;
  }

  /** Offset of entry `i`, which begins with its actor. */
  entryAt(i: number): number {
    return this.entriesAt + i * ENTRY_BYTES;
  }

  /** Counter of the version vector for `actor[at, at + 16)`: 0 when it has none. Cost: O(entries). */
  counterOf(actor: Uint8Array, at: number): number {
    const { bytes, entries, entriesAt } = this;
    for (let i = 0, entry = entriesAt; i < entries; i++, entry += ENTRY_BYTES) {
      const order = compareActors(bytes, entry, actor, at);
      if (order === 0) return u64At(bytes, entry + ENTRY_COUNTER);
      if (order > 0) return 0;
    }
    return 0;
  }

  /** Whether the dot (`actor[at, at + 16)`, `counter`) is covered by the version vector. */
  hasSeen(actor: Uint8Array, at: number, counter: number): boolean {
    const { bytes, entries, entriesAt } = this;
    for (let i = 0, entry = entriesAt; i < entries; i++, entry += ENTRY_BYTES) {
      const order = compareActors(bytes, entry, actor, at);
      if (order >= 0) return order === 0 && counter <= u64At(bytes, entry + ENTRY_COUNTER);
    }
    return false;
  }

  /** Offset of the actor of the sibling at offset `at`. */
  actorOf(at: number): number {
    return this.entriesAt + u16At(this.bytes, at) * ENTRY_BYTES;
  }
}

/** These are of the sibling at `bytes[at]`. */
export function stampAt(bytes: Uint8Array, at: number): number {
  return u64At(bytes, at + SIBLING_STAMP);
}

export function isTombstone(bytes: Uint8Array, at: number): boolean {
  return (bytes[at + SIBLING_FLAGS]! & TOMBSTONE) !== 0;
}

/** Milliseconds since 1970; 0: it does not expire. */
export function expiryAt(bytes: Uint8Array, at: number): number {
  return (bytes[at + SIBLING_FLAGS]! & EXPIRES) === 0 ? 0 : u64At(bytes, at + SIBLING_EXPIRY);
}

export function valueStart(bytes: Uint8Array, at: number): number {
  return at + SIBLING_HEAD_BYTES + ((bytes[at + SIBLING_FLAGS]! & EXPIRES) === 0 ? 0 : EXPIRY_BYTES);
}

/** Offset behind it: of the next one, when there is one. */
export function siblingEnd(bytes: Uint8Array, at: number): number {
  return valueStart(bytes, at) + u32At(bytes, at + SIBLING_VALUE_BYTES);
}

/** A value that has not expired. `nowMs`: milliseconds since 1970, of one clock for all replicas of a read. */
export function isLiveAt(bytes: Uint8Array, at: number, nowMs: number): boolean {
  if (isTombstone(bytes, at)) return false;
  const expiry = expiryAt(bytes, at);
  return expiry === 0 || nowMs < expiry;
}

const NOTHING = new Uint8Array(RECORD_HEADER_BYTES);

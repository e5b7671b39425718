/** The only door for bytes that somebody else encoded: a record, or a bare version vector. */
import { u16At, u32At, u64At } from '../../storage/byte-reader.ts';
import { compareBytes, compareU64 } from './compare-bytes.ts';
import { compareActors } from './incarnation.ts';
import {
  ENTRY_BYTES,
  ENTRY_COUNTER,
  ENTRY_STAMP,
  EXPIRES,
  EXPIRY_BYTES,
  RECORD_ENTRIES,
  RECORD_HEADER_BYTES,
  RECORD_SIBLINGS,
  RECORD_VERSION,
  RECORD_ZERO,
  SIBLING_COUNTER,
  SIBLING_EXPIRY,
  SIBLING_FLAGS,
  SIBLING_HEAD_BYTES,
  SIBLING_STAMP,
  SIBLING_VALUE_BYTES,
  SIBLING_ZERO,
  TOMBSTONE,
} from './record-format.ts';
import { siblingEnd } from './record-view.ts';

/**
 * Whether `bytes[start, end)` is a record in its one encoding. Returns what was expected and found, and where; undefined when all is well.
 * A record without siblings passes: no history leads there, but merging what two copies of one directory minted may. It says that all was seen and nothing is there.
 * Cost: O(entries + siblings), no value is read but those of equal dots; allocates only to complain.
 */
export function checkRecord(bytes: Uint8Array, start: number, end: number): string | undefined {
  const wrong = checkVector(bytes, start, end);
  if (wrong !== undefined) return wrong;
  if (u16At(bytes, start + RECORD_ENTRIES) === 0) return complain('an entry or more', 'none', RECORD_ENTRIES);
  return checkSiblings(bytes, start, end, u16At(bytes, start + RECORD_SIBLINGS));
}

/** The same for a bare version vector: entries, and no siblings. */
export function checkBareVector(bytes: Uint8Array, start: number, end: number): string | undefined {
  const wrong = checkVector(bytes, start, end);
  if (wrong !== undefined) return wrong;
  const siblings = u16At(bytes, start + RECORD_SIBLINGS);
  return siblings === 0 ? checkSiblings(bytes, start, end, 0) : complain('no siblings', siblings, RECORD_SIBLINGS);
}

function checkVector(bytes: Uint8Array, start: number, end: number): string | undefined {
  const length = end - start;
  if (length < RECORD_HEADER_BYTES) return complain(`a header of ${RECORD_HEADER_BYTES} bytes`, `${length} bytes`, 0);
  if (bytes[start] !== RECORD_VERSION) return complain(`record format ${RECORD_VERSION}`, bytes[start]!, 0);
  if (bytes[start + RECORD_ZERO] !== 0) return complain('zero', bytes[start + RECORD_ZERO]!, RECORD_ZERO);
  const entries = u16At(bytes, start + RECORD_ENTRIES);
  const needed = RECORD_HEADER_BYTES + entries * ENTRY_BYTES;
  if (needed > length) return complain(`${needed} bytes for ${entries} entries`, `${length} bytes`, RECORD_ENTRIES);
  for (let i = 0, at = start + RECORD_HEADER_BYTES; i < entries; i++, at += ENTRY_BYTES) {
    const counter = u64At(bytes, at + ENTRY_COUNTER);
    if (counter < 1 || counter > Number.MAX_SAFE_INTEGER) return complain('a counter of 1 .. 2^53-1', counter, at - start + ENTRY_COUNTER);
    const stamp = u64At(bytes, at + ENTRY_STAMP);
    if (stamp > Number.MAX_SAFE_INTEGER) return complain('a stamp below 2^53', stamp, at - start + ENTRY_STAMP);
    if (i > 0 && compareActors(bytes, at - ENTRY_BYTES, bytes, at) >= 0)
      return complain('an actor above the one before', 'none', at - start);
  }
  return undefined;
}

function checkSiblings(bytes: Uint8Array, start: number, end: number, siblings: number): string | undefined {
  const entries = u16At(bytes, start + RECORD_ENTRIES);
  let before = 0;
  let at = start + RECORD_HEADER_BYTES + entries * ENTRY_BYTES;
  for (let i = 0; i < siblings; i++) {
    const offset = at - start;
    const wrong = checkSibling(bytes, at, end, start, entries);
    if (wrong !== undefined) return wrong;
    if (before !== 0 && compareSiblings(bytes, before, at) >= 0) return complain('a dot above the one before', 'none', offset);
    before = at;
    at = siblingEnd(bytes, at);
  }
  return at === end ? undefined : complain('the end', `${end - at} more bytes`, at - start);
}

function checkSibling(bytes: Uint8Array, at: number, end: number, start: number, entries: number): string | undefined {
  const offset = at - start;
  if (end - at < SIBLING_HEAD_BYTES) return complain(`a sibling of ${SIBLING_HEAD_BYTES} bytes or more`, `${end - at} bytes`, offset);
  const actor = u16At(bytes, at);
  if (actor >= entries) return complain(`an actor below ${entries}`, actor, offset);
  const flags = bytes[at + SIBLING_FLAGS]!;
  if (flags > EXPIRES) return complain(`flags 0, ${TOMBSTONE} or ${EXPIRES}`, flags, offset + SIBLING_FLAGS);
  if (bytes[at + SIBLING_ZERO] !== 0) return complain('zero', bytes[at + SIBLING_ZERO]!, offset + SIBLING_ZERO);
  const counter = u64At(bytes, at + SIBLING_COUNTER);
  const seen = u64At(bytes, start + RECORD_HEADER_BYTES + actor * ENTRY_BYTES + ENTRY_COUNTER);
  if (counter < 1 || counter > seen) return complain(`a counter of 1 .. ${seen}`, counter, offset + SIBLING_COUNTER);
  const stamp = u64At(bytes, at + SIBLING_STAMP);
  if (stamp > Number.MAX_SAFE_INTEGER) return complain('a stamp below 2^53', stamp, offset + SIBLING_STAMP);
  const valueBytes = u32At(bytes, at + SIBLING_VALUE_BYTES);
  if (flags === TOMBSTONE && valueBytes !== 0) return complain('a tombstone without value', `${valueBytes} bytes`, offset);
  const left = end - at - SIBLING_HEAD_BYTES;
  const needed = valueBytes + (flags === EXPIRES ? EXPIRY_BYTES : 0);
  if (needed > left) return complain(`${needed} bytes of expiry and value`, `${left} bytes`, offset + SIBLING_VALUE_BYTES);
  if (flags !== EXPIRES) return undefined;
  const expiry = u64At(bytes, at + SIBLING_EXPIRY);
  if (expiry < 1 || expiry > Number.MAX_SAFE_INTEGER) return complain('an expiry of 1 .. 2^53-1', expiry, offset + SIBLING_EXPIRY);
  return undefined;
}

/** The order within a record: dots, and siblings of one dot by their bytes. */
function compareSiblings(bytes: Uint8Array, a: number, b: number): number {
  const actors = u16At(bytes, a) - u16At(bytes, b);
  if (actors !== 0) return actors;
  const counters = compareU64(bytes, a + SIBLING_COUNTER, bytes, b + SIBLING_COUNTER);
  if (counters !== 0) return counters;
  return compareBytes(bytes, a + SIBLING_FLAGS, siblingEnd(bytes, a), bytes, b + SIBLING_FLAGS, siblingEnd(bytes, b));
}

function complain(expected: string, found: string | number, offset: number): string {
  return `expected ${expected}, found ${found}, at ${offset}`;
}

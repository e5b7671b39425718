/**
 * Truncation of version vectors: every restart without a clean mark leaves a retired actor behind, and vectors must not grow for ever.
 *
 * Done only to the record that a client's write has just made, before it is stored and sent (T11): were it done in repair or handoff, one side would truncate what the
 * other brings back, without end. A truncated entry is forgotten, so that an old version of it may come back as a sibling; nothing is ever lost by it.
 */
import type { OutBuffer } from '../../runtime/bytes.ts';
import { u16At, u64At } from '../../storage/byte-reader.ts';
import { putU16 } from '../../storage/byte-writer.ts';
import { ACTOR_BYTES, compareActors } from './incarnation.ts';
import { ENTRY_BYTES, ENTRY_STAMP, RECORD_ENTRIES, RECORD_HEADER_BYTES, RECORD_SIBLINGS } from './record-format.ts';
import { siblingEnd } from './record-view.ts';

const NONE = -1;

/**
 * Removes entries from the record with which `out` ends, until `entriesMax` are left or all that are left own a sibling: retired actors before current ones, among these the
 * oldest first. `current`: the incarnations now in use, 16 bytes each, in any order. Returns how many were removed.
 * Requires: the record at `start` is what `put` has just appended. Cost: nothing below the threshold, else O(entries * (siblings + current)) for each that is removed.
 */
export function truncateEntries(
  out: OutBuffer,
  start: number,
  entriesMax: number,
  current: Uint8Array,
  mutants?: ReadonlySet<string>,
): number {
  let removed = 0;
  while (u16At(out.bytes, start + RECORD_ENTRIES) > entriesMax) {
    const victim = victimOf(out.bytes, start, current, mutants);
    if (victim === NONE) break;
    removeEntry(out, start, victim);
    removed++;
  }
  return removed;
}

function victimOf(bytes: Uint8Array, start: number, current: Uint8Array, mutants?: ReadonlySet<string>): number {
  const entries = u16At(bytes, start + RECORD_ENTRIES);
  let victim = NONE;
  let victimIsCurrent = false;
  let victimStamp = 0;
  for (let i = 0; i < entries; i++) {
    if (ownsSibling(bytes, start, i) && !mutants?.has('truncatesLiveActor')) continue;
    const at = start + RECORD_HEADER_BYTES + i * ENTRY_BYTES;
    const isCurrent = isAmong(current, bytes, at) && !mutants?.has('truncatesCurrentFirst');
    const stamp = u64At(bytes, at + ENTRY_STAMP);
    const isOlder = mutants?.has('truncatesYoungest') ? stamp > victimStamp : stamp < victimStamp;
    if (victim === NONE || (isCurrent === victimIsCurrent ? isOlder : victimIsCurrent)) {
      victim = i;
      victimIsCurrent = isCurrent;
      victimStamp = stamp;
    }
  }
  return victim;
}

function ownsSibling(bytes: Uint8Array, start: number, entry: number): boolean {
  const siblings = u16At(bytes, start + RECORD_SIBLINGS);
  let at = start + RECORD_HEADER_BYTES + u16At(bytes, start + RECORD_ENTRIES) * ENTRY_BYTES;
  for (let i = 0; i < siblings; i++, at = siblingEnd(bytes, at)) if (u16At(bytes, at) === entry) return true;
  return false;
}

function isAmong(actors: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < actors.length; i += ACTOR_BYTES) if (compareActors(actors, i, bytes, at) === 0) return true;
  return false;
}

function removeEntry(out: OutBuffer, start: number, entry: number): void {
  const { bytes } = out;
  const at = start + RECORD_HEADER_BYTES + entry * ENTRY_BYTES;
  bytes.copyWithin(at, at + ENTRY_BYTES, out.length);
  out.length -= ENTRY_BYTES;
  const entries = u16At(bytes, start + RECORD_ENTRIES) - 1;
  putU16(bytes, start + RECORD_ENTRIES, entries);
  const siblings = u16At(bytes, start + RECORD_SIBLINGS);
  let sibling = start + RECORD_HEADER_BYTES + entries * ENTRY_BYTES;
  for (let i = 0; i < siblings; i++, sibling = siblingEnd(bytes, sibling)) {
    const actor = u16At(bytes, sibling);
    if (actor > entry) putU16(bytes, sibling, actor - 1);
  }
}

/**
 * What of a record is dead under a purge floor. A floor is a version vector of a partition: whoever has it holds, of every dot that it covers, the write or what superseded it, or has
 * purged it as dead. So what comes with such a dot, and the record of its key has not seen it, was purged, or superseded by what was: it is not news.
 *
 * Pure. Exact by dots, whatever the clocks do: a dot that is minted after the floor was made is never covered by it.
 */
import { copyBytes, type OutBuffer } from '../../runtime/bytes.ts';
import { u64At } from '../../storage/byte-reader.ts';
import { STAMPS_PER_MS } from '../version/hlc.ts';
import { compareActors } from '../version/incarnation.ts';
import { beginRecord, copySibling, finishRecord } from '../version/merge-entries.ts';
import { ENTRY_BYTES, ENTRY_COUNTER, RECORD_HEADER_BYTES, SIBLING_COUNTER, SIBLING_FLAGS } from '../version/record-format.ts';
import { isLiveAt, type RecordView, siblingEnd } from '../version/record-view.ts';
import { latestStampIn } from '../version/seen.ts';

/** All of it is news, or as good as that: it is to be merged as it is. */
export const NEWS = 0;
/** All of it is dead. */
export const DEAD = 1;
/** Some of its siblings are. */
export const MIXED = 2;
export type Verdict = typeof NEWS | typeof DEAD | typeof MIXED;

/** Counter of the floor for `actor[at, at + 16)`, 0 for none. Cost: O(log entries). */
export function floorCounter({ bytes, entriesAt, entries }: RecordView, actor: Uint8Array, at: number): number {
  let low = 0;
  let high = entries;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const entry = entriesAt + middle * ENTRY_BYTES;
    const order = compareActors(bytes, entry, actor, at);
    if (order === 0) return u64At(bytes, entry + ENTRY_COUNTER);
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return 0;
}

/** Whether the sibling at offset `at` of `incoming` was purged, or superseded, before: `local` is the record that is here. */
export function isDeadSibling(local: RecordView, incoming: RecordView, floor: RecordView, at: number): boolean {
  const actor = incoming.actorOf(at);
  const counter = u64At(incoming.bytes, at + SIBLING_COUNTER);
  return counter <= floorCounter(floor, incoming.bytes, actor) && !local.hasSeen(incoming.bytes, actor, counter);
}

/** Of a record that comes from elsewhere. One of which all siblings are dead, and that has seen more than the floor, is merged as it is: what is newer in it tells what became of them. */
export function verdictOf(local: RecordView, incoming: RecordView, floor: RecordView): Verdict {
  let dead = 0;
  for (let i = 0, at = incoming.siblingsAt; i < incoming.siblings; i++, at = siblingEnd(incoming.bytes, at))
    if (isDeadSibling(local, incoming, floor, at)) dead++;
  if (dead === 0) return NEWS;
  if (dead < incoming.siblings) return MIXED;
  return isCovered(incoming, floor) ? DEAD : NEWS;
}

/** Appends `incoming` without its dead siblings; its version vector stays whole, so that they are known as superseded. Returns false when there is no room. */
export function withoutDead(local: RecordView, incoming: RecordView, floor: RecordView, out: OutBuffer): boolean {
  if (!out.ensure(incoming.end - incoming.start)) return false;
  const { bytes } = incoming;
  const start = out.length;
  beginRecord(out);
  copyBytes(bytes, incoming.entriesAt, incoming.siblingsAt, out.bytes, start + RECORD_HEADER_BYTES);
  out.length += incoming.siblingsAt - incoming.entriesAt;
  let siblings = 0;
  let entry = 0;
  for (let i = 0, at = incoming.siblingsAt; i < incoming.siblings; i++, at = siblingEnd(bytes, at)) {
    if (isDeadSibling(local, incoming, floor, at)) continue;
    entry = copySibling(incoming, at, out, start, entry);
    siblings++;
  }
  finishRecord(out, start, incoming.entries, siblings);
  return true;
}

/** Whether the floor has seen all that the record has. */
export function isCovered(record: RecordView, floor: RecordView): boolean {
  const { bytes, entries, entriesAt } = record;
  for (let i = 0, at = entriesAt; i < entries; i++, at += ENTRY_BYTES)
    if (u64At(bytes, at + ENTRY_COUNTER) > floorCounter(floor, bytes, at)) return false;
  return true;
}

/** Whether nothing in it is alive: tombstones, and what has expired by then (milliseconds since 1970). */
export function isDeadAt({ bytes, siblings, siblingsAt }: RecordView, asOfMs: number): boolean {
  for (let i = 0, at = siblingsAt; i < siblings; i++, at = siblingEnd(bytes, at)) if (isLiveAt(bytes, at, asOfMs)) return false;
  return true;
}

/** Whether a sibling is a tombstone, or will expire: it may be dead some day. */
export function mayDie({ bytes, siblings, siblingsAt }: RecordView): boolean {
  for (let i = 0, at = siblingsAt; i < siblings; i++, at = siblingEnd(bytes, at)) if (bytes[at + SIBLING_FLAGS] !== 0) return true;
  return false;
}

/** Whether all of it was written before then, by its stamps: milliseconds since 1970. */
export function isOlderThan(record: RecordView, ms: number): boolean {
  return latestStampIn(record) < ms * STAMPS_PER_MS;
}

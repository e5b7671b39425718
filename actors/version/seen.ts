/** What a version vector has seen. */
import { u64At } from '../../storage/byte-reader.ts';
import { compareU64 } from './compare-bytes.ts';
import { compareActors } from './incarnation.ts';
import { ENTRY_BYTES, ENTRY_COUNTER, ENTRY_STAMP, SIBLING_COUNTER } from './record-format.ts';
import { type RecordView, siblingEnd, stampAt } from './record-view.ts';

/**
 * Whether the vnode of `actor` has lost something that it minted for this key: the incoming record or context knows more of its dots than its own record does (T3).
 * Then it must start a new incarnation before it mints or stores anything for the key. `floor`: up to which counter of this incarnation the key's versions were purged
 * by the rules, 0 for none.
 */
export function hasForgotten(
  local: RecordView,
  incoming: RecordView,
  actor: Uint8Array,
  floor: number,
  mutants?: ReadonlySet<string>,
): boolean {
  if (mutants?.has('amnesiaIgnored')) return false;
  const known = incoming.counterOf(actor, 0);
  return known > floor && known > local.counterOf(actor, 0);
}

/**
 * The latest stamp of all that was seen, 0 for nothing: what a clock takes over (`observeStamp`) before it stamps a write that follows. Also of what a context covers.
 * What a vnode has stored it has accepted: that is taken over however far ahead it is, or a wall clock that was set back would stop the writes of the key.
 */
export function latestStamp({ bytes, entries, entriesAt }: RecordView): number {
  let latest = 0;
  for (let i = 0, at = entriesAt; i < entries; i++, at += ENTRY_BYTES) latest = Math.max(latest, u64At(bytes, at + ENTRY_STAMP));
  return latest;
}

/** As `latestStamp`, of all that is in a record that came from elsewhere: its siblings too, which nothing else says to be stamped no later than their entries. */
export function latestStampIn(record: RecordView): number {
  let latest = latestStamp(record);
  for (let i = 0, at = record.siblingsAt; i < record.siblings; i++, at = siblingEnd(record.bytes, at))
    latest = Math.max(latest, stampAt(record.bytes, at));
  return latest;
}

/** The first entry of `record` from number `i` on that is not below the actor of the sibling at `other.bytes[at]`. Siblings come in the order of actors: so `i` only rises. */
export function skipTo(record: RecordView, i: number, other: RecordView, at: number): number {
  const actor = other.actorOf(at);
  let entry = i;
  while (entry < record.entries && compareActors(record.bytes, record.entryAt(entry), other.bytes, actor) < 0) entry++;
  return entry;
}

/** Whether `record` has seen the dot of the sibling at `other.bytes[at]`. Requires: `i` is what `skipTo` gave. */
export function hasSeen(record: RecordView, i: number, other: RecordView, at: number): boolean {
  if (i === record.entries) return false;
  const entry = record.entryAt(i);
  if (compareActors(record.bytes, entry, other.bytes, other.actorOf(at)) !== 0) return false;
  return compareU64(other.bytes, at + SIBLING_COUNTER, record.bytes, entry + ENTRY_COUNTER) <= 0;
}

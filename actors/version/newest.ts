/**
 * Last writer wins: a total order of siblings by (stamp, actor, counter, bytes), the same on all replicas and in whatever order writes arrive (T18).
 * A write that follows another is stamped later (`put` sees to it), so the newest of all that was seen is held wherever it was seen, and never displaced.
 * Bytes stand where others take a hash of the value: they are compared only for two values of one dot, and never tie.
 */
import { copyBytes, type OutBuffer } from '../../runtime/bytes.ts';
import { compareBytes, compareU64 } from './compare-bytes.ts';
import { compareActors } from './incarnation.ts';
import { copySibling, finishRecord } from './merge-entries.ts';
import { SIBLING_COUNTER, SIBLING_FLAGS, SIBLING_STAMP } from './record-format.ts';
import { isLiveAt, type RecordView, siblingEnd, stampAt } from './record-view.ts';

/** No sibling: there is no such key. */
export const NONE = -1;

/** Offset in `view.bytes` of the newest sibling, tombstones and expired values included; NONE in an empty view. Cost: O(siblings). */
export function newestSibling(view: RecordView, mutants?: ReadonlySet<string>): number {
  let newest = NONE;
  for (let i = 0, at = view.siblingsAt; i < view.siblings; i++, at = siblingEnd(view.bytes, at)) {
    const isNewer = newest === NONE || compareAge(view, at, newest) > 0;
    if (mutants?.has('lwwTiesByOrder') ? newest === NONE || stampAt(view.bytes, at) > stampAt(view.bytes, newest) : isNewer) newest = at;
  }
  return newest;
}

/** Siblings that are neither tombstones nor expired at `nowMs`, milliseconds since 1970. 0 also where the key is not there. */
export function liveSiblings(view: RecordView, nowMs: number): number {
  let live = 0;
  for (let i = 0, at = view.siblingsAt; i < view.siblings; i++, at = siblingEnd(view.bytes, at))
    if (isLiveAt(view.bytes, at, nowMs)) live++;
  return live;
}

/**
 * For keyspaces with `conflict: lww`: appends the record with its newest sibling only, and its whole version vector, so that what lost is known as seen everywhere.
 * Returns false, and appends nothing, when there is no room. Requires: no part of `view` in the free part of `out`.
 */
export function reduceToNewest(view: RecordView, out: OutBuffer): boolean {
  if (!out.ensure(view.end - view.start)) return false;
  const start = out.length;
  copyBytes(view.bytes, view.start, view.siblingsAt, out.bytes, start);
  out.length = start + view.siblingsAt - view.start;
  const newest = newestSibling(view);
  if (newest === NONE) return true;
  copySibling(view, newest, out, start, 0);
  finishRecord(out, start, view.entries, 1);
  return true;
}

/** The record in `out`, seen by `made`; of last-writer-wins (`isLww`) its newest sibling alone, behind it. Undefined: there is no room. */
export function reduced(isLww: boolean, out: OutBuffer, made: RecordView): RecordView | undefined {
  made.open(out.bytes, 0, out.length);
  if (!isLww || made.siblings < 2) return made;
  const start = out.length;
  // Before the view is opened on it: growing moves the buffer.
  if (!out.ensure(start)) return undefined;
  made.open(out.bytes, 0, start);
  if (!reduceToNewest(made, out)) return undefined;
  made.open(out.bytes, start, out.length);
  return made;
}

/** Lamport's total order, and what is left to order two values of one dot. */
function compareAge(view: RecordView, a: number, b: number): number {
  const { bytes } = view;
  const stamps = compareU64(bytes, a + SIBLING_STAMP, bytes, b + SIBLING_STAMP);
  if (stamps !== 0) return stamps;
  const actors = compareActors(bytes, view.actorOf(a), bytes, view.actorOf(b));
  if (actors !== 0) return actors;
  const counters = compareU64(bytes, a + SIBLING_COUNTER, bytes, b + SIBLING_COUNTER);
  if (counters !== 0) return counters;
  return compareBytes(bytes, a + SIBLING_FLAGS, siblingEnd(bytes, a), bytes, b + SIBLING_FLAGS, siblingEnd(bytes, b));
}

/**
 * Merge and comparison of two records of one key. A sibling survives when both hold its dot, or when the one that lacks it has not seen it:
 *
 * ```
 *   siblings = (A and B)  or  (A not seen by B)  or  (B not seen by A)        version vector = pointwise maximum
 * ```
 * Commutative, associative, idempotent. Mints nothing, keeps every entry (T11) and has no limit but the buffer's (T17). Source: [Preguica 2012], [Almeida 2014].
 */
import type { OutBuffer } from '../../runtime/bytes.ts';
import { u16At } from '../../storage/byte-reader.ts';
import { compareBytes, compareU64 } from './compare-bytes.ts';
import { compareActors } from './incarnation.ts';
import { copySibling, DIFFERS_FROM_A, DIFFERS_FROM_B, finishRecord, mergeEntries } from './merge-entries.ts';
import {
  ENTRIES_MAX,
  ENTRY_BYTES,
  ENTRY_COUNTER,
  ENTRY_STAMP,
  RECORD_HEADER_BYTES,
  SIBLING_COUNTER,
  SIBLING_FLAGS,
  SIBLINGS_MAX,
} from './record-format.ts';
import { type RecordView, siblingEnd, stampAt } from './record-view.ts';
import { hasSeen, skipTo } from './seen.ts';

/** Of `compare(a, b)`: a is ... b. An ancestor can be replaced by b as it lies. */
export const EQUAL = 0;
export const ANCESTOR = DIFFERS_FROM_A;
export const DESCENDANT = DIFFERS_FROM_B;
export const CONCURRENT = 3;
export type Order = typeof EQUAL | typeof ANCESTOR | typeof DESCENDANT | typeof CONCURRENT;
/** Nothing was written: the buffer is at its cap. */
export const NO_ROOM = -1;

/**
 * How two records stand to each other: a is an ancestor of b when merging them gives b. An empty view (no such key) is an ancestor of all.
 * Cost: O(entries + siblings), and values of equal dots compared; allocates nothing.
 */
export function compare(a: RecordView, b: RecordView): Order {
  // What a read has merged so far, mostly, and a key that is new.
  if (a.entries === 0) return b.entries === 0 ? EQUAL : ANCESTOR;
  return isReplaced(a, b) ? ANCESTOR : walk(a, b, undefined);
}

/** The usual case of a write on its way to a replica, at half the cost of `walk`, and a quarter more where it does not hold (bench:version): one sibling each, the same actors, and b's was written by who had seen all of a. */
function isReplaced(a: RecordView, b: RecordView): boolean {
  const { entries } = a;
  if (a.siblings !== 1 || b.siblings !== 1 || entries !== b.entries) return false;
  let aAt = a.entriesAt;
  let bAt = b.entriesAt;
  for (let i = 0; i < entries; i++, aAt += ENTRY_BYTES, bAt += ENTRY_BYTES) {
    if (compareActors(a.bytes, aAt, b.bytes, bAt) !== 0) return false;
    const counters = compareU64(a.bytes, aAt + ENTRY_COUNTER, b.bytes, bAt + ENTRY_COUNTER);
    if (counters > 0 || (counters === 0 && compareU64(a.bytes, aAt + ENTRY_STAMP, b.bytes, bAt + ENTRY_STAMP) !== 0)) return false;
  }
  // What b's vector covers of a's is all of it; its own dot is new to a: so neither a's sibling nor its vector is left.
  const dotOfB = b.siblingsAt;
  return compareU64(b.bytes, dotOfB + SIBLING_COUNTER, a.bytes, a.entryAt(u16At(b.bytes, dotOfB)) + ENTRY_COUNTER) > 0;
}

/**
 * Appends the merge of both to `out`, and returns how they stood. Requires: views of checked records, no part of them in the free part of `out`. Both empty: nothing
 * is appended. Cost: as `compare`, and the copy. Where `compare` does not say CONCURRENT, one of the two is the merge already: no copy is needed.
 */
export function merge(a: RecordView, b: RecordView, out: OutBuffer, mutants?: ReadonlySet<string>): Order | typeof NO_ROOM {
  if (a.entries + b.entries === 0) return EQUAL;
  if (a.entries + b.entries > ENTRIES_MAX || a.siblings + b.siblings > SIBLINGS_MAX) return NO_ROOM;
  if (!out.ensure(a.end - a.start + (b.end - b.start) + RECORD_HEADER_BYTES)) return NO_ROOM;
  if (mutants?.has('mergeByMaxStamp')) {
    const newer = newestStamp(a) < newestStamp(b) ? b : a;
    return walk(newer, newer, out);
  }
  return walk(a, b, out, mutants);
}

function walk(a: RecordView, b: RecordView, out: OutBuffer | undefined, mutants?: ReadonlySet<string>): Order {
  const start = out?.length ?? 0;
  let bits = mergeEntries(a, b, out, mutants);
  const entries = out === undefined ? 0 : (out.length - start - RECORD_HEADER_BYTES) / ENTRY_BYTES;
  let siblings = 0;
  /** Entry numbers, which only rise: in `out`; and in each record, of the actor of the other's sibling. */
  let entry = 0;
  let entryOfA = 0;
  let entryOfB = 0;
  let aAt = a.siblingsAt;
  let bAt = b.siblingsAt;
  let aLeft = a.siblings;
  let bLeft = b.siblings;
  while (aLeft > 0 || bLeft > 0) {
    const order = aLeft === 0 ? 1 : bLeft === 0 ? -1 : compareDots(a, aAt, b, bAt);
    if (order < 0) {
      entryOfB = skipTo(b, entryOfB, a, aAt);
      if (hasSeen(b, entryOfB, a, aAt) && !mutants?.has('mergeKeepsCovered')) bits |= DIFFERS_FROM_A;
      else {
        bits |= DIFFERS_FROM_B;
        siblings++;
        if (out !== undefined) entry = copySibling(a, aAt, out, start, entry);
      }
      aAt = siblingEnd(a.bytes, aAt);
      aLeft--;
    } else if (order > 0) {
      entryOfA = skipTo(a, entryOfA, b, bAt);
      if (hasSeen(a, entryOfA, b, bAt) && !mutants?.has('mergeKeepsCovered')) bits |= DIFFERS_FROM_B;
      else {
        bits |= DIFFERS_FROM_A;
        siblings++;
        if (out !== undefined) entry = copySibling(b, bAt, out, start, entry);
      }
      bAt = siblingEnd(b.bytes, bAt);
      bLeft--;
    } else {
      // Both hold the dot. It should be one value; where it is not (T6), each is kept, in the order of their bytes.
      const aDot = aAt;
      const bDot = bAt;
      let aMore = true;
      let bMore = true;
      while (aMore || bMore) {
        const content = !aMore ? 1 : !bMore ? -1 : compareContents(a.bytes, aAt, b.bytes, bAt);
        if (content < 0) bits |= DIFFERS_FROM_B;
        else if (content > 0) bits |= DIFFERS_FROM_A;
        if (!(content > 0 && mutants?.has('sameDotDropped'))) {
          siblings++;
          if (out !== undefined) entry = content <= 0 ? copySibling(a, aAt, out, start, entry) : copySibling(b, bAt, out, start, entry);
        }
        if (content <= 0) {
          aAt = siblingEnd(a.bytes, aAt);
          aMore = --aLeft > 0 && hasSameDot(a.bytes, aDot, aAt);
        }
        if (content >= 0) {
          bAt = siblingEnd(b.bytes, bAt);
          bMore = --bLeft > 0 && hasSameDot(b.bytes, bDot, bAt);
        }
      }
    }
  }
  if (out !== undefined) finishRecord(out, start, entries, siblings);
  return bits as Order;
}

function compareDots(a: RecordView, aAt: number, b: RecordView, bAt: number): number {
  const actors = compareActors(a.bytes, a.actorOf(aAt), b.bytes, b.actorOf(bAt));
  return actors !== 0 ? actors : compareU64(a.bytes, aAt + SIBLING_COUNTER, b.bytes, bAt + SIBLING_COUNTER);
}

/** Of two siblings of one record. */
function hasSameDot(bytes: Uint8Array, a: number, b: number): boolean {
  return u16At(bytes, a) === u16At(bytes, b) && compareU64(bytes, a + SIBLING_COUNTER, bytes, b + SIBLING_COUNTER) === 0;
}

function compareContents(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): number {
  return compareBytes(a, aAt + SIBLING_FLAGS, siblingEnd(a, aAt), b, bAt + SIBLING_FLAGS, siblingEnd(b, bAt));
}

function newestStamp({ bytes, siblings, siblingsAt }: RecordView): number {
  let newest = -1;
  for (let i = 0, at = siblingsAt; i < siblings; i++, at = siblingEnd(bytes, at)) newest = Math.max(newest, stampAt(bytes, at));
  return newest;
}

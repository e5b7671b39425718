/**
 * A client's write at the vnode that coordinates it: the only place where dots are minted.
 *
 * ```
 *   siblings = those of the local record that the context does not cover, and the new one
 *   version vector = maximum of local, context and the new dot
 * ```
 * The context removes exactly what it covers (T1): a put without one removes nothing and makes a sibling. A delete is a put of a tombstone.
 */
import { copyBytes, type OutBuffer } from '../../runtime/bytes.ts';
import { assert } from '../../runtime/errors.ts';
import { u64At } from '../../storage/byte-reader.ts';
import { putU16, putU32 } from '../../storage/byte-writer.ts';
import { compareBytes } from './compare-bytes.ts';
import { ACTOR_BYTES, compareActors } from './incarnation.ts';
import { beginRecord, copySibling, finishRecord, mergeEntries } from './merge-entries.ts';
import {
  ENTRIES_MAX,
  ENTRY_BYTES,
  ENTRY_COUNTER,
  ENTRY_STAMP,
  EXPIRES,
  EXPIRY_BYTES,
  RECORD_HEADER_BYTES,
  SIBLING_COUNTER,
  SIBLING_EXPIRY,
  SIBLING_FLAGS,
  SIBLING_HEAD_BYTES,
  SIBLING_STAMP,
  SIBLING_VALUE_BYTES,
  SIBLING_ZERO,
  SIBLINGS_MAX,
  TOMBSTONE,
} from './record-format.ts';
import { type RecordView, siblingEnd } from './record-view.ts';
import { hasSeen, skipTo } from './seen.ts';
import { COUNTER, EXPIRY, putNumber, STAMP, type Write } from './write.ts';

export type PutResult =
  | 'done'
  /** The buffer is at its cap, or there are 65,535 siblings or entries. */
  | 'noRoom'
  /** The counter is not above what the local record or the context has seen of the actor. */
  | 'counterUsed'
  /** The stamp is not above all that the local record and the context have seen: `latestStamp` was not taken over by the clock. */
  | 'stampBehind';

/**
 * Appends the new record to `out`; nothing, unless 'done'. `local`: the vnode's own record, empty when the key is not there; `context`: empty when there is none.
 * Requires: views of checked bytes, no part of them in the free part of `out`; `hasForgotten` was asked; the clock has taken over `latestStamp` of both.
 * A tombstone has neither value nor expiry.
 * Cost: O(entries + siblings) and the copy; allocates a view per run of more than 128 bytes that comes from another buffer, and 16 bytes per stamp that V8 boxes.
 */
export function put(local: RecordView, context: RecordView, write: Write, out: OutBuffer, mutants?: ReadonlySet<string>): PutResult {
  const valueBytes = write.valueEnd - write.valueStart;
  assert(isCounted(write.numbers[COUNTER]!) && isCounted(write.numbers[STAMP]!), 'put: expected a counter and a stamp of 1 .. 2^53-1');
  assert(!write.isTombstone || (valueBytes === 0 && write.numbers[EXPIRY] === 0), 'put: expected a tombstone without value and expiry');
  if (local.entries + context.entries >= ENTRIES_MAX || local.siblings >= SIBLINGS_MAX) return 'noRoom';
  const more = RECORD_HEADER_BYTES + ENTRY_BYTES + SIBLING_HEAD_BYTES + EXPIRY_BYTES + valueBytes;
  if (!out.ensure(local.end - local.start + (context.end - context.start) + more)) return 'noRoom';
  const { actor } = write;
  if (mutants?.has('positionalDot')) write.counter = local.counterOf(actor, 0) + 1;
  const { counter } = write;
  const hasReadAll = hasSameVector(local, context);
  if (local.hasSeen(actor, 0, counter) || (!hasReadAll && context.hasSeen(actor, 0, counter))) {
    if (!mutants?.has('usedCounterTaken')) return 'counterUsed';
  }
  if (!isAfter(write, local) || (!hasReadAll && !isAfter(write, context))) {
    if (!mutants?.has('stampBehindTaken')) return 'stampBehind';
  }
  const start = out.length;
  if (hasReadAll) copyVector(local, out);
  else mergeEntries(local, context, out);
  const entryOfActor = setEntry(out, start, write);
  const entries = (out.length - start - RECORD_HEADER_BYTES) / ENTRY_BYTES;
  let siblings = 1;
  let isWritten = false;
  let entry = 0;
  let entryOfContext = 0;
  const toKeep = hasReadAll && !mutants?.has('putKeepsCovered') ? 0 : local.siblings;
  for (let i = 0, at = local.siblingsAt; i < toKeep; i++, at = siblingEnd(local.bytes, at)) {
    entryOfContext = skipTo(context, entryOfContext, local, at);
    const isReplaced = hasSeen(context, entryOfContext, local, at) && !mutants?.has('putKeepsCovered');
    if (isReplaced || mutants?.has('putDropsUncovered')) continue;
    if (!isWritten && compareActors(actor, 0, local.bytes, local.actorOf(at)) < 0) {
      appendSibling(out, entryOfActor, write);
      isWritten = true;
    }
    entry = copySibling(local, at, out, start, entry);
    siblings++;
  }
  if (!isWritten) appendSibling(out, entryOfActor, write);
  finishRecord(out, start, entries, siblings);
  return 'done';
}

/** A header, and the vector of `local` as it is: what `mergeEntries` with an empty record would append. */
function copyVector({ bytes, entriesAt, siblingsAt }: RecordView, out: OutBuffer): void {
  beginRecord(out);
  copyBytes(bytes, entriesAt, siblingsAt, out.bytes, out.length);
  out.length += siblingsAt - entriesAt;
}

/** 0 is what a dot source and a clock answer when they must write to disk first. */
function isCounted(number: number): boolean {
  return number >= 1 && number <= Number.MAX_SAFE_INTEGER;
}

/** Whether the write is stamped later than all that `record` has seen: else the order of stamps contradicts causality, and last-writer-wins drops the follower. */
function isAfter({ numbers }: Write, { bytes, entries, entriesAt }: RecordView): boolean {
  const stamp = numbers[STAMP]!;
  for (let i = 0, at = entriesAt; i < entries; i++, at += ENTRY_BYTES) if (u64At(bytes, at + ENTRY_STAMP) >= stamp) return false;
  return true;
}

/** The usual case, in which nothing needs to be searched: the context is what the vnode itself holds. Cost: as little as it can. */
function hasSameVector(local: RecordView, context: RecordView): boolean {
  if (local === context) return true;
  if (local.entries !== context.entries) return false;
  const { bytes, entriesAt, siblingsAt } = local;
  return compareBytes(bytes, entriesAt, siblingsAt, context.bytes, context.entriesAt, context.siblingsAt) === 0;
}

/** Makes the dot's counter the entry of its actor in the version vector with which `out` ends, and returns its number. Requires: room. */
function setEntry(out: OutBuffer, start: number, write: Write): number {
  const { bytes } = out;
  const { actor } = write;
  const first = start + RECORD_HEADER_BYTES;
  let at = first;
  let order = 1;
  while (at < out.length) {
    order = compareActors(actor, 0, bytes, at);
    if (order <= 0) break;
    at += ENTRY_BYTES;
  }
  if (order !== 0) {
    bytes.copyWithin(at + ENTRY_BYTES, at, out.length);
    for (let i = 0; i < ACTOR_BYTES; i++) bytes[at + i] = actor[i]!;
    out.length += ENTRY_BYTES;
  }
  putNumber(bytes, at + ENTRY_COUNTER, write, COUNTER);
  putNumber(bytes, at + ENTRY_STAMP, write, STAMP);
  return (at - first) / ENTRY_BYTES;
}

function appendSibling(out: OutBuffer, entry: number, write: Write): void {
  const { bytes, length } = out;
  const { value, valueStart, valueEnd } = write;
  const expires = write.numbers[EXPIRY] !== 0;
  putU16(bytes, length, entry);
  bytes[length + SIBLING_FLAGS] = write.isTombstone ? TOMBSTONE : expires ? EXPIRES : 0;
  bytes[length + SIBLING_ZERO] = 0;
  putU32(bytes, length + SIBLING_VALUE_BYTES, valueEnd - valueStart);
  putNumber(bytes, length + SIBLING_COUNTER, write, COUNTER);
  putNumber(bytes, length + SIBLING_STAMP, write, STAMP);
  let at = length + SIBLING_HEAD_BYTES;
  if (expires) {
    putNumber(bytes, length + SIBLING_EXPIRY, write, EXPIRY);
    at += EXPIRY_BYTES;
  }
  copyBytes(value, valueStart, valueEnd, bytes, at);
  out.length = at + valueEnd - valueStart;
}

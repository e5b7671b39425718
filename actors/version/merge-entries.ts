/** What put and merge share: version vectors merged, siblings copied, into the end of an `OutBuffer` that has room. */
import { copyBytes, type OutBuffer } from '../../runtime/bytes.ts';
import { assert } from '../../runtime/errors.ts';
import { putU16 } from '../../storage/byte-writer.ts';
import { compareU64 } from './compare-bytes.ts';
import { compareActors } from './incarnation.ts';
import {
  ENTRIES_MAX,
  ENTRY_BYTES,
  ENTRY_COUNTER,
  ENTRY_STAMP,
  RECORD_ENTRIES,
  RECORD_HEADER_BYTES,
  RECORD_SIBLINGS,
  RECORD_VERSION,
  RECORD_ZERO,
} from './record-format.ts';
import { type RecordView, siblingEnd } from './record-view.ts';

/** Bits: the merged part is not the same as that of a, of b. */
export const DIFFERS_FROM_A = 1;
export const DIFFERS_FROM_B = 2;

/**
 * Appends a header and the pointwise maximum of both version vectors. Requires: room. Without `out` nothing is written. Returns the bits.
 * Counts are written by `finishRecord`.
 */
export function mergeEntries(a: RecordView, b: RecordView, out: OutBuffer | undefined, mutants?: ReadonlySet<string>): number {
  let bits = 0;
  let i = 0;
  let j = 0;
  if (out !== undefined) beginRecord(out);
  while (i < a.entries || j < b.entries) {
    const aAt = a.entryAt(i);
    const bAt = b.entryAt(j);
    const order = i === a.entries ? 1 : j === b.entries ? -1 : compareActors(a.bytes, aAt, b.bytes, bAt);
    let fromA = order < 0;
    if (order < 0) bits |= DIFFERS_FROM_B;
    else if (order > 0) bits |= DIFFERS_FROM_A;
    else {
      const difference = newerEntry(a.bytes, aAt, b.bytes, bAt);
      if (difference > 0) bits |= DIFFERS_FROM_B;
      else if (difference < 0) bits |= DIFFERS_FROM_A;
      fromA = difference >= 0;
      if (mutants?.has('mergeTakesOwnCounter')) fromA = true;
    }
    if (out !== undefined) {
      copyBytes(fromA ? a.bytes : b.bytes, fromA ? aAt : bAt, (fromA ? aAt : bAt) + ENTRY_BYTES, out.bytes, out.length);
      out.length += ENTRY_BYTES;
    }
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  return bits;
}

/** Above 0 when the entry of a is the newer of two of one actor. Stamps of one dot differ only when an incarnation was used twice: then the later counts. */
function newerEntry(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): number {
  const counters = compareU64(a, aAt + ENTRY_COUNTER, b, bAt + ENTRY_COUNTER);
  return counters !== 0 ? counters : compareU64(a, aAt + ENTRY_STAMP, b, bAt + ENTRY_STAMP);
}

export function beginRecord(out: OutBuffer): void {
  const { bytes, length } = out;
  bytes[length] = RECORD_VERSION;
  bytes[length + RECORD_ZERO] = 0;
  out.length = length + RECORD_HEADER_BYTES;
}

export function finishRecord(out: OutBuffer, start: number, entries: number, siblings: number): void {
  putU16(out.bytes, start + RECORD_ENTRIES, entries);
  putU16(out.bytes, start + RECORD_SIBLINGS, siblings);
}

/**
 * Appends the sibling at `from.bytes[at]` to the record that begins at `start` of `out`. `entry`: number of an entry of it that is not behind the sibling's actor.
 * Returns the number of the actor's entry: siblings come in the order of actors, so that the next search begins there.
 */
export function copySibling(from: RecordView, at: number, out: OutBuffer, start: number, entry: number): number {
  const actor = from.actorOf(at);
  const { bytes, length } = out;
  let i = entry;
  while (compareActors(bytes, start + RECORD_HEADER_BYTES + i * ENTRY_BYTES, from.bytes, actor) !== 0) {
    i++;
    assert(i <= ENTRIES_MAX, 'record: a sibling has an actor that is in no entry');
  }
  const end = siblingEnd(from.bytes, at);
  copyBytes(from.bytes, at, end, bytes, length);
  putU16(bytes, length, i);
  out.length = length + end - at;
  return i;
}

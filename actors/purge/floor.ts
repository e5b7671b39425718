/**
 * Floor: what a replica of a partition keeps of what was purged there, as the engine has it:
 *
 * ```
 *  0  u8  version: 1      1  u8  1: swept      2  u16  zero      4  u64  milliseconds since 1970: what has expired by then is dead
 * 12  in force: a bare version vector. Dots that it covers are no news (dead.ts)
 *     released: another one, or nothing. Dead records that it covers are as good as gone: all replicas have it in force
 * ```
 * Little-endian. A floor never shrinks: changed ones are joined to what there is.
 */
import type { OutBuffer } from '../../runtime/bytes.ts';
import { u16At, u64At } from '../../storage/byte-reader.ts';
import { putU64 } from '../../storage/byte-writer.ts';
import { checkBareVector } from '../version/check-record.ts';
import { finishRecord, mergeEntries } from '../version/merge-entries.ts';
import { ENTRY_BYTES, RECORD_ENTRIES, RECORD_HEADER_BYTES } from '../version/record-format.ts';
import { RecordView } from '../version/record-view.ts';

/** More actors than these have no place in a floor: what they wrote is not purged. 128 KiB. */
export const FLOOR_ENTRIES_MAX = 4_096;
const VERSION = 1;
const HEAD_BYTES = 12;

export interface Floor {
  readonly inForce: RecordView;
  /** Empty: nothing is. */
  readonly released: RecordView;
  readonly asOfMs: number;
  /** All that is released is deleted, on disk. */
  readonly isSwept: boolean;
}

export type FloorChange =
  | { readonly type: 'install'; readonly vector: RecordView }
  | { readonly type: 'release'; readonly vector: RecordView; readonly asOfMs: number }
  | { readonly type: 'swept' };

export const NO_FLOOR: Floor = { inForce: new RecordView(), released: new RecordView(), asOfMs: 0, isSwept: true };

/** Undefined: it would have too many actors. */
export function changedFloor(floor: Floor, change: FloorChange, scratch: OutBuffer): Floor | undefined {
  if (change.type === 'swept') return { ...floor, isSwept: true };
  const inForce = joinVectors(floor.inForce, change.vector, scratch);
  if (inForce === undefined) return undefined;
  if (change.type === 'install') return { ...floor, inForce: viewOf(inForce) };
  const released = joinVectors(floor.released, change.vector, scratch);
  if (released === undefined) return undefined;
  return { inForce: viewOf(inForce), released: viewOf(released), asOfMs: Math.max(floor.asOfMs, change.asOfMs), isSwept: false };
}

/** A copy of the pointwise maximum, bare; undefined: it would have more than FLOOR_ENTRIES_MAX entries. */
export function joinVectors(a: RecordView, b: RecordView, scratch: OutBuffer): Uint8Array | undefined {
  scratch.clear();
  if (!scratch.ensure(RECORD_HEADER_BYTES + (a.entries + b.entries) * ENTRY_BYTES)) return undefined;
  mergeEntries(a, b, scratch);
  const entries = (scratch.length - RECORD_HEADER_BYTES) / ENTRY_BYTES;
  if (entries > FLOOR_ENTRIES_MAX) return undefined;
  finishRecord(scratch, 0, entries, 0);
  return Uint8Array.prototype.slice.call(scratch.bytes, 0, scratch.length);
}

export function encodeFloor({ inForce, released, asOfMs, isSwept }: Floor): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + inForce.end - inForce.start + released.end - released.start);
  bytes[0] = VERSION;
  bytes[1] = isSwept ? 1 : 0;
  putU64(bytes, 4, asOfMs);
  bytes.set(inForce.bytes.subarray(inForce.start, inForce.end), HEAD_BYTES);
  bytes.set(released.bytes.subarray(released.start, released.end), HEAD_BYTES + inForce.end - inForce.start);
  return bytes;
}

/** Of a copy. Returns what was expected and found, where it is none. */
export function decodeFloor(value: Uint8Array): Floor | string {
  const bytes: Uint8Array = Uint8Array.prototype.slice.call(value);
  const least = HEAD_BYTES + RECORD_HEADER_BYTES;
  if (bytes.length < least || bytes[0] !== VERSION || bytes[1]! > 1)
    return `expected a floor of version ${VERSION}, found ${bytes.length} bytes of ${bytes[0]}`;
  const middle = least + u16At(bytes, HEAD_BYTES + RECORD_ENTRIES) * ENTRY_BYTES;
  if (middle > bytes.length) return `expected ${middle} bytes or more, found ${bytes.length}`;
  const hasReleased = middle < bytes.length;
  const fault = checkBareVector(bytes, HEAD_BYTES, middle) ?? (hasReleased ? checkBareVector(bytes, middle, bytes.length) : undefined);
  if (fault !== undefined) return fault;
  const released = hasReleased ? viewOf(bytes, middle) : NO_FLOOR.released;
  return { inForce: viewOf(bytes, HEAD_BYTES, middle), released, asOfMs: u64At(bytes, 4), isSwept: bytes[1] === 1 };
}

function viewOf(bytes: Uint8Array, start = 0, end = bytes.length): RecordView {
  const view = new RecordView();
  view.open(bytes, start, end);
  return view;
}

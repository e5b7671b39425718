/**
 * Frames of the data path: payloads of binary messages between coordinators and replicas (VNodeActor), of which each shard has one, at VNODE_SLOT and COORDINATOR_SLOT. Shard s of
 * a node holds the partitions p with shardOf(p, shards of that node) = s, so a coordinator knows the thread to send to. All numbers are little-endian.
 *
 * | operation | from, to | payload | answer |
 * |---|---|---|---|
 * | MERGE | coordinator, replica | key place (key-place.ts), with AS_STAND_IN the id of the owner (16 bytes), the coordinator's whole record | MERGED |
 * | READ | coordinator, replica | key place | RECORD or DIGEST |
 * | FORWARD | coordinator or client, coordinator of a shard that has a replica | key place, the request (forward-frames.ts) | FORWARDED |
 * | SCAN | ScanActor or StreamingActor, replica | a range (scan/scan-frames.ts) | PAGE |
 * | LIST | client, ScanActor of any shard | where from, how much (scan/list-frames.ts) | LISTED |
 * | MERGED, RECORD, DIGEST, FORWARDED, PAGE, LISTED | back, by replyBytes | status, ... | none |
 *
 * An answer of a replica, 4 bytes and what is asked for:
 *
 * ```
 *  0  u8   status (store-request.ts)      1  3 bytes  zero
 *  4  status OK:  MERGED nothing, or IS_DEAD where the record was purged before; RECORD the record, nothing when there is no such key; DIGEST 8 bytes (version/digest.ts)
 *     any other:  a message for people, UTF-8, at most MESSAGE_BYTES_MAX bytes
 * ```
 * The milliseconds that are left travel in the frame's own header. A replica whose own number for the partition is higher refuses with STALE_RING and tells its RingActor
 * to send its ring; one whose number is lower asks for the sender's ring first and answers STALE_RING as well. The coordinator tries again with the new ring.
 */

import type { OutBuffer } from '../../runtime/bytes.ts';
import { u32At } from '../../storage/byte-reader.ts';
import { putU32 } from '../../storage/byte-writer.ts';
import { OWNER_BYTES } from '../hints/hint-key.ts';
import { checkRecord } from '../version/check-record.ts';
import type { KeyPlace } from './key-place.ts';
import { DURABILITY_NONE, DURABILITY_SYNC, LAST_STATUS } from './store-request.ts';

export const VNODE_SLOT = 4;
export const COORDINATOR_SLOT = 5;
/** 6 and 7 are the RESP gateway's and the compaction actor's; 10 is MerkleActor's, whose operations begin at 32 (repair/repair-frames.ts). */
export const SCAN_SLOT = 8;
export const STREAMING_SLOT = 11;
export const HINT_SLOT = 12;
export const PURGE_SLOT = 13;

export const MERGE = 1;
export const MERGED = 2;
export const READ = 3;
export const RECORD = 4;
export const DIGEST = 5;
export const FORWARD = 6;
export const FORWARDED = 7;
export const SCAN = 8;
export const PAGE = 9;
export const LIST = 10;
export const LISTED = 11;

export const WANT_RECORD = 1;
export const WANT_DIGEST = 2;
/** Added to the option of MERGE and READ: of what the replica holds for others (hints/). */
export const AS_STAND_IN = 4;

/** Behind the head of MERGED: none of what was sent is alive, and nothing of it was taken (purge/dead.ts). Who holds it as a replica of the partition may drop it. */
export const IS_DEAD = 1;

export const ANSWER_HEAD_BYTES = 4;
export const MESSAGE_BYTES_MAX = 512;

/** Whether `bytes[start, end)` is a whole MERGE or READ, and opens `place` on it. Returns what was expected and found. */
export function faultOfRequest(operation: number, bytes: Uint8Array, start: number, end: number, place: KeyPlace): string | undefined {
  const wrong = place.open(bytes, start, end);
  if (wrong !== undefined) return wrong;
  const { keyEnd } = place;
  const option = place.option & ~AS_STAND_IN;
  if (operation === MERGE) {
    const recordStart = recordStartOf(place);
    if (recordStart > end) return `expected an owner of ${OWNER_BYTES} bytes, found ${end - keyEnd}`;
    if (option < DURABILITY_NONE || option > DURABILITY_SYNC)
      return `expected a durability of ${DURABILITY_NONE} to ${DURABILITY_SYNC}, found ${option}`;
    return checkRecord(bytes, recordStart, end);
  }
  if (operation !== READ) return `expected operation ${MERGE} or ${READ}, found ${operation}`;
  if (option !== WANT_RECORD && option !== WANT_DIGEST) return `expected a wish of ${WANT_RECORD} or ${WANT_DIGEST}, found ${option}`;
  return keyEnd === end ? undefined : `expected the end, found ${end - keyEnd} more bytes`;
}

/** Of a MERGE: behind its owner, where it has one. */
export function recordStartOf({ option, keyEnd }: KeyPlace): number {
  return (option & AS_STAND_IN) === 0 ? keyEnd : keyEnd + OWNER_BYTES;
}

/** Clears `out` and begins an answer in it. Requires: room for its head. */
export function beginAnswer(out: OutBuffer, status: number): void {
  out.clear();
  out.length = putU32(out.bytes, 0, status);
}

/** Clears `out` and writes an answer in it that is not OK; a longer message is cut. Requires: room. */
export function writeRefusal(out: OutBuffer, status: number, message: string): void {
  beginAnswer(out, status);
  const text = Buffer.from(message).subarray(0, MESSAGE_BYTES_MAX);
  out.ensure(text.length);
  out.bytes.set(text, ANSWER_HEAD_BYTES);
  out.length = ANSWER_HEAD_BYTES + text.length;
}

/** Of an answer `bytes[start, end)`: its status; or what was expected and found. What follows the head is the receiver's to check. */
export function statusOfAnswer(bytes: Uint8Array, start: number, end: number): number | string {
  if (end - start < ANSWER_HEAD_BYTES) return `expected an answer of ${ANSWER_HEAD_BYTES} bytes or more, found ${end - start}`;
  const head = u32At(bytes, start);
  return head <= LAST_STATUS ? head : `expected an answer with status 0 to ${LAST_STATUS}, found ${head}`;
}

/**
 * Frames of the data path: payloads of binary messages between coordinators and replicas (VNodeActor), of which each shard has one, at VNODE_SLOT and COORDINATOR_SLOT. Shard s of
 * a node holds the partitions p with shardOf(p, shards of that node) = s, so a coordinator knows the thread to send to. All numbers are little-endian.
 *
 * | operation | from, to | payload | answer |
 * |---|---|---|---|
 * | MERGE | coordinator, replica | key place, the coordinator's whole record | MERGED |
 * | READ | coordinator, replica | key place | RECORD or DIGEST |
 * | FORWARD | coordinator, coordinator of a node or shard that has a replica | key place, the request | FORWARDED |
 * | MERGED, RECORD, DIGEST, FORWARDED | back, by replyBytes | status, ... | none |
 *
 * The key place, 24 bytes and the key:
 *
 * ```
 *  0  u32  keyspace      4  u32  token high     8  u32  token low
 * 12  u32  epoch in which the replicas of the partition last changed (RingState.changedAt), in the sender's ring
 * 16  u32  generation of the sender's ring
 * 20  u16  bytes of the key
 * 22  u8   MERGE: durability, 1 none, 2 periodic, 3 sync. READ: what is wanted, 1 record, 2 digest
 * 23  u8   zero
 * 24  the key, then what follows it
 * ```
 * An answer of a replica, 4 bytes and what is asked for:
 *
 * ```
 *  0  u8   status (store-request.ts)      1  3 bytes  zero
 *  4  status OK:  MERGED nothing; RECORD the record, nothing when there is no such key; DIGEST 8 bytes (version/digest.ts)
 *     any other:  a message for people, UTF-8, at most MESSAGE_BYTES_MAX bytes
 * ```
 * The milliseconds that are left travel in the frame's own header. A replica whose own number for the partition is higher refuses with STALE_RING and tells its RingActor
 * to send its ring; one whose number is lower asks for the sender's ring first and answers STALE_RING as well. The coordinator tries again with the new ring.
 */

import type { OutBuffer } from '../../runtime/bytes.ts';
import { u16At, u32At } from '../../storage/byte-reader.ts';
import { putU16, putU32 } from '../../storage/byte-writer.ts';
import { checkRecord } from '../version/check-record.ts';
import { copyBytes } from '../version/copy-bytes.ts';
import { STORE_KEY_BYTES_MAX } from './engine-key.ts';
import { DURABILITY_NONE, DURABILITY_SYNC } from './store-request.ts';

export const VNODE_SLOT = 4;
export const COORDINATOR_SLOT = 5;

export const MERGE = 1;
export const MERGED = 2;
export const READ = 3;
export const RECORD = 4;
export const DIGEST = 5;
export const FORWARD = 6;
export const FORWARDED = 7;

export const WANT_RECORD = 1;
export const WANT_DIGEST = 2;

export const KEY_PLACE_BYTES = 24;
export const ANSWER_HEAD_BYTES = 4;
export const MESSAGE_BYTES_MAX = 512;

/** Fields of a key place, read where it lies. One is used for many frames. */
export class KeyPlace {
  keyspace = 0;
  tokenHigh = 0;
  tokenLow = 0;
  changedAt = 0;
  generation = 0;
  /** Durability, or what is wanted. */
  option = 0;
  /** Of the key in the frame's bytes; what follows it begins at `keyEnd`. */
  keyStart = 0;
  keyEnd = 0;

  /** Reads `bytes[start, end)`. Returns what was expected and found, where it is no key place with its key. */
  open(bytes: Uint8Array, start: number, end: number): string | undefined {
    if (end - start < KEY_PLACE_BYTES) return `expected a key place of ${KEY_PLACE_BYTES} bytes, found ${end - start}`;
    this.keyspace = u32At(bytes, start);
    this.tokenHigh = u32At(bytes, start + 4);
    this.tokenLow = u32At(bytes, start + 8);
    this.changedAt = u32At(bytes, start + 12);
    this.generation = u32At(bytes, start + 16);
    const keyBytes = u16At(bytes, start + 20);
    this.option = bytes[start + 22]!;
    this.keyStart = start + KEY_PLACE_BYTES;
    this.keyEnd = this.keyStart + keyBytes;
    if (bytes[start + 23] !== 0) return `expected zero at 23, found ${bytes[start + 23]}`;
    if (this.keyspace === 0) return 'expected a keyspace from 1, found 0';
    if (keyBytes > STORE_KEY_BYTES_MAX) return `expected a key of at most ${STORE_KEY_BYTES_MAX} bytes, found ${keyBytes}`;
    if (this.keyEnd > end) return `expected a key of ${keyBytes} bytes, found ${end - this.keyStart}`;
    return undefined;
  }

  /** Appends the place and `key[keyStart, keyEnd)` to `out`; false, and nothing, when there is no room. */
  write(key: Uint8Array, keyStart: number, keyEnd: number, out: OutBuffer): boolean {
    const keyBytes = keyEnd - keyStart;
    if (!out.ensure(KEY_PLACE_BYTES + keyBytes)) return false;
    const { bytes } = out;
    let at = putU32(bytes, out.length, this.keyspace);
    at = putU32(bytes, at, this.tokenHigh);
    at = putU32(bytes, at, this.tokenLow);
    at = putU32(bytes, at, this.changedAt);
    at = putU32(bytes, at, this.generation);
    at = putU16(bytes, at, keyBytes);
    bytes[at++] = this.option;
    bytes[at++] = 0;
    copyBytes(key, keyStart, keyEnd, bytes, at);
    out.length = at + keyBytes;
    return true;
  }
}

/** Whether `bytes[start, end)` is a whole MERGE or READ, and opens `place` on it. Returns what was expected and found. */
export function faultOfRequest(operation: number, bytes: Uint8Array, start: number, end: number, place: KeyPlace): string | undefined {
  const wrong = place.open(bytes, start, end);
  if (wrong !== undefined) return wrong;
  const { option, keyEnd } = place;
  if (operation === MERGE) {
    if (option < DURABILITY_NONE || option > DURABILITY_SYNC)
      return `expected a durability of ${DURABILITY_NONE} to ${DURABILITY_SYNC}, found ${option}`;
    return checkRecord(bytes, keyEnd, end);
  }
  if (operation !== READ) return `expected operation ${MERGE} or ${READ}, found ${operation}`;
  if (option !== WANT_RECORD && option !== WANT_DIGEST) return `expected a wish of ${WANT_RECORD} or ${WANT_DIGEST}, found ${option}`;
  return keyEnd === end ? undefined : `expected the end, found ${end - keyEnd} more bytes`;
}

/** Clears `out` and begins an answer in it. Requires: room for its head. */
export function beginAnswer(out: OutBuffer, status: number): void {
  out.clear();
  out.length = putU32(out.bytes, 0, status);
}

/** Of an answer `bytes[start, end)`: its status; or what was expected and found. What follows the head is the receiver's to check. */
export function statusOfAnswer(bytes: Uint8Array, start: number, end: number): number | string {
  if (end - start < ANSWER_HEAD_BYTES) return `expected an answer of ${ANSWER_HEAD_BYTES} bytes or more, found ${end - start}`;
  const head = u32At(bytes, start);
  return head <= 0xff ? head : `expected zeros at 1, found a head of ${head}`;
}

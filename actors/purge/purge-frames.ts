/**
 * Frames of purging: between the PurgeActors of members, of one partition of a keyspace each. Numbers are little-endian.
 *
 * | operation | asks | answer TOLD, when |
 * |---|---|---|
 * | CHECK | whether writes are held for others | at once; with the wall clock |
 * | COMPARE | for exchanges with other replicas | they are complete |
 * | INSTALL | for a floor to be in force | it is on disk |
 * | SWEEP | for what is dead and covered to be deleted | that it may go is on disk |
 *
 * ```
 * all    0  place head (store/place-head.ts) of the partition's first token; no key, no option
 *       24  u32  epoch of the sender's ring     28  u8  bits of a partition's number     29  u8  peers     30  u16  zero
 *       32  u64  SWEEP: what has expired by then is dead, milliseconds since 1970; else 0
 *       40  COMPARE: ids of peers, 16 bytes each, from 1.  INSTALL, SWEEP: the floor, a bare version vector
 * TOLD   0  u8  status (store-request.ts)     1  3 bytes zero     OK: 4  u64  milliseconds since 1970 by the answerer's clock     any other: why, UTF-8
 * ```
 */
import type { OutBuffer } from '../../runtime/bytes.ts';
import { u16At, u32At, u64At } from '../../storage/byte-reader.ts';
import { putU16, putU32, putU64 } from '../../storage/byte-writer.ts';
import { OWNER_BYTES, ownerBytes, ownerText } from '../hints/hint-key.ts';
import type { Id } from '../ring/ring-state.ts';
import { PARTITIONS_MAX, PARTITIONS_MIN, partitionOf } from '../ring/token.ts';
import { ANSWER_HEAD_BYTES, beginAnswer } from '../store/data-frames.ts';
import { PLACE_HEAD_BYTES, PlaceHead } from '../store/place-head.ts';
import { OK } from '../store/store-request.ts';
import { checkBareVector } from '../version/check-record.ts';

export const CHECK = 48;
export const COMPARE = 49;
export const INSTALL = 50;
export const SWEEP = 51;
export const PURGE_TOLD = 52;

const ASK_HEAD_BYTES = PLACE_HEAD_BYTES + 16;
const CLOCK_BYTES = 8;
/** Replicas of a partition, less one. */
const PEERS_MAX = 31;

export class PurgeAsk extends PlaceHead {
  epoch = 0;
  partitionBits = 0;
  peers: readonly Id[] = [];
  asOfMs = 0;
  /** Empty: none. */
  floor: Uint8Array = new Uint8Array(0);

  get partitions(): number {
    return 2 ** this.partitionBits;
  }

  get partition(): number {
    return partitionOf(this.tokenHigh, this.partitions);
  }

  /** Returns false when there is no room. */
  write(out: OutBuffer): boolean {
    if (!out.ensure(ASK_HEAD_BYTES + this.peers.length * OWNER_BYTES + this.floor.length)) return false;
    const { bytes } = out;
    let at = putU32(bytes, this.putHead(out), this.epoch);
    bytes[at++] = this.partitionBits;
    bytes[at++] = this.peers.length;
    at = putU16(bytes, at, 0);
    putU64(bytes, at, this.asOfMs);
    at += CLOCK_BYTES;
    for (const id of this.peers) {
      bytes.set(ownerBytes(id), at);
      at += OWNER_BYTES;
    }
    bytes.set(this.floor, at);
    out.length = at + this.floor.length;
    return true;
  }

  /** A copy. Returns what was expected and found, where it is none. */
  read(operation: number, bytes: Uint8Array, start: number, end: number): string | undefined {
    if (end - start < ASK_HEAD_BYTES) return `expected ${ASK_HEAD_BYTES} bytes or more, found ${end - start}`;
    const wrong = this.readHead(bytes, start);
    if (wrong !== undefined) return wrong;
    this.epoch = u32At(bytes, start + PLACE_HEAD_BYTES);
    this.partitionBits = bytes[start + PLACE_HEAD_BYTES + 4]!;
    const count = bytes[start + PLACE_HEAD_BYTES + 5]!;
    this.asOfMs = u64At(bytes, start + PLACE_HEAD_BYTES + 8);
    if (this.keyBytes !== 0 || this.option !== 0) return `expected no key and no option, found ${this.keyBytes} and ${this.option}`;
    if (u16At(bytes, start + PLACE_HEAD_BYTES + 6) !== 0) return 'expected zeros at 30';
    if (!(this.partitions >= PARTITIONS_MIN && this.partitions <= PARTITIONS_MAX))
      return `expected bits of ${PARTITIONS_MIN} to ${PARTITIONS_MAX} partitions, found ${this.partitionBits}`;
    if (!Number.isSafeInteger(this.asOfMs)) return 'expected milliseconds below 2^53';
    const floorAt = start + ASK_HEAD_BYTES + count * OWNER_BYTES;
    if (count > PEERS_MAX || floorAt > end)
      return `expected at most ${PEERS_MAX} peers and as many ids, found ${count} in ${end - start} bytes`;
    if ((operation === COMPARE) !== count > 0) return `operation ${operation}: found ${count} peers`;
    this.peers = Array.from({ length: count }, (_, i) => ownerText(bytes, start + ASK_HEAD_BYTES + i * OWNER_BYTES));
    this.floor = Uint8Array.prototype.slice.call(bytes, floorAt, end);
    if (operation === INSTALL || operation === SWEEP) return checkBareVector(bytes, floorAt, end);
    return floorAt === end ? undefined : `expected the end, found ${end - floorAt} more bytes`;
  }
}

/** Clears `out`. */
export function writeTold(out: OutBuffer, wallMs: number): void {
  beginAnswer(out, OK);
  putU64(out.bytes, out.length, wallMs);
  out.length += CLOCK_BYTES;
}

/** Of an answer of status OK: the clock; or what was expected and found. */
export function readClock(bytes: Uint8Array, start: number, end: number): number | string {
  if (end - start !== ANSWER_HEAD_BYTES + CLOCK_BYTES) return `expected a clock, found ${end - start - ANSWER_HEAD_BYTES} bytes`;
  const wallMs = u64At(bytes, start + ANSWER_HEAD_BYTES);
  return Number.isSafeInteger(wallMs) ? wallMs : 'expected milliseconds below 2^53';
}

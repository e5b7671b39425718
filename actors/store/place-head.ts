/**
 * PlaceHead: which keyspace and token a request frame is about and by which ring, 24 bytes with which all of the data path begin. Numbers are little-endian.
 *
 * ```
 *  0  u32  keyspace, from 1      4  u32  token high     8  u32  token low
 * 12  u32  epoch in which the replicas of the partition last changed (RingState.changedAt), in the sender's ring
 * 16  u32  generation of the sender's ring
 * 20  u16  bytes of the key
 * 22  u8   an option: what it means is up to the frame
 * 23  u8   zero
 * ```
 */
import type { OutBuffer } from '../../runtime/bytes.ts';
import { u16At, u32At } from '../../storage/byte-reader.ts';
import { putU16, putU32 } from '../../storage/byte-writer.ts';

export const PLACE_HEAD_BYTES = 24;

export class PlaceHead {
  keyspace = 0;
  tokenHigh = 0;
  tokenLow = 0;
  changedAt = 0;
  generation = 0;
  option = 0;
  keyBytes = 0;

  /** Returns what was expected and found, where it is none. Requires: PLACE_HEAD_BYTES bytes are there. */
  readHead(bytes: Uint8Array, start: number): string | undefined {
    this.keyspace = u32At(bytes, start);
    this.tokenHigh = u32At(bytes, start + 4);
    this.tokenLow = u32At(bytes, start + 8);
    this.changedAt = u32At(bytes, start + 12);
    this.generation = u32At(bytes, start + 16);
    this.keyBytes = u16At(bytes, start + 20);
    this.option = bytes[start + 22]!;
    if (bytes[start + 23] !== 0) return `expected zero at 23, found ${bytes[start + 23]}`;
    if (this.keyspace === 0) return 'expected a keyspace from 1, found 0';
    return undefined;
  }

  /** Appends the head. Returns where it ends. Requires: room; the caller makes `out` longer. */
  putHead({ bytes, length }: OutBuffer): number {
    let at = putU32(bytes, length, this.keyspace);
    at = putU32(bytes, at, this.tokenHigh);
    at = putU32(bytes, at, this.tokenLow);
    at = putU32(bytes, at, this.changedAt);
    at = putU32(bytes, at, this.generation);
    at = putU16(bytes, at, this.keyBytes);
    bytes[at++] = this.option;
    bytes[at++] = 0;
    return at;
  }
}

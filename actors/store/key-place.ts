/**
 * KeyPlace: where a key lies and by which ring, 24 bytes and the key, with which every request frame of the data path begins. Numbers are little-endian.
 *
 * ```
 *  0  u32  keyspace, from 1      4  u32  token high     8  u32  token low
 * 12  u32  epoch in which the replicas of the partition last changed (RingState.changedAt), in the sender's ring
 * 16  u32  generation of the sender's ring
 * 20  u16  bytes of the key, from 1
 * 22  u8   MERGE: durability, 1 none, 2 periodic, 3 sync. READ: what is wanted, 1 record, 2 digest. FORWARD: kind, 1 get, 2 put, 3 delete
 * 23  u8   zero
 * 24  the key, then what follows it
 * ```
 */
import type { OutBuffer } from '../../runtime/bytes.ts';
import { u16At, u32At } from '../../storage/byte-reader.ts';
import { putU16, putU32 } from '../../storage/byte-writer.ts';
import { copyBytes } from '../version/copy-bytes.ts';
import { STORE_KEY_BYTES_MAX } from './engine-key.ts';

export const KEY_PLACE_BYTES = 24;

/** Fields of a key place, read where it lies. One is used for many frames. */
export class KeyPlace {
  keyspace = 0;
  tokenHigh = 0;
  tokenLow = 0;
  changedAt = 0;
  generation = 0;
  /** Durability, what is wanted, or the kind. */
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
    if (keyBytes < 1 || keyBytes > STORE_KEY_BYTES_MAX) return `expected a key of 1 to ${STORE_KEY_BYTES_MAX} bytes, found ${keyBytes}`;
    if (this.keyEnd > end) return `expected a key of ${keyBytes} bytes, found ${end - this.keyStart}`;
    return undefined;
  }

  /** Appends the place and `key[keyStart, keyEnd)`, of 1 to STORE_KEY_BYTES_MAX bytes, to `out`; false, and nothing, when there is no room. */
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

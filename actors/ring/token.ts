/**
 * Token: where a key lies in the space of 64 bits that the ring cuts up: farmhash `fingerprint64` of the key's bytes, equal on every platform.
 * Carried as two u32, since a bigint costs an allocation wherever it goes. Hash a key once, and hand the token on.
 *
 * Not keyed: whoever knows the hash can choose keys that all fall into one partition.
 */
import farmhash from 'farmhash';
import { invalidArgument } from '../../runtime/errors.ts';
import { SHORT_BYTES_MAX, ShortFingerprint } from './short-fingerprint.ts';

/** As [Dynamo 6.2] strategy 3 counts them: Q. Powers of two, so that a partition is the top bits of a token. */
export const PARTITIONS_MIN = 8;
export const PARTITIONS_MAX = 16_384;
export const PARTITIONS_DEFAULT = 256;

/** Holds the token of the key it hashed last; one per thread or actor. */
export class Hasher {
  readonly #wide = new BigUint64Array(1);
  readonly #halves = new Int32Array(this.#wide.buffer);
  readonly #token = new ShortFingerprint();
  /** Where the high half is: little-endian machines have it second. */
  readonly #highAt = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;

  /** u32. */
  get high(): number {
    return this.#token.high >>> 0;
  }

  /** u32. */
  get low(): number {
    return this.#token.low >>> 0;
  }

  hash(key: Uint8Array): void {
    this.hashPart(key, 0, key.length);
  }

  /**
   * Of `bytes[start, end)`. Cost: 70 ns for a key of 16 bytes; 0.2 us for a longer one, most of it the native call and its view: writing the bigint into an array and reading its halves costs
   * half of what shifting it does.
   */
  hashPart(bytes: Uint8Array, start: number, end: number): void {
    if (end - start <= SHORT_BYTES_MAX) return this.#token.hash(bytes, start, end);
    this.#wide[0] = farmhash.fingerprint64(Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start));
    this.#token.high = this.#halves[this.#highAt]!;
    this.#token.low = this.#halves[1 - this.#highAt]!;
  }
}

/** 16 lower-case hexadecimal digits. */
export function fingerprintText(bytes: Uint8Array): string {
  return farmhash.fingerprint64(asBuffer(bytes)).toString(16).padStart(16, '0');
}

/** Bits that a token's high half is shifted right to give its partition: `high >>> partitionShift(partitions)`. */
export function partitionShift(partitions: number): number {
  return 1 + Math.clz32(partitions);
}

/** Requires: `partitions` is a valid count. Returns 0 to `partitions` - 1. */
export function partitionOf(high: number, partitions: number): number {
  return high >>> partitionShift(partitions);
}

/** High half of a partition's first token, whose low half is 0; for the one behind the last: 2^32. */
export function firstHighOf(partition: number, partitions: number): number {
  return partition * 2 ** partitionShift(partitions);
}

/** High half of a partition's last token, whose low half is all ones. */
export function lastHighOf(partition: number, partitions: number): number {
  return firstHighOf(partition + 1, partitions) - 1;
}

/** The worker thread that owns a partition on a member: neighbours lie on one thread, and threads differ by at most one partition. */
export function shardOf(partition: number, shards: number, partitions: number): number {
  return Math.floor((partition * shards) / partitions);
}

export function isPartitionCount(count: number): boolean {
  return Number.isInteger(count) && count >= PARTITIONS_MIN && count <= PARTITIONS_MAX && (count & (count - 1)) === 0;
}

export function checkPartitionCount(count: number): number {
  if (!isPartitionCount(count)) {
    throw invalidArgument(`partitions: expected a power of two from ${PARTITIONS_MIN} to ${PARTITIONS_MAX}, got ${count}`);
  }
  return count;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

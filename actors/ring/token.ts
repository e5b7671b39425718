/**
 * Token: where a key lies in the space of 64 bits that the ring cuts up: farmhash `fingerprint64` of the key's bytes, equal on every platform.
 * Carried as two u32, since a bigint costs an allocation wherever it goes. Hash a key once, and hand the token on.
 *
 * Not keyed: whoever knows the hash can choose keys that all fall into one partition.
 */
import farmhash from 'farmhash';
import { invalidArgument } from '../../runtime/errors.ts';

/** As [Dynamo 6.2] strategy 3 counts them: Q. Powers of two, so that a partition is the top bits of a token. */
export const PARTITIONS_MIN = 8;
export const PARTITIONS_MAX = 16_384;
export const PARTITIONS_DEFAULT = 256;

/** Up to here copying is quicker than a view. */
const COPIED_BYTES_MAX = 48;

/** Holds the token of the key it hashed last; one per thread or actor. */
export class Hasher {
  readonly #wide = new BigUint64Array(1);
  readonly #halves = new Uint32Array(this.#wide.buffer);
  /** By length. */
  readonly #copies: (Buffer | undefined)[] = [];
  /** Where the high half is: little-endian machines have it second. */
  readonly #highAt = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;

  /** u32. */
  get high(): number {
    return this.#halves[this.#highAt]!;
  }

  /** u32. */
  get low(): number {
    return this.#halves[1 - this.#highAt]!;
  }

  /**
   * Cost: 0.1 us for a short key, most of it the native call; writing the bigint into an array and reading its halves costs half of what
   * shifting it does.
   */
  hash(key: Uint8Array): void {
    this.#wide[0] = farmhash.fingerprint64(asBuffer(key));
  }

  /** Of `bytes[start, end)`. Allocates nothing for a short key: it is copied, where a view would be 96 bytes of garbage. */
  hashPart(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (length > COPIED_BYTES_MAX) return this.hash(bytes.subarray(start, end));
    const copy = this.#copies[length] ?? Buffer.alloc(length);
    this.#copies[length] = copy;
    for (let i = 0; i < length; i++) copy[i] = bytes[start + i]!;
    this.hash(copy);
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

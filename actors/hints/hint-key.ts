/**
 * Where hints lie: in the shard's engine, under keyspace 0, apart from the marks of the store (store/engine-key.ts) by the high half of the token.
 *
 * ```
 *  hint   0  u32 0     4  u32 1     8  u32 0    12  owner, 16 bytes    28  u32  keyspace    32  token, 8 bytes    40  the key      value: the merged record
 *  mark   0  u32 0     4  u32 2     8  u32 0    12  owner, 16 bytes    28  u32  keyspace    32  u32  partition    36  u32  partitions     value: empty
 * ```
 * Big-endian. All hints of an owner are one range, of which those of a partition of a keyspace are one.
 */

import { copyBytes } from '../../runtime/bytes.ts';
import type { Id } from '../ring/ring-state.ts';
import { ENGINE_KEY_PREFIX_BYTES, engineKeyOf, prefixOf, STORE_KEY_BYTES_MAX } from '../store/engine-key.ts';
import { ACTOR_BYTES } from '../version/incarnation.ts';

/** The high half of the token. */
export const HINT_TAG = 1;
export const MARK_TAG = 2;

/** Ids of members are as long as those of incarnations. */
export const OWNER_BYTES = ACTOR_BYTES;
const HINT_HEAD_BYTES = OWNER_BYTES + 12;
const MARK_BYTES = OWNER_BYTES + 12;
/** Longer keys have no hints: they are left to repair. */
export const HINT_KEY_BYTES_MAX = STORE_KEY_BYTES_MAX - HINT_HEAD_BYTES;

export interface HintKey {
  readonly owner: Id;
  readonly keyspace: number;
  readonly tokenHigh: number;
  readonly tokenLow: number;
  readonly key: Uint8Array;
}

/** A partition of a keyspace whose replica on `owner` lacks writes that nobody holds for it. */
export interface DirtyMark {
  readonly owner: Id;
  readonly keyspace: number;
  readonly partition: number;
  /** Of the ring by which the partition is counted. */
  readonly partitions: number;
}

/** 16 bytes. */
export function ownerBytes(id: Id): Uint8Array {
  return Buffer.from(id, 'hex');
}

export function ownerText(bytes: Uint8Array, at: number): Id {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, OWNER_BYTES).toString('hex');
}

/** Appends to `into` from `at` on what follows the prefix in the engine's key of a hint. Returns where it ends. Requires: room. */
export function putHintKey(
  into: Buffer,
  owner: Uint8Array,
  place: { readonly keyspace: number; readonly tokenHigh: number; readonly tokenLow: number },
  key: Uint8Array,
  start: number,
  end: number,
): number {
  copyBytes(owner, 0, OWNER_BYTES, into, 0);
  into.writeUInt32BE(place.keyspace, OWNER_BYTES);
  into.writeUInt32BE(place.tokenHigh, OWNER_BYTES + 4);
  into.writeUInt32BE(place.tokenLow, OWNER_BYTES + 8);
  copyBytes(key, start, end, into, HINT_HEAD_BYTES);
  return HINT_HEAD_BYTES + end - start;
}

/** Of an engine key; undefined: it is none of a hint. */
export function readHintKey(engineKey: Uint8Array): HintKey | undefined {
  const bytes = bufferOf(engineKey);
  if (bytes.length <= ENGINE_KEY_PREFIX_BYTES + HINT_HEAD_BYTES || !isTagged(bytes, HINT_TAG)) return undefined;
  const at = ENGINE_KEY_PREFIX_BYTES + OWNER_BYTES;
  return {
    owner: ownerText(bytes, ENGINE_KEY_PREFIX_BYTES),
    keyspace: bytes.readUInt32BE(at),
    tokenHigh: bytes.readUInt32BE(at + 4),
    tokenLow: bytes.readUInt32BE(at + 8),
    key: bytes.subarray(at + 12),
  };
}

/** All hints of one owner. */
export function hintRangeOf(owner: Id): { readonly gte: Uint8Array; readonly lte: Uint8Array } {
  const from = engineKeyOf(0, HINT_TAG, 0, ownerBytes(owner));
  // Longer than any head of all ones can be followed by: a keyspace is below 2^32 - 1.
  const to = new Uint8Array(from.length + 4).fill(0xff);
  to.set(from);
  return { gte: from, lte: to };
}

/** All hints and marks. */
export function hintsAndMarks(): { readonly gte: Uint8Array; readonly lt: Uint8Array } {
  return { gte: prefixOf(0, HINT_TAG), lt: prefixOf(0, MARK_TAG + 1) };
}

export function markKey({ owner, keyspace, partition, partitions }: DirtyMark): Uint8Array {
  const bytes = Buffer.alloc(MARK_BYTES);
  bytes.set(ownerBytes(owner));
  bytes.writeUInt32BE(keyspace, OWNER_BYTES);
  bytes.writeUInt32BE(partition, OWNER_BYTES + 4);
  bytes.writeUInt32BE(partitions, OWNER_BYTES + 8);
  return engineKeyOf(0, MARK_TAG, 0, bytes);
}

/** Of an engine key; undefined: it is none of a mark. */
export function readMarkKey(engineKey: Uint8Array): DirtyMark | undefined {
  const bytes = bufferOf(engineKey);
  if (bytes.length !== ENGINE_KEY_PREFIX_BYTES + MARK_BYTES || !isTagged(bytes, MARK_TAG)) return undefined;
  const at = ENGINE_KEY_PREFIX_BYTES + OWNER_BYTES;
  return {
    owner: ownerText(bytes, ENGINE_KEY_PREFIX_BYTES),
    keyspace: bytes.readUInt32BE(at),
    partition: bytes.readUInt32BE(at + 4),
    partitions: bytes.readUInt32BE(at + 8),
  };
}

function isTagged(bytes: Buffer, tag: number): boolean {
  return bytes.readUInt32BE(0) === 0 && bytes.readUInt32BE(4) === tag;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

/**
 * Keys of a shard's engine:
 *
 * ```
 *  0  u32  keyspace, big-endian     4  8 bytes  token, big-endian    12  the key
 * ```
 * Big-endian, so that the engine's order is that of keyspaces, then tokens: a partition of a keyspace is one range, as is a keyspace.
 * Keyspace 0, which no keyspace has, holds what the shard itself must not forget: one key per letter, with the token 0.
 */

import { copyBytes } from '../../runtime/bytes.ts';
import { KEY_BYTES_MAX } from '../../storage/key.ts';

export const ENGINE_KEY_PREFIX_BYTES = 12;
/** The longest key that fits behind the prefix. */
export const STORE_KEY_BYTES_MAX = KEY_BYTES_MAX - ENGINE_KEY_PREFIX_BYTES;

/** Lease of the shard's dots, their clean mark (version/dot-marks.ts), and the ceiling of its clock (u64, little-endian). */
export const LEASE_KEY = ownKey('l');
export const MARK_KEY = ownKey('m');
export const CEILING_KEY = ownKey('c');
/** Never there: its deletion marks a place in the order of writes. */
export const BARRIER_KEY = ownKey('b');
/** How far the shard follows changes of owners, and what keys of its moves begin with (streaming/move-records.ts). */
export const MOVE_MARK_KEY = ownKey('o');
export const MOVE_KEY_PREFIX = ownKey('s');

/** Encodes keys into one place. Allocates only for a length that it sees for the first time. */
export class EngineKeys {
  readonly #bytes = new Uint8Array(KEY_BYTES_MAX);
  readonly #views: (Uint8Array | undefined)[] = [];

  /** Valid until the next call. Requires: a key of at most STORE_KEY_BYTES_MAX bytes. */
  of(keyspace: number, tokenHigh: number, tokenLow: number, key: Uint8Array, start: number, end: number): Uint8Array {
    const bytes = this.#bytes;
    putBigEndian(bytes, 0, keyspace);
    putBigEndian(bytes, 4, tokenHigh);
    putBigEndian(bytes, 8, tokenLow);
    copyBytes(key, start, end, bytes, ENGINE_KEY_PREFIX_BYTES);
    const length = ENGINE_KEY_PREFIX_BYTES + end - start;
    let view = this.#views[length];
    if (view === undefined) {
      view = bytes.subarray(0, length);
      this.#views[length] = view;
    }
    return view;
  }
}

/** What keys of the keyspace begin with, from a token on. */
export function prefixOf(keyspace: number, tokenHigh: number, tokenLow = 0): Uint8Array {
  return engineKeyOf(keyspace, tokenHigh, tokenLow, new Uint8Array(0));
}

/** A key of its own. `key`: the whole array. */
export function engineKeyOf(keyspace: number, tokenHigh: number, tokenLow: number, key: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(ENGINE_KEY_PREFIX_BYTES + key.length);
  putBigEndian(bytes, 0, keyspace);
  putBigEndian(bytes, 4, tokenHigh);
  putBigEndian(bytes, 8, tokenLow);
  bytes.set(key, ENGINE_KEY_PREFIX_BYTES);
  return bytes;
}

/** Halves of the token of an engine key. */
export function tokenHighOf(engineKey: Uint8Array): number {
  return bigEndianAt(engineKey, 4);
}
export function tokenLowOf(engineKey: Uint8Array): number {
  return bigEndianAt(engineKey, 8);
}

function ownKey(letter: string): Uint8Array {
  const key = new Uint8Array(ENGINE_KEY_PREFIX_BYTES + 1);
  key[ENGINE_KEY_PREFIX_BYTES] = letter.charCodeAt(0);
  return key;
}

function putBigEndian(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

function bigEndianAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

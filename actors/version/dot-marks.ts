/**
 * A lease or a clean mark on disk, 32 bytes:
 *
 * ```
 *  0  u8   version: 1
 *  1  u8   kind: 1 lease, 2 clean mark
 *  2  u16  zero
 *  4  16 bytes  incarnation
 * 20  u64  counter, 1 .. 2^53-1
 * 28  u32  CRC-32 of bytes 0 to 27
 * ```
 * Little-endian. What can't be read is worth nothing: the vnode begins a new incarnation.
 */

import { copyBytes } from '../../runtime/bytes.ts';
import { u16At, u32At, u64At } from '../../storage/byte-reader.ts';
import { putU16, putU32, putU64 } from '../../storage/byte-writer.ts';
import { crc32Of } from '../../storage/checksum.ts';
import type { DotMark } from './dot-source.ts';
import { ACTOR_BYTES } from './incarnation.ts';

export const DOT_MARK_BYTES = 32;
export const LEASE = 1;
export const CLEAN_MARK = 2;
export type DotMarkKind = typeof LEASE | typeof CLEAN_MARK;

const VERSION = 1;
const INCARNATION = 4;
const COUNTER = 20;
const CHECKSUM = 28;

export function encodeDotMark(kind: DotMarkKind, { incarnation, counter }: DotMark): Uint8Array {
  const bytes = new Uint8Array(DOT_MARK_BYTES);
  bytes[0] = VERSION;
  bytes[1] = kind;
  putU16(bytes, 2, 0);
  copyBytes(incarnation, 0, ACTOR_BYTES, bytes, INCARNATION);
  putU64(bytes, COUNTER, counter);
  putU32(bytes, CHECKSUM, crc32Of(bytes, 0, CHECKSUM, 0));
  return bytes;
}

/** Returns what was expected and found, when it is no whole mark of this kind. */
export function decodeDotMark(kind: DotMarkKind, bytes: Uint8Array): DotMark | string {
  if (bytes.length !== DOT_MARK_BYTES) return `expected ${DOT_MARK_BYTES} bytes, found ${bytes.length}`;
  if (bytes[0] !== VERSION) return `expected version ${VERSION}, found ${bytes[0]}`;
  const checksum = crc32Of(bytes, 0, CHECKSUM, 0);
  if (checksum !== u32At(bytes, CHECKSUM)) return `expected checksum ${checksum}, found ${u32At(bytes, CHECKSUM)}`;
  if (bytes[1] !== kind || u16At(bytes, 2) !== 0) return `expected kind ${kind}, found ${bytes[1]}`;
  const counter = u64At(bytes, COUNTER);
  if (counter < 1 || counter > Number.MAX_SAFE_INTEGER) return `expected a counter of 1 .. 2^53-1, found ${counter}`;
  return { incarnation: Uint8Array.prototype.slice.call(bytes, INCARNATION, INCARNATION + ACTOR_BYTES), counter };
}

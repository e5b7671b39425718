/**
 * What a shard keeps in its engine of the moves of data (keyspace 0 of its keys), each behind the data that it speaks of in the same log:
 *
 * ```
 *  MOVE_MARK_KEY           how far it follows the ring:  0  u8 version: 1    1  u8  1: settled    2  u16 zero
 *                          4  u32 generation, 8  u32 epoch of the newest ring it followed     12  u32  `startedAt` of the last transition it saw, 0: none
 *  MOVE_KEY_START ..       a move, by keyspace (u32 BE), partition (u16 BE), id of the source (16 bytes):
 *                          0  u8 version: 1    1  u8  1: all is here    2  u16  bytes of the key
 *                          4  u32 generation, 8  u32 `startedAt` of its transition      12  u32 token high, 16  u32 token low    20  key: all up to it is here
 * ```
 * Little-endian but for keys. What can't be read is worth nothing: the move begins anew.
 */
import { u16At, u32At } from '../../storage/byte-reader.ts';
import { putU16, putU32 } from '../../storage/byte-writer.ts';
import type { Id } from '../ring/ring-state.ts';
import { NO_KEY, type ScanPosition } from '../scan/scan-position.ts';
import { MOVE_KEY_PREFIX } from '../store/engine-key.ts';
import type { EngineRange } from '../store/engine-range.ts';

/** Of one shard. */
export interface MoveMark {
  readonly generation: number;
  readonly epoch: number;
  /** 0: none. */
  readonly startedAt: number;
  /** What the transition left over is dropped. */
  readonly isSettled: boolean;
}

export const NO_MARK: MoveMark = { generation: 0, epoch: 0, startedAt: 0, isSettled: true };

/** Of a move: null: all is here. */
export interface MoveRecord {
  readonly generation: number;
  readonly startedAt: number;
  readonly position: ScanPosition | null;
}

const VERSION = 1;
const MARK_BYTES = 16;
const MOVE_HEAD_BYTES = 20;

export const MOVE_RECORDS: EngineRange = { start: MOVE_KEY_PREFIX, end: withLast(MOVE_KEY_PREFIX, 1) };

export function encodeMark({ generation, epoch, startedAt, isSettled }: MoveMark): Uint8Array {
  const bytes = new Uint8Array(MARK_BYTES);
  bytes[0] = VERSION;
  bytes[1] = isSettled ? 1 : 0;
  putU32(bytes, putU32(bytes, putU32(bytes, 4, generation), epoch), startedAt);
  return bytes;
}

/** Returns what was expected and found, where it is none. */
export function decodeMark(bytes: Uint8Array): MoveMark | string {
  if (bytes.length !== MARK_BYTES || bytes[0] !== VERSION || bytes[1]! > 1)
    return `mark of moves: expected ${MARK_BYTES} bytes of version ${VERSION}, found ${bytes.length} of ${bytes[0]}`;
  return { isSettled: bytes[1] === 1, generation: u32At(bytes, 4), epoch: u32At(bytes, 8), startedAt: u32At(bytes, 12) };
}

export function moveKey(keyspace: number, partition: number, source: Id): Uint8Array {
  const bytes = new Uint8Array(MOVE_KEY_PREFIX.length + 6 + 16);
  bytes.set(MOVE_KEY_PREFIX);
  const view = new DataView(bytes.buffer);
  view.setUint32(MOVE_KEY_PREFIX.length, keyspace);
  view.setUint16(MOVE_KEY_PREFIX.length + 4, partition);
  bytes.set(Buffer.from(source, 'hex'), MOVE_KEY_PREFIX.length + 6);
  return bytes;
}

export function encodeMove({ generation, startedAt, position }: MoveRecord): Uint8Array {
  const key = position?.key ?? NO_KEY;
  const bytes = new Uint8Array(MOVE_HEAD_BYTES + key.length);
  bytes[0] = VERSION;
  bytes[1] = position === null ? 1 : 0;
  putU16(bytes, 2, key.length);
  putU32(bytes, putU32(bytes, 4, generation), startedAt);
  putU32(bytes, putU32(bytes, 12, position?.high ?? 0), position?.low ?? 0);
  bytes.set(key, MOVE_HEAD_BYTES);
  return bytes;
}

/** Returns what was expected and found, where it is none. */
export function decodeMove(bytes: Uint8Array): MoveRecord | string {
  const isWhole = bytes.length >= MOVE_HEAD_BYTES && bytes.length === MOVE_HEAD_BYTES + u16At(bytes, 2);
  if (!isWhole || bytes[0] !== VERSION || bytes[1]! > 1)
    return `move: expected a record of version ${VERSION}, found ${bytes.length} bytes`;
  const key = Uint8Array.prototype.slice.call(bytes, MOVE_HEAD_BYTES);
  const position = bytes[1] === 1 ? null : { high: u32At(bytes, 12), low: u32At(bytes, 16), key };
  return { generation: u32At(bytes, 4), startedAt: u32At(bytes, 8), position };
}

function withLast(bytes: Uint8Array, more: number): Uint8Array {
  const copy = Uint8Array.prototype.slice.call(bytes);
  copy[copy.length - 1]! += more;
  return copy;
}

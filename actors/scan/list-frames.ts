/**
 * LIST and LISTED: a whole ScanRequest to the ScanActor of any shard, and its answer: for clients on the nodes' own wire. Numbers are little-endian.
 *
 * ```
 * LIST     0  u32  keyspace, from 1
 *          4  u32  token high     8  u32  token low     12  u16  bytes of the key; 0: none     (scan-position.ts)
 *         14  u16  bytes of the prefix
 *         16  u8   1 heads, 2 records     17  u8  r; 0: as the keyspace says
 *         18  u16  keys, from 1           20  u32  bytes, from 1
 *         24  u16  milliseconds left; 0: as many as the receiver gives     26  u16  zero
 *         28  key, prefix
 *
 * LISTED   0  u8   status     1  u8  received     2  u8  needed     3  u8  1: this was the last page
 *          4  u32  token high     8  u32  token low     12  u16  bytes of the key     14  u16  bytes of the message
 *         16  key, message (UTF-8), entries (page-entries.ts)
 * ```
 */
import { copyBytes, type OutBuffer } from '../../runtime/bytes.ts';
import { u16At, u32At } from '../../storage/byte-reader.ts';
import { putU16, putU32 } from '../../storage/byte-writer.ts';
import { REPLICAS_MAX } from '../ring/limits.ts';
import { MESSAGE_BYTES_MAX } from '../store/data-frames.ts';
import { STORE_KEY_BYTES_MAX } from '../store/engine-key.ts';
import { LAST_STATUS, OK } from '../store/store-request.ts';
import { faultOfEntries } from './page-entries.ts';
import { WANT_HEADS, WANT_RECORDS } from './scan-frames.ts';
import { NO_KEY } from './scan-position.ts';
import type { ScanAnswer, ScanRequest } from './scan-request.ts';

const LIST_HEAD_BYTES = 28;
const LISTED_HEAD_BYTES = 16;

/** Appends the payload. `remainingMs`: until the deadline. Requires: keys of at most STORE_KEY_BYTES_MAX bytes, and room. */
export function writeList(out: OutBuffer, request: ScanRequest, remainingMs: number): void {
  const { start, prefix } = request;
  out.ensure(LIST_HEAD_BYTES + start.key.length + prefix.length);
  const { bytes } = out;
  let at = putU32(bytes, out.length, request.keyspaceId);
  at = putU32(bytes, at, start.high);
  at = putU32(bytes, at, start.low);
  at = putU16(bytes, at, start.key.length);
  at = putU16(bytes, at, prefix.length);
  bytes[at++] = request.wish;
  bytes[at++] = request.r;
  at = putU16(bytes, at, request.keysMax);
  at = putU32(bytes, at, request.bytesMax);
  at = putU16(bytes, at, remainingMs > 0xffff ? 0xffff : Math.max(1, Math.floor(remainingMs)));
  at = putU16(bytes, at, 0);
  copyBytes(start.key, 0, start.key.length, bytes, at);
  copyBytes(prefix, 0, prefix.length, bytes, at + start.key.length);
  out.length = at + start.key.length + prefix.length;
}

/** Fills all of `request` but deadline, sink and token. Returns the milliseconds that are left, 0: not said; or what was expected and found: then nothing of it may be used. */
export function readList(bytes: Uint8Array, start: number, end: number, request: ScanRequest): number | string {
  if (end - start < LIST_HEAD_BYTES) return `LIST: expected ${LIST_HEAD_BYTES} bytes or more, found ${end - start}`;
  const keyBytes = u16At(bytes, start + 12);
  const prefixBytes = u16At(bytes, start + 14);
  const wish = bytes[start + 16]!;
  const r = bytes[start + 17]!;
  const keysMax = u16At(bytes, start + 18);
  const bytesMax = u32At(bytes, start + 20);
  const keyspaceId = u32At(bytes, start);
  if (keyspaceId === 0) return 'LIST: expected a keyspace from 1, found 0';
  if (wish !== WANT_HEADS && wish !== WANT_RECORDS) return `LIST: expected a wish of ${WANT_HEADS} or ${WANT_RECORDS}, found ${wish}`;
  if (r > REPLICAS_MAX) return `LIST: expected 0 to ${REPLICAS_MAX} replicas, found ${r}`;
  if (keysMax < 1 || bytesMax < 1) return `LIST: expected 1 key and 1 byte or more, found ${keysMax}, ${bytesMax}`;
  if (u16At(bytes, start + 26) !== 0) return `LIST: expected zero at 26, found ${u16At(bytes, start + 26)}`;
  const keyAt = start + LIST_HEAD_BYTES;
  if (keyBytes > STORE_KEY_BYTES_MAX || prefixBytes > STORE_KEY_BYTES_MAX || end - keyAt !== keyBytes + prefixBytes)
    return `LIST: expected ${keyBytes} + ${prefixBytes} bytes of key and prefix, found ${end - keyAt}`;
  request.keyspaceId = keyspaceId;
  request.start = { high: u32At(bytes, start + 4), low: u32At(bytes, start + 8), key: copyOf(bytes, keyAt, keyAt + keyBytes) };
  request.prefix = copyOf(bytes, keyAt + keyBytes, end);
  request.wish = wish;
  request.r = r;
  request.keysMax = keysMax;
  request.bytesMax = bytesMax;
  request.isWhole = false;
  return u16At(bytes, start + 24);
}

/** Appends the payload. `entries`: of the answer, from its first one on. Returns false, and appends nothing, when there is no room. */
export function writeListed(
  out: OutBuffer,
  { status, received, needed, next, message }: ScanAnswer,
  entries: Uint8Array,
  start: number,
  end: number,
): boolean {
  const text = message === '' ? NO_KEY : Buffer.from(message, 'utf8').subarray(0, MESSAGE_BYTES_MAX);
  const key = next?.key ?? NO_KEY;
  if (!out.ensure(LISTED_HEAD_BYTES + key.length + text.length + end - start)) return false;
  const { bytes, length } = out;
  bytes[length] = status;
  bytes[length + 1] = received;
  bytes[length + 2] = needed;
  bytes[length + 3] = next === null ? 1 : 0;
  let at = putU32(bytes, length + 4, next?.high ?? 0);
  at = putU32(bytes, at, next?.low ?? 0);
  at = putU16(bytes, at, key.length);
  at = putU16(bytes, at, text.length);
  copyBytes(key, 0, key.length, bytes, at);
  copyBytes(text, 0, text.length, bytes, at + key.length);
  copyBytes(entries, start, end, bytes, at + key.length + text.length);
  out.length = at + key.length + text.length + end - start;
  return true;
}

/** Fills `answer`, whose entries are then a view of the payload. Returns what was expected and found when that is malformed; then nothing of it may be used. */
export function readListed(bytes: Uint8Array, start: number, end: number, answer: ScanAnswer): string | undefined {
  if (end - start < LISTED_HEAD_BYTES) return `LISTED: expected ${LISTED_HEAD_BYTES} bytes or more, found ${end - start}`;
  const status = bytes[start]!;
  const isEnd = bytes[start + 3]!;
  const keyBytes = u16At(bytes, start + 12);
  const messageBytes = u16At(bytes, start + 14);
  if (status > LAST_STATUS) return `LISTED: expected status 0 to ${LAST_STATUS}, found ${status}`;
  if (isEnd > 1) return `LISTED: expected an end of 0 or 1, found ${isEnd}`;
  if (keyBytes > STORE_KEY_BYTES_MAX || messageBytes > MESSAGE_BYTES_MAX)
    return `LISTED: expected a key and a message that are shorter, found ${keyBytes} and ${messageBytes} bytes`;
  const keyAt = start + LISTED_HEAD_BYTES;
  const messageAt = keyAt + keyBytes;
  const entriesAt = messageAt + messageBytes;
  if (entriesAt > end) return `LISTED: expected ${keyBytes} + ${messageBytes} bytes of key and message, found ${end - keyAt}`;
  const wrong = faultOfEntries(bytes, entriesAt, end);
  if (wrong !== undefined) return `LISTED: ${wrong}`;
  answer.status = status;
  answer.received = bytes[start + 1]!;
  answer.needed = bytes[start + 2]!;
  answer.next = isEnd === 1 ? null : { high: u32At(bytes, start + 4), low: u32At(bytes, start + 8), key: copyOf(bytes, keyAt, messageAt) };
  answer.message = Buffer.from(copyOf(bytes, messageAt, entriesAt)).toString('utf8');
  answer.entries.open(bytes, entriesAt, end);
  if (status !== OK) answer.entries.open(bytes, end, end);
  return undefined;
}

function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return Uint8Array.prototype.slice.call(bytes, start, end);
}

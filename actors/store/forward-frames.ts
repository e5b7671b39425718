/**
 * FORWARD and FORWARDED: a whole request to a coordinator that can do it, and its answer. Written by coordinators whose shard has no replica of the key, and by the client
 * library; one hop, never forwarded again (T12, T13). All numbers are little-endian; the request id is in the header of the binary message.
 *
 * ```
 * FORWARD     a key place with its key (key-place.ts), then
 *             0  u8   context: 0 none, 1 local, 2 read, 3 given (store-request.ts)
 *             1  u8   r                      2  u8   w          replicas; 0: as the keyspace says
 *             3  u8   durability: 0 as the keyspace says, 1 none, 2 periodic, 3 sync
 *             4  u8   flags of a get: 1 from the receiver's own replica alone, 2 monotonic
 *             5  u8   primaries among those replicas, at least
 *             6  u16  milliseconds left when it was sent; 0: as many as the receiver gives
 *             8  u64  expiry, ms since 1970; 0: never
 *            16  u32  bytes of the context  20  u32  bytes of the value
 *            24  u32  origin of the write: 32 random bits of each start of who sends it; 0: it is never sent again
 *            28  u32  number of the write, by its origin (recent-forwards.ts)
 *            32  context (a bare version vector; empty unless given), value (empty unless put)
 *
 * FORWARDED   0  u8   status (store-request.ts)
 *             1  u8   received               2  u8   needed      3  u8   primaries
 *             4  u16  bytes of the message   6  u8   replicas that are named   7  u8  zero
 *             8  u32  bytes of the record; 0: there is none
 *            12  u32  epoch of the ring whose members they are
 *            16  u16 each: who has answered, by place among the members; message (UTF-8), record
 * ```
 */
import { copyBytes, type OutBuffer } from '../../runtime/bytes.ts';
import { u16At, u32At, u64At } from '../../storage/byte-reader.ts';
import { putU16, putU32, putU64 } from '../../storage/byte-writer.ts';
import { REPLICAS_MAX } from '../ring/limits.ts';
import { checkBareVector, checkRecord } from '../version/check-record.ts';
import { KeyPlace } from './key-place.ts';
import { PLACE_HEAD_BYTES } from './place-head.ts';
import {
  CONTEXT_GIVEN,
  CONTEXT_NONE,
  type ContextKind,
  DELETE,
  DURABILITY_SYNC,
  GET,
  LAST_STATUS,
  PUT,
  type RequestKind,
  type StoreAnswer,
  type StoreRequest,
} from './store-request.ts';

/** Behind the key. */
const FORWARD_HEAD_BYTES = 32;
export const FORWARDED_HEAD_BYTES = 16;
/** Longer messages are cut. */
export const MESSAGE_BYTES_MAX = 1_024;

const LOCAL_FLAG = 1;
const MONOTONIC_FLAG = 2;

/**
 * Appends the payload. `place.option` becomes the kind. `remainingMs`: until the deadline, at least 1. `origin`, `number`: of a write that may be sent again.
 * Requires: what a gateway has checked. Returns false, and appends nothing, when there is no room.
 */
export function writeForward(out: OutBuffer, place: KeyPlace, request: StoreRequest, remainingMs: number, origin = 0, number = 0): boolean {
  const contextBytes = request.kind !== GET && request.contextKind === CONTEXT_GIVEN ? request.contextEnd - request.contextStart : 0;
  const valueBytes = request.kind === PUT ? request.valueEnd - request.valueStart : 0;
  const keyBytes = request.keyEnd - request.keyStart;
  if (!out.ensure(PLACE_HEAD_BYTES + keyBytes + FORWARD_HEAD_BYTES + contextBytes + valueBytes)) return false;
  place.option = request.kind;
  place.write(request.key, request.keyStart, request.keyEnd, out);
  const { bytes, length: at } = out;
  bytes[at] = request.kind === GET ? CONTEXT_NONE : request.contextKind;
  bytes[at + 1] = request.r;
  bytes[at + 2] = request.w;
  bytes[at + 3] = request.durability;
  bytes[at + 4] = request.kind !== GET ? 0 : request.isLocal ? LOCAL_FLAG : request.isMonotonic ? MONOTONIC_FLAG : 0;
  bytes[at + 5] = request.primaries;
  putU16(bytes, at + 6, remainingMs > 0xffff ? 0xffff : Math.max(1, Math.floor(remainingMs)));
  putU64(bytes, at + 8, request.kind === PUT ? request.expiryMs : 0);
  putU32(bytes, at + 16, contextBytes);
  putU32(bytes, at + 20, valueBytes);
  putU32(bytes, at + 24, origin);
  putU32(bytes, at + 28, number);
  const contextAt = at + FORWARD_HEAD_BYTES;
  copyBytes(request.context, request.contextStart, request.contextStart + contextBytes, bytes, contextAt);
  copyBytes(request.value, request.valueStart, request.valueStart + valueBytes, bytes, contextAt + contextBytes);
  out.length = contextAt + contextBytes + valueBytes;
  return true;
}

/** A FORWARD as it was read: `request` has all but keyspace, deadline, sink and token, and views of the payload. One is used for many. */
export class Forward {
  readonly place = new KeyPlace();
  readonly request: StoreRequest;
  /** 0: not said. */
  remainingMs = 0;
  /** Of the write: with them a copy that comes late, or that is sent again, is known as one. */
  origin = 0;
  number = 0;

  constructor(request: StoreRequest) {
    this.request = request;
  }

  /** Returns what was expected and found when the payload is malformed; then nothing of it may be used. */
  read(bytes: Uint8Array, offset: number, length: number): string | undefined {
    const { place, request } = this;
    const end = offset + length;
    const misplaced = place.open(bytes, offset, end);
    if (misplaced !== undefined) return `FORWARD: ${misplaced}`;
    const at = place.keyEnd;
    if (end - at < FORWARD_HEAD_BYTES) return `FORWARD: expected ${FORWARD_HEAD_BYTES} bytes or more behind the key, found ${end - at}`;
    const contextBytes = u32At(bytes, at + 16);
    const valueBytes = u32At(bytes, at + 20);
    if (end - at !== FORWARD_HEAD_BYTES + contextBytes + valueBytes) {
      return `FORWARD: expected ${FORWARD_HEAD_BYTES} + ${contextBytes} + ${valueBytes} bytes behind the key, found ${end - at}`;
    }
    const contextAt = at + FORWARD_HEAD_BYTES;
    const wrong = faultOf(bytes, place, contextBytes, valueBytes) ?? contextFault(bytes, at, contextAt, contextBytes);
    if (wrong !== undefined) return `FORWARD: ${wrong}`;
    request.kind = place.option as RequestKind;
    request.contextKind = bytes[at] as ContextKind;
    request.r = bytes[at + 1]!;
    request.w = bytes[at + 2]!;
    request.durability = bytes[at + 3]!;
    request.isLocal = bytes[at + 4] === LOCAL_FLAG;
    request.isMonotonic = bytes[at + 4] === MONOTONIC_FLAG;
    request.primaries = bytes[at + 5]!;
    this.remainingMs = u16At(bytes, at + 6);
    request.expiryMs = u64At(bytes, at + 8);
    this.origin = u32At(bytes, at + 24);
    this.number = u32At(bytes, at + 28);
    request.key = bytes;
    request.keyStart = place.keyStart;
    request.keyEnd = at;
    request.context = bytes;
    request.contextStart = contextAt;
    request.contextEnd = contextAt + contextBytes;
    request.value = bytes;
    request.valueStart = contextAt + contextBytes;
    request.valueEnd = end;
    return undefined;
  }
}

function faultOf(bytes: Uint8Array, { option: kind, keyEnd: at }: KeyPlace, contextBytes: number, valueBytes: number): string | undefined {
  if (kind < GET || kind > DELETE) return `expected kind ${GET}, ${PUT} or ${DELETE}, found ${kind}`;
  const context = bytes[at]!;
  if (context > CONTEXT_GIVEN) return `expected context 0 to ${CONTEXT_GIVEN}, found ${context}`;
  if (kind === GET && context !== CONTEXT_NONE) return `expected no context in a get, found ${context}`;
  if (context !== CONTEXT_GIVEN && contextBytes !== 0) return `expected no bytes of context ${context}, found ${contextBytes}`;
  for (let i = at + 1; i <= at + 2; i++) {
    const replicas = bytes[i]!;
    if (replicas > REPLICAS_MAX) return `expected 0 to ${REPLICAS_MAX} replicas, found ${replicas}`;
  }
  if (bytes[at + 3]! > DURABILITY_SYNC) return `expected durability 0 to ${DURABILITY_SYNC}, found ${bytes[at + 3]}`;
  const flags = bytes[at + 4]!;
  if (flags > (kind === GET ? MONOTONIC_FLAG : 0)) return `expected flags 0${kind === GET ? ` to ${MONOTONIC_FLAG}` : ''}, found ${flags}`;
  const primaries = bytes[at + 5]!;
  if (primaries > REPLICAS_MAX) return `expected 0 to ${REPLICAS_MAX} primaries, found ${primaries}`;
  if (kind !== PUT && valueBytes !== 0) return `expected no value, found ${valueBytes} bytes`;
  const expiry = u64At(bytes, at + 8);
  if (expiry > (kind === PUT ? Number.MAX_SAFE_INTEGER : 0))
    return `expected ${kind === PUT ? 'an expiry below 2^53' : 'no expiry'}, found ${expiry}`;
  return undefined;
}

function contextFault(bytes: Uint8Array, at: number, contextAt: number, contextBytes: number): string | undefined {
  if (bytes[at] !== CONTEXT_GIVEN) return undefined;
  const wrong = checkBareVector(bytes, contextAt, contextAt + contextBytes);
  return wrong === undefined ? undefined : `context: ${wrong}`;
}

/** Appends the payload. Returns false, and appends nothing, when there is no room. */
export function writeForwarded(out: OutBuffer, answer: StoreAnswer): boolean {
  const { record } = answer;
  const recordBytes = record.end - record.start;
  const message = answer.message === '' ? NOTHING : Buffer.from(answer.message, 'utf8').subarray(0, MESSAGE_BYTES_MAX);
  const { replied, repliedCount } = answer;
  const messageAt = FORWARDED_HEAD_BYTES + repliedCount * 2;
  if (!out.ensure(messageAt + message.length + recordBytes)) return false;
  const { bytes, length: at } = out;
  bytes[at] = answer.status;
  bytes[at + 1] = answer.received;
  bytes[at + 2] = answer.needed;
  bytes[at + 3] = answer.primaries;
  putU16(bytes, at + 4, message.length);
  bytes[at + 6] = repliedCount;
  bytes[at + 7] = 0;
  putU32(bytes, at + 8, recordBytes);
  putU32(bytes, at + 12, answer.epoch);
  for (let i = 0; i < repliedCount; i++) putU16(bytes, at + FORWARDED_HEAD_BYTES + i * 2, replied[i]!);
  copyBytes(message, 0, message.length, bytes, at + messageAt);
  copyBytes(record.bytes, record.start, record.end, bytes, at + messageAt + message.length);
  out.length = at + messageAt + message.length + recordBytes;
  return true;
}

/** Fills `answer`, whose record is then a view of the payload. Returns what was expected and found when that is malformed; then nothing of it may be used. */
export function readForwarded(bytes: Uint8Array, offset: number, length: number, answer: StoreAnswer): string | undefined {
  answer.record.clear();
  if (length < FORWARDED_HEAD_BYTES) return `FORWARDED: expected at least ${FORWARDED_HEAD_BYTES} bytes, found ${length}`;
  const messageBytes = u16At(bytes, offset + 4);
  const repliedCount = bytes[offset + 6]!;
  const recordBytes = u32At(bytes, offset + 8);
  const head = FORWARDED_HEAD_BYTES + repliedCount * 2;
  if (length !== head + messageBytes + recordBytes) {
    return `FORWARDED: expected ${head} + ${messageBytes} + ${recordBytes} bytes, found ${length}`;
  }
  if (repliedCount > answer.replied.length) return `FORWARDED: expected at most ${answer.replied.length} replicas, found ${repliedCount}`;
  if (bytes[offset + 7] !== 0) return `FORWARDED: expected zero at 7, found ${bytes[offset + 7]}`;
  if (messageBytes > MESSAGE_BYTES_MAX) return `FORWARDED: expected a message of at most ${MESSAGE_BYTES_MAX} bytes, found ${messageBytes}`;
  const status = bytes[offset]!;
  if (status > LAST_STATUS) return `FORWARDED: expected status 0 to ${LAST_STATUS}, found ${status}`;
  const messageAt = offset + head;
  const recordAt = messageAt + messageBytes;
  const wrong = recordBytes === 0 ? undefined : checkRecord(bytes, recordAt, recordAt + recordBytes);
  if (wrong !== undefined) return `FORWARDED: record: ${wrong}`;
  answer.status = status;
  answer.received = bytes[offset + 1]!;
  answer.needed = bytes[offset + 2]!;
  answer.primaries = bytes[offset + 3]!;
  answer.epoch = u32At(bytes, offset + 12);
  answer.repliedCount = repliedCount;
  for (let i = 0; i < repliedCount; i++) answer.replied[i] = u16At(bytes, offset + FORWARDED_HEAD_BYTES + i * 2);
  answer.message = messageBytes === 0 ? '' : Buffer.from(bytes.subarray(messageAt, recordAt)).toString('utf8');
  if (recordBytes > 0) answer.record.open(bytes, recordAt, recordAt + recordBytes);
  return undefined;
}

const NOTHING = new Uint8Array(0);

/**
 * FORWARD and FORWARDED: a whole request to a coordinator that can do it, and its answer. Written by coordinators whose shard has no replica of the key, and by the client
 * library; one hop, never forwarded again (T12, T13). All numbers are little-endian; the request id is in the header of the binary message.
 *
 * ```
 * FORWARD     0  u32  keyspace
 *             4  u32  token, high half       8  u32  token, low half
 *            12  u32  epoch in which the replicas of the partition last changed, in the sender's ring (RingState.changedAt)
 *            16  u32  generation of the sender's ring
 *            20  u16  bytes of the key - 1  22  u16  zero
 *            24  u8   kind: 1 get, 2 put, 3 delete
 *            25  u8   context: 0 none, 1 local, 2 read, 3 given (store-request.ts)
 *            26  u8   r                     27  u8   w          replicas; 0: as the keyspace says
 *            28  u8   durability: 0 as the keyspace says, 1 none, 2 periodic, 3 sync
 *            29  u8   flags: 1 from the receiver's own replica alone (get)
 *            30  u16  milliseconds left when it was sent; 0: as many as the receiver gives
 *            32  u64  expiry, ms since 1970; 0: never
 *            40  u32  bytes of the context  44  u32  bytes of the value
 *            48  u32  origin of the write: 32 random bits of each start of who sends it; 0: it is never sent again
 *            52  u32  number of the write, by its origin (recent-forwards.ts)
 *            56  key, context (a bare version vector; empty unless given), value (empty unless put)
 *
 * FORWARDED   0  u8   status (store-request.ts)
 *             1  u8   received               2  u8   needed      3  u8   primaries
 *             4  u32  bytes of the message   8  u32  bytes of the record; 0: there is none
 *            12  message (UTF-8), record
 * ```
 */
import type { OutBuffer } from '../../runtime/bytes.ts';
import { u16At, u32At, u64At } from '../../storage/byte-reader.ts';
import { putU16, putU32, putU64 } from '../../storage/byte-writer.ts';
import { KEY_BYTES_MAX } from '../../storage/key.ts';
import { checkBareVector, checkRecord } from '../version/check-record.ts';
import { copyBytes } from '../version/copy-bytes.ts';
import {
  CONTEXT_GIVEN,
  CONTEXT_NONE,
  type ContextKind,
  DELETE,
  DURABILITY_SYNC,
  GET,
  NO_KEYSPACE_FOUND,
  PUT,
  type RequestKind,
  type StoreAnswer,
  type StoreRequest,
} from './store-request.ts';

export const FORWARD_HEAD_BYTES = 56;
export const FORWARDED_HEAD_BYTES = 12;
/** Longer messages are cut. */
export const MESSAGE_BYTES_MAX = 1_024;

const REPLICAS_MAX = 16;
const LOCAL_FLAG = 1;
const LAST_STATUS = NO_KEYSPACE_FOUND;

/** Where a key lies, and by which ring. */
export class KeyPlace {
  keyspace = 0;
  high = 0;
  low = 0;
  changedAt = 0;
  generation = 0;
  /** Of the write: with them a copy that comes late, or that is sent again, is known as one. */
  origin = 0;
  number = 0;
}

/** Appends the payload. `remainingMs`: until the deadline, at least 1. Requires: what a gateway has checked. Returns false, and appends nothing, when there is no room. */
export function writeForward(out: OutBuffer, place: KeyPlace, request: StoreRequest, remainingMs: number): boolean {
  const keyBytes = request.keyEnd - request.keyStart;
  const contextBytes = request.kind !== GET && request.contextKind === CONTEXT_GIVEN ? request.contextEnd - request.contextStart : 0;
  const valueBytes = request.kind === PUT ? request.valueEnd - request.valueStart : 0;
  if (!out.ensure(FORWARD_HEAD_BYTES + keyBytes + contextBytes + valueBytes)) return false;
  const { bytes, length: at } = out;
  putU32(bytes, at, place.keyspace);
  putU32(bytes, at + 4, place.high);
  putU32(bytes, at + 8, place.low);
  putU32(bytes, at + 12, place.changedAt);
  putU32(bytes, at + 16, place.generation);
  putU16(bytes, at + 20, keyBytes - 1);
  putU16(bytes, at + 22, 0);
  bytes[at + 24] = request.kind;
  bytes[at + 25] = request.kind === GET ? CONTEXT_NONE : request.contextKind;
  bytes[at + 26] = request.r;
  bytes[at + 27] = request.w;
  bytes[at + 28] = request.durability;
  bytes[at + 29] = request.kind === GET && request.isLocal ? LOCAL_FLAG : 0;
  putU16(bytes, at + 30, remainingMs > 0xffff ? 0xffff : Math.max(1, Math.floor(remainingMs)));
  putU64(bytes, at + 32, request.kind === PUT ? request.expiryMs : 0);
  putU32(bytes, at + 40, contextBytes);
  putU32(bytes, at + 44, valueBytes);
  putU32(bytes, at + 48, place.origin);
  putU32(bytes, at + 52, place.number);
  const keyAt = at + FORWARD_HEAD_BYTES;
  copyBytes(request.key, request.keyStart, request.keyEnd, bytes, keyAt);
  if (contextBytes > 0) copyBytes(request.context, request.contextStart, request.contextEnd, bytes, keyAt + keyBytes);
  if (valueBytes > 0) copyBytes(request.value, request.valueStart, request.valueEnd, bytes, keyAt + keyBytes + contextBytes);
  out.length = keyAt + keyBytes + contextBytes + valueBytes;
  return true;
}

/** A FORWARD as it was read: `request` has all but keyspace, deadline, sink and token, and views of the payload. One is used for many. */
export class Forward {
  readonly place = new KeyPlace();
  readonly request: StoreRequest;
  /** 0: not said. */
  remainingMs = 0;

  constructor(request: StoreRequest) {
    this.request = request;
  }

  /** Returns what was expected and found when the payload is malformed; then nothing of it may be used. */
  read(bytes: Uint8Array, offset: number, length: number): string | undefined {
    if (length < FORWARD_HEAD_BYTES + 1) return `FORWARD: expected at least ${FORWARD_HEAD_BYTES + 1} bytes, found ${length}`;
    const keyBytes = u16At(bytes, offset + 20) + 1;
    const contextBytes = u32At(bytes, offset + 40);
    const valueBytes = u32At(bytes, offset + 44);
    if (length !== FORWARD_HEAD_BYTES + keyBytes + contextBytes + valueBytes) {
      return `FORWARD: expected ${FORWARD_HEAD_BYTES} + ${keyBytes} + ${contextBytes} + ${valueBytes} bytes, found ${length}`;
    }
    const contextAt = offset + FORWARD_HEAD_BYTES + keyBytes;
    const wrong = faultOf(bytes, offset, contextBytes, valueBytes) ?? contextFault(bytes, offset, contextAt, contextBytes);
    if (wrong !== undefined) return `FORWARD: ${wrong}`;
    const { place, request } = this;
    place.keyspace = u32At(bytes, offset);
    place.high = u32At(bytes, offset + 4);
    place.low = u32At(bytes, offset + 8);
    place.changedAt = u32At(bytes, offset + 12);
    place.generation = u32At(bytes, offset + 16);
    place.origin = u32At(bytes, offset + 48);
    place.number = u32At(bytes, offset + 52);
    request.kind = bytes[offset + 24] as RequestKind;
    request.contextKind = bytes[offset + 25] as ContextKind;
    request.r = bytes[offset + 26]!;
    request.w = bytes[offset + 27]!;
    request.durability = bytes[offset + 28]!;
    request.isLocal = bytes[offset + 29] === LOCAL_FLAG;
    this.remainingMs = u16At(bytes, offset + 30);
    request.expiryMs = u64At(bytes, offset + 32);
    request.key = bytes;
    request.keyStart = offset + FORWARD_HEAD_BYTES;
    request.keyEnd = contextAt;
    request.context = bytes;
    request.contextStart = contextAt;
    request.contextEnd = contextAt + contextBytes;
    request.value = bytes;
    request.valueStart = contextAt + contextBytes;
    request.valueEnd = offset + length;
    return undefined;
  }
}

function faultOf(bytes: Uint8Array, offset: number, contextBytes: number, valueBytes: number): string | undefined {
  const kind = bytes[offset + 24]!;
  if (kind < GET || kind > DELETE) return `expected kind ${GET}, ${PUT} or ${DELETE}, found ${kind}`;
  if (u16At(bytes, offset + 22) !== 0) return `expected zero at 22, found ${u16At(bytes, offset + 22)}`;
  const context = bytes[offset + 25]!;
  if (context > CONTEXT_GIVEN) return `expected context 0 to ${CONTEXT_GIVEN}, found ${context}`;
  if (kind === GET && context !== CONTEXT_NONE) return `expected no context in a get, found ${context}`;
  if (context !== CONTEXT_GIVEN && contextBytes !== 0) return `expected no bytes of context ${context}, found ${contextBytes}`;
  for (const at of [26, 27]) {
    const replicas = bytes[offset + at]!;
    if (replicas > REPLICAS_MAX) return `expected 0 to ${REPLICAS_MAX} replicas, found ${replicas}`;
  }
  if (bytes[offset + 28]! > DURABILITY_SYNC) return `expected durability 0 to ${DURABILITY_SYNC}, found ${bytes[offset + 28]}`;
  const flags = bytes[offset + 29]!;
  if (flags > (kind === GET ? LOCAL_FLAG : 0)) return `expected flags 0${kind === GET ? ` or ${LOCAL_FLAG}` : ''}, found ${flags}`;
  if (kind !== PUT && valueBytes !== 0) return `expected no value, found ${valueBytes} bytes`;
  const expiry = u64At(bytes, offset + 32);
  if (expiry > (kind === PUT ? Number.MAX_SAFE_INTEGER : 0))
    return `expected ${kind === PUT ? 'an expiry below 2^53' : 'no expiry'}, found ${expiry}`;
  return undefined;
}

function contextFault(bytes: Uint8Array, offset: number, contextAt: number, contextBytes: number): string | undefined {
  if (bytes[offset + 25] !== CONTEXT_GIVEN) return undefined;
  const wrong = checkBareVector(bytes, contextAt, contextAt + contextBytes);
  return wrong === undefined ? undefined : `context: ${wrong}`;
}

/** Appends the payload. Returns false, and appends nothing, when there is no room. */
export function writeForwarded(out: OutBuffer, answer: StoreAnswer): boolean {
  const { record } = answer;
  const recordBytes = record.end - record.start;
  const message = answer.message === '' ? NOTHING : Buffer.from(answer.message, 'utf8').subarray(0, MESSAGE_BYTES_MAX);
  if (!out.ensure(FORWARDED_HEAD_BYTES + message.length + recordBytes)) return false;
  const { bytes, length: at } = out;
  bytes[at] = answer.status;
  bytes[at + 1] = answer.received;
  bytes[at + 2] = answer.needed;
  bytes[at + 3] = answer.primaries;
  putU32(bytes, at + 4, message.length);
  putU32(bytes, at + 8, recordBytes);
  copyBytes(message, 0, message.length, bytes, at + FORWARDED_HEAD_BYTES);
  copyBytes(record.bytes, record.start, record.end, bytes, at + FORWARDED_HEAD_BYTES + message.length);
  out.length = at + FORWARDED_HEAD_BYTES + message.length + recordBytes;
  return true;
}

/** Fills `answer`, whose record is then a view of the payload. Returns what was expected and found when that is malformed; then nothing of it may be used. */
export function readForwarded(bytes: Uint8Array, offset: number, length: number, answer: StoreAnswer): string | undefined {
  answer.record.clear();
  if (length < FORWARDED_HEAD_BYTES) return `FORWARDED: expected at least ${FORWARDED_HEAD_BYTES} bytes, found ${length}`;
  const messageBytes = u32At(bytes, offset + 4);
  const recordBytes = u32At(bytes, offset + 8);
  if (length !== FORWARDED_HEAD_BYTES + messageBytes + recordBytes) {
    return `FORWARDED: expected ${FORWARDED_HEAD_BYTES} + ${messageBytes} + ${recordBytes} bytes, found ${length}`;
  }
  if (messageBytes > MESSAGE_BYTES_MAX) return `FORWARDED: expected a message of at most ${MESSAGE_BYTES_MAX} bytes, found ${messageBytes}`;
  const status = bytes[offset]!;
  if (status > LAST_STATUS) return `FORWARDED: expected status 0 to ${LAST_STATUS}, found ${status}`;
  const recordAt = offset + FORWARDED_HEAD_BYTES + messageBytes;
  const wrong = recordBytes === 0 ? undefined : checkRecord(bytes, recordAt, recordAt + recordBytes);
  if (wrong !== undefined) return `FORWARDED: record: ${wrong}`;
  answer.status = status;
  answer.received = bytes[offset + 1]!;
  answer.needed = bytes[offset + 2]!;
  answer.primaries = bytes[offset + 3]!;
  answer.message = messageBytes === 0 ? '' : Buffer.from(bytes.subarray(offset + FORWARDED_HEAD_BYTES, recordAt)).toString('utf8');
  if (recordBytes > 0) answer.record.open(bytes, recordAt, recordAt + recordBytes);
  return undefined;
}

/** 1 to KEY_BYTES_MAX: what the frame's 16 bits can say. */
export function isKeyLength(bytes: number): boolean {
  return bytes >= 1 && bytes <= KEY_BYTES_MAX;
}

const NOTHING = new Uint8Array(0);

/**
 * FORWARD and FORWARDED as the client writes and reads them (store/data-frames.ts). All numbers are little-endian.
 *
 * ```
 * FORWARD     0  the key place, 24 bytes
 *            24  u8 kind  u8 context kind  u8 r  u8 w  u8 durability  u8 flags  u16 zero
 *            32  u64 expiry, ms since 1970, 0: never
 *            40  u32 bytes of the context   44  u32 bytes of the value
 *            48  key, context, value
 * FORWARDED   0  u8 status  u8 received  u8 needed  u8 primaries
 *             4  u32 bytes of the message   8  u32 bytes of the record
 *            12  message, record
 * ```
 */
import type { OutBuffer } from '../../runtime/bytes.ts';
import { u32At } from '../../storage/byte-reader.ts';
import { putU16, putU32, putU64 } from '../../storage/byte-writer.ts';
import { CONTEXT_GIVEN, CONTEXT_NONE } from '../store/store-request.ts';
import { checkRecord } from '../version/check-record.ts';
import { RecordView } from '../version/record-view.ts';

const PLACE_BYTES = 24;
const HEAD_BYTES = PLACE_BYTES + 24;
const ANSWER_BYTES = 12;

/** What the frame says besides what the caller of the client said. */
export interface Forwarded {
  readonly keyspaceId: number;
  /** Epoch in which the replicas of the partition last changed, and generation, in the sender's ring. */
  readonly changedAt: number;
  readonly generation: number;
  /** Counts; 0: as the keyspace says. */
  readonly r: number;
  readonly w: number;
  readonly durability: number;
}

export interface ForwardedRequest {
  readonly kind: number;
  readonly key: Uint8Array;
  readonly tokenHigh: number;
  readonly tokenLow: number;
  readonly value: Uint8Array | undefined;
  readonly context: Uint8Array | undefined;
  readonly expiryMs: number;
}

/** Writes the payload to the beginning of `out`. Returns false when it is longer than `out` may be. */
export function writeForward(out: OutBuffer, request: ForwardedRequest, about: Forwarded): boolean {
  const { key, value = NOTHING, context } = request;
  const contextBytes = context === undefined ? 0 : context.length;
  out.clear();
  if (!out.ensure(HEAD_BYTES + key.length + contextBytes + value.length)) return false;
  const { bytes } = out;
  putU32(bytes, 0, about.keyspaceId);
  putU32(bytes, 4, request.tokenHigh);
  putU32(bytes, 8, request.tokenLow);
  putU32(bytes, 12, about.changedAt);
  putU32(bytes, 16, about.generation);
  putU16(bytes, 20, key.length - 1);
  putU16(bytes, 22, 0);
  bytes[24] = request.kind;
  bytes[25] = context === undefined ? CONTEXT_NONE : CONTEXT_GIVEN;
  bytes[26] = about.r;
  bytes[27] = about.w;
  bytes[28] = about.durability;
  bytes[29] = 0;
  putU16(bytes, 30, 0);
  putU64(bytes, 32, request.expiryMs);
  putU32(bytes, 40, contextBytes);
  putU32(bytes, 44, value.length);
  let at = HEAD_BYTES;
  bytes.set(key, at);
  at += key.length;
  if (context !== undefined) bytes.set(context, at);
  at += contextBytes;
  bytes.set(value, at);
  out.length = at + value.length;
  return true;
}

/** The answer to one operation; one object for all of them. */
export class ForwardedAnswer {
  status = 0;
  received = 0;
  needed = 0;
  primaries = 0;
  message = '';
  readonly record = new RecordView();

  /** Returns what was expected and found when the payload is malformed. */
  read(bytes: Uint8Array, offset: number, length: number): string | undefined {
    this.record.clear();
    if (length < ANSWER_BYTES) return `FORWARDED: expected at least ${ANSWER_BYTES} bytes, found ${length}`;
    const messageBytes = u32At(bytes, offset + 4);
    const recordBytes = u32At(bytes, offset + 8);
    if (length !== ANSWER_BYTES + messageBytes + recordBytes)
      return `FORWARDED: expected ${ANSWER_BYTES} + ${messageBytes} + ${recordBytes} bytes, found ${length}`;
    this.status = bytes[offset]!;
    this.received = bytes[offset + 1]!;
    this.needed = bytes[offset + 2]!;
    this.primaries = bytes[offset + 3]!;
    const recordAt = offset + ANSWER_BYTES + messageBytes;
    this.message = messageBytes === 0 ? '' : Buffer.from(bytes.subarray(offset + ANSWER_BYTES, recordAt)).toString('utf8');
    if (recordBytes === 0) return undefined;
    const wrong = checkRecord(bytes, recordAt, recordAt + recordBytes);
    if (wrong === undefined) this.record.open(bytes, recordAt, recordAt + recordBytes);
    return wrong === undefined ? undefined : `FORWARDED: ${wrong}`;
  }
}

const NOTHING = new Uint8Array(0);

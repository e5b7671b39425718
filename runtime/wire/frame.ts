/**
 * The frame: what travels between threads and machines, one message each. It is legal CBOR behind a length word, with every
 * field of its header at a fixed offset, so that a hot path reads and writes it without a CBOR library.
 *
 * ```
 *  0  u32  length of the body: the bytes after this word
 *  4  0x82             array of 2
 *  5  0x58 0x1c        byte string of 28: the header
 *  7  u8   kind        KIND_*
 *  8  u8   lane        0 .. 4
 *  9  u16  operation   of the binary path, or the signal's number
 * 11  u32  target slot
 * 15  u32  target uid
 * 19  u32  sender slot 0: nobody
 * 23  u32  sender uid
 * 27  u32  remaining   milliseconds until the deadline when sent; 0xffffffff: none
 * 31  u32  request id
 * 35  payload: one CBOR item. KIND_BYTES: 0x5a, u32 length, bytes (from offset 40)
 * ```
 * All numbers are big-endian, as CBOR's are. Target and sender are slots of the two places a link joins.
 */
import { copyBytes, type OutBuffer } from '../bytes.ts';
import { RuntimeError } from '../errors.ts';
import type { Lane } from '../lanes.ts';

export const LENGTH_BYTES = 4;
export const FRAME_HEADER_BYTES = 35;
export const BYTES_PREFIX_BYTES = 5;
export const NO_DEADLINE = 0xffff_ffff;

/** Between actors. */
export const KIND_TELL = 1;
export const KIND_BYTES = 2;
export const KIND_SIGNAL = 3;
/** Between the two ends of a connection only; never seen by the runtime. */
export const KIND_HELLO = 16;
export const KIND_WELCOME = 17;
export const KIND_REFUSE = 18;
export const KIND_PING = 19;
export const KIND_GOODBYE = 21;
export const KIND_WHO = 22;
export const KIND_IAM = 23;

/** `operation` of KIND_SIGNAL. */
export const SIGNAL_WATCH = 1;
export const SIGNAL_UNWATCH = 2;
/** Sender: the actor that is gone. Request id: index into TERMINATION_REASONS. */
export const SIGNAL_TERMINATED = 3;
export const SIGNAL_STOP = 4;
/** Sender: the actor that refused. Request id: index into REJECTION_REASONS. */
export const SIGNAL_REJECTED = 5;
/** Asks the target for credit; request id: how many messages. */
export const SIGNAL_CREDIT_REQUEST = 6;
/** Sender: the actor that grants; request id: how many messages. */
export const SIGNAL_CREDIT_GRANT = 7;
/** The sender has no more use for that many credits. */
export const SIGNAL_CREDIT_RETURN = 8;

/** Requires: `out` has room for FRAME_HEADER_BYTES. Returns the offset of the frame; `endFrame` closes it. */
export function beginFrame(
  out: OutBuffer,
  kind: number,
  lane: Lane,
  operation: number,
  targetSlot: number,
  targetUid: number,
  senderSlot: number,
  senderUid: number,
  remainingMs: number,
  requestId: number,
): number {
  const at = out.length;
  const view = out.view;
  // One word: array(2), bstr(28) in one length byte, kind.
  view.setUint32(at + 4, (0x82581c00 | kind) >>> 0);
  view.setUint8(at + 8, lane);
  view.setUint16(at + 9, operation);
  view.setUint32(at + 11, targetSlot);
  view.setUint32(at + 15, targetUid);
  view.setUint32(at + 19, senderSlot);
  view.setUint32(at + 23, senderUid);
  view.setUint32(at + 27, remainingMs);
  view.setUint32(at + 31, requestId);
  out.length = at + FRAME_HEADER_BYTES;
  return at;
}

/** Writes the length word of the frame begun at `at`, now that its payload is in. */
export function endFrame(out: OutBuffer, at: number): void {
  out.view.setUint32(at, out.length - at - LENGTH_BYTES);
}

/** Requires: `out` has room for BYTES_PREFIX_BYTES + length. */
export function writeBytesPayload(out: OutBuffer, bytes: Uint8Array, offset: number, length: number): void {
  const at = out.length;
  out.view.setUint8(at, 0x5a);
  out.view.setUint32(at + 1, length);
  const from = at + BYTES_PREFIX_BYTES;
  copyBytes(bytes, offset, offset + length, out.bytes, from);
  out.length = from + length;
}

/** The largest remaining time a frame carries is some 49 days; longer deadlines travel as none. */
export function remainingField(deadlineMs: number, nowMs: number): number {
  if (deadlineMs === 0) return NO_DEADLINE;
  const left = Math.ceil(deadlineMs - nowMs);
  return left <= 0 ? 0 : left >= NO_DEADLINE ? NO_DEADLINE : left;
}

/**
 * Checks the fixed bytes of the frame at `at` and that it ends within `end`.
 * Returns the offset after the frame. Errors: PROTOCOL, saying what was found and what was expected.
 */
export function checkFrame(view: DataView, at: number, end: number): number {
  if (end - at < FRAME_HEADER_BYTES + 1) throw protocolError(`frame of ${end - at} bytes, expected at least ${FRAME_HEADER_BYTES + 1}`);
  const next = at + LENGTH_BYTES + view.getUint32(at);
  if (next > end) throw protocolError(`frame of ${next - at} bytes in ${end - at}`);
  if (next - at < FRAME_HEADER_BYTES + 1) throw protocolError(`frame of ${next - at} bytes, expected at least ${FRAME_HEADER_BYTES + 1}`);
  const head = view.getUint32(at + 4);
  if (head >>> 8 !== 0x82581c) throw protocolError(`frame begins with ${(head >>> 8).toString(16)}, expected 82581c`);
  if (view.getUint8(at + 8) > 4) throw protocolError(`lane ${view.getUint8(at + 8)}, expected 0 to 4`);
  return next;
}

export function protocolError(message: string): RuntimeError {
  return new RuntimeError('PROTOCOL', message);
}

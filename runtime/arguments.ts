/** Checks of what callers give to refs and contexts. Errors: INVALID_ARGUMENT, naming the argument. */
import { invalidArgument } from './errors.ts';
import { BACKGROUND, CONTROL, type Lane, REQUEST } from './lanes.ts';

const TIMEOUT_MAX_MS = 2 ** 31;
const OPERATION_MAX = 0xffff;

export function checkTimeout(timeoutMs: unknown): number {
  if (typeof timeoutMs !== 'number' || !(timeoutMs > 0 && timeoutMs <= TIMEOUT_MAX_MS)) {
    throw invalidArgument(`timeoutMs: expected a number above 0 and up to ${TIMEOUT_MAX_MS}, got ${String(timeoutMs)}`);
  }
  return timeoutMs;
}

/** Not `SYSTEM`: that lane is the runtime's own, and what is in it is not a message. */
export function checkLane(lane: Lane | undefined): Lane {
  if (lane === undefined) return REQUEST;
  if (!(Number.isInteger(lane) && lane >= CONTROL && lane <= BACKGROUND)) {
    throw invalidArgument(`lane: expected CONTROL, RESPONSE, REQUEST or BACKGROUND (${CONTROL} to ${BACKGROUND}), got ${String(lane)}`);
  }
  return lane;
}

export function checkBytes(operation: number, bytes: Uint8Array, offset: number, length: number, requestId: number): void {
  // Why: one test on the hot path for whole numbers of the right size; which one failed is found out only then (bench:actors, binary rows).
  const isRight =
    (operation & OPERATION_MAX) === operation &&
    requestId >>> 0 === requestId &&
    offset >>> 0 === offset &&
    length >>> 0 === length &&
    offset + length <= bytes.byteLength;
  if (!isRight) throw wrongBytes(operation, bytes, offset, length, requestId);
}

function wrongBytes(operation: unknown, bytes: unknown, offset: unknown, length: unknown, requestId: unknown): Error {
  if (!isUnsigned(operation, OPERATION_MAX))
    return invalidArgument(`operation: expected a whole number up to ${OPERATION_MAX}, got ${String(operation)}`);
  if (!isUnsigned(requestId, 0xffff_ffff))
    return invalidArgument(`requestId: expected a whole number up to 4294967295, got ${String(requestId)}`);
  if (!(bytes instanceof Uint8Array)) return invalidArgument(`bytes: expected a Uint8Array, got ${typeof bytes}`);
  if (!isUnsigned(offset, bytes.length))
    return invalidArgument(`offset: expected 0 to ${bytes.length}, the length of bytes, got ${String(offset)}`);
  return invalidArgument(`length: expected 0 to ${bytes.length - offset}, what bytes holds from offset ${offset}, got ${String(length)}`);
}

function isUnsigned(value: unknown, max: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= max;
}

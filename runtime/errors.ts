/**
 * Errors of the runtime. An expected outcome is a value, a fault of the environment or of a caller is a
 * `RuntimeError` with a stable code, and a bug is a failed assertion (`BugError`), which crashes the actor that
 * met it and is its supervisor's business.
 */

export type RuntimeErrorCode =
  /** The target's mailbox, or the way to it, was full. Nothing was executed; retry later. */
  | 'OVERLOADED'
  /** No answer came before the deadline. The request may have been executed. */
  | 'DEADLINE_EXCEEDED'
  /** The target has stopped, or never existed. */
  | 'NO_SUCH_ACTOR'
  /** The place of the target (thread or machine) went down or can't be reached. The request may have been executed. */
  | 'UNREACHABLE'
  /** The target failed while it handled the message. */
  | 'ACTOR_FAILED'
  /** The system this was asked of is stopping or has stopped. */
  | 'STOPPED'
  /** An argument or option is not of the stated form. */
  | 'INVALID_ARGUMENT'
  /** A message holds something that can't be sent to another thread or machine. */
  | 'NOT_ENCODABLE'
  /** Bytes from a peer break the protocol. */
  | 'PROTOCOL'
  /** A definition or job of this name is not known in the thread that was asked for it. */
  | 'NOT_DEFINED'
  /** A job of the pool failed, was cancelled, or its thread died. */
  | 'JOB_FAILED'
  | 'JOB_CANCELLED'
  /** A worker thread failed to start, or died too often to be started again. */
  | 'SHARD_FAILED';

export class RuntimeError extends Error {
  readonly code: RuntimeErrorCode;

  constructor(code: RuntimeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RuntimeError';
    this.code = code;
  }
}

/** A broken invariant: never caught to be survived, only to be reported. */
export class BugError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BugError';
  }
}

/** Ends a switch over a closed union: the compiler proves it is never reached, the run-time says when it lied. */
export function unreachable(value: never): never {
  throw new BugError(`unreachable case: ${describe(value)}`);
}

export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new BugError(what);
}

export function invalidArgument(message: string): RuntimeError {
  return new RuntimeError('INVALID_ARGUMENT', message);
}

export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function describe(value: unknown): string {
  if (typeof value === 'object' && value !== null && 'type' in value) return `{type: ${String(value.type)}}`;
  return typeof value === 'object' ? Object.prototype.toString.call(value) : String(value);
}

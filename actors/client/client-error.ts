/** ClientError: why an operation of the client did not succeed. Codes are stable; `message` is for people. */
import { errorMessage, RuntimeError } from '../../runtime/errors.ts';

export type ClientErrorCode =
  /** Fewer replicas than needed could be asked or have answered: `needed`, `received`. Nothing was written. */
  | 'QUORUM_NOT_MET'
  /** A write was begun and not confirmed: it may be found later, or not. Never retried by the client. */
  | 'INDETERMINATE'
  /** The cluster, or this client's own queue, takes no more at present. Nothing was done. */
  | 'OVERLOADED'
  /** The time was up; of a write, before anything was written. */
  | 'TIMED_OUT'
  /** No node that could serve the key, or no seed at `connect`, could be reached in time. Nothing was done. */
  | 'UNREACHABLE'
  /** The nodes asked are starting, or not confirmed by their cluster. Nothing was done. */
  | 'LOADING'
  /** The ring changed under the request too often. Nothing was written. */
  | 'STALE_RING'
  /** A replica's disk failed or is full. What was asked for is not acknowledged, and may have been written elsewhere. */
  | 'STORAGE_FAILED'
  /** No such keyspace. */
  | 'NO_KEYSPACE'
  /** A key, value, context or option is not of the stated form or size; or the cluster refused it as such. */
  | 'INVALID_ARGUMENT'
  /** The signal given with the operation was aborted; `cause` is its reason. */
  | 'ABORTED'
  /** The client was closed. */
  | 'CLOSED'
  /** What is stored can't be decoded with the codec of this keyspace object; `cause` is the codec's error. */
  | 'UNDECODABLE'
  /** Seeds are of different clusters, or of another than `cluster` says; or the cluster refuses this client. */
  | 'OTHER_CLUSTER'
  /** A node answered in a way that this version does not understand. */
  | 'PROTOCOL'
  /** Of keyspace administration: it is there already, is not there, is not allowed now, or no majority of the members decided. */
  | 'EXISTS'
  | 'NOT_FOUND'
  | 'NOT_ALLOWED'
  | 'NO_MAJORITY';

/** The same call may be made again: it was not executed, or does no harm twice. */
const RETRYABLE: ReadonlySet<ClientErrorCode> = new Set([
  ...(['QUORUM_NOT_MET', 'OVERLOADED', 'TIMED_OUT', 'UNREACHABLE'] as const),
  ...(['LOADING', 'STALE_RING', 'NO_MAJORITY'] as const),
]);

export interface ClientErrorDetails {
  readonly cause?: unknown;
  /** Of QUORUM_NOT_MET and INDETERMINATE: replicas that counted, and how many had to. */
  readonly received?: number;
  readonly needed?: number;
  /** Whether a write may have been executed all the same. */
  readonly mayBeDone?: boolean;
}

export class ClientError extends Error {
  readonly code: ClientErrorCode;
  readonly received: number | undefined;
  readonly needed: number | undefined;
  readonly mayBeDone: boolean;

  constructor(code: ClientErrorCode, message: string, { cause, received, needed, mayBeDone = false }: ClientErrorDetails = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'ClientError';
    this.code = code;
    this.received = received;
    this.needed = needed;
    this.mayBeDone = mayBeDone;
  }

  /** The same call may succeed later, and nothing is done twice by making it again. */
  get retryable(): boolean {
    return RETRYABLE.has(this.code) && !this.mayBeDone;
  }
}

export function invalid(message: string, cause?: unknown): ClientError {
  return new ClientError('INVALID_ARGUMENT', message, cause === undefined ? {} : { cause });
}

/** What the runtime threw, in the client's words. */
export function asClientError(error: unknown): ClientError {
  if (error instanceof ClientError) return error;
  const cause = { cause: error };
  if (!(error instanceof RuntimeError)) return new ClientError('PROTOCOL', errorMessage(error), cause);
  switch (error.code) {
    case 'INVALID_ARGUMENT':
    case 'NOT_ENCODABLE':
      return new ClientError('INVALID_ARGUMENT', error.message, cause);
    case 'OVERLOADED':
      return new ClientError('OVERLOADED', error.message, cause);
    case 'DEADLINE_EXCEEDED':
      return new ClientError('TIMED_OUT', error.message, cause);
    case 'STOPPED':
      return new ClientError('CLOSED', error.message, cause);
    case 'NO_SUCH_ACTOR':
    case 'UNREACHABLE':
    case 'ACTOR_FAILED':
      return new ClientError('UNREACHABLE', error.message, cause);
    default:
      return new ClientError('PROTOCOL', error.message, cause);
  }
}

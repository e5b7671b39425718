/** What an answer of a coordinator means for an operation: whether it is over, and if not, what is done about it. Pure. */

import type { StoreAnswer } from '../store/store-request.ts';
import {
  INDETERMINATE,
  INVALID,
  LOADING,
  NO_KEYSPACE_FOUND,
  NOT_FOUND,
  OK,
  OVERLOADED,
  QUORUM_NOT_MET,
  STALE_RING,
  STORAGE_FAILED,
  TIMED_OUT,
} from '../store/store-request.ts';
import { ClientError, type ClientErrorCode } from './client-error.ts';

export type Verdict =
  | 'succeeded'
  /** Again by the newest ring. Not counted as a try. */
  | 'newRing'
  /** Again, at once, at another replica. */
  | 'elsewhere'
  /** Again after a while, at another replica where there is one. */
  | 'later'
  | 'failed';

export function judge(status: number, isWrite: boolean): Verdict {
  switch (status) {
    case OK:
    case NOT_FOUND:
      return 'succeeded';
    case STALE_RING:
    case NO_KEYSPACE_FOUND:
      return 'newRing';
    case LOADING:
      return 'elsewhere';
    case QUORUM_NOT_MET:
    case OVERLOADED:
      return 'later';
    case STORAGE_FAILED:
      return isWrite ? 'failed' : 'elsewhere';
    default:
      return 'failed';
  }
}

const CODES: Readonly<Record<number, readonly [ClientErrorCode, string]>> = {
  [QUORUM_NOT_MET]: ['QUORUM_NOT_MET', 'too few replicas can be reached or have answered'],
  [INDETERMINATE]: ['INDETERMINATE', 'too few replicas have confirmed the write in time; it may be found later, or not'],
  [OVERLOADED]: ['OVERLOADED', 'the node takes no more requests at present'],
  [TIMED_OUT]: ['TIMED_OUT', 'the time was up'],
  [INVALID]: ['INVALID_ARGUMENT', 'the cluster refused the request'],
  [LOADING]: ['LOADING', 'the node is starting'],
  [STORAGE_FAILED]: ['STORAGE_FAILED', "a replica's disk failed or is full"],
  [STALE_RING]: ['STALE_RING', 'the ring has changed under the request'],
  [NO_KEYSPACE_FOUND]: ['NO_KEYSPACE', 'there is no such keyspace'],
};

type Refusal = Pick<StoreAnswer, 'status' | 'message' | 'received' | 'needed'>;

/** Of an answer that is no success. */
export function errorOf({ status, message, received, needed }: Refusal, isWrite: boolean): ClientError {
  const known = CODES[status];
  if (known === undefined) return new ClientError('PROTOCOL', `answer with status ${status}, expected 0 to 10`, { mayBeDone: isWrite });
  const [code, meaning] = known;
  const isCount = status === QUORUM_NOT_MET || status === INDETERMINATE;
  const counts = isCount ? `: ${received} of ${needed}` : '';
  return new ClientError(code, `${message === '' ? meaning : message}${counts}`, {
    ...(isCount ? { received, needed } : {}),
    mayBeDone: isWrite && (status === INDETERMINATE || status === STORAGE_FAILED),
  });
}

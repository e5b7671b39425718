/** What a client is told when the store could not do what it asked: a code that clients of Redis know where there is one, and the figures. */
import {
  INDETERMINATE,
  INVALID,
  LOADING,
  NO_KEYSPACE_FOUND,
  OVERLOADED,
  QUORUM_NOT_MET,
  STALE_RING,
  STORAGE_FAILED,
  type StoreAnswer,
  TIMED_OUT,
} from '../store/store-request.ts';

export type Failure = Pick<StoreAnswer, 'status' | 'received' | 'needed' | 'message'>;

/** Requires: `status` is neither OK nor NOT_FOUND. */
export function failureText({ status, received, needed, message }: Failure): string {
  const more = message === '' ? '' : `: ${message}`;
  switch (status) {
    case QUORUM_NOT_MET:
      return `CLUSTERDOWN quorum not met, nothing was written: ${needed} replicas needed, ${received} answered${more}`;
    case INDETERMINATE:
      return `INDETERMINATE the write was begun, and ${received} of ${needed} replicas have confirmed it: it may be found later, or not${more}`;
    case OVERLOADED:
      return `TRYAGAIN overloaded, nothing was done${more}`;
    case TIMED_OUT:
      return `TRYAGAIN timed out before anything was written: ${needed} replicas needed, ${received} answered${more}`;
    case STALE_RING:
      return `TRYAGAIN the ring has changed under the request, nothing was written${more}`;
    case INVALID:
      return `ERR ${message}`;
    case LOADING:
      return `LOADING this node has no ring yet, is not confirmed, or is opening its replicas${more}`;
    case STORAGE_FAILED:
      return `ERR storage failed${more}`;
    case NO_KEYSPACE_FOUND:
      return 'ERR no such keyspace: it was dropped';
    default:
      return `ERR unknown answer ${status} of the store${more}`;
  }
}

/** What is wrong with a request, before anything is done about it. */
import type { Keyspace } from '../ring/ring-state.ts';
import { GET, PUT, type StoreRequest } from './store-request.ts';

/** Returns what was expected and found; undefined when all is well. */
export function faultOfRequest(request: StoreRequest, { name, n, keyBytesMax, valueBytesMax }: Keyspace): string | undefined {
  const keyBytes = request.keyEnd - request.keyStart;
  if (keyBytes < 1 || keyBytes > keyBytesMax) return `key: expected 1 to ${keyBytesMax} bytes in keyspace ${name}, found ${keyBytes}`;
  if (request.r < 0 || request.r > n) return `r: expected 1 to ${n}, the replicas of keyspace ${name}, found ${request.r}`;
  if (request.primaries < 0 || request.primaries > n)
    return `primaries: expected 0 to ${n}, the replicas of keyspace ${name}, found ${request.primaries}`;
  if (request.kind === GET) return undefined;
  if (request.w < 0 || request.w > n) return `w: expected 1 to ${n}, the replicas of keyspace ${name}, found ${request.w}`;
  const valueBytes = request.kind === PUT ? request.valueEnd - request.valueStart : 0;
  if (valueBytes > valueBytesMax) return `value: expected at most ${valueBytesMax} bytes in keyspace ${name}, found ${valueBytes}`;
  return undefined;
}

/** Fills in the request that all sessions of a shard share. */
import type { Keyspace } from '../ring/ring-state.ts';
import { AS_KEYSPACE, CONTEXT_NONE, type RequestKind, type StoreRequest } from '../store/store-request.ts';
import type { SessionHost } from './session-host.ts';

/** A request on `key[keyStart, keyEnd)` without a value, context or options. Sink and token are still to be set. */
export function requestOn(
  host: SessionHost,
  kind: RequestKind,
  keyspace: Keyspace,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
): StoreRequest {
  const { request, settings } = host;
  request.kind = kind;
  request.keyspace = keyspace;
  request.key = key;
  request.keyStart = keyStart;
  request.keyEnd = keyEnd;
  request.valueStart = 0;
  request.valueEnd = 0;
  request.contextKind = CONTEXT_NONE;
  request.contextStart = 0;
  request.contextEnd = 0;
  request.expiryMs = 0;
  request.r = AS_KEYSPACE;
  request.w = AS_KEYSPACE;
  request.durability = AS_KEYSPACE;
  request.primaries = 0;
  request.isLocal = false;
  request.isMonotonic = false;
  request.deadlineMs = host.nowMs() + settings.requestTimeoutMs;
  return request;
}

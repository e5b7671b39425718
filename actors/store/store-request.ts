/**
 * StoreRequest and StoreAnswer: what gateways (RESP, the client's port, the embedded API) and the coordinator of their shard say to each other. Within one thread and
 * once per client operation, so both are objects that are filled in, used and filled in again: no promise, closure or string per request.
 *
 * ```
 *   gateway                                coordinator of the shard                replicas
 *     | request.kind = GET; ...  begin(request) |                                      |
 *     |---------------------------------------->|  local replica, frames to the others |
 *     |                                         |------------------------------------->|
 *     |        sink.answered(token, answer)     |<-------------------------------------|
 *     |<----------------------------------------|   (may come within `begin`)
 * ```
 */
import type { Durability } from '../../storage/engine/api.ts';
import type { Keyspace } from '../ring/ring-state.ts';
import type { RecordView } from '../version/record-view.ts';
import { REPLICAS_MAX } from './replica-mask.ts';

export const GET = 1;
export const PUT = 2;
/** A put of a tombstone. */
export const DELETE = 3;
export type RequestKind = typeof GET | typeof PUT | typeof DELETE;

/** What a write supersedes. */
/** Nothing: it becomes a sibling of what is there. */
export const CONTEXT_NONE = 0;
/** The coordinating replica's own record, as it is when the write comes to its turn. */
export const CONTEXT_LOCAL = 1;
/** The record read from R replicas first (`cp`). */
export const CONTEXT_READ = 2;
/** `context[contextStart, contextEnd)`: a bare version vector, whose seal was checked already. */
export const CONTEXT_GIVEN = 3;
export type ContextKind = typeof CONTEXT_NONE | typeof CONTEXT_LOCAL | typeof CONTEXT_READ | typeof CONTEXT_GIVEN;

/** 0 in `r`, `w`, `durability`: as the keyspace says. */
export const AS_KEYSPACE = 0;
export const DURABILITY_NONE = 1;
export const DURABILITY_PERIODIC = 2;
export const DURABILITY_SYNC = 3;

/** As keyspaces, clients and the engine say it. */
export function durabilityNumber(durability: Durability): number {
  switch (durability) {
    case 'none':
      return DURABILITY_NONE;
    case 'periodic':
      return DURABILITY_PERIODIC;
    case 'sync':
      return DURABILITY_SYNC;
  }
}

/** Filled in by a gateway; the coordinator copies what it needs before `begin` returns. */
export class StoreRequest {
  kind: RequestKind = GET;
  keyspace: Keyspace = NO_KEYSPACE;
  key: Uint8Array = NOTHING;
  keyStart = 0;
  keyEnd = 0;
  value: Uint8Array = NOTHING;
  valueStart = 0;
  valueEnd = 0;
  contextKind: ContextKind = CONTEXT_NONE;
  context: Uint8Array = NOTHING;
  contextStart = 0;
  contextEnd = 0;
  /** Millisecond since 1970; 0: never. */
  expiryMs = 0;
  /** Replicas that must answer (GET, CONTEXT_READ) and be as durable as asked (PUT, DELETE). */
  r = AS_KEYSPACE;
  w = AS_KEYSPACE;
  durability = AS_KEYSPACE;
  /** Of those as many must be primaries of the key: PR of a GET, PW of a write; 0: no matter. */
  primaries = 0;
  /** GET from this node's own replica alone, whatever it holds: for diagnosis. */
  isLocal = false;
  /** GET that is never older than one that was answered before it began, if that one was monotonic too: from a majority, who hold what is answered by then. As every GET of `cp`. */
  isMonotonic = false;
  /** Of the clock of this thread; the answer comes by then, whatever happens. */
  deadlineMs = 0;
  /** Who is told, by which number. */
  sink: RequestSink = NOBODY;
  token = 0;
}

export interface RequestSink {
  /** Exactly once per `begin`. `answer` and all in it are valid until this returns. */
  answered(token: number, answer: StoreAnswer): void;
}

/** Appended only: these numbers travel in frames. */
export const OK = 0;
/** GET: enough replicas have answered, and none has a live value; `record` may hold tombstones, whose context a later put needs. */
export const NOT_FOUND = 1;
/** Too few replicas can be reached, or `cp` and no quorum among the primaries. Nothing was written. */
export const QUORUM_NOT_MET = 2;
/** A write was begun, and too few replicas have confirmed it by the deadline: it may be found later, or not. */
export const INDETERMINATE = 3;
/** Nothing was done; try again later. */
export const OVERLOADED = 4;
/** The time was up before anything was written. */
export const TIMED_OUT = 5;
/** Key, value or context longer than the keyspace allows, r or w above n, ...: `message` says which. */
export const INVALID = 6;
/** This node has no ring, is not confirmed, or its replicas are still being opened. */
export const LOADING = 7;
/** A replica's disk failed or is full; `message` says how. Nothing is acknowledged on its strength. */
export const STORAGE_FAILED = 8;
/** The ring has changed under the request too often; nothing was written. */
export const STALE_RING = 9;
/** No such keyspace (dropped meanwhile). */
export const NO_KEYSPACE_FOUND = 10;
/** The greatest there is. */
export const LAST_STATUS = NO_KEYSPACE_FOUND;
export type AnswerStatus = number;

export class StoreAnswer {
  status: AnswerStatus = OK;
  /** Merged from all replicas that answered (GET), or as written (PUT, DELETE); cleared where there is none. */
  record: RecordView;
  /** Replicas that counted, and how many had to. */
  received = 0;
  needed = 0;
  /** Of those received: primaries. The others are stand-ins. */
  primaries = 0;
  /** Those received, each once: places among the members of the ring with that epoch. The first `repliedCount` of `replied`; none where nothing was asked. */
  readonly replied = new Uint16Array(REPLICAS_MAX);
  repliedCount = 0;
  epoch = 0;
  /** For people; empty when `status` says it all. */
  message = '';

  constructor(record: RecordView) {
    this.record = record;
  }
}

const NOTHING = new Uint8Array(0);
const NOBODY: RequestSink = { answered() {} };
const NO_KEYSPACE: Keyspace = {
  id: 0,
  name: '',
  n: 1,
  r: 1,
  w: 1,
  pr: 0,
  pw: 0,
  mode: 'ap',
  conflict: 'siblings',
  durability: 'sync',
  ttlMs: 0,
  keyBytesMax: 0,
  valueBytesMax: 0,
};

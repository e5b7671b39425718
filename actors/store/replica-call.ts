/** ReplicaCall: what a replica is asked for. One is filled in for many calls; and ReplicaSink: who is told what came of it. */
import type { Durability } from '../../storage/engine/api.ts';
import type { StorageError } from '../../storage/errors.ts';
import type { RecordView } from '../version/record-view.ts';
import type { AnswerStatus, ContextKind } from './store-request.ts';
import {
  CONTEXT_LOCAL,
  CONTEXT_NONE,
  DURABILITY_NONE,
  DURABILITY_PERIODIC,
  DURABILITY_SYNC,
  INVALID,
  OVERLOADED,
  STORAGE_FAILED,
} from './store-request.ts';

export const READ_LOCAL = 1;
export const COORDINATE = 2;
export const MERGE_IN = 3;
/** Deletes the record: a hint that was handed over, if it is still that very one; another if it may be purged (purge/floors.ts). */
export const FORGET = 4;
export type ReplicaVerb = typeof READ_LOCAL | typeof COORDINATE | typeof MERGE_IN | typeof FORGET;

/** All may be called within the call to the replica, or later within `Replicas.drain`. What they are given is valid until they return, and the replica must not be called before. */
export interface ReplicaSink {
  /** READ_LOCAL, once, unless `failed`. An empty view: there is no such key. */
  found(token: number, record: RecordView): void;
  /** COORDINATE: the record with the new dot, which reads find from now on, and not yet as durable as asked: to be sent to the others. Once, before `stored`. */
  made(token: number, record: RecordView): void;
  /** COORDINATE, MERGE_IN, FORGET: once, as durable as asked; with `sync`, on disk. */
  stored(token: number): void;
  /** MERGE_IN of a record that is dead here: purged before. In the place of `stored`, and as good as that. Default: `stored`. */
  refused?(token: number): void;
  /** Whether both calls are of one request of one sender. Default: they are not. */
  isRepeat?(token: number, waiting: number): boolean;
  /** It is a repeat of a call that waits, which answers both: nothing more is heard of it. */
  dropped?(token: number): void;
  /** The last that is heard of the call. After `made` the write may survive all the same; else nothing was written. */
  failed(token: number, status: AnswerStatus, message: string): void;
}

export class ReplicaCall {
  verb: ReplicaVerb = READ_LOCAL;
  keyspace = 0;
  tokenHigh = 0;
  tokenLow = 0;
  key: Uint8Array = NOTHING;
  keyStart = 0;
  keyEnd = 0;
  /** MERGE_IN: the incoming record, checked. FORGET: the record as it was; empty: whatever may be purged. COORDINATE: the value. */
  bytes: Uint8Array = NOTHING;
  start = 0;
  end = 0;
  /** COORDINATE: CONTEXT_READ and CONTEXT_GIVEN stand in `context[contextStart, contextEnd)`: a checked record or bare version vector, empty for none. */
  contextKind: ContextKind = CONTEXT_NONE;
  context: Uint8Array = NOTHING;
  contextStart = 0;
  contextEnd = 0;
  isTombstone = false;
  /** Millisecond since 1970; 0: never. */
  expiryMs = 0;
  /** DURABILITY_... of store-request.ts. */
  durability = DURABILITY_SYNC;
  /** Only the newest sibling is kept: `conflict: lww`. */
  isLww = false;
  /** Of what is held for others (hints/hints.ts), and not of the shard's own record. */
  isStandIn = false;
  /** Of a write to a stand-in: 16 bytes, the id of the member that it is for. */
  owner: Uint8Array = NOTHING;
  /** Of the clock; Infinity: none. A call that has to wait is given up when it has passed. */
  deadlineMs = Number.POSITIVE_INFINITY;
  sink: ReplicaSink = NO_SINK;
  token = 0;

  /** A copy that owns its bytes: of a call that has to wait. */
  copy(): ReplicaCall {
    const copy = new ReplicaCall();
    Object.assign(copy, this);
    copy.key = Uint8Array.prototype.slice.call(this.key, this.keyStart, this.keyEnd);
    copy.keyStart = 0;
    copy.keyEnd = copy.key.length;
    copy.bytes = Uint8Array.prototype.slice.call(this.bytes, this.start, this.end);
    copy.start = 0;
    copy.end = copy.bytes.length;
    copy.context = Uint8Array.prototype.slice.call(this.context, this.contextStart, this.contextEnd);
    copy.contextStart = 0;
    copy.contextEnd = copy.context.length;
    return copy;
  }
}

/** Nothing was written, or it is not known. */
export function fail({ sink, token }: ReplicaCall, status: AnswerStatus, message: string): void {
  sink.failed(token, status, message);
}

/** Nothing was written, as it is dead here. */
export function refuse({ sink, token }: ReplicaCall): void {
  if (sink.refused === undefined) sink.stored(token);
  else sink.refused(token);
}

/** As `fail`, for what the engine says. */
export function failBy(sink: ReplicaSink, token: number, { code, message }: StorageError): void {
  if (code === 'OVERLOADED') sink.failed(token, OVERLOADED, message);
  else if (code === 'INVALID_ARGUMENT') sink.failed(token, INVALID, message);
  else sink.failed(token, STORAGE_FAILED, `${code}: ${message}`);
}

/** What a COORDINATE supersedes: `local`, or what it says, seen by `given`. */
export function contextOf(call: ReplicaCall, local: RecordView, given: RecordView): RecordView {
  if (call.contextKind === CONTEXT_LOCAL) return local;
  if (call.contextKind === CONTEXT_NONE || call.contextEnd === call.contextStart) given.clear();
  else given.open(call.context, call.contextStart, call.contextEnd);
  return given;
}

export function durabilityOf({ durability }: ReplicaCall): Durability {
  if (durability === DURABILITY_NONE) return 'none';
  return durability === DURABILITY_PERIODIC ? 'periodic' : 'sync';
}

const NOTHING = new Uint8Array(0);
const NO_SINK: ReplicaSink = { found() {}, made() {}, stored() {}, failed() {} };

/** ReplicaCall: what a replica is asked for. One is filled in for many calls; and ReplicaSink: who is told what came of it. */
import type { RecordView } from '../version/record-view.ts';
import type { AnswerStatus, ContextKind } from './store-request.ts';
import { CONTEXT_NONE, DURABILITY_SYNC } from './store-request.ts';

export const READ_LOCAL = 1;
export const COORDINATE = 2;
export const MERGE_IN = 3;
export type ReplicaVerb = typeof READ_LOCAL | typeof COORDINATE | typeof MERGE_IN;

/** All may be called within the call to the replica, or later within `Replicas.drain`. What they are given is valid until they return, and the replica must not be called before. */
export interface ReplicaSink {
  /** READ_LOCAL, once, unless `failed`. An empty view: there is no such key. */
  found(token: number, record: RecordView): void;
  /** COORDINATE: the record with the new dot, in the engine's memory and not yet as durable as asked: to be sent to the others. Once, before `stored`. */
  made(token: number, record: RecordView): void;
  /** COORDINATE, MERGE_IN: once, as durable as asked; with `sync`, on disk. */
  stored(token: number): void;
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
  /** MERGE_IN: the incoming record, checked. COORDINATE: the value. */
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

const NOTHING = new Uint8Array(0);
const NO_SINK: ReplicaSink = { found() {}, made() {}, stored() {}, failed() {} };

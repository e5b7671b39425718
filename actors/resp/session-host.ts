/** SessionHost: all that a session of the RESP gateway needs of the actor that it lives in. */
import type { OutBuffer } from '../../runtime/bytes.ts';
import type { Random } from '../../runtime/doors.ts';
import type { Operation, OperationOutcome } from '../ring/operation.ts';
import type { Keyspace } from '../ring/ring-state.ts';
import type { StoreRequest } from '../store/store-request.ts';
import type { ContextSeal } from '../version/causal-context.ts';
import type { RequestGate } from './request-gate.ts';
import type { RespSession } from './resp-session.ts';
import type { RespSettings } from './resp-settings.ts';

/** Counted since the gateway's start. */
export interface RespStats {
  connections: number;
  connectionsRefused: number;
  commands: number;
  errors: number;
  bytesIn: number;
  bytesOut: number;
}

export interface SessionHost {
  readonly settings: RespSettings;
  /** The way to the coordinator. */
  readonly gate: RequestGate;
  /** One for all sessions: filled in, used and filled in again. */
  readonly request: StoreRequest;
  readonly seal: ContextSeal;
  readonly stats: RespStats;
  /** Put together here is what a command writes: cleared by whoever uses it, and free again when `begin` has returned. */
  readonly scratch: OutBuffer;
  readonly random: Random;
  /** For people. */
  readonly node: string;
  readonly startedAtMs: number;
  /** Milliseconds of the thread's clock. */
  nowMs(): number;
  /** Milliseconds since 1970. */
  wallMs(): number;
  /** None: the ring is not known yet. */
  keyspaces(): readonly Keyspace[];
  /** Counted on with each ring: what was looked up in an older one is looked up anew. */
  ringChanges(): number;
  isLoading(): boolean;
  sessions(): Iterable<RespSession>;
  /** The session's `run` is to be called in a turn of the gateway. May be called any time. */
  wake(session: RespSession): void;
  /** The session has something to send, or no more. Requires: a turn of any actor of the thread. */
  touch(session: RespSession): void;
  /** Proposes a change of keyspaces. Requires: a turn of the gateway. */
  propose(operation: Operation, then: (outcome: OperationOutcome) => void): void;
}

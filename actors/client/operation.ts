/**
 * Operation: one get, put or delete, or one page of a scan, from the call to its outcome. Filled in where it is called, then ClientActor's; one object and one promise per operation, and
 * nothing else that lives as long.
 *
 * ```
 *   submit -> queued -> sent ------------------------------------> over
 *               ^  ^     | no answer, refused, node died      (succeeded, failed)
 *               |  |     v
 *               |  +-- backing off
 *               +----- waiting for a ring, or for a place to answer a greeting
 * ```
 */
import type { ReplicaCount } from '../ring/ring-state.ts';
import type { ScanPosition } from '../scan/scan-position.ts';
import type { ScanAnswer } from '../scan/scan-request.ts';
import type { RequestKind, StoreAnswer } from '../store/store-request.ts';
import type { ClientError } from './client-error.ts';
import type { Durability } from './options.ts';
import type { Place } from './places.ts';

export type OperationPhase = 'new' | 'queued' | 'sent' | 'backingOff' | 'awaitingRing' | 'awaitingPlace' | 'over';

export interface ListRange {
  readonly start: ScanPosition;
  readonly prefix: Uint8Array;
  readonly keysMax: number;
}

export interface OperationFields {
  readonly kind: RequestKind;
  /** It asks for a page of a scan; `kind` is GET, and there is no key. */
  readonly list?: ListRange | undefined;
  /** Name of the keyspace. */
  readonly keyspace: string;
  readonly key: Uint8Array;
  /** Of a put. */
  readonly value?: Uint8Array | undefined;
  /** A bare version vector: what the write supersedes; undefined: nothing. */
  readonly context?: Uint8Array | undefined;
  readonly replicas?: ReplicaCount | undefined;
  /** Of those, primaries of the key. */
  readonly primaries?: ReplicaCount | undefined;
  /** Of a get. */
  readonly isMonotonic?: boolean | undefined;
  readonly durability?: Durability | undefined;
  /** Of a put, from when it is taken up; 0: it does not expire; undefined: as the keyspace says. */
  readonly ttlMs?: number | undefined;
  readonly timeoutMs: number;
}

export abstract class Operation {
  readonly kind: RequestKind;
  readonly keyspace: string;
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
  readonly context: Uint8Array | undefined;
  readonly replicas: ReplicaCount | undefined;
  readonly primaries: ReplicaCount | undefined;
  readonly isMonotonic: boolean;
  readonly durability: Durability | undefined;
  readonly ttlMs: number | undefined;
  readonly timeoutMs: number;
  readonly list: ListRange | null;

  // ClientActor's from here on.
  phase: OperationPhase = 'new';
  requestId = 0;
  tokenHigh = 0;
  tokenLow = 0;
  /** Of the thread's clock. */
  deadlineMs = 0;
  /** When something is to be done about it, if nothing happens before: the deadline at the latest. */
  dueMs = 0;
  /** Millisecond since 1970, of a put. */
  begunMs = 0;
  /** Times that it was sent, those not counted that were not its own fault. */
  attempts = 0;
  /** Sent and not answered. */
  outstanding = 0;
  /** Bit i: the i-th of the preference list was tried. */
  tried = 0;
  /** The bit of the one that it waits for. */
  awaited = 0;
  /** Where it was sent last, and when. */
  place: Place | null = null;
  sentMs = 0;
  /** It has been with a coordinator that may have done it. */
  mayBeDone = false;
  /** Of the fetches of the ring, how many were answered or begun before it began to wait for one. */
  fetches = 0;
  /** Why it is not over yet. */
  trouble: ClientError | null = null;
  /** The program has given it up. */
  cancelled: ClientError | null = null;

  constructor(fields: OperationFields) {
    this.kind = fields.kind;
    this.keyspace = fields.keyspace;
    this.key = fields.key;
    this.value = fields.value;
    this.context = fields.context;
    this.replicas = fields.replicas;
    this.primaries = fields.primaries;
    this.isMonotonic = fields.isMonotonic === true;
    this.durability = fields.durability;
    this.ttlMs = fields.ttlMs;
    this.timeoutMs = fields.timeoutMs;
    this.list = fields.list ?? null;
  }

  /** One of these two, once. `answer`, a page if it has a `list`, and all in it are valid until this returns. Must not throw. */
  abstract succeeded(answer: StoreAnswer | ScanAnswer): void;
  abstract failed(error: ClientError): void;
}

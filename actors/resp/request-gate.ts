/**
 * RequestGate: the requests of all connections of a shard, counted, so that many clients with deep pipelines wait for each other instead of being refused as
 * overload: clients of Redis take an error for the answer, and don't try again.
 */
import type { ScanHolder } from '../scan/scan-actor.ts';
import type { ScanRequest } from '../scan/scan-request.ts';
import type { StoreDoor } from '../store/store-door.ts';
import type { StoreRequest } from '../store/store-request.ts';
import type { RespSession } from './resp-session.ts';

export class RequestGate {
  readonly #store: StoreDoor;
  readonly #requestsMax: number;
  readonly #wake: (session: RespSession) => void;
  readonly #scans: ScanHolder | undefined;
  #requests = 0;
  /** In the order in which they came to wait. */
  #waiting = new Set<RespSession>();

  /** `scans`: of the shard; undefined: it has none. */
  constructor(store: StoreDoor, requestsMax: number, wake: (session: RespSession) => void, scans?: ScanHolder) {
    this.#store = store;
    this.#requestsMax = requestsMax;
    this.#wake = wake;
    this.#scans = scans;
  }

  get requests(): number {
    return this.#requests;
  }

  get hasRoom(): boolean {
    return this.#requests < this.#requestsMax;
  }

  begin(request: StoreRequest): void {
    this.#requests++;
    this.#store.begin(request);
  }

  /** Returns false, and does nothing, when nobody does scans at present. */
  beginScan(request: ScanRequest): boolean {
    const scans = this.#scans?.scans ?? null;
    if (scans === null) return false;
    this.#requests++;
    scans.begin(request);
    return true;
  }

  /** To be called by every sink, first thing. */
  answered(): void {
    this.#requests--;
    // Not one by one: a session that is woken takes as many as it can.
    if (this.#waiting.size > 0 && this.#requests <= this.#requestsMax >> 1) this.#wakeAll();
  }

  /** Wakes the session when there is room again. */
  wait(session: RespSession): void {
    if (this.#requests <= this.#requestsMax >> 1) this.#wake(session);
    else this.#waiting.add(session);
  }

  forget(session: RespSession): void {
    this.#waiting.delete(session);
  }

  #wakeAll(): void {
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const session of waiting) this.#wake(session);
  }
}

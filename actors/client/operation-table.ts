/** The operations of one client that are not over: which phase each is in, how many are with coordinators, who waits for room, and when something is due. */
import { InFlight } from './in-flight.ts';
import type { Operation, OperationPhase } from './operation.ts';

export interface OperationTableOptions {
  readonly operationsMax: number;
  /** Of phase `sent` at most. */
  readonly inFlightMax: number;
  readonly firstId: number;
  /** `OperationTable.tick` is to be called at `atMs`, a later one before is void. */
  readonly arm: (atMs: number, nowMs: number) => void;
}

/** Due times are kept to so many milliseconds. */
const TICK_MS = 4;

export class OperationTable {
  readonly #inFlight: InFlight<Operation>;
  readonly #inFlightMax: number;
  readonly #arm: (atMs: number, nowMs: number) => void;
  #armedForMs = Number.POSITIVE_INFINITY;
  #sent = 0;
  /** Of phase `queued`, from `#queuedAt` on, among some that are not any more. */
  #queued: Operation[] = [];
  #queuedAt = 0;

  constructor({ operationsMax, inFlightMax, firstId, arm }: OperationTableOptions) {
    this.#inFlight = new InFlight(operationsMax, firstId);
    this.#inFlightMax = inFlightMax;
    this.#arm = arm;
  }

  /** One more may be sent. */
  get hasRoom(): boolean {
    return this.#sent < this.#inFlightMax;
  }

  get hasQueued(): boolean {
    return this.#queuedAt < this.#queued.length;
  }

  /** Gives it a request id. Requires: fewer than `operationsMax`. */
  add(op: Operation): void {
    this.#inFlight.add(op);
  }

  find(requestId: number): Operation | undefined {
    return this.#inFlight.find(requestId);
  }

  /** `dueMs`: when something is to be done about it, if nothing happens before; the deadline at the latest. */
  enter(op: Operation, phase: Exclude<OperationPhase, 'new' | 'over'>, dueMs: number, nowMs: number): void {
    if (op.phase === 'sent') this.#sent--;
    if (phase === 'sent') this.#sent++;
    else if (phase === 'queued') this.#queued.push(op);
    op.phase = phase;
    op.dueMs = Math.min(dueMs, op.deadlineMs);
    if (op.dueMs < this.#armedForMs) this.#armFor(op.dueMs, nowMs);
  }

  over(op: Operation): void {
    if (op.phase === 'sent') this.#sent--;
    op.phase = 'over';
    this.#inFlight.remove(op);
  }

  /** Cost: O(places of the table). `visit` may end or move the operation that it is given, and no other. */
  each(visit: (op: Operation) => void): void {
    this.#inFlight.each(visit);
  }

  /** What is due is given to `visit`, as `each` does; sees to the next call. */
  tick(nowMs: number, visit: (op: Operation) => void): void {
    // Not infinite while `visit` enters phases: it is armed once, for all.
    this.#armedForMs = nowMs;
    let nextMs = Number.POSITIVE_INFINITY;
    this.#inFlight.each((op) => {
      if (op.dueMs <= nowMs) visit(op);
      if (op.phase !== 'over' && op.dueMs < nextMs) nextMs = op.dueMs;
    });
    this.#armedForMs = Number.POSITIVE_INFINITY;
    if (nextMs < Number.POSITIVE_INFINITY) this.#armFor(Math.max(nextMs, nowMs + TICK_MS), nowMs);
  }

  /** The one that has waited for room longest, for which there is room now. It stays in its phase. */
  takeQueued(): Operation | undefined {
    while (this.hasQueued && this.hasRoom) {
      const op = this.#queued[this.#queuedAt++]!;
      if (op.phase === 'queued') return op;
    }
    if (!this.hasQueued && this.#queuedAt > 0) {
      this.#queued = [];
      this.#queuedAt = 0;
    }
    return undefined;
  }

  #armFor(atMs: number, nowMs: number): void {
    this.#armedForMs = atMs;
    this.#arm(atMs, nowMs);
  }
}

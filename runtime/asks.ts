/**
 * Pending asks of one thread: a slot table, and a timing wheel for their deadlines (Varghese & Lauck 1987, scheme 4), since nearly
 * every ask ends long before its deadline and a heap would pay for each.
 */
import { ASK_SLOT_BIT, placeName, SLOT_INDEX_MASK } from './address.ts';
import { checkLane, checkTimeout } from './arguments.ts';
import { AskRef, type AskSink } from './ask-ref.ts';
import { BoundRef } from './bound-ref.ts';
import { invalidArgument, RuntimeError } from './errors.ts';
import type { AnyRef, AskOptions, Ref } from './ref.ts';
import { RemoteRef } from './remote-ref.ts';
import type { ShardRuntime } from './shard-runtime.ts';
import { ACCEPTED, rejectionError } from './verdict.ts';

const TICK_MS = 4;
const BUCKETS = 512;

export class AskTable {
  readonly #entries: (AskRef | undefined)[] = [];
  readonly #free: number[] = [];
  /** An ask of tick t is in bucket t modulo their number: a bucket also holds asks of later rounds. */
  readonly #buckets: (AskRef | undefined)[] = new Array<AskRef | undefined>(BUCKETS).fill(undefined);
  readonly #max: number;
  #uid: number;
  /** Asks of earlier ticks are over. */
  #tick = 0;
  /** No ask is due before this time. A lower bound: settled asks don't move it. */
  #earliest = Number.POSITIVE_INFINITY;
  size = 0;

  constructor(max: number, firstUid: number) {
    this.#max = max;
    this.#uid = firstUid;
  }

  get isFull(): boolean {
    return this.size >= this.#max;
  }

  /** Requires: not full. */
  add(ask: AskRef): void {
    const index = this.#free.pop() ?? this.#entries.length;
    this.#entries[index] = ask;
    ask.slot = (ASK_SLOT_BIT | index) >>> 0;
    ask.uid = this.#uid = (this.#uid + 1) >>> 0;
    if (this.size++ === 0) this.#tick = Math.max(this.#tick, Math.floor(ask.bornAt / TICK_MS));
    if (ask.deadline < this.#earliest) this.#earliest = ask.deadline;
    ask.tick = Math.ceil(ask.deadline / TICK_MS);
    const bucket = ask.tick % BUCKETS;
    const first = this.#buckets[bucket];
    ask.previous = undefined;
    ask.next = first;
    if (first !== undefined) first.previous = ask;
    this.#buckets[bucket] = ask;
  }

  /** The ask that waits under this slot and uid, or undefined when it is over. */
  find(slot: number, uid: number): AskRef | undefined {
    const ask = this.#entries[slot & SLOT_INDEX_MASK];
    return ask !== undefined && ask.uid === uid ? ask : undefined;
  }

  /** Requires: `ask` is in the table. */
  remove(ask: AskRef): void {
    const index = ask.slot & SLOT_INDEX_MASK;
    this.#entries[index] = undefined;
    this.#free.push(index);
    if (--this.size === 0) this.#earliest = Number.POSITIVE_INFINITY;
    if (ask.previous === undefined) this.#buckets[ask.tick % BUCKETS] = ask.next;
    else ask.previous.next = ask.next;
    if (ask.next !== undefined) ask.next.previous = ask.previous;
    ask.previous = undefined;
    ask.next = undefined;
  }

  /** When `expire` wants to be called next; Infinity while nothing is pending. */
  nextAt(): number {
    return this.#earliest;
  }

  /** Fails every ask whose deadline has passed. */
  expire(now: number): void {
    if (now < this.#earliest) return;
    const last = Math.floor(now / TICK_MS) + 1;
    const from = Math.max(this.#tick, last - BUCKETS + 1);
    for (let tick = from; tick <= last; tick++) {
      let ask = this.#buckets[tick % BUCKETS];
      while (ask !== undefined) {
        const next: AskRef | undefined = ask.next;
        if (ask.deadline <= now) ask.fail(deadlineExceeded(ask));
        ask = next;
      }
    }
    this.#tick = last - 1;
    this.#earliest = this.#findEarliest(last - 1);
  }

  failAll(error: (ask: AskRef) => RuntimeError | undefined): void {
    for (const ask of [...this.#entries]) {
      const failure = ask === undefined ? undefined : error(ask);
      if (failure !== undefined) ask?.fail(failure);
    }
  }

  /** Earliest deadline. `from`: no ask is of an earlier tick. */
  #findEarliest(from: number): number {
    if (this.size === 0) return Number.POSITIVE_INFINITY;
    let earliest = Number.POSITIVE_INFINITY;
    for (let tick = from; tick < from + BUCKETS; tick++) {
      for (let ask = this.#buckets[tick % BUCKETS]; ask !== undefined; ask = ask.next) {
        if (ask.tick === tick && ask.deadline < earliest) earliest = ask.deadline;
      }
      // Those of the next ticks are later.
      if (earliest < Number.POSITIVE_INFINITY) return earliest;
    }
    for (const ask of this.#entries) if (ask !== undefined && ask.deadline < earliest) earliest = ask.deadline;
    return earliest;
  }
}

/** `ShardRuntime.ask`. */
export function sendAsk<R>(
  runtime: ShardRuntime,
  ref: AnyRef,
  make: (replyTo: Ref<R>) => unknown,
  options: AskOptions,
  sink: AskSink<R>,
): void {
  const timeoutMs = checkTimeout(options.timeoutMs);
  const lane = checkLane(options.lane);
  if (!(ref instanceof BoundRef)) throw invalidArgument(`ask: expected a ref to an actor, got ${String(ref)}`);
  if (runtime.isStopped) return sink.failed(new RuntimeError('STOPPED', `${placeName(runtime.place)} is stopping`));
  const { asks } = runtime;
  if (asks.isFull) {
    const message = `${placeName(runtime.place)} has ${asks.size} asks pending and takes no more (pendingAsksMax)`;
    return sink.failed(new RuntimeError('OVERLOADED', message));
  }
  const bornAt = runtime.deadlineIn(0);
  const ask = new AskRef<R>(runtime, sink, bornAt, bornAt + timeoutMs);
  if (ref instanceof RemoteRef) ask.target = ref.peer;
  asks.add(ask as unknown as AskRef);
  let message: unknown;
  try {
    message = make(ask);
  } catch (error) {
    // A bug of the caller, and the message was never sent.
    ask.withdraw();
    throw error;
  }
  runtime.timersChanged();
  try {
    const verdict = ref.offer(message, lane, ask.deadline, ask.slot, ask.uid);
    if (verdict !== ACCEPTED) ask.fail(rejectionError(verdict, ref.toString()));
  } catch (error) {
    if (!(error instanceof RuntimeError)) {
      ask.withdraw();
      throw error;
    }
    ask.fail(error);
  }
}

export function askPromise<R>(runtime: ShardRuntime, ref: AnyRef, make: (replyTo: Ref<R>) => unknown, options: AskOptions): Promise<R> {
  return new Promise((resolve, reject) => {
    sendAsk<R>(runtime, ref, make, options, { answered: resolve, failed: reject });
  });
}

function deadlineExceeded(ask: AskRef): RuntimeError {
  const timeoutMs = Math.round(ask.deadline - ask.bornAt);
  return new RuntimeError('DEADLINE_EXCEEDED', `no answer within ${timeoutMs} ms; the request may have been executed`);
}

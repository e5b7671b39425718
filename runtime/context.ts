/** The context: what `ActorContext` promises, over a cell. One small object per started actor. */
import type { ActorContext, ActorDefinition, Answer, JobTicket, SpawnOptions, TimerKey } from './actor.ts';
import { ActorTimer } from './actor-timer.ts';
import { RECEPTIONIST_SLOT } from './address.ts';
import { checkTimeout } from './arguments.ts';
import type { Cell } from './cell.ts';
import { DRAINING } from './cell-state.ts';
import { Doorbell } from './doorbell.ts';
import type { Clock, Log, Random, Timers } from './doors.ts';
import { Completion } from './envelope.ts';
import { BugError, invalidArgument, RuntimeError } from './errors.ts';
import type { FileSystem } from './files.ts';
import type { JobOptions, JobRunner } from './jobs.ts';
import { BACKGROUND, CONTROL, type Lane, RESPONSE } from './lanes.ts';
import { drainCell, stopCell, unstash } from './lifecycle.ts';
import { listener } from './listener.ts';
import { GoneRef, LocalRef } from './local-ref.ts';
import { rareOf } from './rare-state.ts';
import type { ReceptionistMessage, ServiceKey } from './receptionist-protocol.ts';
import type { AnyRef, AskOptions, Ref } from './ref.ts';
import { noteSender, type ReplyAddress, replyBytes, replyBytesTo } from './reply.ts';
import { Ring } from './ring.ts';
import type { ShardRuntime } from './shard-runtime.ts';
import { TaskTimers } from './task-timers.ts';
import { stashCurrent } from './undelivered.ts';
import { unwatch, watch } from './watch.ts';
import type { Network } from './wire/network.ts';

const TIMER_MAX_MS = 2 ** 42;
const STASH_CAPACITY = 256;

export class Context implements ActorContext<unknown> {
  readonly #cell: Cell;

  constructor(cell: Cell) {
    this.#cell = cell;
  }

  get self(): Ref<unknown> {
    return this.#cell.ref as unknown as Ref<unknown>;
  }
  get name(): string {
    return this.#cell.name;
  }
  get parent(): AnyRef | undefined {
    return this.#cell.parent?.ref;
  }
  get clock(): Clock {
    return this.#cell.runtime.doors.clock;
  }
  get random(): Random {
    return this.#cell.runtime.random;
  }
  get log(): Log {
    return this.#cell.runtime.log;
  }
  get files(): FileSystem {
    return this.#cell.runtime.doors.files;
  }
  get network(): Network {
    return this.#cell.runtime.doors.network;
  }
  get timers(): Timers {
    return new TaskTimers(this.#cell.runtime.tasks);
  }
  get jobs(): JobRunner {
    return this.#cell.runtime.doors.jobs;
  }
  get lane(): Lane {
    return this.#turn().lane;
  }

  spawn<C, A extends readonly unknown[]>(definition: ActorDefinition<C, A>, args: A, options?: SpawnOptions): Ref<C> {
    return this.#turn().spawnChild(this.#cell, definition, args, options);
  }

  stop(ref: AnyRef, options?: { readonly drain?: boolean }): void {
    this.#turn();
    const cell = this.#cell;
    // A child that is gone already, by an address that has been elsewhere in between.
    if (ref instanceof GoneRef) return;
    if (!(ref instanceof LocalRef) || (ref.cell !== cell && ref.cell.parent !== cell)) {
      throw invalidArgument(`stop: expected this actor or a child of ${cell.name}, got ${ref.toString()}`);
    }
    if (options?.drain === true) drainCell(ref.cell);
    else if (ref.cell === cell) cell.stopRequested = true;
    else stopCell(ref.cell, 'stopped', 'stopped');
  }

  watch(ref: AnyRef): void {
    this.#turn();
    watch(this.#cell, ref);
  }

  unwatch(ref: AnyRef): void {
    this.#turn();
    unwatch(this.#cell, ref);
  }

  after(key: TimerKey, ms: number, message: unknown): void {
    this.#setTimer(key, ms, message, 0);
  }

  every(key: TimerKey, ms: number, message: unknown): void {
    if (!(ms > 0)) throw invalidArgument(`every: expected a period above 0 ms, got ${ms}`);
    this.#setTimer(key, ms, message, ms);
  }

  cancel(key: TimerKey): void {
    this.#turn();
    const timers = this.#cell.rare?.timers;
    timers?.get(key)?.cancel();
    timers?.delete(key);
  }

  ask<T, R>(ref: Ref<T>, make: (replyTo: Ref<R>) => T, options: AskOptions, then: (answer: Answer<R>) => unknown): void {
    const runtime = this.#turn();
    const answer = this.#completion(then, RESPONSE);
    runtime.ask<R>(ref, make, options, {
      answered: (value) => answer({ ok: true, value }),
      failed: (error) => answer({ ok: false, error }),
    });
  }

  job<I, O>(job: { readonly name: string }, input: I, options: JobOptions, then: (answer: Answer<O>) => unknown): JobTicket {
    const runtime = this.#turn();
    checkTimeout(options.timeoutMs);
    const answer = this.#completion(then, BACKGROUND);
    return runtime.doors.jobs.run(job.name, input, options, (outcome) => {
      if (outcome.ok) answer({ ok: true, value: outcome.value as O });
      else answer({ ok: false, error: new RuntimeError(outcome.code, `job ${job.name}: ${outcome.message}`) });
    });
  }

  completion<T>(then: (value: T) => unknown): (value: T) => void {
    this.#turn();
    return this.#completion(then, RESPONSE);
  }

  doorbell(message: unknown): () => void {
    this.#turn();
    return new Doorbell(this.#cell, message).ring;
  }

  /** What an earlier instance of the actor had begun means nothing to the one that a restart made. */
  #completion<T>(then: (value: T) => unknown, lane: Lane): (value: T) => void {
    const cell = this.#cell;
    const { restarts } = cell;
    return (value) => {
      if (cell.restarts === restarts) cell.pushEnvelope(new Completion(cell, restarts, value, then), lane);
    };
  }

  replyBytes(operation: number, bytes: Uint8Array, offset: number, length: number): boolean {
    return replyBytes(this.#turn(), operation, bytes, offset, length);
  }

  noteSender(into: ReplyAddress): void {
    noteSender(this.#turn(), into);
  }

  replyBytesTo(to: ReplyAddress, operation: number, bytes: Uint8Array, offset: number, length: number): boolean {
    return replyBytesTo(this.#turn(), to, operation, bytes, offset, length);
  }

  remainingMs(): number {
    const runtime = this.#turn();
    if (runtime.row < 0 || runtime.deadline === 0) return Number.POSITIVE_INFINITY;
    return Math.max(0, runtime.deadline - runtime.doors.clock.now());
  }

  stash(): void {
    const runtime = this.#turn();
    const rare = rareOf(this.#cell);
    const capacity = this.#cell.options.stashCapacity ?? STASH_CAPACITY;
    rare.stash ??= new Ring();
    if (rare.stash.length >= capacity)
      throw new RuntimeError('OVERLOADED', `${this.name}: the stash holds ${capacity} messages and is full`);
    stashCurrent(runtime, rare.stash);
  }

  unstashAll(): void {
    this.#turn();
    unstash(this.#cell);
  }

  register<T>(key: ServiceKey<T>, ref: Ref<T>): void {
    this.#tellReceptionist({ type: 'register', key: key.id, ref });
  }

  subscribe<T>(key: ServiceKey<T>, then: (refs: readonly Ref<T>[]) => unknown): void {
    const cell = this.#cell;
    const subscriber = this.#turn().spawnChild(cell, listener, [
      (refs: readonly AnyRef[]) => then(refs as unknown as readonly Ref<T>[]),
      cell.ref,
    ]);
    this.#tellReceptionist({ type: 'subscribe', key: key.id, subscriber });
  }

  charge(us: number): void {
    this.#turn().charge(us);
  }

  #tellReceptionist(message: ReceptionistMessage): void {
    const receptionist = this.#turn().wellKnown(RECEPTIONIST_SLOT) as Ref<ReceptionistMessage>;
    receptionist.tell(message, { lane: CONTROL });
  }

  #setTimer(key: TimerKey, ms: number, message: unknown, periodMs: number): void {
    const runtime = this.#turn();
    if (!(ms >= 0 && ms <= TIMER_MAX_MS)) throw invalidArgument(`timer ${String(key)}: expected 0 to ${TIMER_MAX_MS} ms, got ${ms}`);
    this.cancel(key);
    const timer = new ActorTimer(this.#cell, key, message, periodMs);
    const rare = rareOf(this.#cell);
    rare.timers ??= new Map();
    rare.timers.set(key, timer);
    // The time of the run may be older than this turn.
    runtime.setTimer(timer, runtime.doors.clock.now() + ms);
  }

  /**
   * The runtime, for a call that is only right inside the actor's own turn: anything else would run two actors at once. Being stopped is
   * not a turn: what is started then would outlive its actor.
   */
  #turn(): ShardRuntime {
    const { runtime, state } = this.#cell;
    if (runtime.current === this.#cell && state <= DRAINING) return runtime;
    throw new BugError(`the context of ${this.#cell.name} was used outside its turn; let what you waited for come back as a message`);
  }
}

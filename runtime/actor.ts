/** What an actor is made of, and what it is given: the API that users write against. */
import type { Clock, Log, Random, Timers } from './doors.ts';
import type { RuntimeError } from './errors.ts';
import { invalidArgument } from './errors.ts';
import type { FileSystem } from './files.ts';
import type { JobOptions, JobRunner } from './jobs.ts';
import type { Lane } from './lanes.ts';
import type { ServiceKey } from './receptionist-protocol.ts';
import type { AnyRef, AskOptions, Ref } from './ref.ts';
import type { ReplyAddress } from './reply.ts';
import type { SupervisionOptions } from './supervision.ts';
import type { Network } from './wire/network.ts';

/** Why a watched actor is no more. `unreachable` is a suspicion (its machine may live); the others are facts. */
export type TerminationReason = 'stopped' | 'failed' | 'noSuchActor' | 'shardDown' | 'unreachable';

/** Why a message was not taken. */
export type RejectionReason = 'overloaded' | 'stopped' | 'noSuchActor' | 'unreachable' | 'failed';

/** News from the runtime itself, on the system lane. */
export type Signal =
  | { readonly type: 'terminated'; readonly ref: AnyRef; readonly reason: TerminationReason }
  /** A message this actor had sent to `ref` was refused; or, if it was binary or had a deadline, it came to nothing there. */
  | { readonly type: 'rejected'; readonly ref: AnyRef; readonly reason: RejectionReason }
  /** A `tell` to `ref` that had returned false for want of room or credit may be tried again. */
  | { readonly type: 'ready'; readonly ref: AnyRef };

export type StopReason = 'stopped' | 'restart' | 'failed';

export interface Actor<M> {
  /** Handles one message to its end. Synchronous: never awaits; what takes time completes as a later message. */
  receive(message: M): void;
  /** Handles one message of the binary path. `bytes[offset, offset + length)` may be read until this returns. */
  receiveBytes?(operation: number, bytes: Uint8Array, offset: number, length: number, requestId: number): void;
  signal?(signal: Signal): void;
  /** Last call on this instance: before a restart (children are already stopped), or at the end. Must not throw. */
  stopped?(reason: StopReason): void;
}

/** What happens to a message that finds the mailbox full. */
export type OverflowPolicy =
  /** Refuse the new message; an ask fails with OVERLOADED, a sending actor gets the signal `rejected`. The default. */
  | 'reject'
  /** Drop the oldest queued message of the same lane, or the new one where that lane is empty; it becomes a dead letter. */
  | 'dropOldest'
  /** Drop the new message; it becomes a dead letter. */
  | 'dropNewest'
  /** Nothing is dropped: `tell` returns false until the receiver has granted room, then the sender gets the signal `ready`. */
  | 'credit';

export interface MailboxOptions {
  /**
   * Messages, all lanes together. Outcomes and timers of the actor's own count, but are taken also when it is full; what was stashed counts
   * once it is back. System messages are outside it (they are bounded by the number of watchers). Default 1024.
   */
  readonly capacity?: number;
  readonly overflow?: OverflowPolicy;
}

export interface SpawnOptions {
  /** For logs, metrics and paths; need not be unique. Default: the definition's name. */
  readonly name?: string;
  readonly mailbox?: MailboxOptions;
  /** Messages handled before others get their turn. Default 64. */
  readonly throughput?: number;
  /** How this actor's own children are treated when they fail. Default: restart each, at most 10 times a minute. */
  readonly supervision?: SupervisionOptions;
  /** Stashed messages at most. Default 256. */
  readonly stashCapacity?: number;
}

export type TimerKey = string | number;

/**
 * An actor's only door to the world. Its methods may be called only while the actor is being started or is handling
 * something; the runtime checks it.
 */
export interface ActorContext<M> {
  readonly self: Ref<M>;
  readonly name: string;
  readonly parent: AnyRef | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** Completions of file calls come outside any turn: give them what `completion` makes. */
  readonly files: FileSystem;
  /** What happens on its streams comes outside any turn: collect it, and ring a `doorbell`. */
  readonly network: Network;
  /** For a storage engine that this actor owns, with `jobs`; its calls come outside any turn, also when the actor has stopped. */
  readonly timers: Timers;
  readonly jobs: JobRunner;
  /**
   * A callback that may be called once, at any time: what it is called with comes to this actor as the message that `then` makes, unless
   * the actor has stopped or was restarted since. `context.files.open(path, 'read', context.completion((result) => ({ type: 'opened', result })))`
   */
  completion<T>(then: (value: T) => M): (value: T) => void;
  /**
   * A callback that may be called at any time, any number of times: it puts `message` into the mailbox, also when that is full, unless it is there already
   * and has not come to its turn, or the actor has stopped or was restarted since. Cost of a call: allocates nothing.
   */
  doorbell(message: M): () => void;

  /** Starts a child. It stops when this actor stops or restarts. */
  spawn<C, A extends readonly unknown[]>(definition: ActorDefinition<C, A>, args: A, options?: SpawnOptions): Ref<C>;
  /** Stops a child or this actor itself: at once (queued messages become dead letters), or, with `drain`, after what is queued now. */
  stop(ref: AnyRef, options?: { readonly drain?: boolean }): void;
  /** Asks for the signal `terminated` about `ref`, exactly one, also when it is already gone. Idempotent. */
  watch(ref: AnyRef): void;
  unwatch(ref: AnyRef): void;

  /** Tells `message` to this actor after `ms`. A timer under the same key replaces the earlier one; what it had already queued is dropped too. */
  after(key: TimerKey, ms: number, message: M): void;
  /** Tells `message` to this actor every `ms`; ticks that find the last one still queued are skipped. */
  every(key: TimerKey, ms: number, message: M): void;
  cancel(key: TimerKey): void;

  /** Asks another actor; the answer, or why there is none, comes back as the message that `then` makes. */
  ask<T, R>(ref: Ref<T>, make: (replyTo: Ref<R>) => T, options: AskOptions, then: (answer: Answer<R>) => M): void;
  /** Runs a CPU job of the pool; its outcome comes back as the message that `then` makes. */
  job<I, O>(job: { readonly name: string }, input: I, options: JobOptions, then: (answer: Answer<O>) => M): JobTicket;

  /** Answers the binary request being handled, with its request id. Returns as `tell` does. */
  replyBytes(operation: number, bytes: Uint8Array, offset: number, length: number): boolean;
  /** Notes who sent the binary request being handled, for `replyBytesTo` in a later turn. */
  noteSender(into: ReplyAddress): void;
  /** As `replyBytes`, to who was noted. */
  replyBytesTo(to: ReplyAddress, operation: number, bytes: Uint8Array, offset: number, length: number): boolean;
  /** Milliseconds left for the message being handled; Infinity without a deadline. */
  remainingMs(): number;
  /** Lane of the message being handled. */
  readonly lane: Lane;

  /** Puts the message being handled aside, in order. Throws RuntimeError OVERLOADED when the stash is full. */
  stash(): void;
  /** Puts all stashed messages back before everything queued in the request lane, in their order. */
  unstashAll(): void;

  /** The receptionist: makes this actor (or `ref`) findable under `key` on this node, until it stops. */
  register<T>(key: ServiceKey<T>, ref: Ref<T>): void;
  /** Sends the refs registered under `key`, now and at each change, as the message that `then` makes. */
  subscribe<T>(key: ServiceKey<T>, then: (refs: readonly Ref<T>[]) => M): void;

  /** Simulation only: this turn costs `us` virtual microseconds more. Nothing in production. */
  charge(us: number): void;
}

export type Answer<R> = { readonly ok: true; readonly value: R } | { readonly ok: false; readonly error: RuntimeError };

export interface JobTicket {
  /** Cancels at the job's next yield point; the outcome is then JOB_CANCELLED. */
  cancel(): void;
}

export type ActorFactory<M, A extends readonly unknown[]> = (context: ActorContext<M>, ...args: A) => Actor<M>;

export interface ActorDefinition<M, A extends readonly unknown[] = readonly []> {
  readonly kind: 'dynactor:actor';
  readonly name: string;
  /** Called at start and at each restart, with the arguments of the spawn. */
  readonly create: ActorFactory<M, A>;
  readonly defaults: SpawnOptions;
}

const DEFINITION_NAME = /^[A-Za-z0-9._/-]{1,64}$/;

/**
 * Names an actor, so that other threads can start it too: they find it by name among the exports of the modules
 * given to `ActorSystem.start`.
 */
export function defineActor<M, A extends readonly unknown[] = readonly []>(
  name: string,
  create: ActorFactory<M, A>,
  defaults: SpawnOptions = {},
): ActorDefinition<M, A> {
  if (!DEFINITION_NAME.test(name)) {
    throw invalidArgument(`actor definition: expected a name of 1 to 64 of [A-Za-z0-9._/-], got ${JSON.stringify(name)}`);
  }
  return { kind: 'dynactor:actor', name, create, defaults };
}

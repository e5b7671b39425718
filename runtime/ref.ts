/**
 * Ref: the typed address of an actor, the same for one in this thread, in another thread and on another machine.
 * A ref is bound to the runtime of the thread that holds it; inside messages it travels as an address and is bound again
 * where it arrives.
 */
import { type Address, sameAddress } from './address.ts';
import type { Lane } from './lanes.ts';

export interface TellOptions {
  /** Default REQUEST. */
  readonly lane?: Lane;
  /** The message is dropped, as a dead letter with reason `expired`, if it was not handled within this many milliseconds. */
  readonly timeoutMs?: number;
}

export interface AskOptions {
  /** After this the promise rejects with DEADLINE_EXCEEDED, and the message, where it is still queued, is dropped. Required: nothing waits for ever. */
  readonly timeoutMs: number;
  readonly lane?: Lane;
}

/**
 * Requires of every message type `M`: plain data as CBOR knows it (null, booleans, numbers, bigints of 64 bits, strings,
 * bytes, arrays, plain objects, and refs). In the same thread it is handed over by reference, so it must not be
 * changed after sending.
 */
export abstract class Ref<in M = never> {
  abstract readonly address: Address;

  /**
   * Sends a message: at most once, in order per sender, receiver and lane.
   * Returns false when it was refused on the spot (full mailbox or link, no credit, stopped actor); then the sending actor, if any, also gets
   * the signal `rejected` with the reason; except under the policy `credit` and on a full link, where it gets `ready` once there is room, and
   * under the policies that drop, of which nobody is told.
   * True means no more than: it is on its way.
   */
  abstract tell(message: M, options?: TellOptions): boolean;

  /**
   * Sends the message that `make` builds around a reply address, and promises the first message told to that address.
   * For code outside actors; an actor uses `context.ask`, whose answer comes as a message.
   * Errors: OVERLOADED, DEADLINE_EXCEEDED, NO_SUCH_ACTOR, UNREACHABLE, STOPPED.
   */
  abstract ask<R>(make: (replyTo: Ref<R>) => M, options: AskOptions): Promise<R>;

  /**
   * Binary path: sends an operation number and a region of bytes, which are copied before this returns, wherever the target is (cost of that within a thread: 20 ns for 8 bytes, 75 for 150).
   * `requestId` (u32) comes back with `context.replyBytes`. Same result as `tell`.
   */
  abstract tellBytes(operation: number, bytes: Uint8Array, offset: number, length: number, requestId?: number, lane?: Lane): boolean;

  /**
   * Whether a connection leads to its place now; true within a thread. Where there is none, what is sent waits for one, or is lost, and so is what was under way. Says nothing about who is there: a
   * connection that is cut off without a sound is one for some seconds.
   */
  get isConnected(): boolean {
    return true;
  }

  /** `node/shard#slot.uid@boot`, for logs. */
  abstract toString(): string;

  /** Keeps `Ref<A>` from being assignable to `Ref<B>`; never present at run time. */
  declare protected readonly accepts: (message: M) => void;
}

/** Any ref: every `Ref<M>` is one, and nothing can be told to it without saying what it accepts. */
export type AnyRef = Ref<never>;

/** Whether both mean the same actor. */
export function sameRef(a: AnyRef, b: AnyRef): boolean {
  return a === b || sameAddress(a.address, b.address);
}

/** What local, remote and reply refs share: they are bound to the runtime of their thread. */
import { type Address, addressName } from './address.ts';
import { checkBytes, checkLane, checkTimeout } from './arguments.ts';
import { type Lane, REQUEST } from './lanes.ts';
import { type AskOptions, Ref, type TellOptions } from './ref.ts';
import type { ShardRuntime } from './shard-runtime.ts';
import { ACCEPTED, type Verdict } from './verdict.ts';

export abstract class BoundRef<in M = never> extends Ref<M> {
  abstract readonly runtime: ShardRuntime;
  abstract override readonly address: Address;

  /**
   * Offers a message on behalf of a sender of this thread (an actor, an ask, or nobody: slot 0).
   * `deadline`: time of the shard's clock, 0 for none.
   */
  abstract offer(message: unknown, lane: Lane, deadline: number, senderSlot: number, senderUid: number): Verdict;

  /** Same for the binary path. Requires: checked arguments. */
  abstract offerBytes(
    operation: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    requestId: number,
    lane: Lane,
    senderSlot: number,
    senderUid: number,
  ): Verdict;

  override tell(message: M, options?: TellOptions): boolean {
    const runtime = this.runtime;
    const sender = runtime.current;
    const lane = checkLane(options?.lane);
    const deadline = options?.timeoutMs === undefined ? 0 : runtime.deadlineIn(checkTimeout(options.timeoutMs));
    const verdict = this.offer(message, lane, deadline, sender === null ? 0 : sender.slot, sender === null ? 0 : sender.uid);
    if (verdict === ACCEPTED) return true;
    runtime.refused(this, verdict);
    return false;
  }

  override tellBytes(operation: number, bytes: Uint8Array, offset: number, length: number, requestId = 0, lane: Lane = REQUEST): boolean {
    checkBytes(operation, bytes, offset, length, requestId);
    if (lane !== REQUEST) checkLane(lane);
    const runtime = this.runtime;
    const sender = runtime.current;
    const slot = sender === null ? 0 : sender.slot;
    const verdict = this.offerBytes(operation, bytes, offset, length, requestId, lane, slot, sender === null ? 0 : sender.uid);
    if (verdict === ACCEPTED) return true;
    runtime.refused(this, verdict);
    return false;
  }

  override ask<R>(make: (replyTo: Ref<R>) => M, options: AskOptions): Promise<R> {
    return this.runtime.askPromise<R>(this, make, options);
  }

  override toString(): string {
    return addressName(this.address);
  }
}

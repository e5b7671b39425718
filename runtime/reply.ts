/** Answers over the binary path: to whoever sent the message being handled, without a ref of it. */
import { CREDIT_SLOT_BIT, NOBODY_SLOT } from './address.ts';
import { checkBytes } from './arguments.ts';
import { BULK_CLASS, RESPONSE } from './lanes.ts';
import { RemoteRef, sent, writeBytesFrame } from './remote-ref.ts';
import type { ShardRuntime } from './shard-runtime.ts';
import { isAsk } from './undelivered.ts';

/** Who sent a binary request, and its number: kept by who answers in a later turn, and used for many requests. */
export class ReplyAddress {
  link = -1;
  slot = NOBODY_SLOT;
  uid = 0;
  requestId = 0;

  /** The same request of the same sender. */
  equals({ link, slot, uid, requestId }: ReplyAddress): boolean {
    return this.requestId === requestId && this.uid === uid && this.slot === slot && this.link === link;
  }
}

/** `ActorContext.noteSender`. */
export function noteSender(runtime: ShardRuntime, into: ReplyAddress): void {
  const isKnown = runtime.row >= 0;
  into.link = isKnown ? runtime.senderLink : -1;
  into.slot = isKnown ? runtime.senderSlot : NOBODY_SLOT;
  into.uid = isKnown ? runtime.senderUid : 0;
  into.requestId = isKnown ? runtime.requestId : 0;
}

/** `ActorContext.replyBytes`, in the turn of the actor that answers. */
export function replyBytes(runtime: ShardRuntime, operation: number, bytes: Uint8Array, offset: number, length: number): boolean {
  if (runtime.row < 0) return false;
  const { senderLink, senderSlot, senderUid, requestId } = runtime;
  return reply(runtime, senderLink, senderSlot, senderUid, requestId, operation, bytes, offset, length);
}

/** `ActorContext.replyBytesTo`, in a turn of the actor that answers. */
export function replyBytesTo(
  runtime: ShardRuntime,
  to: ReplyAddress,
  operation: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
): boolean {
  return reply(runtime, to.link, to.slot, to.uid, to.requestId, operation, bytes, offset, length);
}

function reply(
  runtime: ShardRuntime,
  senderLink: number,
  senderSlot: number,
  senderUid: number,
  requestId: number,
  operation: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
): boolean {
  const { current } = runtime;
  checkBytes(operation, bytes, offset, length, requestId);
  if (current === null || senderSlot === NOBODY_SLOT || isAsk(senderSlot)) return false;
  if (senderLink < 0) {
    const target = runtime.find(senderSlot, senderUid);
    if (target !== undefined) return target.ref.tellBytes(operation, bytes, offset, length, requestId, RESPONSE);
    runtime.deadLetters.addOperation('noSuchActor', { toString: () => `slot ${senderSlot}` }, operation);
    return false;
  }
  const peer = runtime.peers.byIndex(senderLink);
  const link = peer.link(BULK_CLASS);
  if (
    link !== null &&
    (senderSlot & CREDIT_SLOT_BIT) === 0 &&
    writeBytesFrame(link, operation, bytes, offset, length, requestId, RESPONSE, senderSlot, senderUid, current.slot, current.uid)
  ) {
    sent(runtime, link);
    return true;
  }
  // Why: a ref is made only for the rare ways, which need one to call this actor back (bench:actors, binary rows).
  return new RemoteRef(peer, peer.boot, senderSlot, senderUid).tellBytes(operation, bytes, offset, length, requestId, RESPONSE);
}

/** Answers over the binary path: to whoever sent the message being handled, without a ref of it. */
import { CREDIT_SLOT_BIT, NOBODY_SLOT } from './address.ts';
import { checkBytes } from './arguments.ts';
import { BULK_CLASS, RESPONSE } from './lanes.ts';
import { RemoteRef, sent, writeBytesFrame } from './remote-ref.ts';
import type { ShardRuntime } from './shard-runtime.ts';
import { isAsk } from './undelivered.ts';

/** `ActorContext.replyBytes`, in the turn of the actor that answers. */
export function replyBytes(runtime: ShardRuntime, operation: number, bytes: Uint8Array, offset: number, length: number): boolean {
  const { senderSlot, senderUid, requestId, senderLink, current } = runtime;
  checkBytes(operation, bytes, offset, length, requestId);
  if (current === null || runtime.row < 0 || senderSlot === NOBODY_SLOT || isAsk(senderSlot)) return false;
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

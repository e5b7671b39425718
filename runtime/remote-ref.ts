/** RemoteRef: a ref to an actor of another thread or machine. Sending encodes one frame into the link's out-buffer. */
import { type Address, CREDIT_SLOT_BIT } from './address.ts';
import { BoundRef } from './bound-ref.ts';
import { takeCredit } from './credit.ts';
import type { CreditWindow } from './credit-windows.ts';
import { RuntimeError } from './errors.ts';
import { BULK_CLASS, type Lane, laneClassOf, REQUEST } from './lanes.ts';
import type { Link } from './link.ts';
import type { Peer } from './peer.ts';
import type { ShardRuntime } from './shard-runtime.ts';
import { ACCEPTED, OVERLOADED, UNREACHABLE, type Verdict, WAIT } from './verdict.ts';
import {
  BYTES_PREFIX_BYTES,
  beginFrame,
  endFrame,
  FRAME_HEADER_BYTES,
  KIND_BYTES,
  KIND_TELL,
  NO_DEADLINE,
  remainingField,
  writeBytesPayload,
} from './wire/frame.ts';

/** An out-buffer longer than this is handed to its carrier before the turn of the loop ends, while it is still in the processor's cache. */
const FLUSH_EARLY_BYTES = 128 * 1024;

export class RemoteRef<in M = never> extends BoundRef<M> {
  readonly peer: Peer;
  readonly boot: number;
  readonly slot: number;
  readonly uid: number;

  constructor(peer: Peer, boot: number, slot: number, uid: number) {
    super();
    this.peer = peer;
    this.boot = boot;
    this.slot = slot;
    this.uid = uid;
  }

  get runtime(): ShardRuntime {
    return this.peer.runtime;
  }

  get address(): Address {
    const { place } = this.peer;
    return { node: place.node, shard: place.shard, boot: this.boot, slot: this.slot, uid: this.uid };
  }

  /** The place has ended or restarted since: whoever this meant is gone. */
  get isStale(): boolean {
    return this.boot !== 0 && this.boot <= this.peer.endedBoot;
  }

  override get isConnected(): boolean {
    return !this.isStale && this.peer.isUp(laneClassOf(REQUEST));
  }

  offer(message: unknown, lane: Lane, deadline: number, senderSlot: number, senderUid: number): Verdict {
    const { runtime } = this.peer;
    const link = this.#link(lane);
    if (link === null) {
      runtime.deadLetters.add('noSuchActor', this, message);
      return UNREACHABLE;
    }
    const window = this.#takesCredit ? takeCredit(this) : NO_WINDOW;
    if (window === null) return WAIT;
    const { out } = link;
    const before = out.length;
    let fits = out.ensure(FRAME_HEADER_BYTES + 1);
    if (fits) {
      const remaining = deadline === 0 ? NO_DEADLINE : remainingField(deadline, runtime.now);
      const at = beginFrame(out, KIND_TELL, lane, 0, this.slot, this.uid, senderSlot, senderUid, remaining, 0);
      try {
        fits = runtime.codec.encode(message, out);
      } catch (error) {
        takeOut(link, before, window);
        throw error;
      }
      if (fits) {
        endFrame(out, at);
        sent(runtime, link);
        return ACCEPTED;
      }
    }
    takeOut(link, before, window);
    return this.#full(link, senderSlot);
  }

  offerBytes(
    operation: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
    requestId: number,
    lane: Lane,
    senderSlot: number,
    senderUid: number,
  ): Verdict {
    const { runtime } = this.peer;
    const link = this.#link(lane);
    if (link === null) {
      runtime.deadLetters.addOperation('noSuchActor', this, operation);
      return UNREACHABLE;
    }
    const window = this.#takesCredit ? takeCredit(this) : NO_WINDOW;
    if (window === null) return WAIT;
    if (!writeBytesFrame(link, operation, bytes, offset, length, requestId, lane, this.slot, this.uid, senderSlot, senderUid)) {
      takeOut(link, link.out.length, window);
      return this.#full(link, senderSlot);
    }
    sent(runtime, link);
    return ACCEPTED;
  }

  get #takesCredit(): boolean {
    return (this.slot & CREDIT_SLOT_BIT) !== 0;
  }

  /** Null where nobody can be reached. Credit and what it is for share a connection, so that they are lost together. */
  #link(lane: Lane): Link | null {
    if (this.isStale) return null;
    return this.peer.link(this.#takesCredit ? BULK_CLASS : laneClassOf(lane));
  }

  /**
   * A sending actor waits for room; anybody else is told that it is overloaded.
   * Errors: NOT_ENCODABLE when there never will be room.
   */
  #full(link: Link, senderSlot: number): Verdict {
    if (link.out.length === 0) {
      throw new RuntimeError(
        'NOT_ENCODABLE',
        `message to ${this.toString()}: longer than the link takes, which is ${link.out.maxBytes} bytes`,
      );
    }
    const { current } = this.runtime;
    if (current === null || senderSlot !== current.slot) return OVERLOADED;
    link.hasWaiters = true;
    this.peer.waiters[link.laneClass]?.add(current, this);
    return WAIT;
  }
}

/** Of an actor that grants no credit and needs none. */
const NO_WINDOW = undefined;

/** The message did not come to be: its bytes and its credit go back. */
function takeOut(link: Link, length: number, window: CreditWindow | undefined): void {
  link.out.length = length;
  if (window !== undefined) window.available++;
}

/** One frame of the binary path into `link.out`; false, and nothing written, when it does not fit. */
export function writeBytesFrame(
  link: Link,
  operation: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  requestId: number,
  lane: Lane,
  targetSlot: number,
  targetUid: number,
  senderSlot: number,
  senderUid: number,
): boolean {
  const out = link.out;
  if (!out.ensure(FRAME_HEADER_BYTES + BYTES_PREFIX_BYTES + length)) return false;
  const at = beginFrame(out, KIND_BYTES, lane, operation, targetSlot, targetUid, senderSlot, senderUid, NO_DEADLINE, requestId);
  writeBytesPayload(out, bytes, offset, length);
  endFrame(out, at);
  return true;
}

/** A frame was added to `link.out`: sees to its being flushed. */
export function sent(runtime: ShardRuntime, link: Link): void {
  link.outFrames++;
  if (!link.dirty) runtime.markDirty(link);
  if (link.out.length >= FLUSH_EARLY_BYTES) link.flush();
}

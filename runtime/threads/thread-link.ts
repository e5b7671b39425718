/** ThreadLink: one direction to another thread of this node, for one lane class. */
import type { MessagePort } from 'node:worker_threads';
import type { Place } from '../address.ts';
import { OutBuffer } from '../bytes.ts';
import type { LaneClass } from '../lanes.ts';
import type { Link } from '../link.ts';
import { countUnread, hasNewRoom, writeFrames } from './frame-ring-writer.ts';
import { type Pipes, ringBell } from './thread-channel.ts';

/** What joins this thread with one other as long as both live. */
export interface Carrier {
  readonly pipes: Pipes;
  readonly port: MessagePort;
  wakesPosted: number;
}

export interface ThreadLinkOptions {
  readonly place: Place;
  readonly laneClass: LaneClass;
  readonly initialBytes: number;
  readonly maxBytes: number;
  /** Called, within `flush`, when the transport must see to this link in its next turn: frames are left over, or senders wait for room. */
  readonly needsTurn: () => void;
}

/** An out-buffer that a full ring made grow beyond this is given back after so many flushes that left most of it unused. */
const KEEP_BYTES = 1 << 18;
const UNUSED_FLUSHES = 1000;

export class ThreadLink implements Link {
  readonly place: Place;
  readonly laneClass: LaneClass;
  readonly out: OutBuffer;
  peerBoot = 0;
  outFrames = 0;
  dirty = false;
  hasWaiters = false;
  index = -1;
  readonly #needsTurn: () => void;
  #carrier: Carrier | null = null;
  #unusedFlushes = 0;

  constructor(options: ThreadLinkOptions) {
    this.place = options.place;
    this.laneClass = options.laneClass;
    this.out = new OutBuffer(options.initialBytes, options.maxBytes);
    this.#needsTurn = options.needsTurn;
  }

  connect(carrier: Carrier, boot: number): void {
    this.#carrier = carrier;
    this.peerBoot = boot;
  }

  /** Requires: the peer reads no more. Returns the number of frames that it has not read and now never will. */
  disconnect(): number {
    const lost = this.outFrames + (this.#carrier === null ? 0 : countUnread(this.#carrier.pipes.writers[this.laneClass]));
    this.#carrier = null;
    this.peerBoot = 0;
    this.outFrames = 0;
    if (this.out.bytes.length > KEEP_BYTES) this.out.detach();
    else this.out.clear();
    return lost;
  }

  flush(): void {
    const carrier = this.#carrier;
    const { out, laneClass } = this;
    if (carrier === null || out.length === 0) return;
    const { pipes } = carrier;
    const writer = pipes.writers[laneClass];
    if (pipes.isBlocked[laneClass] && !hasNewRoom(writer)) return;
    const taken = writeFrames(writer, out);
    if (taken > 0) wakePeer(carrier);
    pipes.isBlocked[laneClass] = taken < out.length;
    if (taken < out.length) {
      this.#unusedFlushes = 0;
      out.bytes.copyWithin(0, taken, out.length);
      out.length -= taken;
      this.outFrames -= writer.framesTaken;
      this.#needsTurn();
      return;
    }
    this.outFrames = 0;
    this.#empty();
    if (this.hasWaiters) this.#needsTurn();
  }

  #empty(): void {
    const { out } = this;
    if (out.bytes.length <= KEEP_BYTES) return out.clear();
    this.#unusedFlushes = out.length > out.bytes.length / 8 ? 0 : this.#unusedFlushes + 1;
    if (this.#unusedFlushes < UNUSED_FLUSHES) return out.clear();
    this.#unusedFlushes = 0;
    out.detach();
  }
}

/** Requires: what the peer is to find is in shared memory. Posts a wake-up if it sleeps. */
export function wakePeer(carrier: Carrier): void {
  if (!ringBell(carrier.pipes.peerBell)) return;
  carrier.wakesPosted += 1;
  carrier.port.postMessage(null);
}

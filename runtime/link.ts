/**
 * Link and transport: how a shard's frames reach another place. A link is one direction's out-buffer plus whatever
 * carries it: a MessagePort, a TCP connection, or a simulated network. The runtime encodes frames into `out`, marks the
 * link dirty, and calls `flush` once per turn of the loop.
 */

import type { Place } from './address.ts';
import type { OutBuffer } from './bytes.ts';
import type { LaneClass } from './lanes.ts';

export interface Link {
  readonly place: Place;
  readonly laneClass: LaneClass;
  /** Boot of the peer thread this link now leads to; 0 while no handshake is done. */
  readonly peerBoot: number;
  /** Whole frames not yet handed to the carrier. Bounded; a frame that doesn't fit is refused by the sender. */
  readonly out: OutBuffer;
  /** Number of frames in `out`: the sender adds one per frame, `flush` or a failure sets it to 0. */
  outFrames: number;
  /** The runtime's mark that this link is on its list of links to flush. */
  dirty: boolean;
  /** The runtime's mark that senders were refused here and wait for `onLinkDrained`. */
  hasWaiters: boolean;
  /** The runtime's number for this link (for binary replies); -1 until the runtime has given it one. */
  index: number;
  /** Hands what is in `out` to the carrier, as far as it takes it. Never throws. */
  flush(): void;
}

/** Implemented by the shard runtime; called by the transport, always from its own thread. */
export interface LinkEvents {
  /**
   * Whole frames lie in `buffer[start, end)`. The bytes belong to the receiver from now on (views may be kept).
   * Throws `RuntimeError('PROTOCOL')` on a frame that breaks the protocol; the transport then closes that connection with
   * the reason; frames before it were delivered.
   */
  onFrames(link: Link, buffer: Buffer, start: number, end: number): void;
  /** A handshake with the peer is done, `link.peerBoot` is set. Comes before any of its frames. */
  onLinkUp(link: Link): void;
  /** The carrier is gone; the transport may be trying again. `lostFrames` were handed over or buffered and will not arrive. */
  onLinkDown(link: Link, reason: string, lostFrames: number): void;
  /** `out` has room again after it had refused a frame (`hasWaiters`). */
  onLinkDrained(link: Link): void;
  /** A place is gone for good under this boot: a thread died, or a peer was away longer than the configured time. */
  onPlaceDown(place: Place, boot: number, reason: 'shardDown' | 'unreachable'): void;
  /** More input than the runtime wants to hold: carriers of the bulk class stop reading until this turns false. */
  readonly congested: boolean;
}

export interface Transport {
  /** The link to a place; made on first use and then kept. Never throws: the way to an unknown place is a link that stays down. */
  link(place: Place, laneClass: LaneClass): Link;
  /** Called by the runtime when `congested` turned false: paused carriers read again. */
  resume(): void;
  /** Flushes, says goodbye to peers, and closes everything. `done` is called once. */
  close(done: () => void): void;
}

/** Timed tasks for transports and other runtime parts; runs on the shard's own timers, so simulated like everything else. */
export interface Tasks {
  now(): number;
  /** Returns a handle for `cancel`. */
  after(ms: number, task: () => void): TaskHandle;
  cancel(handle: TaskHandle): void;
}
export interface TaskHandle {
  readonly at: number;
}

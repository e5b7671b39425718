/**
 * SimCarrier: one end of a simulated connection between two threads, in whole frames. Both ends are in one place here, which is what makes this
 * fidelity fast; what an end knows of the other still comes by its channel, with the delays and stops of the path.
 */
import type { Place } from '../address.ts';
import type { LaneClass } from '../lanes.ts';
import { Channel, type ChannelSink } from './channel.ts';
import type { Path, PathUser } from './conditions.ts';
import type { EventTarget } from './event-heap.ts';
import type { SimLink } from './sim-link.ts';
import type { Receiver, SimThread } from './sim-thread.ts';

/** What travels. */
export const HELLO = 1;
export const WELCOME = 2;
export const FRAMES = 3;
/** The connection is over: a reset, a refusal, or the other end's decision. */
export const CLOSED = 4;
/** The other end has read, there is room for more. */
export const ROOM = 5;
/** Nothing was heard for too long. Comes from the world, not by the channel. */
export const SILENT = 6;

/** Takes what happens to its carriers, on its own thread. */
export interface CarrierOwner {
  carrierTakes(carrier: SimCarrier, code: number, bytes: Buffer, start: number, end: number): void;
}

export type CarrierState = 'dialling' | 'accepting' | 'up' | 'closed';

export class SimCarrier implements ChannelSink, Receiver, PathUser, EventTarget {
  readonly id: number;
  readonly thread: SimThread;
  readonly owner: CarrierOwner;
  /** The other end's. */
  readonly place: Place;
  readonly laneClass: LaneClass;
  readonly path: Path;
  readonly isLocal: boolean;
  state: CarrierState;
  link: SimLink | undefined;
  /** Sent and not yet read by the other end. */
  unreadBytes = 0;
  unreadFrames = 0;
  /** A flush was refused for want of window. */
  isBlocked = false;
  /** Since when the other end hears nothing from here; -1 while it does. */
  silentSinceUs = -1;
  readonly #peerTimeoutMs: number;
  #other: SimCarrier | undefined;
  #out: Channel | undefined;

  constructor(
    thread: SimThread,
    owner: CarrierOwner,
    place: Place,
    laneClass: LaneClass,
    path: Path,
    peerTimeoutMs: number,
    state: 'dialling' | 'accepting',
  ) {
    this.id = thread.world.newId();
    this.thread = thread;
    this.owner = owner;
    this.place = place;
    this.laneClass = laneClass;
    this.path = path;
    this.isLocal = place.node === thread.place.node;
    this.#peerTimeoutMs = peerTimeoutMs;
    this.state = state;
  }

  get other(): SimCarrier {
    return this.#other as SimCarrier;
  }

  get out(): Channel {
    return this.#out as Channel;
  }

  /** Ties two ends together. */
  static join(a: SimCarrier, b: SimCarrier): void {
    a.#other = b;
    b.#other = a;
    a.#out = new Channel(a.thread.world, b);
    b.#out = new Channel(b.thread.world, a);
    for (const end of [a, b]) {
      end.path.users.add(end);
      end.updateSilence();
    }
  }

  /** Sends a word of the connection's own. */
  say(code: number): void {
    this.out.send(this.thread.nowUs + this.path.delayUs(0), code);
  }

  /** At the far end of the other's channel. */
  arrived(code: number, bytes: Buffer, start: number, end: number, sentUs: number): void {
    const { trace } = this.thread.world;
    if (trace !== undefined && code === FRAMES) trace.arrived?.(this.place, this.thread.place, sentUs / 1_000, bytes, start, end);
    if (end > start) this.thread.world.hash.addBytes(bytes, start, end);
    else this.thread.world.hash.add(code);
    this.thread.post(this, code, bytes, start, end);
  }

  take(code: number, bytes: Buffer, start: number, end: number): void {
    if (this.state !== 'closed') this.owner.carrierTakes(this, code, bytes, start, end);
  }

  blocked(): void {
    this.out.hold();
    this.updateSilence();
  }

  opened(afterUs: number): void {
    this.out.release(afterUs);
    this.updateSilence();
  }

  /** Notes whether the other end hears from this one; if not for too long, it is told. */
  updateSilence(): void {
    if (this.isLocal) return;
    const isSilent = this.path.isBlocked || this.thread.isFrozen || this.thread.isDead || this.state === 'closed';
    if (isSilent === this.silentSinceUs >= 0) return;
    const { world } = this.thread;
    this.silentSinceUs = isSilent ? world.nowUs : -1;
    if (isSilent) world.schedule(world.nowUs + this.#peerTimeoutMs * 1000, this, this.silentSinceUs);
  }

  /** The time is up for a silence that began at `sinceUs`. */
  fire(sinceUs: number): void {
    if (this.silentSinceUs === sinceUs) this.other.thread.post(this.other, SILENT);
  }

  /** This end is done with. What it sent still arrives, as far as the path lets it. */
  close(): void {
    this.state = 'closed';
    this.link = undefined;
    this.updateSilence();
  }

  /** Both ends are done with. */
  forget(): void {
    this.path.users.delete(this);
  }
}

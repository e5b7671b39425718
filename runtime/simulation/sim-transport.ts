/**
 * SimTransport: the transport of a simulated thread in whole frames. Towards threads of the same node it behaves as ports do, towards other nodes as
 * `TcpTransport`: handshake, silence detection, reconnect and the verdict `unreachable`, by the same `TcpLimits`.
 *
 * A connection: whoever has frames for a place dials; the other end learns of it by HELLO and answers WELCOME. Where both
 * dial at once, the connection of the one whose place comes first in the alphabet stays.
 */
import { type Place, placeName } from '../address.ts';
import type { OutBuffer } from '../bytes.ts';
import type { Log } from '../doors.ts';
import { BugError, RuntimeError } from '../errors.ts';
import { BULK_CLASS, CONTROL_CLASS, type LaneClass } from '../lanes.ts';
import type { LinkEvents, Tasks, Transport } from '../link.ts';
import { backoffDelayMs } from '../wire/backoff.ts';
import { keepWellKnown } from '../wire/boot-change.ts';
import type { TcpLimits } from '../wire/tcp-limits.ts';
import type { Fabric } from './fabric.ts';
import { countFrames, sendFrames } from './frame-faults.ts';
import { type CarrierOwner, CLOSED, FRAMES, HELLO, ROOM, SILENT, type SimCarrier, WELCOME } from './sim-carrier.ts';
import { type PeerState, SimLink } from './sim-link.ts';
import type { SimThread } from './sim-thread.ts';

export interface SimTransportOptions {
  readonly thread: SimThread;
  readonly fabric: Fabric;
  readonly events: LinkEvents;
  readonly tasks: Tasks;
  readonly log: Log;
  readonly limits: TcpLimits;
  /** Bytes sent and not yet read, per connection. */
  readonly windowBytes: number;
}

const LANE_CLASSES: readonly LaneClass[] = [CONTROL_CLASS, BULK_CLASS];

function keepNothing(out: OutBuffer): number {
  out.clear();
  return 0;
}

export class SimTransport implements Transport, CarrierOwner {
  readonly #thread: SimThread;
  readonly #fabric: Fabric;
  readonly #events: LinkEvents;
  readonly #tasks: Tasks;
  readonly #log: Log;
  readonly #limits: TcpLimits;
  readonly #windowBytes: number;
  readonly #links = new Map<string, SimLink>();
  readonly #peers = new Map<string, PeerState>();
  #isClosed = false;

  constructor(options: SimTransportOptions) {
    this.#thread = options.thread;
    this.#fabric = options.fabric;
    this.#events = options.events;
    this.#tasks = options.tasks;
    this.#log = options.log;
    this.#limits = options.limits;
    this.#windowBytes = options.windowBytes;
  }

  link(place: Place, laneClass: LaneClass): SimLink {
    const key = `${placeName(place)}/${laneClass}`;
    let link = this.#links.get(key);
    if (link === undefined) {
      link = new SimLink(this.#peer(place), laneClass, this.#limits.outMaxBytes, this.#flush);
      this.#links.set(key, link);
      if (this.#isLocal(place)) this.#dial(link);
    }
    return link;
  }

  resume(): void {
    for (const link of this.#links.values()) {
      while (link.waiting.length > 0 && !this.#events.congested) {
        const { bytes, start, end } = link.waiting.shift()!;
        this.#deliver(link, bytes, start, end);
      }
    }
  }

  close(done: () => void): void {
    for (const link of this.#links.values()) {
      this.#flush(link);
      const { carrier } = link;
      if (carrier === undefined) continue;
      carrier.say(CLOSED);
      carrier.close();
    }
    this.#isClosed = true;
    this.#thread.post({ take: done }, 0);
  }

  /** A thread of the same node has started (again). */
  localStarted(place: Place): void {
    for (const link of this.#linksTo(place)) this.#dial(link);
  }

  carrierTakes(carrier: SimCarrier, code: number, bytes: Buffer, start: number, end: number): void {
    switch (code) {
      case HELLO:
        return this.#accept(carrier);
      case WELCOME:
        return this.#up(carrier);
      case FRAMES:
        return this.#receive(carrier, bytes, start, end);
      case CLOSED:
        return this.#gone(carrier, carrier.other.thread.isDead ? 'the peer is gone' : 'connection reset');
      case ROOM:
        if (carrier.link !== undefined) this.#flush(carrier.link);
        return;
      case SILENT:
        return this.#checkSilence(carrier);
      default:
        throw new BugError(`carrier code ${code}`);
    }
  }

  // Connecting.

  /**
   * Dials when there is a reason to: frames that wait, a connection that was lost and whose end is not yet told, or another lane class
   * that is connected, since then all are.
   */
  #seek(link: SimLink): void {
    const { peer } = link;
    if (link.carrier !== undefined || link.retry !== undefined || this.#isClosed || this.#isLocal(link.place)) return;
    if (link.out.length === 0 && !(link.wasUp && !peer.isDeclared) && peer.up === 0) return;
    this.#awaitPeer(peer);
    this.#dial(link);
  }

  #dial(link: SimLink): void {
    if (this.#isClosed || link.carrier !== undefined) return;
    const attempt = this.#fabric.connect(this.#thread, this, link.place, link.laneClass);
    if (attempt === 'down') {
      const boot = this.#fabric.lastBoot(link.place);
      return this.#thread.post({ take: () => this.#localDown(link, boot) }, 0);
    }
    if (attempt === 'refused') return this.#retry(link, 0);
    if (attempt === 'lost') return this.#retry(link, this.#limits.handshakeTimeoutMs);
    link.carrier = attempt;
    attempt.link = link;
    attempt.say(HELLO);
    if (attempt.isLocal) return;
    this.#tasks.after(this.#limits.handshakeTimeoutMs, () => {
      if (attempt.state === 'dialling') this.#gone(attempt, 'no handshake in time');
    });
  }

  #retry(link: SimLink, timeoutMs: number): void {
    const delayMs = timeoutMs + backoffDelayMs(link.failures++, this.#limits.backoff, this.#thread.random);
    link.retry ??= this.#tasks.after(delayMs, () => {
      link.retry = undefined;
      this.#seek(link);
    });
  }

  /** HELLO came in on a carrier that the other end has made. */
  #accept(carrier: SimCarrier): void {
    const { place } = carrier;
    const link = this.link(place, carrier.laneClass);
    const mine = link.carrier;
    // Given up since, for this end's own or another connection; or of a life that is over.
    const isStale = carrier.other.state === 'closed' || carrier.other.thread.boot < link.peer.boot;
    if (this.#isClosed || isStale || (mine?.state === 'dialling' && placeName(this.#thread.place) < placeName(place))) {
      carrier.say(CLOSED);
      carrier.close();
      return;
    }
    // The peer would not dial if it did not know better than this end that the connection before is over.
    if (mine !== undefined) this.#drop(mine, 'replaced by a new connection', true);
    carrier.link = link;
    link.carrier = carrier;
    carrier.say(WELCOME);
    this.#up(carrier);
  }

  #up(carrier: SimCarrier): void {
    const link = carrier.link as SimLink;
    const { peer } = link;
    const { boot } = carrier.other.thread;
    if (boot < peer.boot) return this.#gone(carrier, 'a zombie', true);
    if (boot > peer.boot) this.#admitBoot(peer, boot, carrier);
    if (peer.outage !== undefined) this.#tasks.cancel(peer.outage);
    peer.outage = undefined;
    peer.isDeclared = false;
    peer.up++;
    if (link.hold !== undefined) this.#tasks.cancel(link.hold);
    link.hold = undefined;
    link.failures = 0;
    link.wasUp = true;
    carrier.state = 'up';
    this.#log.info('wire.linkUp', { peer: placeName(link.place), laneClass: link.laneClass, boot });
    this.#events.onLinkUp(link);
    this.#flush(link);
    for (const laneClass of LANE_CLASSES) this.#seek(this.link(link.place, laneClass));
  }

  /** What was meant for the boot before must not reach this one. */
  #admitBoot(peer: PeerState, boot: number, carrier: SimCarrier): void {
    const old = peer.boot;
    peer.boot = boot;
    if (old === 0) return;
    for (const link of this.#linksTo(peer.place)) {
      link.wasUp = false;
      this.#discard(link, 'the peer has restarted', keepWellKnown);
      if (link.carrier !== undefined && link.carrier !== carrier && link.isUp) this.#gone(link.carrier, 'the peer has restarted', true);
    }
    this.#events.onPlaceDown(peer.place, old, 'shardDown');
  }

  // Going down.

  #checkSilence(carrier: SimCarrier): void {
    const since = carrier.other.silentSinceUs;
    const limitMs = this.#limits.peerTimeoutMs;
    if (since >= 0 && this.#thread.world.nowUs - since >= limitMs * 1000) this.#gone(carrier, `nothing heard for ${limitMs} ms`, true);
  }

  /** The connection is over for this end. */
  #gone(carrier: SimCarrier, reason: string, tellPeer = carrier.state === 'dialling'): void {
    const link = this.#drop(carrier, reason, tellPeer);
    if (link === undefined || this.#isClosed || link.carrier !== undefined) return;
    if (!carrier.isLocal) this.#retry(link, 0);
    else if (carrier.other.thread.isDead) this.#localDown(link, carrier.other.thread.boot);
    else this.#dial(link);
  }

  /** Takes the carrier off its link. */
  #drop(carrier: SimCarrier, reason: string, tellPeer: boolean): SimLink | undefined {
    const { link } = carrier;
    const wasUp = carrier.state === 'up';
    if (tellPeer) carrier.say(CLOSED);
    carrier.close();
    if (link === undefined || link.carrier !== carrier) return undefined;
    link.carrier = undefined;
    link.waiting.length = 0;
    if (!wasUp) return link;
    const { peer } = link;
    peer.up--;
    this.#log.info('wire.linkDown', { peer: placeName(link.place), laneClass: link.laneClass, reason, lostFrames: carrier.unreadFrames });
    this.#events.onLinkDown(link, reason, carrier.unreadFrames);
    if (peer.up === 0) this.#awaitPeer(peer);
    return link;
  }

  /** A thread of this node has ended under `boot`. By now it may have started again. */
  #localDown(link: SimLink, boot: number): void {
    if (link.carrier !== undefined) return;
    const { peer } = link;
    this.#discard(link, 'the thread is down');
    this.#events.onPlaceDown(peer.place, boot, 'shardDown');
    if (this.#fabric.isPlugged(peer.place)) this.#dial(link);
  }

  /** What the link holds will not be sent, but for what `keep` leaves. */
  #discard(link: SimLink, reason: string, keep: (out: OutBuffer) => number = keepNothing): void {
    const waited = link.outFrames;
    link.outFrames = keep(link.out);
    const lost = waited - link.outFrames;
    if (lost > 0) {
      this.#log.info('wire.framesDropped', { peer: placeName(link.place), laneClass: link.laneClass, reason, lostFrames: lost });
      this.#events.onLinkDown(link, reason, lost);
    }
    if (link.hasWaiters) this.#events.onLinkDrained(link);
  }

  /** Somebody wants to reach the place, and no connection leads there. */
  #awaitPeer(peer: PeerState): void {
    if (peer.outage !== undefined || peer.isDeclared || peer.up > 0 || this.#isLocal(peer.place)) return;
    peer.outage = this.#tasks.after(this.#limits.unreachableMs, () => {
      peer.outage = undefined;
      peer.isDeclared = true;
      this.#log.info('wire.placeUnreachable', { peer: placeName(peer.place), boot: peer.boot });
      this.#events.onPlaceDown(peer.place, peer.boot, 'unreachable');
    });
  }

  // Frames.

  readonly #flush = (link: SimLink): void => {
    const { carrier, out } = link;
    if (out.length === 0) return;
    if (carrier === undefined || carrier.state !== 'up') return this.#await(link);
    // Whole or not at all, but what is larger than the window must pass too.
    if (carrier.unreadBytes > 0 && carrier.unreadBytes + out.length > this.#windowBytes) {
      carrier.isBlocked = true;
      return;
    }
    const { arena } = this.#thread.world;
    const frames = link.outFrames;
    arena.copy(out.bytes, 0, out.length);
    const { buffer, at } = arena;
    const end = at + out.length;
    out.clear();
    link.outFrames = 0;
    sendFrames(carrier, buffer, at, end, frames);
    if (link.hasWaiters) this.#events.onLinkDrained(link);
  };

  /** Frames wait for a connection: sees to one, and that they don't wait for ever. */
  #await(link: SimLink): void {
    link.hold ??= this.#tasks.after(this.#limits.holdMs, () => {
      link.hold = undefined;
      if (!link.isUp) this.#discard(link, 'not connected in time');
    });
    this.#seek(link);
  }

  #receive(carrier: SimCarrier, bytes: Buffer, start: number, end: number): void {
    const { link } = carrier;
    if (link === undefined || carrier.state !== 'up') return;
    if (link.waiting.length > 0 || (link.laneClass === BULK_CLASS && this.#events.congested)) link.waiting.push({ bytes, start, end });
    else this.#deliver(link, bytes, start, end);
  }

  #deliver(link: SimLink, bytes: Buffer, start: number, end: number): void {
    const { carrier } = link;
    if (carrier === undefined) return;
    const { other, thread } = carrier;
    const frames = countFrames(bytes, start, end);
    other.unreadBytes -= end - start;
    other.unreadFrames -= frames;
    if (other.isBlocked) {
      other.isBlocked = false;
      carrier.say(ROOM);
    }
    try {
      this.#events.onFrames(link, bytes, start, end);
    } catch (error) {
      if (!(error instanceof RuntimeError && error.code === 'PROTOCOL')) throw error;
      // No fault of this fidelity damages a frame, so somebody wrote a bad one.
      thread.world.fail('protocol broken', `${thread.name} from ${placeName(link.place)}: ${error.message}`);
      this.#gone(carrier, error.message, true);
    }
  }

  #isLocal(place: Place): boolean {
    return place.node === this.#thread.place.node;
  }

  #linksTo(place: Place): SimLink[] {
    return [...this.#links.values()].filter((link) => link.place.shard === place.shard && link.place.node === place.node);
  }

  #peer(place: Place): PeerState {
    const name = placeName(place);
    let peer = this.#peers.get(name);
    if (peer === undefined) {
      peer = { place, boot: 0, up: 0, outage: undefined, isDeclared: false };
      this.#peers.set(name, peer);
    }
    return peer;
  }
}

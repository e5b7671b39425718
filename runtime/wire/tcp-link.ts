/**
 * TcpLink: the way to one place in one lane class. It holds the frames not yet sent and at most one connection, dials when
 * there is a reason to, and decides between its own connection and one the peer has opened.
 *
 * It dials while frames wait in `out`; while the other lane class is connected; and after a connection was lost, until the place
 * is declared down, so that a short cut is mended, and a long one noticed, without traffic. Frames handed to a stream are never
 * sent again, and frames in `out` go to the next connection only if it leads to the same boot, or to well-known actors: at most
 * once, in order, with a gap where a connection broke.
 */
import type { Place } from '../address.ts';
import { OutBuffer } from '../bytes.ts';
import type { Random } from '../doors.ts';
import { BULK_CLASS, type LaneClass } from '../lanes.ts';
import type { Link, LinkEvents, TaskHandle, Tasks } from '../link.ts';
import { keepWellKnown } from './boot-change.ts';
import type { Connection, ConnectionOwner } from './connection.ts';
import {
  comesBefore,
  decodeAnswer,
  encodeHello,
  encodeWelcome,
  type Hello,
  type Identity,
  isRefusal,
  judgeWelcome,
  PROTOCOL_VERSION_MAX,
  type Refusal,
  refusal,
} from './handshake.ts';
import { Redial } from './redial.ts';
import type { PlaceLink, RemotePlace, TcpAddress } from './remote-place.ts';
import type { TcpLimits } from './tcp-limits.ts';

/** An out-buffer that has grown past this goes back to its first size once it is mostly unused. */
const SHRINK_ABOVE_BYTES = 256 * 1024;
const SHRINK_AFTER_FLUSHES = 64;

/** What all links of a transport share. */
export interface LinkContext {
  readonly me: Identity;
  readonly events: LinkEvents;
  readonly tasks: Tasks;
  readonly random: Random;
  readonly limits: TcpLimits;
  readonly goodbye: Buffer;
  /** A place that was dialled has refused this one. */
  readonly onRefused: (place: Place, refusal: Refusal) => void;
  /** The transport is closing or closed. */
  readonly closing: boolean;
  dial(address: TcpAddress, owner: ConnectionOwner): Connection;
  /** Puts a place that was forgotten back into the directory; false when another one has taken its entry. */
  readmit(home: RemotePlace): boolean;
  /** The link of the other lane class to the same place. */
  companion(link: TcpLink): TcpLink;
  /** `connection` was paused: `Transport.resume` wakes it. */
  paused(connection: Connection): void;
}

export class TcpLink implements Link, PlaceLink, ConnectionOwner {
  readonly place: Place;
  readonly laneClass: LaneClass;
  readonly out: OutBuffer;
  outFrames = 0;
  dirty = false;
  hasWaiters = false;
  index = -1;
  readonly #context: LinkContext;
  readonly #home: RemotePlace;
  #up: Connection | null = null;
  #dialled: Connection | null = null;
  /** HELLO has gone out on `#dialled`. */
  #helloSent = false;
  /** Number of our last try, as HELLO carries it. */
  #attempt = 0;
  /** The try of ours for which a HELLO of the peer was refused as simultaneous. */
  #preferred = 0;
  /** Tries of the peer up to this one are void. */
  #peerAttempt = 0;
  readonly #redial: Redial;
  #hold: TaskHandle | null = null;
  #upSince = 0;
  /** There was a connection to the present boot. */
  #wasUp = false;
  #lastFailure = '';
  #smallFlushes = 0;

  constructor(context: LinkContext, home: RemotePlace, laneClass: LaneClass) {
    this.place = home.place;
    this.laneClass = laneClass;
    this.out = new OutBuffer(context.limits.outInitialBytes, context.limits.outMaxBytes);
    this.#context = context;
    this.#home = home;
    this.#redial = new Redial(context, () => this.seek());
  }

  get peerBoot(): number {
    return this.#home.boot;
  }

  get isUp(): boolean {
    return this.#up !== null;
  }

  get isIdle(): boolean {
    return this.#up === null && this.#dialled === null && this.out.length === 0;
  }

  flush(): void {
    if (this.out.length === 0) return;
    const connection = this.#up;
    if (connection === null) this.#waitForConnection();
    else if (connection.writable) this.#send(connection);
  }

  seek(): void {
    if (this.#up !== null || this.#dialled !== null || this.#context.closing || !this.#isWanted()) return;
    const home = this.#home;
    home.tried();
    if (home.address === null || !this.#redial.isDue()) return;
    this.#helloSent = false;
    this.#attempt++;
    this.#dialled = this.#context.dial(home.address, this);
  }

  /** Where to dial has changed: failures at the old address count no longer. */
  redirect(): void {
    this.#redial.clear();
    this.seek();
  }

  /**
   * The peer, whose boot is admitted, has opened `connection` itself. Returns null when the link has taken it, or why not.
   * Of two places that dial at once the first in order prevails, if its own connection has got as far as HELLO; and only
   * once, because a second HELLO shows that ours does not arrive.
   */
  onHello(connection: Connection, hello: Hello): Refusal | null {
    const { me, limits } = this.#context;
    if (hello.attempt <= this.#peerAttempt) return refusal('STALE', `attempt ${hello.attempt} was overtaken by ${this.#peerAttempt}`);
    if (this.#dialled !== null && this.#helloSent && this.#preferred !== this.#attempt && comesBefore(me, this.place)) {
      this.#preferred = this.#attempt;
      return refusal('SIMULTANEOUS', 'both sides dialled at once, and the other connection is kept');
    }
    this.#peerAttempt = hello.attempt;
    const old = this.#up;
    if (old !== null) {
      // Only a peer that has lost the connection opens another.
      old.close('replaced');
      this.#lost('the peer opened a new connection');
      if (this.#context.closing) return refusal('CLOSING', 'this side is stopping');
    }
    this.#dropDialled('the peer dialled as well');
    connection.owner = this;
    const { node, shard, boot } = me;
    const { maxFrameBytes } = limits;
    connection.send(encodeWelcome({ version: PROTOCOL_VERSION_MAX, node, shard, boot, maxFrameBytes, attemptsVoid: this.#attempt }));
    this.#establish(connection, 'accepted');
    return null;
  }

  onConnected(connection: Connection): void {
    if (connection !== this.#dialled) return;
    const { me, limits } = this.#context;
    this.#helloSent = true;
    connection.send(
      encodeHello({
        ...me,
        laneClass: this.laneClass,
        expectedNode: this.place.node,
        expectedShard: this.place.shard,
        maxFrameBytes: limits.maxFrameBytes,
        attempt: this.#attempt,
      }),
    );
  }

  /** The answer to our HELLO. */
  onGreeting(connection: Connection, frame: Buffer): void {
    const { limits } = this.#context;
    const answer = decodeAnswer(frame);
    if (isRefusal(answer)) {
      this.#context.onRefused(this.place, answer);
      return this.#reject(connection, `refused by the peer: ${answer.code}, ${answer.reason}`);
    }
    const objection = judgeWelcome(answer, this.place, limits.outMaxBytes);
    if (objection !== null) return this.#reject(connection, `${objection.code}, ${objection.reason}`);
    const { boot } = answer;
    if (!this.#home.admitBoot(boot)) return this.#reject(connection, `ZOMBIE, boot ${boot}, expected at least ${this.peerBoot}`);
    // Events of the admission may have changed anything.
    if (connection !== this.#dialled) return;
    this.#dialled = null;
    this.#peerAttempt = Math.max(this.#peerAttempt, answer.attemptsVoid);
    this.#establish(connection, 'dialled');
  }

  onFrames(connection: Connection, buffer: Buffer, start: number, end: number): void {
    const { events } = this.#context;
    events.onFrames(this, buffer, start, end);
    if (this.laneClass === BULK_CLASS && events.congested && connection.isUp && !connection.paused) {
      connection.pause();
      this.#context.paused(connection);
    }
  }

  onGoodbye(connection: Connection): void {
    connection.end(null, this.#context.limits.drainMs);
    this.#home.goodbye();
    this.#wasUp = false;
    this.#lost('the peer said goodbye', this.#takeOut(), true);
  }

  onDrained(connection: Connection): void {
    if (connection !== this.#up) return;
    if (this.out.length > 0) this.#send(connection);
    else this.#announceRoom();
  }

  onClosed(connection: Connection, reason: string): void {
    if (connection === this.#dialled) {
      this.#dialled = null;
      this.#failed(reason);
    } else if (connection === this.#up) {
      this.#lost(reason);
    }
  }

  dropOldBoot(): void {
    const waited = this.outFrames;
    this.outFrames = keepWellKnown(this.out);
    const lost = waited - this.outFrames;
    this.#peerAttempt = 0;
    this.#wasUp = false;
    this.#up?.close('the peer has restarted');
    if (this.#up !== null) this.#lost('the peer has restarted', lost);
    else this.#report('the peer has restarted', lost);
    this.#redial.clear();
    this.flush();
  }

  shut(): void {
    this.#redial.cancel();
    this.#dropDialled('transport closed');
    const connection = this.#up;
    if (connection !== null) {
      if (this.out.length > 0) this.#send(connection);
      connection.end(this.#context.goodbye, this.#context.limits.drainMs);
      this.#lost('transport closed', 0, true);
    }
    this.#report('transport closed', this.#takeOut());
  }

  #isWanted(): boolean {
    return this.out.length > 0 || (this.#wasUp && !this.#home.declared) || this.#home.wantsAllLinks;
  }

  #send(connection: Connection): void {
    const { out } = this;
    const { length } = out;
    this.outFrames = 0;
    if (!connection.write(out.bytes, 0, length)) out.detach();
    else if (out.bytes.length <= SHRINK_ABOVE_BYTES || length > SHRINK_ABOVE_BYTES) out.clear();
    else if (++this.#smallFlushes < SHRINK_AFTER_FLUSHES) out.clear();
    else this.#shrink();
    this.#announceRoom();
  }

  #announceRoom(): void {
    if (this.hasWaiters) this.#context.events.onLinkDrained(this);
  }

  #establish(connection: Connection, how: 'dialled' | 'accepted'): void {
    const { events, limits, tasks } = this.#context;
    connection.open(limits.maxFrameBytes);
    this.#up = connection;
    this.#upSince = tasks.now();
    this.#wasUp = true;
    this.#redial.cancel();
    this.#cancelHold();
    this.#home.linkUp();
    this.#home.log.info('wire.linkUp', { peer: this.#home.name, laneClass: this.laneClass, boot: this.peerBoot, how });
    events.onLinkUp(this);
    this.flush();
    // A peer that can't dial us answers in whatever lane it likes: both connections are there for it.
    if (how === 'dialled') this.#context.companion(this).seek();
  }

  /** Frames wait for a connection: sees to one, and that they don't wait for ever. */
  #waitForConnection(): void {
    const { closing, limits, tasks } = this.#context;
    const superseded = this.#home.forgotten && !this.#context.readmit(this.#home);
    this.#hold ??= tasks.after(closing || superseded ? 0 : limits.holdMs, this.#onHoldOver);
    if (!superseded) this.seek();
  }

  readonly #onHoldOver = (): void => {
    this.#hold = null;
    const unknown = this.#home.address === null ? 'no address known' : 'not connected yet';
    this.#report(this.#context.closing ? 'transport closed' : this.#lastFailure || unknown, this.#takeOut());
  };

  #reject(connection: Connection, reason: string): void {
    connection.close(reason);
    this.#dialled = null;
    this.#failed(reason);
  }

  /** An attempt of ours came to nothing. */
  #failed(reason: string): void {
    this.#lastFailure = reason;
    this.#redial.failed();
    const { failures } = this.#redial;
    this.#home.log.warn('wire.dialFailed', { peer: this.#home.name, laneClass: this.laneClass, reason, failures });
    this.seek();
  }

  /** `#up` is gone. `expected`: nothing is wrong. */
  #lost(reason: string, lostFrames = 0, expected = false): void {
    const { limits, tasks } = this.#context;
    this.#up = null;
    this.#lastFailure = reason;
    if (tasks.now() - this.#upSince >= limits.stableMs) this.#redial.clear();
    this.#redial.failed();
    const fields = { peer: this.#home.name, laneClass: this.laneClass, reason, lostFrames };
    if (expected) this.#home.log.info('wire.linkDown', fields);
    else this.#home.log.warn('wire.linkDown', fields);
    this.#context.events.onLinkDown(this, reason, lostFrames);
    this.#home.linkDown();
    if (this.#up !== null) return;
    if (lostFrames > 0) this.#announceRoom();
    if (this.out.length > 0) this.#waitForConnection();
    else this.seek();
  }

  #report(reason: string, lostFrames: number): void {
    if (lostFrames === 0) return;
    this.#home.log.warn('wire.framesDropped', { peer: this.#home.name, laneClass: this.laneClass, reason, lostFrames });
    this.#context.events.onLinkDown(this, reason, lostFrames);
    this.#announceRoom();
  }

  /** Empties `out`; returns how many frames were in it. */
  #takeOut(): number {
    const frames = this.outFrames;
    this.outFrames = 0;
    this.#cancelHold();
    this.#shrink();
    return frames;
  }

  #shrink(): void {
    this.#smallFlushes = 0;
    if (this.out.bytes.length > SHRINK_ABOVE_BYTES) this.out.detach();
    else this.out.clear();
  }

  #dropDialled(reason: string): void {
    this.#dialled?.close(reason);
    this.#dialled = null;
  }

  #cancelHold(): void {
    if (this.#hold !== null) this.#context.tasks.cancel(this.#hold);
    this.#hold = null;
  }
}

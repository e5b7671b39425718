/**
 * ThreadTransport: frames between the threads of one node, through rings in shared memory (`frame-ring.ts`).
 *
 * While there is input, the thread looks into its rings once per turn of its loop (`setImmediate`), control of all peers before bulk of any. After
 * a turn in which nothing came it says that it sleeps (`thread-channel.ts`), and whoever writes next posts the one message that wakes it.
 *
 * Bounded: per peer and direction there is one ring per lane class on its way and at most `maxBytes` in `out`. Bulk that the
 * runtime does not want to hold (`congested`) stays in its ring, which fills, which leaves the sender's frames in its `out`, which
 * refuses its actors. Control is read regardless.
 */
import { type Place, placeName } from '../address.ts';
import type { Log } from '../doors.ts';
import { errorMessage, invalidArgument, RuntimeError } from '../errors.ts';
import { BULK_CLASS, CONTROL_CLASS, type LaneClass } from '../lanes.ts';
import type { LinkEvents, TaskHandle, Tasks, Transport } from '../link.ts';
import { newSlab, READ_FRAMES, READ_NOTHING, readFrames, takeBlocked } from './frame-ring-reader.ts';
import { hasNewRoom } from './frame-ring-writer.ts';
import { fallAsleep, openPipes, type Pipes, stayAwake, type ThreadChannelEnd } from './thread-channel.ts';
import { type Carrier, ThreadLink, wakePeer } from './thread-link.ts';

export interface ThreadTransportOptions {
  readonly node: string;
  readonly shard: number;
  readonly boot: number;
  readonly events: LinkEvents;
  readonly tasks: Tasks;
  readonly log: Log;
  readonly limits?: Partial<ThreadLimits>;
  /**
   * Called when input that ended this thread's sleep has been delivered. What it started may run at once instead of in the next
   * turn of the loop: a fifth of the round trip when there is nothing else to do (bench:threads, "within event").
   */
  readonly onWoken?: () => void;
}

export interface ThreadLimits {
  /** Of an out-buffer when it is made. Default 16 KiB. */
  readonly initialBytes: number;
  /** Most that an out-buffer holds, and so the largest frame. Default 4 MiB. */
  readonly maxBytes: number;
  /** How long `close` waits for peers to make room for what is still in the out-buffers. Default 1000. */
  readonly closeTimeoutMs: number;
}

export interface ThreadTransportStats {
  /** Wake-ups posted to other threads, and taken from them. */
  readonly wakesPosted: number;
  readonly wakesTaken: number;
  /** Times this thread's transport went to sleep. */
  readonly sleeps: number;
  /** Batches whose rest was dropped since a frame in it broke the protocol. */
  readonly protocolErrors: number;
}

interface Attached extends Carrier {
  readonly shard: number;
  readonly boot: number;
  /** Indexed by lane class. */
  readonly links: readonly [ThreadLink, ThreadLink];
}

const DEFAULT_LIMITS: ThreadLimits = { initialBytes: 16 << 10, maxBytes: 4 << 20, closeTimeoutMs: 1000 };
const CLASSES = [CONTROL_CLASS, BULK_CLASS] as const;
const THREAD_ENDED = 'the thread has ended';

export class ThreadTransport implements Transport {
  readonly #place: Place;
  readonly #events: LinkEvents;
  readonly #tasks: Tasks;
  readonly #log: Log;
  readonly #limits: ThreadLimits;
  readonly #onWoken: (() => void) | undefined;
  readonly #links = new Map<string, ThreadLink>();
  readonly #slab = newSlab();
  /** The latest boot of each shard that was attached or reported dead. */
  readonly #boots = new Map<number, { readonly boot: number; readonly isDown: boolean }>();
  #attached: readonly Attached[] = [];
  #pipes: readonly Pipes[] = [];
  /** Whose bulk is read first in the next turn. */
  #first = 0;
  #state: 'open' | 'closing' | 'closed' = 'open';
  #isAsleep = false;
  #isScheduled = false;
  #onClosed: (() => void) | null = null;
  #closeTimer: TaskHandle | null = null;
  #wakesPostedBefore = 0;
  #wakesTaken = 0;
  #sleeps = 0;
  #protocolErrors = 0;

  constructor(options: ThreadTransportOptions) {
    this.#place = { node: options.node, shard: options.shard };
    this.#events = options.events;
    this.#tasks = options.tasks;
    this.#log = options.log;
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#onWoken = options.onWoken;
  }

  link(place: Place, laneClass: LaneClass): ThreadLink {
    const key = linkKey(place, laneClass);
    let link = this.#links.get(key);
    if (link === undefined) {
      const { initialBytes, maxBytes } = this.#limits;
      link = new ThreadLink({ place, laneClass, initialBytes, maxBytes, needsTurn: () => this.#schedule() });
      this.#links.set(key, link);
    }
    return link;
  }

  /**
   * Connects to a thread that has started. What its links had buffered is sent, after `onLinkUp`.
   * A boot that is not higher than an earlier one of that shard is refused: its channel is closed. Errors: INVALID_ARGUMENT for the own shard.
   */
  attach(peer: { readonly shard: number; readonly boot: number }, end: ThreadChannelEnd): void {
    const { shard, boot } = peer;
    const { node } = this.#place;
    if (shard === this.#place.shard) throw invalidArgument(`attach: shard ${shard} is this thread itself`);
    const known = this.#boots.get(shard);
    if (this.#state === 'closed' || (known !== undefined && boot <= known.boot)) {
      this.#log.warn('thread not attached', { peer: placeName({ node, shard }), boot, known: known?.boot, state: this.#state });
      end.port.close();
      return;
    }
    if (known !== undefined) this.detach(shard, known.boot);
    this.#boots.set(shard, { boot, isDown: false });
    const links = CLASSES.map((c) => this.link({ node, shard }, c)) as unknown as [ThreadLink, ThreadLink];
    const attached: Attached = { shard, boot, port: end.port, pipes: openPipes(end), links, wakesPosted: 0 };
    this.#setAttached([...this.#attached, attached]);
    for (const link of links) {
      link.connect(attached, boot);
      this.#events.onLinkUp(link);
      link.flush();
    }
    end.port.on('message', () => {
      this.#wakesTaken += 1;
      this.#poll();
      this.#onWoken?.();
    });
    end.port.on('close', () => this.#onPortClosed(attached));
    this.#schedule();
  }

  /**
   * The thread has died. What it had sent before is delivered first. Reported once for each boot, whoever learns of it first: the
   * caller, or this end of the channel when the other one closes.
   */
  detach(shard: number, boot: number): void {
    const known = this.#boots.get(shard);
    if (known !== undefined && (boot < known.boot || (boot === known.boot && known.isDown))) return;
    if (known !== undefined && boot > known.boot) this.detach(shard, known.boot);
    this.#boots.set(shard, { boot, isDown: true });
    const attached = this.#attached.find((a) => a.shard === shard);
    if (attached !== undefined) this.#disconnect(attached);
    const place = { node: this.#place.node, shard };
    // Frames buffered for a thread that never came up: they must not reach its successor.
    for (const link of CLASSES.map((c) => this.#links.get(linkKey(place, c)))) {
      if (link !== undefined && link.outFrames > 0) this.#events.onLinkDown(link, THREAD_ENDED, link.disconnect());
    }
    this.#events.onPlaceDown(place, boot, 'shardDown');
  }

  resume(): void {
    this.#schedule();
  }

  close(done: () => void): void {
    if (this.#state !== 'open') {
      done();
      return;
    }
    this.#state = 'closing';
    this.#onClosed = done;
    for (const { links } of this.#attached) for (const link of links) link.flush();
    if (this.#isFlushed()) this.#finishClose();
    else this.#closeTimer = this.#tasks.after(this.#limits.closeTimeoutMs, () => this.#finishClose());
  }

  stats(): ThreadTransportStats {
    const wakesPosted = this.#attached.reduce((sum, a) => sum + a.wakesPosted, this.#wakesPostedBefore);
    return { wakesPosted, wakesTaken: this.#wakesTaken, sleeps: this.#sleeps, protocolErrors: this.#protocolErrors };
  }

  #schedule(): void {
    if (this.#isScheduled || this.#state === 'closed') return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#poll();
    });
  }

  /** Does what there is to do; looks again in the next turn if there was something, sleeps if not. */
  #poll(): void {
    if (this.#state === 'closed') return;
    if (this.#isAsleep) {
      stayAwake(this.#pipes);
      this.#isAsleep = false;
    }
    this.#read();
    this.#write();
    if (this.#state === 'closing' && this.#isFlushed()) this.#finishClose();
    if (this.#isScheduled || this.#attached.length === 0) return;
    this.#isAsleep = fallAsleep(this.#pipes, this.#events.congested);
    if (this.#isAsleep) this.#sleeps += 1;
    else {
      stayAwake(this.#pipes);
      this.#schedule();
    }
  }

  #read(): void {
    const attached = this.#attached;
    for (const peer of attached) this.#take(peer, CONTROL_CLASS);
    const count = attached.length;
    for (let i = 0; i < count && !this.#events.congested; i++) this.#take(attached[(this.#first + i) % count] as Attached, BULK_CLASS);
    this.#first = count === 0 ? 0 : (this.#first + 1) % count;
  }

  /** Goes on with links whose ring was full, and tells the runtime of out-buffers that have room again. */
  #write(): void {
    for (const { pipes, links } of this.#attached) {
      for (const link of links) {
        const c = link.laneClass;
        if (pipes.isBlocked[c] && hasNewRoom(pipes.writers[c])) {
          this.#schedule();
          link.flush();
        }
        if (link.hasWaiters && link.out.length === 0) {
          link.hasWaiters = false;
          this.#events.onLinkDrained(link);
        }
      }
    }
  }

  /** Delivers what one ring holds. True: there was something. */
  #take(peer: Attached, laneClass: LaneClass): boolean {
    const reader = peer.pipes.readers[laneClass];
    const found = readFrames(reader, this.#slab);
    if (found === READ_NOTHING) return false;
    // Before the delivery, which may throw: a bug of the runtime must not put the transport to sleep for ever.
    this.#schedule();
    if (takeBlocked(reader)) wakePeer(peer);
    if (found === READ_FRAMES) this.#deliver(peer.links[laneClass], reader.buffer, reader.start, reader.end);
    return true;
  }

  #deliver(link: ThreadLink, buffer: Buffer, start: number, end: number): void {
    try {
      this.#events.onFrames(link, buffer, start, end);
    } catch (error) {
      if (!(error instanceof RuntimeError && error.code === 'PROTOCOL')) throw error;
      this.#protocolErrors += 1;
      // Threads of a node run the same code, so this is a bug; dropping the connection would add to it.
      this.#log.error('frames of a thread broke the protocol', {
        peer: placeName(link.place),
        reason: errorMessage(error),
        batchBytes: end - start,
        count: this.#protocolErrors,
      });
    }
  }

  #onPortClosed(peer: Attached): void {
    // The transport of a thread closes when the thread stops or dies: either way nobody is there any more under that boot.
    if (this.#attached.includes(peer)) this.detach(peer.shard, peer.boot);
  }

  #disconnect(peer: Attached): void {
    this.#setAttached(this.#attached.filter((a) => a !== peer));
    this.#wakesPostedBefore += peer.wakesPosted;
    peer.port.close();
    for (const c of CLASSES) while (this.#take(peer, c));
    for (const link of peer.links) this.#events.onLinkDown(link, THREAD_ENDED, link.disconnect());
    this.#schedule();
  }

  #setAttached(attached: readonly Attached[]): void {
    this.#attached = attached;
    this.#pipes = attached.map(({ pipes }) => pipes);
  }

  #isFlushed(): boolean {
    return this.#attached.every(({ links }) => links.every((link) => link.out.length === 0));
  }

  #finishClose(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    if (this.#closeTimer !== null) this.#tasks.cancel(this.#closeTimer);
    for (const { port, links } of this.#attached) {
      port.close();
      for (const link of links) {
        const lost = link.outFrames;
        if (lost > 0)
          this.#log.warn('thread link closed before all was sent', {
            peer: placeName(link.place),
            laneClass: link.laneClass,
            frames: lost,
          });
        link.disconnect();
      }
    }
    this.#setAttached([]);
    this.#onClosed?.();
  }
}

function linkKey(place: Place, laneClass: LaneClass): string {
  return `${placeName(place)} ${laneClass}`;
}

/**
 * RemotePlace: what this shard knows of one place of another node: under which boot it runs, where to dial it, and
 * since when no connection leads there.
 *
 * ```
 *   (unknown) --tried--> out of reach --unreachableMs--> declared down 'unreachable'
 *                  ^        |    ^                          |
 *        last link down     |    +----- link up ------------+        also: GOODBYE, then last link down --> declared down 'shardDown'
 *                  |     link up                                           higher boot --> 'shardDown' of the old boot
 *                  +------ up
 * ```
 */
import { type Place, placeName } from '../address.ts';
import { LANE_CLASS_COUNT } from '../lanes.ts';
import type { LinkEvents, TaskHandle, Tasks } from '../link.ts';
import type { QuietLog } from './quiet-log.ts';

export interface TcpAddress {
  readonly host: string;
  readonly port: number;
}

/** What a place asks of the links to it. */
export interface PlaceLink {
  readonly isUp: boolean;
  /** Neither connected, nor trying, nor holding frames. */
  readonly isIdle: boolean;
  /** Frames and connection were meant for a boot that is gone: drops both. */
  dropOldBoot(): void;
  /** Where to dial has changed. */
  redirect(): void;
  /** The transport closes. */
  shut(): void;
}

export interface RemotePlaceOptions {
  readonly place: Place;
  readonly events: LinkEvents;
  readonly tasks: Tasks;
  readonly log: QuietLog;
  readonly unreachableMs: number;
}

export class RemotePlace {
  readonly place: Place;
  readonly name: string;
  readonly log: QuietLog;
  readonly links: (PlaceLink | null)[] = new Array(LANE_CLASS_COUNT).fill(null);
  /** Highest boot seen; 0 before the first handshake. */
  boot = 0;
  address: TcpAddress | null = null;
  /** Reported down, and not up again since. */
  declared = false;
  /** No longer in the transport's directory. */
  forgotten = false;
  readonly #events: LinkEvents;
  readonly #tasks: Tasks;
  readonly #unreachableMs: number;
  #outage: TaskHandle | null = null;
  #saidGoodbye = false;
  /** Boot whose end was reported as 'shardDown'. */
  #endedBoot = 0;

  constructor(options: RemotePlaceOptions) {
    this.place = options.place;
    this.name = placeName(options.place);
    this.log = options.log;
    this.#events = options.events;
    this.#tasks = options.tasks;
    this.#unreachableMs = options.unreachableMs;
  }

  get isUp(): boolean {
    return this.links.some((link) => link?.isUp === true);
  }

  /** Connected and not about to stop: then every lane class has its connection, used or not. */
  get wantsAllLinks(): boolean {
    return this.isUp && !this.#saidGoodbye;
  }

  /** May be forgotten without anybody's missing it, but for the memory of its boot. */
  get isIdle(): boolean {
    return this.address === null && this.#outage === null && this.links.every((link) => link === null || link.isIdle);
  }

  /** A handshake says that the place runs under `boot`. Returns false when it has been seen under a higher one: the peer is a zombie. */
  admitBoot(boot: number): boolean {
    const old = this.boot;
    if (boot <= old) return boot === old;
    // Before anybody is told: what is sent from now on is meant for the new boot.
    this.boot = boot;
    if (old === 0) return true;
    this.declared = false;
    this.#saidGoodbye = false;
    for (const link of this.links) link?.dropOldBoot();
    this.#reportEnd(old);
    this.tried();
    return true;
  }

  /** Somebody wants to reach the place. */
  tried(): void {
    if (this.#outage !== null || this.declared || this.isUp) return;
    this.#outage = this.#tasks.after(this.#unreachableMs, () => {
      this.#outage = null;
      this.declared = true;
      this.log.warn('wire.placeUnreachable', { peer: this.name, boot: this.boot, afterMs: this.#unreachableMs });
      this.#events.onPlaceDown(this.place, this.boot, 'unreachable');
    });
  }

  linkUp(): void {
    this.#endOutage();
    this.declared = false;
    this.#saidGoodbye = false;
  }

  linkDown(): void {
    if (this.isUp) return;
    if (!this.#saidGoodbye) {
      this.tried();
    } else if (!this.declared) {
      this.declared = true;
      this.#reportEnd(this.boot);
    }
  }

  /** The place said that it stops. It is down once its last connection is: answers may still be on their way in the other one. */
  goodbye(): void {
    this.#saidGoodbye = true;
  }

  /** The transport closes: nothing is reported any more. */
  shut(): void {
    this.#endOutage();
    for (const link of this.links) link?.shut();
    this.#endOutage();
  }

  #reportEnd(boot: number): void {
    if (boot <= this.#endedBoot) return;
    this.#endedBoot = boot;
    this.log.info('wire.placeEnded', { peer: this.name, boot });
    this.#events.onPlaceDown(this.place, boot, 'shardDown');
  }

  #endOutage(): void {
    if (this.#outage !== null) this.#tasks.cancel(this.#outage);
    this.#outage = null;
  }
}

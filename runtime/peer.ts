/** Peer: what a shard knows of one other place: its links, who there is watched, who here is watched from there, and credit. */
import { type Place, placeName } from './address.ts';
import type { Cell } from './cell.ts';
import { CreditWindows } from './credit-windows.ts';
import { LANE_CLASS_COUNT, type LaneClass, SYSTEM } from './lanes.ts';
import type { Link } from './link.ts';
import type { ShardRuntime } from './shard-runtime.ts';
import { WaitList } from './wait-list.ts';
import type { Watch, Watcher } from './watch.ts';
import { beginFrame, endFrame, FRAME_HEADER_BYTES, KIND_SIGNAL, NO_DEADLINE } from './wire/frame.ts';

/** CBOR null, the payload of every signal. */
const NULL_ITEM = 0xf6;
/** Signals that wait for room, per lane class. */
const DEFERRED_MAX = 65_536;

/** A signal that found its link full. */
interface Deferred {
  readonly operation: number;
  readonly targetSlot: number;
  readonly targetUid: number;
  readonly senderSlot: number;
  readonly senderUid: number;
  readonly argument: number;
}

export class Peer {
  readonly runtime: ShardRuntime;
  readonly place: Place;
  readonly #links: (Link | null)[] = new Array<Link | null>(LANE_CLASS_COUNT).fill(null);
  readonly #isUp: boolean[] = new Array<boolean>(LANE_CLASS_COUNT).fill(false);
  readonly #deferred: Deferred[][] = Array.from({ length: LANE_CLASS_COUNT }, () => []);
  /** Highest boot that a link has led to; 0 before. */
  boot = 0;
  /** Highest boot known to be over: refs to actors of it and of earlier ones mean nobody. */
  endedBoot = 0;
  /** It was declared out of reach, and no link is up since. */
  isUnreachable = false;
  /** Watches of local actors on actors there that wait for news. */
  readonly watching = new Set<Watch>();
  /** Watchers there of local actors. */
  readonly watched = new Set<Watcher>();
  /** Credit that actors there have granted this shard. */
  readonly windows = new CreditWindows();
  /** Local actors that granted credit to that place, and how much of it is unused: above 0. */
  readonly granted = new Map<Cell, number>();
  /** Local actors that this place has asked for credit, in vain so far. */
  readonly asked = new Set<Cell>();
  /** Local actors whose `tell` found the link full, per lane class: told `ready` when it drained. */
  readonly waiters: readonly WaitList[] = Array.from({ length: LANE_CLASS_COUNT }, () => new WaitList());

  constructor(runtime: ShardRuntime, place: Place) {
    this.runtime = runtime;
    this.place = place;
  }

  /** Null where the shard has no transport at all. */
  link(laneClass: LaneClass): Link | null {
    return this.#links[laneClass] ?? this.runtime.peers.openLink(this.place, laneClass);
  }

  setLink(link: Link): void {
    this.#links[link.laneClass] = link;
  }

  /** A connection of that class leads there. */
  isUp(laneClass: LaneClass): boolean {
    return this.#isUp[laneClass]!;
  }

  setUp(laneClass: LaneClass, isUp: boolean): void {
    this.#isUp[laneClass] = isUp;
  }

  /** Sends a signal; false when the link has no room. `laneClass`: credit travels behind the bulk it is about. */
  signal(
    operation: number,
    targetSlot: number,
    targetUid: number,
    senderSlot: number,
    senderUid: number,
    argument: number,
    laneClass: LaneClass,
  ): boolean {
    const link = this.link(laneClass);
    if (link === null) return false;
    const out = link.out;
    if (!out.ensure(FRAME_HEADER_BYTES + 1)) return false;
    const at = beginFrame(out, KIND_SIGNAL, SYSTEM, operation, targetSlot, targetUid, senderSlot, senderUid, NO_DEADLINE, argument >>> 0);
    out.view.setUint8(out.length++, NULL_ITEM);
    endFrame(out, at);
    link.outFrames++;
    if (!link.dirty) this.runtime.markDirty(link);
    return true;
  }

  /** Sends a signal now, or when the link has room again, unless it goes down before. */
  mustSignal(
    operation: number,
    targetSlot: number,
    targetUid: number,
    senderSlot: number,
    senderUid: number,
    argument: number,
    laneClass: LaneClass,
  ): void {
    const deferred = this.#deferred[laneClass] as Deferred[];
    if (deferred.length === 0 && this.signal(operation, targetSlot, targetUid, senderSlot, senderUid, argument, laneClass)) return;
    const link = this.link(laneClass);
    if (link === null || deferred.length >= DEFERRED_MAX) {
      this.runtime.deadLetters.addLost(this, 'signal', 1);
      return;
    }
    link.hasWaiters = true;
    deferred.push({ operation, targetSlot, targetUid, senderSlot, senderUid, argument });
  }

  /** The link has room again. */
  sendDeferred(laneClass: LaneClass): void {
    const deferred = this.#deferred[laneClass] as Deferred[];
    let sent = 0;
    for (const d of deferred) {
      if (!this.signal(d.operation, d.targetSlot, d.targetUid, d.senderSlot, d.senderUid, d.argument, laneClass)) break;
      sent++;
    }
    deferred.splice(0, sent);
    if (deferred.length > 0) (this.link(laneClass) as Link).hasWaiters = true;
  }

  /** The link is down: what the signals were about is settled anew once it is up. */
  dropDeferred(laneClass: LaneClass): void {
    (this.#deferred[laneClass] as Deferred[]).length = 0;
  }

  toString(): string {
    return placeName(this.place);
  }
}

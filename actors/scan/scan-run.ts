/** ScanRun: a page that is being put together for a gateway, leg by leg: a leg is a page of one partition, of as many of its replicas as a read needs. */
import { copyBytes, OutBuffer } from '../../runtime/bytes.ts';
import type { Topology } from '../store/topology.ts';
import { PageEntries } from './page-entries.ts';
import type { Said } from './page-merge.ts';
import type { Page, ScanWish } from './scan-frames.ts';
import { groupOf, type ScanPosition, startOfGroup } from './scan-position.ts';
import type { ScanRequest, ScanSink } from './scan-request.ts';

const OUT_BYTES = 1_024;
/** Also of a page whose keys have one group of tokens. */
export const RUN_BYTES_MAX = 16 * 1_024 * 1_024;

/**
 * Of one leg's replicas, in the order in which they are asked. Those whose pages show what may be gone are asked once more (page-merge.ts), in rounds: each is over when a first page comes, or one that
 * had come counts no more, for then others may have to be asked.
 */
export class Leg {
  /** Of the ring that all of it is by. */
  readonly topology: Topology;
  /** Indices of members in the ring. */
  readonly members: readonly number[];
  readonly partition: number;
  readonly needed: number;
  readonly pages: (Page | undefined)[] = [];
  /** What those of the mask `askedAgain` say in this round. */
  #later: (Page | undefined)[] = [];
  askedAgain = 0;
  /** From 1 on. */
  round = 1;
  /** Masks of places in `members`. */
  asked = 0;
  failed = 0;
  isStale = false;
  /** After so long without an answer more is asked; doubled each time. */
  patienceMs: number;

  constructor(topology: Topology, members: readonly number[], partition: number, needed: number, patienceMs: number) {
    this.patienceMs = patienceMs;
    this.topology = topology;
    this.members = members;
    this.partition = partition;
    this.needed = needed;
  }

  get received(): number {
    return this.pages.filter((page) => page !== undefined).length;
  }

  /** What is there of all who have said anything, and their places. */
  get said(): readonly (Said & { readonly place: number })[] {
    return this.pages.flatMap((page, place) => (page === undefined ? [] : [{ page, later: this.#later[place], place }]));
  }

  /** Nobody needs to be waited for. */
  get isReady(): boolean {
    return this.received >= this.needed && this.silentAgain === 0;
  }

  /** Who was asked once more and has said nothing yet, a mask. */
  get silentAgain(): number {
    let silent = this.askedAgain;
    for (let place = 0; place < this.members.length; place++) if (this.#later[place] !== undefined) silent &= ~(1 << place);
    return silent;
  }

  /** Who was asked for anything and has not said it, a mask. */
  get silent(): number {
    let silent = this.silentAgain;
    for (let place = 0; place < this.members.length; place++) if (this.pages[place] === undefined) silent |= this.asked & (1 << place);
    return silent;
  }

  /** `round` 0: asked for its first page. */
  waitsFor(place: number, round: number): boolean {
    if (round === 0) return this.pages[place] === undefined;
    return round === this.round && (this.silentAgain & (1 << place)) !== 0;
  }

  take(place: number, round: number, page: Page): void {
    if (round !== 0) {
      this.#later[place] = page;
      return;
    }
    this.pages[place] = page;
    this.#renew();
  }

  fail(place: number): void {
    this.failed |= 1 << place;
    if (this.pages[place] !== undefined) this.drop(place);
  }

  /** What it has said counts no more: what it was to say once more is missing. */
  drop(place: number): void {
    this.pages[place] = undefined;
    this.#renew();
  }

  #renew(): void {
    this.round++;
    this.#later = [];
    this.askedAgain = 0;
  }

  /** Who was not asked yet; -1: all were. */
  get next(): number {
    return this.members.findIndex((_, i) => (this.asked & (1 << i)) === 0);
  }

  /** Too many have failed. */
  get isLost(): boolean {
    return this.members.filter((_, i) => (this.failed & (1 << i)) === 0).length < this.needed;
  }
}

export class ScanRun {
  readonly keyspaceId: number;
  readonly start: ScanPosition;
  readonly prefix: Uint8Array;
  readonly wish: ScanWish;
  readonly keysMax: number;
  readonly bytesMax: number;
  readonly isWhole: boolean;
  readonly r: number;
  readonly deadlineMs: number;
  readonly sink: ScanSink;
  readonly token: number;
  readonly out = new OutBuffer(OUT_BYTES, RUN_BYTES_MAX);
  /** All before is in `out`, or is not there. Null: the end. */
  position: ScanPosition | null;
  keys = 0;
  looked = 0;
  legs = 0;
  /** Under other rings. */
  attempts = 0;
  /** Null: it has not begun, or waits for another ring. */
  leg: Leg | null = null;
  wakeMs = Number.POSITIVE_INFINITY;

  constructor(request: ScanRequest) {
    this.keyspaceId = request.keyspaceId;
    this.start = { ...request.start, key: Uint8Array.prototype.slice.call(request.start.key) };
    this.prefix = Uint8Array.prototype.slice.call(request.prefix);
    this.wish = request.wish;
    this.keysMax = request.keysMax;
    this.bytesMax = Math.min(request.bytesMax, RUN_BYTES_MAX / 4);
    this.isWhole = request.isWhole;
    this.r = request.r;
    this.deadlineMs = request.deadlineMs;
    this.sink = request.sink;
    this.token = request.token;
    this.position = this.start;
  }

  get hasMoved(): boolean {
    return this.position !== this.start;
  }

  /** Takes back keys of a group of tokens that may have more. Returns false, and does nothing, when that group is all there is. */
  cutToGroup(): boolean {
    const { position, out } = this;
    if (!this.isWhole || position === null || position.key.length === 0) return true;
    const group = groupOf(position.high, position.low);
    if (group === groupOf(this.start.high, this.start.low)) return false;
    const entries = new PageEntries();
    entries.open(out.bytes, 0, out.length);
    let keys = 0;
    let end = 0;
    while (entries.next() && groupOf(entries.high, entries.low) < group) {
      keys++;
      end = entries.recordEnd;
    }
    this.keys = keys;
    out.length = end;
    this.position = startOfGroup(group);
    return true;
  }
}

/** A page that stays when the message that it came with is gone. */
export function copyOfPage({ bytes, entriesStart, entriesEnd, covered }: Page): Page {
  const copy = Buffer.allocUnsafe(entriesEnd - entriesStart);
  copyBytes(bytes, entriesStart, entriesEnd, copy, 0);
  return { bytes: copy, entriesStart: 0, entriesEnd: copy.length, covered };
}

/** ScanRun: a page that is being put together for a gateway, leg by leg: a leg is a page of one partition, of as many of its replicas as a read needs. */
import { OutBuffer } from '../../runtime/bytes.ts';
import type { Topology } from '../store/topology.ts';
import { copyBytes } from '../version/copy-bytes.ts';
import { PageEntries } from './page-entries.ts';
import type { Page, ScanWish } from './scan-frames.ts';
import { groupOf, type ScanPosition, startOfGroup } from './scan-position.ts';
import type { ScanRequest, ScanSink } from './scan-request.ts';

const OUT_BYTES = 1_024;
/** Also of a page whose keys have one group of tokens. */
export const RUN_BYTES_MAX = 16 * 1_024 * 1_024;

/** Of one leg's replicas, in the order in which they are asked. */
export class Leg {
  /** Of the ring that all of it is by. */
  readonly topology: Topology;
  /** Indices of members in the ring. */
  readonly members: readonly number[];
  readonly partition: number;
  readonly needed: number;
  readonly pages: (Page | undefined)[] = [];
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

/**
 * Where a vnode's dots come from: the incarnation, and a counter that is leased ahead of use. Pure: the vnode's actor does the writing and says when it is done.
 *
 * ```
 *             start(lease, mark, fresh)
 *    no mark, or one that does not fit the lease        a mark that fits
 *                     |                                       |
 *         new incarnation, counter 1             old incarnation, counter of the mark
 *                     +---------- markRemoved() --------------+
 *                                      |
 *        next() <-> askLease(), leaseGranted()      reincarnate(fresh): anything was lost (T3)
 *                                      |
 *                                   close() -> the mark
 * ```
 * Invariants: no dot is given twice, over crashes, restarts and restored directories (A7): an incarnation goes on only where a mark proves that nothing was minted after it,
 * and the mark is off the disk before the next dot. No dot is at or above a lease that is not on disk. The counter is the vnode's, not the key's: so a key that was
 * purged and written again never gets an old dot (T4).
 */
import { assert } from '../../runtime/errors.ts';
import { ACTOR_BYTES, compareActors } from './incarnation.ts';

/**
 * How many counters are leased at once: a write of some 32 bytes per so many puts. More are asked for when half are left, and the disk has until these are used up: at 50,000 puts a second more than
 * 2 s. What is left of a lease costs nothing: counters end at 2^53, and are no longer for it.
 */
export const LEASE_COUNTERS = 262_144;

/** On disk (dot-marks.ts). In a lease: no counter at or above `counter` was used. In a clean mark: exactly those below it were. */
export interface DotMark {
  readonly incarnation: Uint8Array;
  readonly counter: number;
}

export interface DotSourceOptions {
  /** The last lease and the clean mark, as found on disk; undefined: there is none, or it is damaged. */
  readonly lease: DotMark | undefined;
  readonly mark: DotMark | undefined;
  /** There is something in the place of the mark, also when it is damaged: `markRemoved` is to come. */
  readonly isMarkOnDisk: boolean;
  /** The incarnation to begin, where the old one can't go on. */
  readonly fresh: Uint8Array;
  /** By default LEASE_COUNTERS. */
  readonly leaseCounters?: number;
  readonly mutants?: ReadonlySet<string>;
}

export class DotSource {
  #incarnation: Uint8Array;
  #next: number;
  /** On disk: dots are below it. */
  #leaseEnd: number;
  #isAsking = false;
  #isMarkOnDisk: boolean;
  #isClosed = false;
  readonly #leaseCounters: number;
  readonly #mutants: ReadonlySet<string> | undefined;

  constructor({ lease, mark, isMarkOnDisk, fresh, leaseCounters = LEASE_COUNTERS, mutants }: DotSourceOptions) {
    this.#mutants = mutants;
    this.#leaseCounters = leaseCounters;
    this.#isMarkOnDisk = isMarkOnDisk && !mutants?.has('markKept');
    const isProven = lease !== undefined && mark !== undefined && fits(mark, lease);
    if (lease !== undefined && (isProven || mutants?.has('counterReusedAfterRestart'))) {
      this.#incarnation = lease.incarnation;
      this.#next = mark?.counter ?? 1;
      this.#leaseEnd = lease.counter;
    } else {
      this.#incarnation = fresh;
      this.#next = 1;
      this.#leaseEnd = 1;
    }
  }

  /** 16 bytes, replaced as a whole by `reincarnate`. */
  get incarnation(): Uint8Array {
    return this.#incarnation;
  }

  /** Counter of the next dot; 0: none can be given before `markRemoved` or a lease, or none at all after `close`. */
  next(): number {
    if (this.#isMarkOnDisk || this.#isClosed) return 0;
    if (this.#next >= this.#leaseEnd && !this.#mutants?.has('leaseNotAwaited')) return 0;
    assert(this.#next < Number.MAX_SAFE_INTEGER, 'dot source: the counters of an incarnation are used up');
    return this.#next++;
  }

  /** The lease to write and sync now; undefined: enough is left, or one is being written. Asked after each dot, and when there is none. */
  askLease(): DotMark | undefined {
    if (this.#isAsking || this.#isClosed || this.#isMarkOnDisk) return undefined;
    if (this.#leaseEnd - this.#next > this.#leaseCounters / 2) return undefined;
    this.#isAsking = true;
    return { incarnation: this.#incarnation, counter: Math.min(this.#next + this.#leaseCounters, Number.MAX_SAFE_INTEGER) };
  }

  /** `lease`, as it was asked for, is on disk. One of an earlier incarnation is ignored. */
  leaseGranted({ incarnation, counter }: DotMark): void {
    if (compareActors(incarnation, 0, this.#incarnation, 0) !== 0) return;
    this.#isAsking = false;
    this.#leaseEnd = Math.max(this.#leaseEnd, counter);
  }

  /** It may or may not be on disk; it is asked for again. */
  leaseFailed({ incarnation }: DotMark): void {
    if (compareActors(incarnation, 0, this.#incarnation, 0) === 0) this.#isAsking = false;
  }

  /** The place of the mark is empty, on disk. */
  markRemoved(): void {
    this.#isMarkOnDisk = false;
  }

  /** Goes on under another name, since something that was minted may be lost: a damaged block, a torn log, `hasForgotten`. Needs a lease first. */
  reincarnate(fresh: Uint8Array): void {
    assert(fresh.length === ACTOR_BYTES && compareActors(fresh, 0, this.#incarnation, 0) !== 0, 'dot source: expected a new incarnation');
    this.#incarnation = fresh;
    this.#next = 1;
    this.#leaseEnd = 1;
    this.#isAsking = false;
  }

  /** No more dots. Returns the mark to write once all records with dots of this source are on disk; undefined: the mark of the last time is still there. */
  close(): DotMark | undefined {
    this.#isClosed = true;
    return this.#isMarkOnDisk ? undefined : { incarnation: this.#incarnation, counter: this.#next };
  }
}

function fits(mark: DotMark, lease: DotMark): boolean {
  return compareActors(mark.incarnation, 0, lease.incarnation, 0) === 0 && mark.counter <= lease.counter;
}

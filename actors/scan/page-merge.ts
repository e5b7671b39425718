/**
 * PageMerge: what several replicas say of one range, made into one page. Pure: pages in, entries and how far they are final out.
 *
 * A page says all that its replica has up to the key that it covers, and nothing of what lies behind. So only up to the least such key is it known of every replica what it has:
 *
 * ```
 *   replica 1   a   b   c | (covered to c)
 *   replica 2   a       c       e   f | (covered to f)          final: a b c; the scan goes on behind c
 *   replica 3   b   c   d   end                                 d, e, f are asked for again
 * ```
 * Records of one key are merged as reads do; a key whose siblings are all tombstones or expired is left out.
 *
 * What one replica shows and another has not may have been deleted: the one had missed the delete until a purge brought it, and the other says what is left behind that purge:
 * nothing. Who has such a key is asked once more what it has of it (`unsure`), when all have spoken: no purge ends before every replica has the deletes that it purges. Reads do the same
 * (../store/read-steps.ts).
 */
import { copyBytes, OutBuffer } from '../../runtime/bytes.ts';
import { firstBits, lowestBit } from '../store/replica-mask.ts';
import { ANCESTOR, CONCURRENT, compare, EQUAL, merge, NO_ROOM } from '../version/merge.ts';
import { liveSiblings, reduceToNewest } from '../version/newest.ts';
import { RecordView } from '../version/record-view.ts';
import { beginEntry, endEntry, PageEntries } from './page-entries.ts';
import type { Page } from './scan-frames.ts';
import { comparePositions, type ScanPosition } from './scan-position.ts';

/** Of one replica. */
export interface Said {
  readonly page: Page;
  /** What it has said when it was asked once more; undefined: it was not. */
  readonly later: Page | undefined;
}

export interface MergeOptions {
  /** As many as need to agree. */
  readonly needed: number;
  /** Only the newest sibling stays. */
  readonly isLww: boolean;
  /** Milliseconds since 1970. */
  readonly wallMs: number;
}

/** How far it came. */
export interface Merged {
  /** All keys up to here are in, or are not there; null: all of the range. Undefined: `isFull`, and there was no room for the first key. */
  readonly covered: ScanPosition | null | undefined;
  /** Keys that were put out, and that were looked at: also those that are deleted. */
  readonly keys: number;
  readonly looked: number;
  /** There was no room for the key behind `covered`. */
  readonly isFull: boolean;
  /** Pages, a mask, whose replicas are to be asked once more: nothing of this counts before. */
  readonly unsure: number;
}

/** Each page at its next key; undefined: it has no more that is final. */
type Heads = (PageEntries | undefined)[];

const SCRATCH_BYTES = 4_096;
const SCRATCH_BYTES_MAX = 64 * 1_024 * 1_024;

export class PageMerge {
  readonly #mutants: ReadonlySet<string>;
  readonly #mine = new RecordView();
  readonly #theirs = new RecordView();
  readonly #scratch = new OutBuffer(SCRATCH_BYTES, SCRATCH_BYTES_MAX);
  readonly #readers: PageEntries[] = [];
  readonly #laterReaders: PageEntries[] = [];
  /** The key that was looked at last. */
  readonly #last = new PageEntries();
  /** Of the pages that are merged, and of those that came later; who has said nothing later, a mask. */
  #heads: Heads = [];
  #laterHeads: Heads = [];
  #silent = 0;
  #unsure = 0;

  constructor(mutants: ReadonlySet<string> = new Set()) {
    this.#mutants = mutants;
  }

  /** Appends entries to `out`. Requires: 1 to REPLICAS_MAX pages, of one range, from one position on. Cost: O(keys x pages); per key, where its record is longer than 128 bytes, a view. */
  merge(said: readonly Said[], out: OutBuffer, options: MergeOptions): Merged {
    const bound = this.#boundOf(said.flatMap(({ page, later }) => (later === undefined ? [page] : [page, later])));
    const heads = said.map(({ page }, i) => this.#open(this.#readers, page, i, bound));
    this.#heads = heads;
    this.#laterHeads = said.map(({ later }, i) => (later === undefined ? undefined : this.#open(this.#laterReaders, later, i, bound)));
    this.#silent = said.reduce((mask, { later }, i) => (later === undefined ? mask | (1 << i) : mask), 0);
    this.#unsure = 0;
    let keys = 0;
    let looked = 0;
    const last = this.#last;
    for (let least = leastOf(heads); least !== undefined; least = leastOf(heads)) {
      const same = maskOf(heads, least);
      const start = out.length;
      if (!this.#append(same, out, options))
        return { covered: looked === 0 ? undefined : last.position(), keys, looked, isFull: true, unsure: this.#unsure };
      if (out.length > start) keys++;
      looked++;
      last.open(least.bytes, least.start, least.recordEnd);
      last.next();
      for (let rest = same; rest !== 0; rest &= rest - 1) heads[lowestBit(rest)] = this.#moved(heads[lowestBit(rest)]!, bound);
    }
    return { covered: bound, keys, looked, isFull: false, unsure: this.#unsure };
  }

  #boundOf(pages: readonly Page[]): ScanPosition | null {
    let bound: ScanPosition | null = null;
    for (const { covered } of pages) {
      if (covered === null) continue;
      const isNearer = bound === null || comparePositions(covered, bound) < 0;
      if (isNearer !== this.#mutants.has('farthestPageCounts') || bound === null) bound = covered;
    }
    return bound;
  }

  #open(readers: PageEntries[], { bytes, entriesStart, entriesEnd }: Page, i: number, bound: ScanPosition | null): PageEntries | undefined {
    const reader = readers[i] ?? new PageEntries();
    readers[i] = reader;
    reader.open(bytes, entriesStart, entriesEnd);
    return this.#moved(reader, bound);
  }

  /** Undefined: it has no more that is final. */
  #moved(reader: PageEntries, bound: ScanPosition | null): PageEntries | undefined {
    if (!reader.next()) return undefined;
    return bound === null || this.#mutants.has('boundIgnored') || reader.isWithin(bound) ? reader : undefined;
  }

  /** The merged record of the key of those heads, unless nothing of it is live. Returns false, and appends nothing, when there is no room. */
  #append(same: number, out: OutBuffer, { isLww, wallMs, needed }: MergeOptions): boolean {
    const first = this.#heads[lowestBit(same)]!;
    const mine = this.#mine;
    let agreeing = this.#mergeInto(mine, this.#heads, same, isLww);
    if (agreeing >= 0 && agreeing < needed && liveSiblings(mine, wallMs) > 0 && this.#mayBeMixed(same, agreeing)) {
      this.#unsure |= same & this.#silent;
      if ((same & this.#silent) === 0) {
        const still = this.#stillAt(first, same);
        if (still === 0) return true;
        agreeing = this.#mergeInto(mine, this.#laterHeads, still, isLww);
      }
    }
    if (agreeing < 0) return false;
    if (liveSiblings(mine, wallMs) === 0 && !this.#mutants.has('tombstoneShown')) return true;
    const start = out.length;
    const recordBytes = mine.end - mine.start;
    if (!beginEntry(out, first.high, first.low, first.bytes, first.keyStart, first.keyEnd, recordBytes)) return false;
    copyBytes(mine.bytes, mine.start, mine.end, out.bytes, out.length);
    out.length += recordBytes;
    endEntry(out, start);
    return true;
  }

  /**
   * A part of it may have been said before a purge, and a part behind it: somebody has nothing, or nobody has said all. Not where one has what another has and a sibling more: the comparison before a purge that
   * brings a delete to the one takes what it has to the other.
   */
  #mayBeMixed(same: number, agreeing: number): boolean {
    if (this.#mutants.has('purgedScanMixed')) return false;
    return agreeing === 0 || same !== firstBits(this.#heads.length);
  }

  /** Those of `same` who have said later that they have the key of `first`, a mask. Keys come in their order. */
  #stillAt(first: PageEntries, same: number): number {
    const heads = this.#laterHeads;
    let still = 0;
    for (let rest = same; rest !== 0; rest &= rest - 1) {
      const i = lowestBit(rest);
      const head = heads[i];
      // What lies beyond the bound is behind all keys that are asked for here.
      while (heads[i] !== undefined && head!.compare(first) < 0) if (!head!.next()) heads[i] = undefined;
      if (heads[i]?.compare(first) === 0) still |= 1 << i;
    }
    return still;
  }

  /** `mine` becomes the merge of those heads, in part in the scratch. Returns how many have said just that; -1: there is no room. */
  #mergeInto(mine: RecordView, heads: Heads, mask: number, isLww: boolean): number {
    let agreeing = 1;
    this.#scratch.clear();
    heads[lowestBit(mask)]!.record(mine);
    for (let rest = mask & (mask - 1); rest !== 0; rest &= rest - 1) {
      const theirs = heads[lowestBit(rest)]!.record(this.#theirs);
      const order = compare(mine, theirs);
      if (order === EQUAL) agreeing++;
      else if (order === ANCESTOR || this.#mutants.has('lastReplicaWins')) {
        mine.open(theirs.bytes, theirs.start, theirs.end);
        agreeing = 1;
      } else if (order === CONCURRENT) {
        if (!this.#join(mine, theirs, isLww)) return -1;
        agreeing = 0;
      }
    }
    return agreeing;
  }

  /** `mine` becomes the merge of both, in the scratch. */
  #join(mine: RecordView, theirs: RecordView, isLww: boolean): boolean {
    const scratch = this.#scratch;
    // What is merged must not lie in a buffer that grows meanwhile.
    const most = 2 * (mine.end - mine.start + (theirs.end - theirs.start)) + SCRATCH_BYTES;
    const isMineHere = mine.bytes === scratch.bytes;
    if (!scratch.ensure(most)) return false;
    if (isMineHere) mine.open(scratch.bytes, mine.start, mine.end);
    let start = scratch.length;
    if (merge(mine, theirs, scratch) === NO_ROOM) return false;
    if (isLww) {
      const end = scratch.length;
      mine.open(scratch.bytes, start, end);
      start = end;
      if (!reduceToNewest(mine, scratch)) return false;
    }
    mine.open(scratch.bytes, start, scratch.length);
    return true;
  }
}

function leastOf(heads: Heads): PageEntries | undefined {
  let least: PageEntries | undefined;
  for (const head of heads) if (head !== undefined && (least === undefined || head.compare(least) < 0)) least = head;
  return least;
}

/** Of those at the same key. */
function maskOf(heads: Heads, least: PageEntries): number {
  let mask = 0;
  for (let i = 0; i < heads.length; i++) if (heads[i]?.compare(least) === 0) mask |= 1 << i;
  return mask;
}

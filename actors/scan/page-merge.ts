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
 */
import { OutBuffer } from '../../runtime/bytes.ts';
import { lowestBit } from '../store/replica-mask.ts';
import { copyBytes } from '../version/copy-bytes.ts';
import { ANCESTOR, CONCURRENT, compare, merge, NO_ROOM } from '../version/merge.ts';
import { liveSiblings, reduceToNewest } from '../version/newest.ts';
import { RecordView } from '../version/record-view.ts';
import { beginEntry, endEntry, PageEntries } from './page-entries.ts';
import type { Page } from './scan-frames.ts';
import { comparePositions, type ScanPosition } from './scan-position.ts';

export interface MergeOptions {
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
}

/** Each page at its next key; undefined: it has no more that is final. */
type Heads = readonly (PageEntries | undefined)[];

const SCRATCH_BYTES = 4_096;
const SCRATCH_BYTES_MAX = 64 * 1_024 * 1_024;

export class PageMerge {
  readonly #mutants: ReadonlySet<string>;
  readonly #mine = new RecordView();
  readonly #theirs = new RecordView();
  readonly #scratch = new OutBuffer(SCRATCH_BYTES, SCRATCH_BYTES_MAX);
  readonly #readers: PageEntries[] = [];
  /** The key that was looked at last. */
  readonly #last = new PageEntries();

  constructor(mutants: ReadonlySet<string> = new Set()) {
    this.#mutants = mutants;
  }

  /** Appends entries to `out`. Requires: 1 to REPLICAS_MAX pages, of one range, from one position on. Cost: O(keys x pages); per key, where its record is longer than 128 bytes, a view. */
  merge(pages: readonly Page[], out: OutBuffer, options: MergeOptions): Merged {
    const bound = this.#boundOf(pages);
    const heads = pages.map((page, i) => this.#open(page, i, bound));
    let keys = 0;
    let looked = 0;
    const last = this.#last;
    for (let least = leastOf(heads); least !== undefined; least = leastOf(heads)) {
      const same = maskOf(heads, least);
      const start = out.length;
      if (!this.#append(heads, same, out, options))
        return { covered: looked === 0 ? undefined : last.position(), keys, looked, isFull: true };
      if (out.length > start) keys++;
      looked++;
      last.open(least.bytes, least.start, least.recordEnd);
      last.next();
      for (let rest = same; rest !== 0; rest &= rest - 1) heads[lowestBit(rest)] = this.#moved(heads[lowestBit(rest)]!, bound);
    }
    return { covered: bound, keys, looked, isFull: false };
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

  #open({ bytes, entriesStart, entriesEnd }: Page, i: number, bound: ScanPosition | null): PageEntries | undefined {
    const reader = this.#readers[i] ?? new PageEntries();
    this.#readers[i] = reader;
    reader.open(bytes, entriesStart, entriesEnd);
    return this.#moved(reader, bound);
  }

  /** Undefined: it has no more that is final. */
  #moved(reader: PageEntries, bound: ScanPosition | null): PageEntries | undefined {
    if (!reader.next()) return undefined;
    return bound === null || this.#mutants.has('boundIgnored') || reader.isWithin(bound) ? reader : undefined;
  }

  /** The merged record of the key of those heads, unless nothing of it is live. Returns false, and appends nothing, when there is no room. */
  #append(heads: Heads, same: number, out: OutBuffer, { isLww, wallMs }: MergeOptions): boolean {
    const first = heads[lowestBit(same)]!;
    const mine = first.record(this.#mine);
    const scratch = this.#scratch;
    scratch.clear();
    for (let rest = same & (same - 1); rest !== 0; rest &= rest - 1) {
      const theirs = heads[lowestBit(rest)]!.record(this.#theirs);
      const order = compare(mine, theirs);
      if (order === ANCESTOR || this.#mutants.has('lastReplicaWins')) mine.open(theirs.bytes, theirs.start, theirs.end);
      else if (order === CONCURRENT && !this.#join(mine, theirs, isLww)) return false;
    }
    if (liveSiblings(mine, wallMs) === 0 && !this.#mutants.has('tombstoneShown')) return true;
    const start = out.length;
    const recordBytes = mine.end - mine.start;
    if (!beginEntry(out, first.high, first.low, first.bytes, first.keyStart, first.keyEnd, recordBytes)) return false;
    copyBytes(mine.bytes, mine.start, mine.end, out.bytes, out.length);
    out.length += recordBytes;
    endEntry(out, start);
    return true;
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

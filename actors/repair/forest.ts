/**
 * Forest: the hash trees of a shard, made when they are asked for and dropped when they are not, and their refreshing: reading again the leaves that were written.
 *
 * A tree is fresh as of when its last pass over dirty leaves began. Whoever asks while a pass is under way gets the tree of that pass.
 */
import { OutBuffer } from '../../runtime/bytes.ts';
import type { Clock } from '../../runtime/doors.ts';
import type { KeyRange } from '../../storage/engine/api.ts';
import { tokenHighOf, tokenLowOf } from '../store/engine-key.ts';
import { rangeOfTokens } from '../store/engine-range.ts';
import { RecordView } from '../version/record-view.ts';
import type { DirtyMarks } from './dirty-marks.ts';
import { Digester, entryHigh, entryLow } from './entry-hash.ts';
import { leafBitsOf, leafOf, leafStart } from './leaves.ts';
import { type LeafRun, MerkleTree } from './merkle-tree.ts';
import type { Fault, RangeReads, RangeSink } from './range-reads.ts';

/** Leaves that one iterator reads: it keeps what it reads from being merged away. */
const RUN_LEAVES = 1_024;
const LAST_LOW = 0xffff_ffff;

/** `tree`: undefined with a fault. `sinceMs`: when the pass began that made it fresh. Why not its age: of several who wait the last is told when the others have done with it what they do. */
export type OnFresh = (fault: Fault | undefined, tree: MerkleTree | undefined, sinceMs: number) => void;

interface Kept {
  readonly keyspace: number;
  readonly partition: number;
  readonly partitions: number;
  readonly tree: MerkleTree;
  waiting: OnFresh[];
  isRefreshing: boolean;
  beganMs: number;
  /** When the last whole pass began; -Infinity: there was none. */
  freshMs: number;
  usedMs: number;
}

export interface ForestOptions {
  readonly reads: RangeReads;
  readonly marks: DirtyMarks;
  readonly clock: Clock;
  /** Trees that are kept. Default 1,024: 36 MiB. */
  readonly treesMax?: number;
  readonly mutants?: ReadonlySet<string>;
}

/** Of four keyspaces of 256 partitions. With fewer than there are, rounds that go over all of them find none of theirs again, and read everything each time. */
const TREES_MAX = 1_024;

export class Forest {
  readonly #options: ForestOptions;
  readonly #trees = new Map<string, Kept>();
  readonly #record = new RecordView();
  readonly #digester: Digester;

  constructor(options: ForestOptions) {
    this.#options = options;
    this.#digester = new Digester(new OutBuffer(16, 64), options.mutants);
  }

  get count(): number {
    return this.#trees.size;
  }

  /** A tree that was fresh at most `ageMs` ago, 0: that is made fresh now. `done` is called within this call or later. */
  fresh(keyspace: number, partition: number, partitions: number, ageMs: number, done: OnFresh): void {
    const now = this.#options.clock.now();
    const kept = this.#kept(keyspace, partition, partitions);
    kept.usedMs = now;
    if (ageMs > 0 && now - kept.freshMs <= ageMs) return done(undefined, kept.tree, kept.freshMs);
    kept.waiting.push(done);
    if (kept.isRefreshing) return;
    kept.isRefreshing = true;
    kept.beganMs = now;
    this.#refresh(kept, 0);
  }

  /** Drops those not asked for since, and those of keyspaces that there are no more. */
  dropIdle(sinceMs: number, keyspaces: ReadonlySet<number>): void {
    const left = new Set<number>();
    for (const [name, { usedMs, keyspace, isRefreshing }] of this.#trees) {
      if (!isRefreshing && (usedMs < sinceMs || !keyspaces.has(keyspace))) {
        this.#trees.delete(name);
        if (!left.has(keyspace)) left.add(keyspace);
      }
    }
    for (const { keyspace } of this.#trees.values()) left.delete(keyspace);
    for (const keyspace of left) this.#options.marks.forget(keyspace);
  }

  /** The replicas were opened anew: nothing that was read holds. */
  clear(): void {
    for (const kept of this.#trees.values()) kept.freshMs = Number.NEGATIVE_INFINITY;
    this.#options.marks.markAll();
  }

  #kept(keyspace: number, partition: number, partitions: number): Kept {
    const name = `${keyspace}/${partition}`;
    const known = this.#trees.get(name);
    if (known?.partitions === partitions) return known;
    if (this.#trees.size >= (this.#options.treesMax ?? TREES_MAX)) this.#dropOldest();
    const tree = new MerkleTree(leafBitsOf(partitions), this.#options.marks.of(keyspace, partition, partitions));
    const kept: Kept = {
      ...{ keyspace, partition, partitions, tree, waiting: [], isRefreshing: false },
      ...{ beganMs: 0, freshMs: Number.NEGATIVE_INFINITY, usedMs: 0 },
    };
    this.#trees.set(name, kept);
    return kept;
  }

  #dropOldest(): void {
    let oldest: string | undefined;
    let usedMs = Number.POSITIVE_INFINITY;
    for (const [name, kept] of this.#trees) {
      if (kept.isRefreshing || kept.usedMs >= usedMs) continue;
      oldest = name;
      usedMs = kept.usedMs;
    }
    if (oldest !== undefined) this.#trees.delete(oldest);
  }

  /** The bits are cleared before the range is read: what is written meanwhile sets them again. */
  #refresh(kept: Kept, from: number): void {
    const run = kept.tree.takeDirty(from, RUN_LEAVES);
    if (run === null) {
      // Now, tree by tree, in the slices of reading: who compares wants the roots of all at once.
      kept.tree.settle();
      kept.freshMs = kept.beganMs;
      return this.#end(kept, undefined);
    }
    const low = new Int32Array(run.to - run.from);
    const high = new Int32Array(run.to - run.from);
    const sink: RangeSink = {
      entry: (key, value) => {
        this.#record.open(value, 0, value.length);
        const digester = this.#digester;
        if (!digester.take(this.#record)) return true;
        const tokenHigh = tokenHighOf(key);
        const at = leafOf(tokenHigh, kept.partitions) - run.from;
        low[at] = low[at]! + entryLow(tokenLowOf(key), digester.low);
        high[at] = high[at]! + entryHigh(tokenHigh, digester.high);
        return true;
      },
      ended: (fault) => {
        if (fault !== undefined) {
          kept.tree.markDirty(run);
          return this.#end(kept, fault);
        }
        for (let i = 0; i < low.length; i++) kept.tree.setLeaf(run.from + i, low[i]!, high[i]!);
        this.#refresh(kept, run.to);
      },
    };
    this.#options.reads.read(this.#rangeOf(kept, run), sink, true);
  }

  #rangeOf({ keyspace, partition, partitions }: Kept, { from, to }: LeafRun): KeyRange {
    const last = leafStart(partition, to, partitions) - (this.#options.mutants?.has('leafEndShort') ? 2 : 1);
    return rangeOfTokens(keyspace, leafStart(partition, from, partitions), 0, NO_KEY, last, LAST_LOW);
  }

  #end(kept: Kept, fault: Fault | undefined): void {
    kept.isRefreshing = false;
    const { waiting } = kept;
    kept.waiting = [];
    // One of them may ask for it again.
    const { beganMs } = kept;
    for (const done of waiting) done(fault, fault === undefined ? kept.tree : undefined, beganMs);
  }
}

const NO_KEY = new Uint8Array(0);

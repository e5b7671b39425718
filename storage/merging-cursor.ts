/**
 * One ordered view of several cursors. A tournament of losers holds who is next: a move plays ceil(log2 n) matches, against twice that of a
 * binary heap, and allocates nothing.
 *
 * ```
 *              tree[0] = winner                 leaf of child c is node n + c; node i has the children 2i and 2i + 1;
 *              tree[1]                          tree[i] names the child that lost there. When the winner moves, it plays
 *        tree[2]     tree[3]                    against the losers on its way to the root.
 *       c0    c1    c2     c3
 * ```
 * Going forward, every child but the winner is at its first entry behind the current one; going back, at its last entry before it. So to turn
 * round is one move of each child.
 *
 * Why: test/storage/compaction/merge-speed.ts.
 */
import { type Cursor, type Move, PENDING, READY } from './cursor.ts';
import type { StorageError } from './errors.ts';
import { compareKeys } from './key.ts';
import type { RecordKind } from './record.ts';

const SEEK = 0;
const SEEK_BEFORE = 1;
const FIRST = 2;
const LAST = 3;
type Jump = typeof SEEK | typeof SEEK_BEFORE | typeof FIRST | typeof LAST;

/** Of `#moving`: all children. */
const ALL = -1;

export class MergingCursor implements Cursor {
  valid = false;
  error: StorageError | undefined;
  keyBytes: Uint8Array = NOTHING;
  keyStart = 0;
  keyEnd = 0;
  sequence = 0;
  readonly #children: readonly Cursor[];
  readonly #onReady: () => void;
  readonly #tree: Int32Array;
  /** Winner of each node, only while the tree is built. */
  readonly #winners: Int32Array;
  // Of the current entry of each child, so that a match looks at arrays, not through the children's classes.
  readonly #live: Uint8Array;
  readonly #keys: Uint8Array[];
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  readonly #sequences: Float64Array;
  #forward = true;
  #pending = 0;
  #moving = ALL;

  /**
   * `open` makes the children, newest source first, each with the given function as its onReady. `onReady` is this cursor's own.
   * Of entries of the same key and sequence, which only a repair meets, the newest source's counts as the newer.
   */
  constructor(open: (childReady: () => void) => readonly Cursor[], onReady: () => void = unexpected) {
    this.#children = open(() => this.#childReady());
    this.#onReady = onReady;
    const count = this.#children.length;
    this.#tree = new Int32Array(Math.max(1, count));
    this.#winners = new Int32Array(2 * count);
    this.#live = new Uint8Array(count);
    this.#keys = new Array<Uint8Array>(count).fill(NOTHING);
    this.#starts = new Int32Array(count);
    this.#ends = new Int32Array(count);
    this.#sequences = new Float64Array(count);
  }

  seek(key: Uint8Array, start: number, end: number): Move {
    return this.#jump(SEEK, key, start, end);
  }

  seekBefore(key: Uint8Array, start: number, end: number): Move {
    return this.#jump(SEEK_BEFORE, key, start, end);
  }

  seekFirst(): Move {
    return this.#jump(FIRST, NOTHING, 0, 0);
  }

  seekLast(): Move {
    return this.#jump(LAST, NOTHING, 0, 0);
  }

  next(): Move {
    if (!this.#forward) return this.#turn(true);
    const child = this.#tree[0]!;
    if (this.#children[child]!.next() === PENDING) return this.#wait(child);
    this.#load(child);
    this.#replay(child);
    this.#show();
    return READY;
  }

  prev(): Move {
    if (this.#forward) return this.#turn(false);
    const child = this.#tree[0]!;
    if (this.#children[child]!.prev() === PENDING) return this.#wait(child);
    this.#load(child);
    this.#replay(child);
    this.#show();
    return READY;
  }

  /** Place of the child that the current entry is of. Requires: valid. */
  get child(): number {
    return this.#tree[0]!;
  }
  get kind(): RecordKind {
    return this.#children[this.#tree[0]!]!.kind;
  }
  get valueBytes(): Uint8Array {
    return this.#children[this.#tree[0]!]!.valueBytes;
  }
  get valueStart(): number {
    return this.#children[this.#tree[0]!]!.valueStart;
  }
  get valueEnd(): number {
    return this.#children[this.#tree[0]!]!.valueEnd;
  }

  close(): void {
    for (const child of this.#children) child.close();
  }

  #jump(jump: Jump, key: Uint8Array, start: number, end: number): Move {
    this.#forward = jump === SEEK || jump === FIRST;
    let pending = 0;
    for (const child of this.#children) if (jumpChild(child, jump, key, start, end) === PENDING) pending++;
    return this.#moved(pending);
  }

  #turn(forward: boolean): Move {
    this.#forward = forward;
    const children = this.#children;
    let pending = 0;
    for (let i = 0; i < children.length; i++) if (turnChild(children[i]!, this.#live[i] === 1, forward) === PENDING) pending++;
    return this.#moved(pending);
  }

  /** All children were told to move. */
  #moved(pending: number): Move {
    this.#moving = ALL;
    this.#pending = pending;
    if (pending > 0) return PENDING;
    this.#arrive();
    return READY;
  }

  #wait(child: number): Move {
    this.#moving = child;
    this.#pending = 1;
    return PENDING;
  }

  #childReady(): void {
    this.#pending--;
    if (this.#pending > 0) return;
    this.#arrive();
    this.#onReady();
  }

  #arrive(): void {
    if (this.#moving === ALL) {
      for (let i = 0; i < this.#children.length; i++) this.#load(i);
      this.#build();
    } else {
      this.#load(this.#moving);
      this.#replay(this.#moving);
    }
    this.#show();
  }

  #load(index: number): void {
    const child = this.#children[index]!;
    if (!child.valid) {
      this.#live[index] = 0;
      if (child.error !== undefined) this.error ??= child.error;
      return;
    }
    this.#live[index] = 1;
    this.#keys[index] = child.keyBytes;
    this.#starts[index] = child.keyStart;
    this.#ends[index] = child.keyEnd;
    this.#sequences[index] = child.sequence;
  }

  #build(): void {
    const winners = this.#winners;
    const count = this.#children.length;
    for (let node = 2 * count - 1; node >= 1; node--) {
      if (node >= count) {
        winners[node] = node - count;
        continue;
      }
      const a = winners[2 * node]!;
      const b = winners[2 * node + 1]!;
      const first = this.#beats(a, b);
      winners[node] = first ? a : b;
      this.#tree[node] = first ? b : a;
    }
    this.#tree[0] = count > 0 ? winners[1]! : 0;
  }

  #replay(child: number): void {
    const tree = this.#tree;
    let winner = child;
    for (let node = (this.#children.length + child) >>> 1; node >= 1; node >>>= 1) {
      const rival = tree[node]!;
      if (this.#beats(rival, winner)) {
        tree[node] = winner;
        winner = rival;
      }
    }
    tree[0] = winner;
  }

  #beats(a: number, b: number): boolean {
    if (this.#live[a] === 0) return false;
    if (this.#live[b] === 0) return true;
    const order = compareKeys(this.#keys[a]!, this.#starts[a]!, this.#ends[a]!, this.#keys[b]!, this.#starts[b]!, this.#ends[b]!);
    if (order !== 0) return order < 0 === this.#forward;
    const newer = this.#sequences[a]! - this.#sequences[b]!;
    return (newer === 0 ? a < b : newer > 0) === this.#forward;
  }

  #show(): void {
    const winner = this.#tree[0]!;
    this.valid = this.#live[winner] === 1 && this.error === undefined;
    if (!this.valid) return;
    this.keyBytes = this.#keys[winner]!;
    this.keyStart = this.#starts[winner]!;
    this.keyEnd = this.#ends[winner]!;
    this.sequence = this.#sequences[winner]!;
  }
}

function jumpChild(child: Cursor, jump: Jump, key: Uint8Array, start: number, end: number): Move {
  switch (jump) {
    case SEEK:
      return child.seek(key, start, end);
    case SEEK_BEFORE:
      return child.seekBefore(key, start, end);
    case FIRST:
      return child.seekFirst();
    case LAST:
      return child.seekLast();
  }
}

/** A child that had run off its end comes back in at that end. */
function turnChild(child: Cursor, live: boolean, forward: boolean): Move {
  if (live) return forward ? child.next() : child.prev();
  return forward ? child.seekFirst() : child.seekLast();
}

/** In a job no move is pending. */
function unexpected(): void {}

const NOTHING = new Uint8Array(0);

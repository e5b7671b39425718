/**
 * Exchange: what two replicas of a partition whose roots differ ask each other, and what they move: a pure core. Who drives it carries out its step and tells it what came of it.
 *
 * ```
 *   nodes (level by level) --> pairs (of leaves that differ) --> pause --> heads of tokens that differ --> move --> ... --> end
 *                                                                  ^         | not as it was
 *                                                                  '---------'
 * ```
 * A write under way looks like a difference. So nothing moves before both sides have said the same twice, with a pause between; what changes is looked at again, ROUNDS_MAX times (T10).
 * Records move as their versions say: what descends from the other goes there, what is concurrent goes both ways. They are merged where they come to, and nothing is minted (T17).
 */
import { unreachable } from '../../runtime/errors.ts';
import { ANCESTOR, compare, DESCENDANT } from '../version/merge.ts';
import { RecordView } from '../version/record-view.ts';
import {
  compareTokens,
  type Difference,
  differences,
  digestText,
  FIRST_TOKEN,
  leastOf,
  type Pairs,
  type Token,
  tokenBehind,
} from './pairs.ts';
import { keyText, type RepairEntry } from './repair-entries.ts';
import { NODES_MAX } from './repair-frames.ts';

/** push: ours to the peer; pull: the peer's to us; dryRun: neither, differences are counted. */
export type Direction = 'push' | 'pull' | 'pushPull' | 'dryRun';

export interface Move extends Token {
  readonly key: Uint8Array;
  readonly isPush: boolean;
  readonly isPull: boolean;
  /** Of the peer's record; 0: it has none, or any will do. */
  readonly digestHigh: number;
  readonly digestLow: number;
}

export type Step =
  /** Hashes of the children of these nodes of a level, which rise. */
  | { readonly type: 'nodes'; readonly level: number; readonly nodes: readonly number[] }
  /** Both sides' pairs of these leaves, which rise, from a token on. */
  | { readonly type: 'pairs'; readonly leaves: readonly number[]; readonly from: Token }
  | { readonly type: 'pause' }
  /** Both sides' entries of these tokens, without values. */
  | { readonly type: 'heads'; readonly tokens: readonly Token[] }
  | { readonly type: 'move'; readonly moves: readonly Move[] }
  | { readonly type: 'end' };

/** What an exchange has found and done. Counts of keys, but for `unconfirmed`: of tokens. */
export interface ExchangeCounts {
  readonly differing: number;
  readonly pushed: number;
  readonly pulled: number;
  /** They still change, after all rounds. */
  readonly unconfirmed: number;
  readonly failed: number;
}

export interface ExchangeOptions {
  readonly direction: Direction;
  /** Levels of the tree, the root's and the leaves' included, and children of a node of a level. */
  readonly levelCount: number;
  readonly childrenOf: (level: number) => number;
  /** Tokens whose heads are asked for at once, and moved at once. Default 32. */
  readonly keysMax?: number;
  readonly mutants?: ReadonlySet<string>;
}

const KEYS_MAX = 32;
const LEAVES_MAX = NODES_MAX;
/** Differences that are remembered over a pause. */
const DIFFERENCES_MAX = 2_048;
const ROUNDS_MAX = 3;

export class Exchange {
  readonly #options: ExchangeOptions;
  #level = 0;
  /** Of `#level`, to be asked for. */
  #nodes: readonly number[] = [0];
  #below: number[] = [];
  #leaves: readonly number[] = [];
  #from: Token = FIRST_TOKEN;
  /** Found; looked at again after the pause. */
  #differences: Difference[] = [];
  #isPaused = false;
  /** Changed between two rounds. */
  #again: Difference[] = [];
  #round = 1;
  #moves: readonly Move[] = [];
  readonly #ours = new RecordView();
  readonly #theirs = new RecordView();
  #differing = 0;
  #pushed = 0;
  #pulled = 0;
  #unconfirmed = 0;
  #failed = 0;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#descend();
  }

  get counts(): ExchangeCounts {
    return {
      differing: this.#differing,
      pushed: this.#pushed,
      pulled: this.#pulled,
      unconfirmed: this.#unconfirmed,
      failed: this.#failed,
    };
  }

  /** The same until it is told what came of it. */
  step(): Step {
    if (this.#moves.length > 0) return { type: 'move', moves: this.#moves };
    if (this.#nodes.length > 0) return { type: 'nodes', level: this.#level, nodes: this.#nodes.slice(0, NODES_MAX) };
    const isLookingAgain = this.#isPaused && this.#differences.length > 0;
    if (!isLookingAgain && this.#leaves.length > 0 && this.#differences.length < DIFFERENCES_MAX && this.#round === 1)
      return { type: 'pairs', leaves: this.#leaves.slice(0, LEAVES_MAX), from: this.#from };
    if (this.#differences.length === 0) return { type: 'end' };
    if (!this.#isPaused && !this.#options.mutants?.has('firstRoundActed')) return { type: 'pause' };
    return { type: 'heads', tokens: this.#differences.slice(0, this.#options.keysMax ?? KEYS_MAX) };
  }

  /** Whether the hash of each child of each node that was asked for differs, in their order. */
  onNodes(isDiffering: (i: number) => boolean): void {
    const children = this.#options.childrenOf(this.#level);
    const asked = this.#nodes.slice(0, NODES_MAX);
    for (const [i, node] of asked.entries())
      for (let child = 0; child < children; child++) if (isDiffering(i * children + child)) this.#below.push(node * children + child);
    this.#nodes = this.#nodes.slice(asked.length);
    if (this.#nodes.length > 0) return;
    this.#level++;
    this.#nodes = this.#below;
    this.#below = [];
    this.#descend();
  }

  onPairs(ours: Pairs, theirs: Pairs): void {
    this.#differences.push(...differences(ours, theirs));
    const covered = leastOf(ours.covered, theirs.covered);
    const next = covered === null ? undefined : tokenBehind(covered);
    if (next !== undefined) {
      this.#from = next;
      return;
    }
    this.#leaves = this.#leaves.slice(LEAVES_MAX);
    this.#from = FIRST_TOKEN;
  }

  onPaused(): void {
    this.#isPaused = true;
  }

  /** Of all the tokens that were asked for. */
  onHeads(ours: readonly RepairEntry[], theirs: readonly RepairEntry[]): void {
    const asked = this.#differences.splice(0, this.#options.keysMax ?? KEYS_MAX);
    const moves: Move[] = [];
    for (const before of asked) {
      const [our, their] = [entriesOf(ours, before), entriesOf(theirs, before)];
      const now: Difference = { high: before.high, low: before.low, ours: digestsOf(our), theirs: digestsOf(their) };
      if (now.ours === now.theirs) continue;
      const isAsBefore = now.ours === before.ours && now.theirs === before.theirs;
      if (isAsBefore || this.#options.mutants?.has('firstRoundActed')) moves.push(...this.#movesOf(our, their));
      else if (this.#round < ROUNDS_MAX) this.#again.push(now);
      else this.#unconfirmed++;
    }
    this.#differing += moves.length;
    this.#moves = this.#options.direction === 'dryRun' ? [] : moves.filter(({ isPush, isPull }) => isPush || isPull);
    if (this.#moves.length === 0) this.#endRound();
  }

  /** Of the moves of the step: how many keys were pushed and pulled, and of how many that failed. */
  onMoved(pushed: number, pulled: number, failed: number): void {
    this.#pushed += pushed;
    this.#pulled += pulled;
    this.#failed += failed;
    this.#moves = [];
    this.#endRound();
  }

  #descend(): void {
    if (this.#level < this.#options.levelCount - 1) return;
    this.#leaves = this.#nodes;
    this.#nodes = [];
  }

  #endRound(): void {
    if (this.#differences.length > 0) return;
    this.#isPaused = false;
    this.#differences = this.#again;
    this.#again = [];
    this.#round = this.#differences.length > 0 ? this.#round + 1 : 1;
  }

  #movesOf(ours: readonly RepairEntry[], theirs: readonly RepairEntry[]): readonly Move[] {
    const moves: Move[] = [];
    const our = new Map(ours.map((entry) => [keyText(entry), entry]));
    const their = new Map(theirs.map((entry) => [keyText(entry), entry]));
    for (const name of new Set([...our.keys(), ...their.keys()])) {
      const [a, b] = [our.get(name), their.get(name)];
      if (a !== undefined && b !== undefined && digestsOf([a]) === digestsOf([b])) continue;
      moves.push(this.#moveOf(a, b));
    }
    return moves;
  }

  #moveOf(a: RepairEntry | undefined, b: RepairEntry | undefined): Move {
    const { direction } = this.#options;
    const order = compare(viewOf(this.#ours, a), viewOf(this.#theirs, b));
    const isPush = order !== ANCESTOR;
    const isPull = order !== DESCENDANT;
    const { high, low, bytes, keyStart, keyEnd } = (a ?? b)!;
    const isAny = b === undefined || (isPush && isPull);
    return {
      ...{ high, low, key: Uint8Array.prototype.slice.call(bytes, keyStart, keyEnd) },
      ...{ isPush: isPush && mayPush(direction), isPull: isPull && mayPull(direction) },
      // Of concurrent ones what we push may be merged there before it is read.
      ...{ digestHigh: isAny ? 0 : b.digestHigh, digestLow: isAny ? 0 : b.digestLow },
    };
  }
}

function mayPush(direction: Direction): boolean {
  switch (direction) {
    case 'push':
    case 'pushPull':
      return true;
    case 'pull':
    case 'dryRun':
      return false;
    default:
      return unreachable(direction);
  }
}

function mayPull(direction: Direction): boolean {
  return direction === 'pull' || direction === 'pushPull';
}

function viewOf(view: RecordView, entry: RepairEntry | undefined): RecordView {
  if (entry === undefined) view.clear();
  else view.open(entry.bytes, entry.keyEnd, entry.recordEnd);
  return view;
}

function entriesOf(entries: readonly RepairEntry[], token: Token): readonly RepairEntry[] {
  return entries.filter((entry) => compareTokens(entry, token) === 0);
}

function digestsOf(entries: readonly RepairEntry[]): string {
  return entries
    .map(({ digestHigh, digestLow }) => digestText(digestHigh, digestLow))
    .sort()
    .join(' ');
}

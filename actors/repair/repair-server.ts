/**
 * RepairServer: answers what peers ask about partitions of this shard. No actor: MerkleActor calls it within its turns. Remembers nothing but the questions under way.
 *
 * A frame is refused when it is malformed (and logged), when its ring is not this shard's (STALE_RING), when its partition lies on another shard or what it names is not of the partition (INVALID),
 * while the engine is not open (LOADING), and when SERVED_MAX are under way (OVERLOADED).
 */
import type { ActorContext } from '../../runtime/actor.ts';
import { copyBytes, OutBuffer } from '../../runtime/bytes.ts';
import { ReplyAddress } from '../../runtime/reply.ts';
import type { RingState } from '../ring/ring-state.ts';
import { partitionOf, shardOf } from '../ring/token.ts';
import type { RingHolder } from '../ring-agent.ts';
import { beginAnswer, writeRefusal } from '../store/data-frames.ts';
import { INVALID, LOADING, NO_KEYSPACE_FOUND, OK, OVERLOADED, STALE_RING } from '../store/store-request.ts';
import type { Forest } from './forest.ts';
import { leafBitsOf, levelsOf, partitionBitsOf } from './leaves.ts';
import type { LocalSide } from './local-side.ts';
import type { MerkleTree } from './merkle-tree.ts';
import type { Fault } from './range-reads.ts';
import {
  changedHash,
  HEADS,
  NODED,
  NODES,
  PAIRED,
  PAIRS,
  PAIRS_MAX,
  putHash,
  RECORDS,
  RepairAsk,
  ROOTED,
  ROOTS,
  type Root,
  RootsAsk,
  TOLD,
  writePaired,
  writeRooted,
  writeTold,
} from './repair-frames.ts';

/** What of MerkleActor's context is needed here. */
type Replying = Pick<ActorContext<never>, 'noteSender' | 'replyBytes' | 'replyBytesTo' | 'log'>;

export interface ServerArguments {
  readonly context: Replying;
  readonly shard: number;
  readonly shards: number;
  readonly ring: RingHolder;
  readonly isOpen: () => boolean;
  readonly nowMs: () => number;
  readonly forest: Forest;
  readonly local: LocalSide;
  readonly mutants?: ReadonlySet<string>;
}

/** `ageMs`: of the oldest tree, or of the question. */
type OnFreshened = (fault: Fault | undefined, ageMs: number, differing: readonly number[]) => void;

const SERVED_MAX = 32;
/** Whose leaves may be read at once: while one waits for the disk others go on (range-reads.ts has as many in turn). */
const TREES_AT_ONCE = 4;
const ANSWER_BYTES = 4_096;
const ANSWER_BYTES_MAX = 16 * 1_024 * 1_024;
/** Of whole records in one answer, but for the first one. */
const RECORDS_BYTES = 1_048_576;
/** Levels are compared of the tree whose root was; one that was dropped meanwhile is made again. */
const NODES_AGE_MS = 3_600_000;

export class RepairServer {
  readonly #args: ServerArguments;
  readonly #out = new OutBuffer(ANSWER_BYTES, ANSWER_BYTES_MAX);
  readonly #roots = new RootsAsk();
  #served = 0;
  /** ROOTS that wait for trees: their senders ask again when it takes long. */
  readonly #waiting = new Set<string>();
  /** Bytes of answers since the start. */
  bytes = 0;

  constructor(args: ServerArguments) {
    this.#args = args;
  }

  /** Answers the message that is being handled, now or later. Returns false when it is none of these. */
  receive(operation: number, bytes: Uint8Array, start: number, end: number): boolean {
    const answer = answerOf(operation);
    if (answer === 0) return false;
    const ask = new RepairAsk();
    const fault = operation === ROOTS ? this.#roots.read(bytes, start, end) : ask.read(operation, bytes, start, end);
    if (fault !== undefined) {
      this.#args.context.log.warn('malformed frame refused', { operation, fault });
      this.#refuse(answer, INVALID, fault);
      return true;
    }
    const { ring, isOpen } = this.#args;
    const state = ring.ring?.state;
    if (state === undefined || !ring.mayServe || !isOpen()) this.#refuse(answer, LOADING, 'the replicas of this shard are not open');
    else if (this.#served >= SERVED_MAX) this.#refuse(answer, OVERLOADED, `${SERVED_MAX} questions are under way`);
    else if (operation === ROOTS) this.#onRoots(state);
    else this.#onAsk(operation, answer, ask, state);
    return true;
  }

  #onRoots(state: RingState): void {
    const { keyspace, generation, changed, partitionBits, roots } = this.#roots;
    const partitions = roots.map(({ partition }) => partition);
    const isSame = generation === state.generation && partitionBits === partitionBitsOf(state.owners.length);
    if (!isSame || changed !== changedHash(state, partitions)) return this.#refuse(ROOTED, STALE_RING, STALE);
    const wrong = this.#faultOf(state, keyspace, partitions);
    if (wrong !== undefined) return this.#refuse(ROOTED, wrong.status, wrong.message);
    const address = this.#begin();
    const name = `${address.link}/${address.slot}/${address.uid}/${address.requestId}`;
    if (this.#waiting.has(name)) return this.#fail(address, ROOTED, { status: OVERLOADED, message: 'the trees are being made' });
    this.#waiting.add(name);
    this.#freshen(keyspace, state.owners.length, roots, (fault, ageMs, differing) => {
      this.#waiting.delete(name);
      if (fault !== undefined) return this.#fail(address, ROOTED, fault);
      beginAnswer(this.#out, OK);
      writeRooted(this.#out, ageMs, differing);
      this.#answer(address, ROOTED);
    });
  }

  /** A few trees at a time, as a new one is large: made at once, those of 256 partitions would hold up the thread. */
  #freshen(keyspace: number, partitions: number, roots: readonly Root[], done: OnFreshened): void {
    const differing: number[] = [];
    const { forest, nowMs } = this.#args;
    let oldestMs = nowMs();
    let trouble: Fault | undefined;
    let begun = 0;
    let left = roots.length;
    const next = (): void => {
      const root = roots[begun++];
      if (root === undefined) return;
      forest.fresh(keyspace, root.partition, partitions, 0, (fault, tree, sinceMs) => {
        trouble ??= fault;
        oldestMs = Math.min(oldestMs, sinceMs);
        if (tree !== undefined && (tree.low(0, 0) !== root.low || tree.high(0, 0) !== root.high)) differing.push(root.partition);
        left--;
        if (left === 0) done(trouble, nowMs() - oldestMs, differing);
        else next();
      });
    };
    for (let i = 0; i < TREES_AT_ONCE; i++) next();
  }

  #onAsk(operation: number, answer: number, ask: RepairAsk, state: RingState): void {
    const partitions = state.owners.length;
    const partition = partitionOf(ask.tokenHigh, partitions);
    const isSame = ask.generation === state.generation && ask.partitionBits === partitionBitsOf(partitions);
    if (!this.#args.mutants?.has('repairRingIgnored') && (!isSame || ask.changedAt !== state.changedAt[partition]))
      return this.#refuse(answer, STALE_RING, STALE);
    const wrong = this.#faultOf(state, ask.keyspace, [partition]) ?? faultOfItems(operation, ask, partition, partitions);
    if (wrong !== undefined) return this.#refuse(answer, wrong.status, wrong.message);
    const address = this.#begin();
    const { keyspace, option, nodes, wanted, tokenHigh, tokenLow } = ask;
    const { forest, local } = this.#args;
    if (operation === NODES) {
      forest.fresh(keyspace, partition, partitions, NODES_AGE_MS, (fault, tree) => this.#tellNodes(address, fault, tree, option, nodes));
    } else if (operation === PAIRS) {
      local.pairs(keyspace, partition, partitions, nodes, { high: tokenHigh, low: tokenLow }, PAIRS_MAX, (fault, pairs) => {
        if (fault !== undefined) return this.#fail(address, PAIRED, fault);
        beginAnswer(this.#out, OK);
        writePaired(this.#out, pairs);
        this.#answer(address, PAIRED);
      });
    } else {
      local.entries(keyspace, wanted, operation === RECORDS, RECORDS_BYTES, (fault, entries, items) => {
        if (fault !== undefined) return this.#fail(address, TOLD, fault);
        const out = this.#out;
        beginAnswer(out, OK);
        writeTold(out, items);
        out.ensure(entries.length);
        copyBytes(entries.bytes, 0, entries.length, out.bytes, out.length);
        out.length += entries.length;
        this.#answer(address, TOLD);
      });
    }
  }

  #tellNodes(address: ReplyAddress, fault: Fault | undefined, tree: MerkleTree | undefined, level: number, nodes: readonly number[]): void {
    if (tree === undefined) return this.#fail(address, NODED, fault!);
    const children = tree.childrenOf(level);
    beginAnswer(this.#out, OK);
    for (const node of nodes)
      for (let child = node * children; child < (node + 1) * children; child++)
        putHash(this.#out, tree.low(level + 1, child), tree.high(level + 1, child));
    this.#answer(address, NODED);
  }

  #faultOf(state: RingState, keyspace: number, partitions: readonly number[]): Fault | undefined {
    const { shard, shards } = this.#args;
    if (!state.keyspaces.some(({ id }) => id === keyspace))
      return { status: NO_KEYSPACE_FOUND, message: `no keyspace has the id ${keyspace}` };
    const elsewhere = partitions.find((partition) => shardOf(partition, shards, state.owners.length) !== shard);
    return elsewhere === undefined
      ? undefined
      : { status: INVALID, message: `partition ${elsewhere} does not lie on shard ${shard} of ${shards}` };
  }

  #begin(): ReplyAddress {
    const address = new ReplyAddress();
    this.#args.context.noteSender(address);
    this.#served++;
    return address;
  }

  #answer(address: ReplyAddress, operation: number): void {
    this.#served--;
    this.bytes += this.#out.length;
    this.#args.context.replyBytesTo(address, operation, this.#out.bytes, 0, this.#out.length);
  }

  #fail(address: ReplyAddress, operation: number, { status, message }: Fault): void {
    writeRefusal(this.#out, status, message);
    this.#answer(address, operation);
  }

  /** The question that is being handled was not begun. */
  #refuse(operation: number, status: number, message: string): void {
    writeRefusal(this.#out, status, message);
    this.#args.context.replyBytes(operation, this.#out.bytes, 0, this.#out.length);
  }
}

const STALE = 'the rings of both sides differ about the partition';

function answerOf(operation: number): number {
  if (operation === ROOTS) return ROOTED;
  if (operation === NODES) return NODED;
  if (operation === PAIRS) return PAIRED;
  return operation === HEADS || operation === RECORDS ? TOLD : 0;
}

function faultOfItems(operation: number, { option, nodes, wanted }: RepairAsk, partition: number, partitions: number): Fault | undefined {
  const levels = levelsOf(leafBitsOf(partitions));
  if (operation === NODES && option > levels.length - 2)
    return { status: INVALID, message: `expected a level of 0 to ${levels.length - 2}, found ${option}` };
  const level = operation === NODES ? option : levels.length - 1;
  const last = nodes.at(-1) ?? 0;
  if ((operation === NODES || operation === PAIRS) && last >= 2 ** levels[level]!)
    return { status: INVALID, message: `expected nodes below ${2 ** levels[level]!}, found ${last}` };
  for (let i = 0; i < wanted.length; i++)
    if (partitionOf(wanted.high(i), partitions) !== partition)
      return {
        status: INVALID,
        message: `expected tokens of partition ${partition}, found one of ${partitionOf(wanted.high(i), partitions)}`,
      };
  return undefined;
}

/**
 * ExchangeRun: carries out the steps of an Exchange: reads this replica, asks the peer, waits, and moves records. What is pulled is checked against its digest before it is merged; what is pushed goes to
 * the peer's VNodeActor as a write does, and is merged there. Nothing of a range that can't be read goes anywhere.
 */
import { copyBytes, OutBuffer } from '../../runtime/bytes.ts';
import { unreachable } from '../../runtime/errors.ts';
import type { Keyspace } from '../ring/ring-state.ts';
import { firstHighOf } from '../ring/token.ts';
import { ANSWER_HEAD_BYTES, IS_DEAD, MERGE, MERGED, VNODE_SLOT } from '../store/data-frames.ts';
import { KeyPlace } from '../store/key-place.ts';
import { COORDINATE, FORGET, MERGE_IN, READ_LOCAL, ReplicaCall, type ReplicaSink } from '../store/replica-call.ts';
import { durabilityNumber, INVALID, OK, STALE_RING } from '../store/store-request.ts';
import { RecordView } from '../version/record-view.ts';
import { type Direction, Exchange, type ExchangeCounts, type Move } from './exchange.ts';
import { partitionBitsOf } from './leaves.ts';
import { hasDigest, type LocalSide } from './local-side.ts';
import type { MerkleTree } from './merkle-tree.ts';
import { Pairs, type Token } from './pairs.ts';
import type { Peer, PeerAsks } from './peer-asks.ts';
import { type RepairEntry, readEntries } from './repair-entries.ts';
import {
  HEADS,
  MERKLE_SLOT,
  NODED,
  NODES,
  PAIRED,
  PAIRS,
  PAIRS_MAX,
  RECORDS,
  RepairAsk,
  readNoded,
  readPaired,
  readTold,
  TOLD,
} from './repair-frames.ts';

export interface RunArguments {
  readonly keyspace: Keyspace;
  readonly partition: number;
  readonly partitions: number;
  readonly generation: number;
  readonly changedAt: number;
  readonly peer: Peer;
  readonly direction: Direction;
  readonly tree: MerkleTree;
  readonly local: LocalSide;
  readonly asks: PeerAsks;
  /** To the replicas of this shard; those that are not open fail it. */
  readonly runCall: (call: ReplicaCall) => void;
  /** Calls `then` when repair may go on. */
  readonly paced: (then: () => void) => void;
  readonly pause: (then: () => void) => void;
  /** Calls `then` in a turn of the owner's: the replicas may answer in somebody else's. */
  readonly soon: (then: () => void) => void;
  /** The partition's replicas are those of the ring by which it was begun. */
  readonly isCurrent: () => boolean;
  readonly done: (outcome: RunOutcome) => void;
  readonly mutants?: ReadonlySet<string>;
}

export interface RunOutcome extends ExchangeCounts {
  /** Of whole records that moved, both ways. */
  readonly valueBytes: number;
  /** Why it ended early. */
  readonly fault: string | undefined;
}

const HEADS_BYTES = 1_048_576;
/** Of records that wait to be pushed until those pulled are here. */
const HELD_BYTES_MAX = 4_194_304;
const ENTRIES_BYTES = 64;

export class ExchangeRun {
  readonly #args: RunArguments;
  readonly #exchange: Exchange;
  readonly #scratch = new OutBuffer(ENTRIES_BYTES, ENTRIES_BYTES);
  readonly #record = new RecordView();
  #valueBytes = 0;
  #isEnded = false;

  constructor(args: RunArguments) {
    this.#args = args;
    const { tree, direction, mutants } = args;
    const { levelCount } = tree;
    this.#exchange = new Exchange({
      ...{ direction, levelCount, childrenOf: (level) => tree.childrenOf(level) },
      ...(mutants === undefined ? {} : { mutants }),
    });
  }

  start(): void {
    this.#next();
  }

  #next(): void {
    this.#args.paced(() => this.#go());
  }

  #go(): void {
    if (this.#isEnded) return;
    const step = this.#exchange.step();
    switch (step.type) {
      case 'nodes':
        return this.#askNodes(step.level, step.nodes);
      case 'pairs':
        return this.#readPairs(step.leaves, step.from);
      case 'pause':
        return this.#args.pause(() => {
          this.#exchange.onPaused();
          this.#next();
        });
      case 'heads':
        return this.#readHeads(step.tokens);
      case 'move':
        return this.#move(step.moves);
      case 'end':
        return this.#end(undefined);
      default:
        return unreachable(step);
    }
  }

  #askNodes(level: number, nodes: readonly number[]): void {
    const { tree } = this.#args;
    const children = tree.childrenOf(level);
    this.#ask(NODES, NODED, { option: level, nodes }, (bytes, start, end) => {
      const theirs = readNoded(bytes, start, end, nodes.length * children);
      if (typeof theirs === 'string') return theirs;
      this.#exchange.onNodes((i) => {
        const child = nodes[Math.floor(i / children)]! * children + (i % children);
        return theirs[i * 2] !== tree.low(level + 1, child) || theirs[i * 2 + 1] !== tree.high(level + 1, child);
      });
      this.#next();
      return undefined;
    });
  }

  #readPairs(leaves: readonly number[], from: Token): void {
    const { keyspace, partition, partitions, local } = this.#args;
    local.pairs(keyspace.id, partition, partitions, leaves, from, PAIRS_MAX, (fault, ours) => {
      if (fault !== undefined) return this.#end(fault.message);
      const token = from.high === 0 && from.low === 0 ? { high: firstHighOf(partition, partitions), low: 0 } : from;
      this.#ask(PAIRS, PAIRED, { tokenHigh: token.high, tokenLow: token.low, nodes: leaves }, (bytes, start, end) => {
        const theirs = readPaired(bytes, start, end);
        if (typeof theirs === 'string') return theirs;
        this.#exchange.onPairs(ours, theirs);
        this.#next();
        return undefined;
      });
    });
  }

  #readHeads(tokens: readonly Token[]): void {
    const wanted = new Pairs();
    for (const { high, low } of tokens) wanted.add(high, low, 0, 0);
    this.#localHeads(wanted, 0, [], (ours) =>
      this.#peerHeads(wanted, [], (theirs) => {
        this.#exchange.onHeads(ours, theirs);
        this.#next();
      }),
    );
  }

  #localHeads(wanted: Pairs, from: number, before: readonly RepairEntry[], then: (entries: readonly RepairEntry[]) => void): void {
    const rest = restOf(wanted, from);
    if (rest.length === 0) return then(before);
    this.#args.local.entries(this.#args.keyspace.id, rest, false, HEADS_BYTES, (fault, out, items) => {
      if (fault !== undefined) return this.#end(fault.message);
      const entries = readEntries(out.bytes, 0, out.length);
      if (typeof entries === 'string') return this.#end(`a record of this replica is malformed: ${entries}`);
      this.#localHeads(wanted, from + items, [...before, ...entries], then);
    });
  }

  #peerHeads(wanted: Pairs, before: readonly RepairEntry[], then: (entries: readonly RepairEntry[]) => void): void {
    if (wanted.length === 0) return then(before);
    this.#ask(HEADS, TOLD, { wanted }, (bytes, start, end) => {
      const copy = Uint8Array.prototype.slice.call(bytes, start, end);
      const told = readTold(copy, 0, copy.length, wanted.length);
      if (typeof told === 'string') return told;
      this.#peerHeads(restOf(wanted, told.items), [...before, ...told.entries], then);
      return undefined;
    });
  }

  /** Of concurrent records each side gets the other's, not what was made of both: so what is pushed of them is read now, and sent when all is pulled. */
  #move(moves: readonly Move[]): void {
    let [pushed, pulled, failed] = [0, 0, 0];
    const pulls = moves.filter(({ isPull }) => isPull);
    const pushes = moves.filter(({ isPush }) => isPush);
    let left = pulls.length + pushes.length;
    let [pullsLeft, heldBytes] = [pulls.length, 0];
    const held: (() => void)[] = [];
    const ended = (count: number): void => {
      left -= count;
      if (left > 0) return;
      this.#exchange.onMoved(pushed, pulled, failed);
      this.#next();
    };
    if (pulls.length > 0)
      this.#pull(pulls, (count, merged) => {
        pulled += merged;
        failed += count - merged;
        pullsLeft -= count;
        // Before `ended`, which may be the last.
        if (pullsLeft === 0) for (const send of held.splice(0)) this.#args.soon(send);
        ended(count);
      });
    const send = (move: Move, record: Uint8Array): void =>
      this.#sendMerge(move, record, (isDone) => {
        if (isDone) pushed++;
        else failed++;
        ended(1);
      });
    for (const move of pushes)
      this.#readPush(move, (record) => {
        if (record === undefined) failed++;
        if (record === undefined || record.length === 0) return ended(1);
        const isHeld = move.isPull && pullsLeft > 0 && heldBytes < HELD_BYTES_MAX;
        heldBytes += record.length;
        if (isHeld) held.push(() => send(move, record));
        else this.#args.soon(() => send(move, record));
      });
  }

  /** `ended` is told of so many of the moves, and how many of them were merged. */
  #pull(moves: readonly Move[], ended: (count: number, merged: number) => void): void {
    const wanted = new Pairs();
    for (const { high, low, digestHigh, digestLow } of moves) wanted.add(high, low, digestHigh, digestLow);
    this.#ask(RECORDS, TOLD, { wanted }, (bytes, start, end) => {
      const told = readTold(bytes, start, end, wanted.length);
      if (typeof told === 'string') return told;
      const [asked, others] = [moves.slice(0, told.items), moves.slice(told.items)];
      let missing = asked.length;
      for (const move of asked) {
        const entry = told.entries.find((found) => isOf(found, move));
        if (entry === undefined || !this.#isIntact(entry)) continue;
        missing--;
        this.#valueBytes += entry.recordEnd - entry.keyEnd;
        this.#mergeIn(entry, (isDone) => ended(1, isDone ? 1 : 0));
      }
      if (missing > 0) ended(missing, 0);
      if (others.length > 0) this.#pull(others, ended);
      return undefined;
    });
  }

  /** That it is what the peer hashed: it may have been damaged in its memory or on the way. */
  #isIntact(entry: RepairEntry): boolean {
    this.#record.open(entry.bytes, entry.keyEnd, entry.recordEnd);
    return this.#args.mutants?.has('pulledUnchecked') === true || hasDigest(this.#record, entry, this.#scratch);
  }

  #mergeIn({ high, low, bytes, keyStart, keyEnd, recordEnd }: RepairEntry, done: (isDone: boolean) => void): void {
    const call = this.#call({ high, low }, bytes, keyStart, keyEnd);
    call.verb = this.#args.mutants?.has('repairMints') ? COORDINATE : MERGE_IN;
    call.bytes = bytes;
    call.start = keyEnd;
    call.end = recordEnd;
    call.durability = durabilityNumber(this.#args.keyspace.durability);
    call.isLww = this.#args.keyspace.conflict === 'lww';
    call.sink = { ...IGNORING, stored: () => done(true), failed: () => done(false) };
    this.#args.runCall(call);
  }

  /** A copy of the record that is here now; empty: it is gone, as it was purged; undefined: it can't be read. */
  #readPush(move: Move, done: (record: Uint8Array | undefined) => void): void {
    const { key } = move;
    const call = this.#call(move, key, 0, key.length);
    call.verb = READ_LOCAL;
    call.sink = {
      ...IGNORING,
      found: (_token, { entries, bytes, start, end }) => done(Uint8Array.prototype.slice.call(bytes, start, entries === 0 ? start : end)),
      failed: () => done(undefined),
    };
    this.#args.runCall(call);
  }

  #sendMerge(move: Move, record: Uint8Array, done: (isDone: boolean) => void): void {
    const { high, low, key } = move;
    const { keyspace, generation, changedAt, peer, asks } = this.#args;
    const place = Object.assign(new KeyPlace(), { keyspace: keyspace.id, tokenHigh: high, tokenLow: low, changedAt, generation });
    place.option = durabilityNumber(keyspace.durability);
    this.#valueBytes += record.length;
    const write = (out: OutBuffer): void => {
      place.write(key, 0, key.length, out);
      out.ensure(record.length);
      copyBytes(record, 0, record.length, out.bytes, out.length);
      out.length += record.length;
    };
    asks.ask(peer, VNODE_SLOT, MERGE, MERGED, write, (status, bytes, start, end) => {
      const isDead = status === OK && end - start > ANSWER_HEAD_BYTES && bytes[start + ANSWER_HEAD_BYTES] === IS_DEAD;
      if (!isDead) return done(status === OK);
      this.#forget(move, record, () => done(true));
    });
  }

  /** The peer had it, or what followed it, and has purged it: it is dropped here too, if it is still that. */
  #forget(move: Move, record: Uint8Array, done: () => void): void {
    const call = this.#call(move, move.key, 0, move.key.length);
    call.verb = FORGET;
    call.bytes = record;
    call.end = record.length;
    call.sink = { ...IGNORING, stored: done, failed: done };
    this.#args.runCall(call);
  }

  #call({ high, low }: Token, key: Uint8Array, keyStart: number, keyEnd: number): ReplicaCall {
    const call = new ReplicaCall();
    call.keyspace = this.#args.keyspace.id;
    call.tokenHigh = high;
    call.tokenLow = low;
    call.key = key;
    call.keyStart = keyStart;
    call.keyEnd = keyEnd;
    return call;
  }

  /** `heard` returns what was expected and found, where the answer is malformed. */
  #ask(
    operation: number,
    answer: number,
    fields: Partial<RepairAsk>,
    heard: (bytes: Uint8Array, start: number, end: number) => string | undefined,
  ): void {
    const { keyspace, partition, partitions, generation, changedAt, peer, asks } = this.#args;
    const ask = Object.assign(
      new RepairAsk(),
      { keyspace: keyspace.id, tokenHigh: firstHighOf(partition, partitions), tokenLow: 0, generation, changedAt },
      { partitionBits: partitionBitsOf(partitions) },
      fields,
    );
    asks.ask(
      peer,
      MERKLE_SLOT,
      operation,
      answer,
      (out) => ask.write(operation, out),
      (status, bytes, start, end, message) => {
        if (this.#isEnded) return;
        // What is merged here now would stay where it is not owned.
        if (!this.#args.isCurrent()) return this.#end('the ring has changed');
        if (status !== OK) return this.#end(status === STALE_RING ? `the ring has changed: ${message}` : `status ${status}: ${message}`);
        const fault = heard(bytes, start, end);
        if (fault !== undefined) this.#end(`status ${INVALID}: ${fault}`);
      },
    );
  }

  #end(fault: string | undefined): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#args.done({ ...this.#exchange.counts, valueBytes: this.#valueBytes, fault });
  }
}

function restOf(wanted: Pairs, from: number): Pairs {
  const rest = new Pairs();
  for (let i = from; i < wanted.length; i++) rest.add(wanted.high(i), wanted.low(i), wanted.digestHigh(i), wanted.digestLow(i));
  return rest;
}

function isOf({ high, low, bytes, keyStart, keyEnd }: RepairEntry, move: Move): boolean {
  if (high !== move.high || low !== move.low || keyEnd - keyStart !== move.key.length) return false;
  return move.key.every((byte, i) => byte === bytes[keyStart + i]);
}

const IGNORING: ReplicaSink = { found() {}, made() {}, stored() {}, failed() {} };

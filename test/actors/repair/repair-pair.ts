/**
 * RepairPair: two replicas of all partitions, each with what a MerkleActor is made of, on one virtual clock, and a wire between them that delivers everything in order and counts it. Time passes only when
 * nothing else is left to do.
 */

import { knownRing } from '../../../actors/membership/known-ring.ts';
import { DirtyMarks } from '../../../actors/repair/dirty-marks.ts';
import type { Direction } from '../../../actors/repair/exchange.ts';
import type { RunOutcome } from '../../../actors/repair/exchange-run.ts';
import { Forest } from '../../../actors/repair/forest.ts';
import { LocalSide } from '../../../actors/repair/local-side.ts';
import { PeerAsks } from '../../../actors/repair/peer-asks.ts';
import { RangeReads } from '../../../actors/repair/range-reads.ts';
import { MERKLE_SLOT } from '../../../actors/repair/repair-frames.ts';
import { RepairQueue } from '../../../actors/repair/repair-queue.ts';
import { RepairRounds } from '../../../actors/repair/repair-rounds.ts';
import { RepairServer } from '../../../actors/repair/repair-server.ts';
import { Hasher } from '../../../actors/ring/token.ts';
import { beginAnswer, faultOfRequest, MERGE, MERGED } from '../../../actors/store/data-frames.ts';
import { KeyPlace } from '../../../actors/store/key-place.ts';
import { MERGE_IN, ReplicaCall } from '../../../actors/store/replica-call.ts';
import { OK } from '../../../actors/store/store-request.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import type { Log } from '../../../runtime/doors.ts';
import { RingWorld } from '../ring/ring-world.ts';
import { MemoryStore } from './memory-store.ts';

export interface PairOptions {
  readonly partitions?: number;
  readonly mutants?: readonly string[];
}

export interface Ended extends RunOutcome {
  readonly partition: number;
  readonly sinceMs: number;
}

const PAUSE_MS = 1_000;
const STEPS_MAX = 10_000_000;

export class RepairSide {
  readonly marks: DirtyMarks;
  readonly store: MemoryStore;
  readonly reads: RangeReads;
  readonly forest: Forest;
  readonly server: RepairServer;
  readonly asks: PeerAsks;
  readonly queue = new RepairQueue();
  readonly rounds: RepairRounds;
  readonly ended: Ended[] = [];
  readonly warnings: unknown[] = [];
  isReplica = true;
  readonly #local: LocalSide;
  /** Of the frame that is being handled. */
  #askId = 0;

  constructor(pair: RepairPair, mutants: ReadonlySet<string>) {
    const log: Log = { debug() {}, info() {}, warn: (_event, fields) => this.warnings.push(fields), error() {}, child: () => log };
    this.marks = new DirtyMarks(mutants);
    this.store = new MemoryStore(this.marks);
    this.reads = new RangeReads(
      () => this.store,
      () => {},
      () => pair.nowMs,
      mutants,
    );
    const clock = { now: () => pair.nowMs, wall: () => pair.nowMs };
    this.forest = new Forest({ reads: this.reads, marks: this.marks, clock, mutants });
    const local = new LocalSide(this.reads, mutants);
    this.#local = local;
    const reply = (id: number, operation: number, bytes: Uint8Array, length: number): boolean => {
      pair.carry(this, true, 0, operation, bytes, length, id);
      return true;
    };
    const ring = { ring: knownRing(pair.ring), mayServe: true };
    this.server = new RepairServer({
      context: {
        log,
        noteSender: (into) => {
          into.requestId = this.#askId;
        },
        replyBytes: (operation, bytes, _offset, length) => reply(this.#askId, operation, bytes, length),
        replyBytesTo: ({ requestId }, operation, bytes, _offset, length) => reply(requestId, operation, bytes, length),
      },
      ...{ shard: 0, shards: 1, ring, isOpen: () => true, nowMs: () => pair.nowMs, forest: this.forest, local, mutants },
    });
    this.asks = new PeerAsks({
      firstId: 0,
      send: (_peer, slot, operation, bytes, length, id) => {
        pair.carry(this, false, slot, operation, bytes, length, id);
        return true;
      },
      nowMs: () => pair.nowMs,
    });
    this.rounds = new RepairRounds({
      ...{ queue: this.queue, forest: this.forest, local, asks: this.asks, mutants },
      ring: () => pair.ring,
      isOurs: () => this.isReplica,
      runCall: (call) => this.store.run(call),
      paced: (then) => pair.later(then),
      pause: (then) => pair.pause(then),
      soon: (then) => pair.later(then),
      nowMs: () => pair.nowMs,
      ended: (task, outcome, sinceMs) => this.ended.push({ ...outcome, partition: task.partition, sinceMs }),
    });
  }

  get local(): LocalSide {
    return this.#local;
  }

  /** A frame from the other side. */
  receive(isAnswer: boolean, slot: number, operation: number, bytes: Uint8Array, id: number, pair: RepairPair): void {
    this.#askId = id;
    if (isAnswer) this.asks.onAnswer(operation, bytes, 0, bytes.length, id);
    else if (slot === MERKLE_SLOT) this.server.receive(operation, bytes, 0, bytes.length);
    else this.#onMerge(operation, bytes, id, pair);
  }

  #onMerge(operation: number, bytes: Uint8Array, id: number, pair: RepairPair): void {
    const place = new KeyPlace();
    const fault = faultOfRequest(operation, bytes, 0, bytes.length, place);
    if (operation !== MERGE || fault !== undefined) throw new Error(`merge: ${operation} ${fault ?? ''}`);
    const call = new ReplicaCall();
    call.verb = MERGE_IN;
    call.keyspace = place.keyspace;
    call.tokenHigh = place.tokenHigh;
    call.tokenLow = place.tokenLow;
    call.key = bytes;
    call.keyStart = place.keyStart;
    call.keyEnd = place.keyEnd;
    call.bytes = bytes;
    call.start = place.keyEnd;
    call.end = bytes.length;
    this.store.run(call);
    const out = new OutBuffer(16, 64);
    beginAnswer(out, OK);
    pair.carry(this, true, 0, MERGED, out.bytes, out.length, id);
  }
}

export class RepairPair {
  readonly rings: RingWorld;
  readonly a: RepairSide;
  readonly b: RepairSide;
  nowMs = 0;
  frames = 0;
  bytes = 0;
  /** What is on its way, and may be changed there. */
  onFrame: (operation: number, bytes: Uint8Array) => void = () => {};
  /** Called when a pause begins. */
  onPause: () => void = () => {};
  readonly #hasher = new Hasher();
  #queue: (() => void)[] = [];
  #paused: (() => void)[] = [];

  constructor({ partitions = 256, mutants = [] }: PairOptions = {}) {
    this.rings = new RingWorld(2, { partitions, keyspace: { n: 2 } });
    this.a = new RepairSide(this, new Set(mutants));
    this.b = new RepairSide(this, new Set(mutants));
  }

  get ring() {
    return this.rings.ring;
  }

  get keyspaceId(): number {
    return this.ring.keyspaces[0]!.id;
  }

  later(then: () => void): void {
    this.#queue.push(then);
  }

  pause(then: () => void): void {
    this.onPause();
    this.#paused.push(then);
  }

  carry(from: RepairSide, isAnswer: boolean, slot: number, operation: number, bytes: Uint8Array, length: number, id: number): void {
    const copy = Uint8Array.prototype.slice.call(bytes, 0, length);
    const to = from === this.a ? this.b : this.a;
    this.frames++;
    this.bytes += length;
    this.onFrame(operation, copy);
    this.later(() => to.receive(isAnswer, slot, operation, copy, id, this));
  }

  /** Under the token that the key has. */
  put(side: RepairSide, key: string, record: Uint8Array): void {
    this.#hasher.hash(Buffer.from(key));
    side.store.put(this.keyspaceId, this.#hasher.high, this.#hasher.low, Buffer.from(key), record);
  }

  tokenOf(key: string): readonly [high: number, low: number] {
    this.#hasher.hash(Buffer.from(key));
    return [this.#hasher.high, this.#hasher.low];
  }

  /** Side a compares these partitions, all by default, with b. Returns what has ended. */
  repair(direction: Direction = 'pushPull', partitions: readonly number[] = [...this.ring.owners.keys()]): readonly Ended[] {
    const { a } = this;
    a.ended.length = 0;
    const peer = { id: this.ring.members[1]!.id, shard: 0 };
    for (const partition of partitions) a.queue.add({ keyspace: this.keyspaceId, partition, peer, direction });
    a.rounds.start();
    this.settle(() => a.ended.length === partitions.length);
    return [...a.ended];
  }

  settle(isSo: () => boolean): void {
    for (let i = 0; i < STEPS_MAX && !isSo(); i++) {
      const queue = [...this.#queue, ...this.a.store.later.splice(0), ...this.b.store.later.splice(0)];
      this.#queue = [];
      for (const then of queue) then();
      const hasRead = [this.a.reads.slice(), this.b.reads.slice()].some((hasMore) => hasMore);
      if (hasRead || this.#queue.length > 0 || queue.length > 0) continue;
      if (this.a.reads.count + this.b.reads.count > 0) continue;
      const paused = this.#paused;
      this.#paused = [];
      this.nowMs += PAUSE_MS;
      for (const then of paused) then();
      this.a.asks.tick();
    }
    if (!isSo()) throw new Error('repair pair: no end');
  }

  /** What both hold, as text. */
  isEqual(): boolean {
    const textOf = ({ store }: RepairSide): string =>
      store.entries.map(({ key, value }) => `${Buffer.from(key).toString('hex')} ${Buffer.from(value).toString('hex')}`).join('\n');
    return textOf(this.a) === textOf(this.b);
  }
}

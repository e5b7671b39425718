/**
 * RequestDesk: what all steps of a coordinator work on: the requests under way, what is known of their quorums, the door to replicas; and how a request is answered.
 */
import { BugError } from '../../runtime/errors.ts';
import type { Keyspace } from '../ring/ring-state.ts';
import { RecordView } from '../version/record-view.ts';
import { CoordinatorCounters } from './coordinator-figures.ts';
import { PeerTimes } from './peer-times.ts';
import { QuorumReads } from './quorum-read.ts';
import { QuorumWrites } from './quorum-write.ts';
import { RecordMerging } from './record-merging.ts';
import type { ReplicaDoor } from './replica-door.ts';
import { countBits, lowestBit, REPLICAS_MAX } from './replica-mask.ts';
import { ANSWERED, READING } from './request-phase.ts';
import { FREE, RequestTable } from './request-table.ts';
import { StandIns } from './stand-ins.ts';
import { type AnswerStatus, GET, OK, StoreAnswer, type StoreRequest } from './store-request.ts';
import { addPrimaries, type Topology } from './topology.ts';

/** Ranks: the lowest is asked first. */
const SELF = 0;
const WELL = 1;
const SLOW = 2;
/** No connection leads there: it is asked before those that are suspected, as it may have restarted, or has never been asked. */
const UNCONNECTED = 3;
const SUSPECTED = 4;

export class RequestDesk {
  readonly door: ReplicaDoor;
  readonly table: RequestTable;
  readonly reads: QuorumReads;
  readonly writes: QuorumWrites;
  readonly merging: RecordMerging;
  readonly counters = new CoordinatorCounters();
  readonly peers: PeerTimes;
  readonly standIns: StandIns;
  readonly mutants: ReadonlySet<string>;
  /** Those that were slow, or without a connection, of whom `planRead` saw last, a mask. */
  slow = 0;
  readonly #ranks = new Uint8Array(REPLICAS_MAX);
  readonly #answers: StoreAnswer[] = [];
  #depth = 0;
  #armedMs = Number.POSITIVE_INFINITY;

  /** `unmeasuredMs`: after that a peer is late of whom nothing is known. */
  constructor(door: ReplicaDoor, capacity: number, bytesMax: number, unmeasuredMs: number, mutants: ReadonlySet<string>) {
    this.door = door;
    this.table = new RequestTable(capacity, bytesMax, mutants);
    this.reads = new QuorumReads(capacity, mutants);
    this.writes = new QuorumWrites(capacity, mutants);
    this.merging = new RecordMerging(this.table, mutants);
    this.peers = new PeerTimes(unmeasuredMs);
    this.mutants = mutants;
    this.standIns = new StandIns(door, this.table, mutants);
  }

  /**
   * Primaries that reads go to: this shard's first, then those that are well, those that are slow, the least slow first, those to whom no connection leads, and suspected ones last. Returns which of
   * them are suspected, a mask.
   */
  planRead(slot: number, topology: Topology, keyspace: Keyspace): number {
    const { table } = this;
    const { members } = table;
    const base = slot * REPLICAS_MAX;
    const partition = topology.lists.partitionOf(table.high[slot]!);
    const count = countBits(addPrimaries(topology.lists.of(keyspace.n).read, partition, members, base, 0));
    const fastest = this.#fastest(topology, base, count);
    const ranks = this.#ranks;
    for (let i = 0; i < count; i++) {
      const member = members[base + i]!;
      const rank = this.#rankOf(member, topology, partition, fastest);
      // Those of one rank stay in their order, but for slow ones: who was slow a moment ago is to be asked before who is now.
      let place = i;
      for (; place > 0 && this.#isAfter(ranks[place - 1]!, members[base + place - 1]!, rank, member); place--) {
        ranks[place] = ranks[place - 1]!;
        members[base + place] = members[base + place - 1]!;
      }
      ranks[place] = rank;
      members[base + place] = member;
    }
    table.replicaCounts[slot] = count;
    table.clearStandIns(slot);
    let suspected = 0;
    this.slow = 0;
    for (let i = 0; i < count; i++) {
      if (ranks[i] === SUSPECTED) suspected |= 1 << i;
      else if (ranks[i]! >= SLOW) this.slow |= 1 << i;
    }
    return suspected;
  }

  #isAfter(rankBefore: number, before: number, rank: number, member: number): boolean {
    if (rankBefore !== rank) return rankBefore > rank;
    return rank === SLOW && this.peers.averageMs(before) > this.peers.averageMs(member);
  }

  #rankOf(member: number, topology: Topology, partition: number, fastest: number): number {
    if (member === topology.self) return SELF;
    if (!this.door.isReachable(member)) return SUSPECTED;
    if (!this.door.isConnected(member, topology.shardOf(member, partition))) return UNCONNECTED;
    return this.peers.isSlow(member, fastest) ? SLOW : WELL;
  }

  /** Which peer among them has the least average, of those that are known; -1: none is. */
  #fastest(topology: Topology, base: number, count: number): number {
    this.peers.use(topology);
    let fastest = -1;
    let fastestMs = Number.POSITIVE_INFINITY;
    for (let i = 0; i < count; i++) {
      const member = this.table.members[base + i]!;
      const averageMs = member === topology.self ? 0 : this.peers.averageMs(member);
      if (averageMs === 0 || averageMs >= fastestMs) continue;
      fastest = member;
      fastestMs = averageMs;
    }
    return fastest;
  }

  wake(slot: number, atMs: number): void {
    this.table.wake(slot, atMs);
    this.arm();
  }

  /** The timer has gone off. */
  disarm(): void {
    this.#armedMs = Number.POSITIVE_INFINITY;
  }

  arm(): void {
    const { nextWakeMs } = this.table;
    if (nextWakeMs >= this.#armedMs) return;
    this.#armedMs = nextWakeMs;
    this.door.wakeAt(nextWakeMs);
  }

  finish(slot: number, status: AnswerStatus, message: string): void {
    const { record } = this.nextAnswer();
    this.merging.view(slot, record);
    if (status !== OK) record.clear();
    this.say(slot, status, message);
    this.end(slot);
  }

  /** Requires: the next answer has its record. */
  say(slot: number, status: AnswerStatus, message: string): void {
    const answer = this.nextAnswer();
    // Of a write that reads first, and got no further than that, that read.
    const isRead = this.table.kinds[slot] === GET || this.table.phases[slot] === READING;
    const quorum = isRead ? this.reads : this.writes;
    answer.status = status;
    answer.message = message;
    answer.received = quorum.received(slot);
    answer.primaries = quorum.primaries(slot);
    answer.needed = quorum.needed(slot);
    answer.epoch = this.table.epochs[slot]!;
    answer.repliedCount = 0;
    for (let rest = quorum.replied(slot); rest !== 0; rest &= rest - 1)
      answer.replied[answer.repliedCount++] = this.table.members[slot * REPLICAS_MAX + lowestBit(rest)]!;
    this.tell(slot, answer);
  }

  tell(slot: number, answer: StoreAnswer): void {
    const { sinks, kinds, begunMs, phases } = this.table;
    if (phases[slot] === FREE) throw new BugError(`requests: slot ${slot} is answered, and over`);
    const sink = sinks[slot];
    const kind = kinds[slot]!;
    this.counters.answered(kind, answer.status);
    this.counters.took(kind, this.door.nowMs() - begunMs[slot]!);
    phases[slot] = ANSWERED;
    this.#depth++;
    if (sink !== null && sink !== undefined) sink.answered(this.table.tokens[slot]!, answer);
    this.#depth--;
  }

  /** Whoever is told an answer may begin the next request, which may be answered at once: each depth has an answer of its own. */
  nextAnswer(): StoreAnswer {
    const made = this.#answers[this.#depth] ?? new StoreAnswer(new RecordView());
    this.#answers[this.#depth] = made;
    return made;
  }

  end(slot: number): void {
    this.table.free(slot);
  }

  refuse({ kind, sink, token }: StoreRequest, status: AnswerStatus, message: string): void {
    const answer = this.nextAnswer();
    answer.record.clear();
    answer.status = status;
    answer.message = message;
    answer.received = 0;
    answer.primaries = 0;
    answer.needed = 0;
    answer.epoch = 0;
    answer.repliedCount = 0;
    this.counters.answered(kind, status);
    this.#depth++;
    sink.answered(token, answer);
    this.#depth--;
  }

  /** -1: over, or not in that phase any more. */
  slotIn(id: number, phase: number): number {
    const slot = this.table.slotOf(id);
    return slot >= 0 && this.table.phases[slot] === phase ? slot : -1;
  }

  /** In the present ring, which may be newer than the slot's. */
  keyspaceOf(slot: number): Keyspace | undefined {
    return this.door.topology()?.keyspace(this.table.keyspaces[slot]!);
  }

  /** The ring that the slot's members are of; null: there is another one by now. */
  topologyOf(slot: number): Topology | null {
    const topology = this.door.topology();
    if (topology === null || topology.ring.epoch !== this.table.epochs[slot]) return null;
    return topology.ring.generation === this.table.generationsOfRing[slot] ? topology : null;
  }

  /** The slot's record, to one of its replicas. */
  sendRecord(slot: number, replica: number, topology: Topology): boolean {
    const { table } = this;
    const member = table.members[slot * REPLICAS_MAX + replica]!;
    return this.door.merge(
      member,
      topology.shardOf(member, topology.lists.partitionOf(table.high[slot]!)),
      table.idOf(slot, replica),
      slot,
    );
  }
}

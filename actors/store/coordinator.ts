/**
 * Coordinator: does requests of gateways at R or W replicas, from `begin` to exactly one `answered`, at the latest at the deadline (T35). No actor itself, and without doors of its own.
 *
 * ```
 *             begin
 *   get         |      put, delete                     put, delete, this shard has no primary replica
 *    +----------+----------+-----------------------------------+
 *    v          context read                                   v
 *  READING <---------------+                               FORWARDED ---> its answer
 *    | R covered           v
 *    |---------------> COORDINATING   the primary replica of this shard mints a dot
 *    v                     v
 *  answer,             WRITING        the whole merged record to all others, also with W = 1
 *  then repair             | W durable, in the old set and the new one
 *                          v
 *                        answer
 *
 *  READING, COORDINATING, WRITING, FORWARDED --- rings differ ---> STALE --- after a while, by the ring of then ---> again; what was minted is sent, never minted again (T13)
 * ```
 * Reads are coordinated wherever they come to: they mint nothing, and forwarding them would cost a hop more. Writes are minted only by a primary that reads go to: a new owner
 * that has not got its data yet would mint without having seen what is there. INDETERMINATE is said wherever a replica may hold the write, QUORUM_NOT_MET only where none can (T16).
 */
import { assert } from '../../runtime/errors.ts';
import { replicasNeeded } from '../ring/replicas-needed.ts';
import type { Keyspace } from '../ring/ring-state.ts';
import { Hasher } from '../ring/token.ts';
import { liveSiblings } from '../version/newest.ts';
import { RecordView } from '../version/record-view.ts';
import { QuorumReads, type ReadReply } from './quorum-read.ts';
import { QuorumWrites, type WriteReply } from './quorum-write.ts';
import { RecordMerging } from './record-merging.ts';
import type { ReplicaDoor } from './replica-door.ts';
import { countBits, firstBits, lowestBit, REPLICAS_MAX } from './replica-mask.ts';
import { faultOfRequest } from './request-check.ts';
import { RequestTable } from './request-table.ts';
import {
  type AnswerStatus,
  CONTEXT_READ,
  GET,
  INDETERMINATE,
  INVALID,
  LOADING,
  NO_KEYSPACE_FOUND,
  NOT_FOUND,
  OK,
  OVERLOADED,
  QUORUM_NOT_MET,
  STALE_RING,
  STORAGE_FAILED,
  StoreAnswer,
  type StoreRequest,
  TIMED_OUT,
} from './store-request.ts';
import { addPrimaries, isPrimary, maskOfPrimaries, placeOf, type Topology } from './topology.ts';

const READING = 1;
const COORDINATING = 2;
const WRITING = 3;
const FORWARDED = 4;
const STALE = 5;
const ANSWERED = 6;

export interface CoordinatorOptions {
  readonly shard: number;
  /** Requests under way. Default 4,096. */
  readonly capacity?: number;
  /** Of one request and all records merged for it. Default 64 MB. */
  readonly bytesMax?: number;
  /** A read that takes longer asks one more replica. Default 20 ms. */
  readonly speculateMs?: number;
  /** A write is sent again to who has said nothing for so long. Default 200 ms. */
  readonly resendMs?: number;
  /** After that long it is tried by the ring of then, at most so often. Default 25 ms, 8 times. */
  readonly staleRetryMs?: number;
  readonly staleRetries?: number;
  readonly mutants?: ReadonlySet<string>;
}

export class Coordinator {
  readonly table: RequestTable;
  readonly #door: ReplicaDoor;
  readonly #shard: number;
  readonly #speculateMs: number;
  readonly #resendMs: number;
  readonly #staleRetryMs: number;
  readonly #staleRetries: number;
  readonly #reads: QuorumReads;
  readonly #writes: QuorumWrites;
  readonly #merging: RecordMerging;
  readonly #hasher = new Hasher();
  readonly #due: Uint16Array;
  readonly #answers: StoreAnswer[] = [];
  #depth = 0;
  #armedMs = Number.POSITIVE_INFINITY;

  constructor(door: ReplicaDoor, options: CoordinatorOptions) {
    const { shard, capacity = 4_096, bytesMax = 64 * 1_024 * 1_024, mutants = new Set() } = options;
    this.#door = door;
    this.#shard = shard;
    this.#speculateMs = options.speculateMs ?? 20;
    this.#resendMs = options.resendMs ?? 200;
    this.#staleRetryMs = options.staleRetryMs ?? 25;
    this.#staleRetries = options.staleRetries ?? 8;
    this.table = new RequestTable(capacity, bytesMax);
    this.#reads = new QuorumReads(capacity, mutants);
    this.#writes = new QuorumWrites(capacity, mutants);
    this.#merging = new RecordMerging(this.table);
    this.#due = new Uint16Array(capacity);
  }

  /** Copies what it needs; the answer may come within the call. `isForwarded`: came by FORWARD, and goes no further. */
  begin(request: StoreRequest, isForwarded = false): void {
    const topology = this.#door.topology();
    if (topology === null) return this.#refuse(request, LOADING, 'this node has no ring, or may not serve yet');
    const keyspace = topology.keyspace(request.keyspace.id);
    if (keyspace === undefined) return this.#refuse(request, NO_KEYSPACE_FOUND, '');
    const fault = faultOfRequest(request, keyspace);
    if (fault !== undefined) return this.#refuse(request, INVALID, fault);
    const nowMs = this.#door.nowMs();
    if (request.deadlineMs <= nowMs) return this.#refuse(request, TIMED_OUT, '');
    const { table } = this;
    const slot = table.take(request);
    if (slot < 0)
      return this.#refuse(request, OVERLOADED, slot === -1 ? `${table.capacity} requests are under way` : 'the request is too long');
    table.isForwarded[slot] = isForwarded ? 1 : 0;
    table.startedMs[slot] = nowMs;
    this.#hasher.hash(table.bufferOf(slot).bytes.subarray(0, table.keyEnds[slot]));
    table.high[slot] = this.#hasher.high;
    table.low[slot] = this.#hasher.low;
    if (request.kind === GET) this.#reads.start(slot, 0, 0, false, 1);
    else this.#writes.start(slot, 0, 0, 0, 1, 1);
    this.#wake(slot, request.deadlineMs);
    this.#start(slot, topology);
  }

  /** What has to be done by now: deadlines, slow replicas, other rings. */
  wake(): void {
    const nowMs = this.#door.nowMs();
    this.#armedMs = Number.POSITIVE_INFINITY;
    const count = this.table.due(nowMs, this.#due);
    for (let i = 0; i < count; i++) {
      const slot = this.#due[i]!;
      // Why: what was answered on the way may have freed it.
      if (this.table.wakeMs[slot]! > nowMs) continue;
      if (nowMs >= this.table.deadlineMs[slot]!) this.#timedOut(slot);
      else this.#onSlow(slot, nowMs);
    }
    this.#arm();
  }

  /** `bytes[start, end)`: a checked record; empty: that replica has none. */
  onRecord(id: number, status: AnswerStatus, bytes: Uint8Array, start: number, end: number): void {
    const slot = this.#slotIn(id, READING);
    if (slot < 0) return;
    const replica = this.table.replicaOf(id);
    const keyspace = this.#keyspaceOf(slot);
    const isTaken = status === OK && keyspace !== undefined && this.#merging.add(slot, bytes, start, end, keyspace.conflict === 'lww');
    if (isTaken) this.#merging.digestOf(bytes, start, end);
    this.#addRead(slot, replica, isTaken ? 'record' : failedRead(status), this.#merging.low, this.#merging.high);
  }

  onDigest(id: number, status: AnswerStatus, low: number, high: number): void {
    const slot = this.#slotIn(id, READING);
    if (slot >= 0) this.#addRead(slot, this.table.replicaOf(id), status === OK ? 'digest' : failedRead(status), low, high);
  }

  /** The record as minted, a view; where `status` is not OK nothing was written. */
  onCoordinated(id: number, status: AnswerStatus, bytes: Uint8Array, start: number, end: number, message = ''): void {
    const slot = this.#slotIn(id, COORDINATING);
    if (slot < 0) return;
    const self = this.table.replicaOf(id);
    if (status !== OK) {
      this.#writes.addReply(slot, self, 'refused');
      if (status === STALE_RING) return this.#onStale(slot);
      return this.#finish(slot, status, message);
    }
    assert(end > start, 'coordinator: expected a record, found none');
    if (!this.#merging.take(slot, bytes, start, end)) return this.#finish(slot, INDETERMINATE, 'the merged record is too long');
    this.table.phases[slot] = WRITING;
    this.#sendRecord(slot, firstBits(this.table.replicaCounts[slot]!) & ~(1 << self));
  }

  /** That replica holds the record, as durably as asked; or why not. */
  onMerged(id: number, status: AnswerStatus): void {
    const slot = this.table.slotOf(id);
    if (slot < 0) return;
    const phase = this.table.phases[slot];
    if (phase !== WRITING && phase !== COORDINATING) return;
    this.#writes.addReply(slot, this.table.replicaOf(id), writeReply(status));
    if (phase === WRITING) this.#afterWriteReply(slot);
  }

  onForwarded(id: number, answer: StoreAnswer): void {
    const slot = this.#slotIn(id, FORWARDED);
    if (slot < 0) return;
    if (answer.status === STALE_RING) return this.#onStale(slot);
    if (answer.status === LOADING) return this.#forward(slot, this.table.replicaOf(id) + 1);
    this.#tell(slot, answer);
    this.#end(slot);
  }

  #start(slot: number, topology: Topology): void {
    const { table } = this;
    const keyspace = topology.keyspace(table.keyspaces[slot]!);
    if (keyspace === undefined) return this.#finish(slot, isMinted(table, slot) ? INDETERMINATE : NO_KEYSPACE_FOUND, '');
    const partition = topology.lists.partitionOf(table.high[slot]!);
    table.epochs[slot] = topology.ring.epoch;
    table.generationsOfRing[slot] = topology.ring.generation;
    table.changedAt[slot] = topology.ring.changedAt[partition]!;
    if (table.kinds[slot] === GET) return this.#startRead(slot, topology, keyspace);
    const { read } = topology.lists.of(keyspace.n);
    const mayMint = isPrimary(read, partition, topology.self) && topology.shardOf(topology.self, partition) === this.#shard;
    if (!mayMint && !isMinted(table, slot)) {
      if (table.isForwarded[slot] === 1)
        return this.#finish(slot, STALE_RING, 'forwarded to a shard that has no primary replica of the key');
      this.#planRead(slot, topology, keyspace);
      return this.#forward(slot, 0);
    }
    const isRead = table.readContextEnds[slot] !== 0;
    if (table.contextKinds[slot] === CONTEXT_READ && !isRead && !isMinted(table, slot)) return this.#startRead(slot, topology, keyspace);
    this.#startWrite(slot, topology, keyspace);
  }

  /** Primaries that reads go to: this shard's first, suspected ones last. */
  #planRead(slot: number, topology: Topology, keyspace: Keyspace): void {
    const { table } = this;
    const { members } = table;
    const base = slot * REPLICAS_MAX;
    const partition = topology.lists.partitionOf(table.high[slot]!);
    const count = addPrimaries(topology.lists.of(keyspace.n).read, partition, members, base, 0);
    let place = 0;
    for (let rank = 0; rank < 3; rank++) {
      for (let i = place; i < count; i++) {
        const member = members[base + i]!;
        if (rank === 0 ? member !== topology.self : rank === 1 && !this.#door.isReachable(member)) continue;
        // Moves it up, and keeps the order of the others.
        members.copyWithin(base + place + 1, base + place, base + i);
        members[base + place++] = member;
      }
    }
    table.replicaCounts[slot] = count;
  }

  #startRead(slot: number, topology: Topology, keyspace: Keyspace): void {
    const { table } = this;
    if (table.isLocal[slot] === 1) {
      if (topology.self < 0) return this.#finish(slot, QUORUM_NOT_MET, 'this node is no member');
      table.members[slot * REPLICAS_MAX] = topology.self;
      table.replicaCounts[slot] = 1;
    } else {
      this.#planRead(slot, topology, keyspace);
    }
    const count = table.replicaCounts[slot]!;
    const r = table.r[slot]!;
    const needed = table.isLocal[slot] === 1 ? 1 : r === 0 ? replicasNeeded(keyspace.r, count) : r;
    this.#reads.start(slot, count, firstBits(count), false, needed);
    table.phases[slot] = READING;
    if (this.#reads.enough(slot) === 'lost') return this.#finish(slot, QUORUM_NOT_MET, 'the ring gives the key too few replicas');
    const id = table.idOf(slot, 0);
    for (let i = 0; i < needed; i++) this.#reads.asked(slot, i, i === 0);
    for (let i = 0; i < needed && table.slotOf(id) === slot; i++) this.#sendRead(slot, i, i === 0);
    if (table.slotOf(id) === slot) this.#wake(slot, this.#door.nowMs() + this.#speculateMs);
  }

  #sendRead(slot: number, replica: number, forRecord: boolean): void {
    const topology = this.#topologyOf(slot);
    const { table } = this;
    if (topology === null) return this.#addRead(slot, replica, 'stale', 0, 0);
    const member = table.members[slot * REPLICAS_MAX + replica]!;
    const shard = topology.shardOf(member, topology.lists.partitionOf(table.high[slot]!));
    if (!this.#door.read(member, shard, table.idOf(slot, replica), slot, forRecord)) this.#addRead(slot, replica, 'failed', 0, 0);
  }

  #addRead(slot: number, replica: number, reply: ReadReply, low: number, high: number): void {
    const reads = this.#reads;
    reads.addReply(slot, replica, reply, low, high);
    switch (reads.enough(slot)) {
      case 'met':
        return this.#onRead(slot);
      case 'mismatch':
        return this.#askWanted(slot);
      case 'waiting':
        if (reply === 'failed' || reply === 'stale') this.#askNext(slot);
        return;
      case 'stale':
        return this.#onStale(slot);
      case 'lost':
        return this.#finish(slot, QUORUM_NOT_MET, '');
    }
  }

  #askWanted(slot: number): void {
    const id = this.table.idOf(slot, 0);
    for (let wanted = this.#reads.wanted(slot); wanted !== 0; wanted &= wanted - 1) {
      const replica = lowestBit(wanted);
      this.#reads.asked(slot, replica, true);
      this.#sendRead(slot, replica, true);
      if (this.#slotIn(id, READING) < 0) return;
    }
  }

  #askNext(slot: number): void {
    const replica = this.#reads.next(slot);
    if (replica < 0) return;
    const forRecord = this.#reads.lacksRecord(slot);
    this.#reads.asked(slot, replica, forRecord);
    this.#sendRead(slot, replica, forRecord);
  }

  /** Those who were asked and have said nothing. */
  #askAgain(slot: number): void {
    const id = this.table.idOf(slot, 0);
    for (let silent = this.#reads.silent(slot); silent !== 0 && this.#slotIn(id, READING) >= 0; silent &= silent - 1) {
      this.#sendRead(slot, lowestBit(silent), this.#reads.lacksRecord(slot));
    }
  }

  #onRead(slot: number): void {
    const { table } = this;
    if (table.kinds[slot] !== GET) {
      const topology = this.#door.topology();
      if (!this.#merging.becomeContext(slot)) return this.#finish(slot, OVERLOADED, 'the records read are too long');
      table.renew(slot);
      if (topology === null) return this.#onStale(slot);
      return this.#start(slot, topology);
    }
    const view = this.#merging.view(slot, this.#nextAnswer().record);
    const status = liveSiblings(view, this.#door.wallMs()) === 0 ? NOT_FOUND : OK;
    this.#merging.digest(view);
    const repairs = table.isLocal[slot] === 1 ? 0 : this.#reads.repairs(slot, this.#merging.low, this.#merging.high);
    const isThere = view.entries > 0;
    this.#say(slot, status, '');
    if (isThere && repairs !== 0) this.#send(slot, repairs);
    this.#end(slot);
  }

  #startWrite(slot: number, topology: Topology, keyspace: Keyspace): void {
    const { table } = this;
    const base = slot * REPLICAS_MAX;
    const partition = topology.lists.partitionOf(table.high[slot]!);
    const [first, second] = topology.lists.of(keyspace.n).writes;
    let count = addPrimaries(first, partition, table.members, base, 0);
    count = addPrimaries(second, partition, table.members, base, count);
    table.replicaCounts[slot] = count;
    const firstMask = maskOfPrimaries(first, partition, table.members, base, count);
    const secondMask = maskOfPrimaries(second, partition, table.members, base, count);
    const w = table.w[slot]!;
    const neededFirst = w === 0 ? replicasNeeded(keyspace.w, first.primaries) : w;
    const neededSecond = w === 0 ? replicasNeeded(keyspace.w, second.primaries) : w;
    if (!isMinted(table, slot)) this.#writes.start(slot, firstMask, secondMask, 0, neededFirst, neededSecond);
    else this.#writes.restart(slot, firstMask, secondMask, 0, neededFirst, neededSecond);
    if (isMinted(table, slot)) {
      table.phases[slot] = WRITING;
      return this.#sendRecord(slot, firstBits(count));
    }
    table.phases[slot] = COORDINATING;
    const reachable = this.#reachable(slot, count, topology.self);
    if (countBits(reachable & firstMask) < neededFirst || countBits(reachable & secondMask) < neededSecond) {
      return this.#finish(slot, QUORUM_NOT_MET, 'too few replicas can be reached');
    }
    const self = placeOf(table.members, base, count, topology.self);
    assert(self >= 0, 'coordinator: expected itself among the replicas that it writes to');
    this.#writes.sent(slot, self);
    if (this.#door.coordinate(table.idOf(slot, self), slot)) return;
    this.#writes.addReply(slot, self, 'refused');
    this.#finish(slot, OVERLOADED, 'this replica takes no more writes at present');
  }

  #reachable(slot: number, count: number, self: number): number {
    let mask = 0;
    for (let i = 0; i < count; i++) {
      const member = this.table.members[slot * REPLICAS_MAX + i]!;
      if (member === self || this.#door.isReachable(member)) mask |= 1 << i;
    }
    return mask;
  }

  /** Also sees to what comes of it. */
  #sendRecord(slot: number, replicas: number): void {
    const id = this.table.idOf(slot, 0);
    this.#send(slot, replicas);
    if (this.#slotIn(id, WRITING) < 0) return;
    this.#wake(slot, this.#door.nowMs() + this.#resendMs);
    this.#afterWriteReply(slot);
  }

  /** The slot's record, to replicas of its plan. */
  #send(slot: number, replicas: number): void {
    const { table } = this;
    const topology = this.#topologyOf(slot);
    const id = table.idOf(slot, 0);
    for (let rest = replicas; rest !== 0 && table.slotOf(id) === slot; rest &= rest - 1) {
      const replica = lowestBit(rest);
      const isWrite = table.phases[slot] === WRITING;
      if (topology === null) {
        if (isWrite) this.#writes.addReply(slot, replica, 'stale');
        continue;
      }
      const member = table.members[slot * REPLICAS_MAX + replica]!;
      const shard = topology.shardOf(member, topology.lists.partitionOf(table.high[slot]!));
      if (isWrite) this.#writes.sent(slot, replica);
      // Why nothing is made of false: it is sent again while it is silent.
      this.#door.merge(member, shard, table.idOf(slot, replica), slot);
    }
  }

  #afterWriteReply(slot: number): void {
    switch (this.#writes.enough(slot)) {
      case 'met':
        return this.#finish(slot, OK, '');
      case 'stale':
        return this.#onStale(slot);
      case 'lost':
        return this.#finishWrite(slot);
      case 'waiting':
        return;
    }
  }

  #finishWrite(slot: number): void {
    switch (this.#writes.answer(slot)) {
      case 'ok':
        return this.#finish(slot, OK, '');
      case 'quorumNotMet':
        return this.#finish(slot, QUORUM_NOT_MET, '');
      case 'indeterminate':
        return this.#finish(slot, INDETERMINATE, '');
    }
  }

  #forward(slot: number, from: number): void {
    const { table } = this;
    const topology = this.#topologyOf(slot);
    if (topology === null) return this.#onStale(slot);
    const partition = topology.lists.partitionOf(table.high[slot]!);
    table.phases[slot] = FORWARDED;
    for (let i = from; i < table.replicaCounts[slot]!; i++) {
      const member = table.members[slot * REPLICAS_MAX + i]!;
      if (this.#door.forward(member, topology.shardOf(member, partition), table.idOf(slot, i), slot)) return;
    }
    this.#finish(slot, from === 0 ? QUORUM_NOT_MET : LOADING, 'no replica of the key takes the request');
  }

  #onStale(slot: number): void {
    const { table } = this;
    table.attempts[slot]!++;
    if (table.attempts[slot]! > this.#staleRetries) return this.#finishStale(slot);
    table.renew(slot);
    table.phases[slot] = STALE;
    if (!isMinted(table, slot)) {
      table.recordStarts[slot] = 0;
      table.recordEnds[slot] = 0;
    }
    this.#wake(slot, this.#door.nowMs() + this.#staleRetryMs);
  }

  #finishStale(slot: number): void {
    if (isMinted(this.table, slot)) return this.#finishWrite(slot);
    this.#finish(slot, STALE_RING, 'the rings of this node and of its replicas differ');
  }

  #onSlow(slot: number, nowMs: number): void {
    const { table } = this;
    switch (table.phases[slot]) {
      case READING:
        this.#wake(slot, nowMs + this.#speculateMs);
        if (this.#reads.next(slot) < 0) return this.#askAgain(slot);
        return this.#askNext(slot);
      case WRITING:
        return this.#sendRecord(slot, this.#writes.silent(slot));
      case STALE: {
        const topology = this.#door.topology();
        this.#wake(slot, table.deadlineMs[slot]!);
        if (topology === null) return this.#onStale(slot);
        return this.#start(slot, topology);
      }
      default:
        this.#wake(slot, table.deadlineMs[slot]!);
    }
  }

  #timedOut(slot: number): void {
    switch (this.table.phases[slot]) {
      case COORDINATING:
      case WRITING:
        return this.#finishWrite(slot);
      case FORWARDED:
        return this.#finish(slot, INDETERMINATE, 'forwarded, and not answered in time');
      case STALE:
        return this.#finishStale(slot);
      default:
        return this.#finish(slot, TIMED_OUT, '');
    }
  }

  #finish(slot: number, status: AnswerStatus, message: string): void {
    const { record } = this.#nextAnswer();
    this.#merging.view(slot, record);
    if (status !== OK) record.clear();
    this.#say(slot, status, message);
    this.#end(slot);
  }

  /** Requires: the next answer has its record. */
  #say(slot: number, status: AnswerStatus, message: string): void {
    const answer = this.#nextAnswer();
    const quorum = this.table.kinds[slot] === GET ? this.#reads : this.#writes;
    answer.status = status;
    answer.message = message;
    answer.received = quorum.received(slot);
    answer.primaries = quorum.primaries(slot);
    answer.needed = quorum.needed(slot);
    this.#tell(slot, answer);
  }

  #tell(slot: number, answer: StoreAnswer): void {
    const sink = this.table.sinks[slot];
    this.table.phases[slot] = ANSWERED;
    this.#depth++;
    if (sink !== null && sink !== undefined) sink.answered(this.table.tokens[slot]!, answer);
    this.#depth--;
  }

  /** Whoever is told an answer may begin the next request, which may be answered at once: each depth has an answer of its own. */
  #nextAnswer(): StoreAnswer {
    const made = this.#answers[this.#depth] ?? new StoreAnswer(new RecordView());
    this.#answers[this.#depth] = made;
    return made;
  }

  #wake(slot: number, atMs: number): void {
    this.table.wake(slot, atMs);
    this.#arm();
  }

  #arm(): void {
    const { nextWakeMs } = this.table;
    if (nextWakeMs >= this.#armedMs) return;
    this.#armedMs = nextWakeMs;
    this.#door.wakeAt(nextWakeMs);
  }

  #end(slot: number): void {
    this.table.free(slot);
  }

  #refuse({ sink, token }: StoreRequest, status: AnswerStatus, message: string): void {
    const answer = this.#nextAnswer();
    answer.record.clear();
    answer.status = status;
    answer.message = message;
    answer.received = 0;
    answer.primaries = 0;
    answer.needed = 0;
    this.#depth++;
    sink.answered(token, answer);
    this.#depth--;
  }

  /** -1: over, or not in that phase any more. */
  #slotIn(id: number, phase: number): number {
    const slot = this.table.slotOf(id);
    return slot >= 0 && this.table.phases[slot] === phase ? slot : -1;
  }

  #keyspaceOf(slot: number): Keyspace | undefined {
    return this.#topologyOf(slot)?.keyspace(this.table.keyspaces[slot]!);
  }

  /** The ring that the slot's members are of; null: there is another one by now. */
  #topologyOf(slot: number): Topology | null {
    const topology = this.#door.topology();
    if (topology === null || topology.ring.epoch !== this.table.epochs[slot]) return null;
    return topology.ring.generation === this.table.generationsOfRing[slot] ? topology : null;
  }
}

function isMinted(table: RequestTable, slot: number): boolean {
  return (
    table.kinds[slot] !== GET &&
    table.recordEnds[slot] !== 0 &&
    (table.contextKinds[slot] !== CONTEXT_READ || table.readContextEnds[slot] !== 0)
  );
}

function failedRead(status: AnswerStatus): ReadReply {
  return status === STALE_RING ? 'stale' : 'failed';
}

function writeReply(status: AnswerStatus): WriteReply {
  switch (status) {
    case OK:
      return 'durable';
    case STALE_RING:
      return 'stale';
    case LOADING:
    case OVERLOADED:
    case NO_KEYSPACE_FOUND:
    case INVALID:
      return 'refused';
    case STORAGE_FAILED:
      return 'unknown';
    default:
      return 'unknown';
  }
}

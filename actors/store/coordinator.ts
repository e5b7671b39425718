/**
 * Coordinator: does requests of gateways at R or W replicas, from `begin` to exactly one `answered`, at the latest at the deadline (T35). No actor itself, and without doors of its own.
 *
 * ```
 *             begin
 *   get         |      put, delete                     put, delete, this shard has no primary replica
 *    +----------+----------+-----------------------------------+
 *    v          context read                                   v
 *  READING <---------------+                               FORWARDED ---> its answer
 *    | R covered (in part again, where a purge may have come between)
 *    |                     v
 *    |---------------> COORDINATING   the primary replica of this shard mints a dot
 *    v                     v
 *  answer, then        WRITING        the whole merged record to all others, also with W = 1
 *  repair; in cp, and      | W durable, in the old set and the new one
 *  monotonic: REPAIRING,   v
 *  then answer           answer
 *
 *  READING, REPAIRING, COORDINATING, WRITING, FORWARDED --- rings differ ---> STALE --- after a while, by the ring of then ---> again; what was minted is sent, never minted again (T13)
 * ```
 * Reads are coordinated wherever they come to: they mint nothing, and forwarding them would cost a hop more. Writes are minted only by a primary that reads go to: a new owner
 * that has not got its data yet would mint without having seen what is there. In `ap`, where no primary can be reached, a stand-in mints (hints/stand-in-dots.ts). INDETERMINATE is said wherever a replica may hold the write, QUORUM_NOT_MET only where none can (T16).
 */
import { replicasNeeded } from '../ring/replicas-needed.ts';
import type { Keyspace } from '../ring/ring-state.ts';
import { Hasher } from '../ring/token.ts';
import type { CoordinatorFigures } from './coordinator-figures.ts';
import { ReadSteps } from './read-steps.ts';
import type { ReplicaDoor } from './replica-door.ts';
import { firstBits, REPLICAS_MAX } from './replica-mask.ts';
import { faultOfRequest } from './request-check.ts';
import { RequestDesk } from './request-desk.ts';
import { ANSWERED, BEGUN, COORDINATING, FORWARDED, isMinted, READING, REPAIRING, STALE, WRITING } from './request-phase.ts';
import { FREE, type RequestTable } from './request-table.ts';
import {
  type AnswerStatus,
  CONTEXT_READ,
  GET,
  INDETERMINATE,
  INVALID,
  LOADING,
  NO_KEYSPACE_FOUND,
  OVERLOADED,
  QUORUM_NOT_MET,
  STALE_RING,
  type StoreAnswer,
  type StoreRequest,
  TIMED_OUT,
} from './store-request.ts';
import { isPrimary, type Topology } from './topology.ts';
import { WriteSteps } from './write-steps.ts';

export interface CoordinatorOptions {
  readonly shard: number;
  /** Requests under way. Default 4,096. */
  readonly capacity?: number;
  /** Of one request and all records merged for it. Default 64 MB. */
  readonly bytesMax?: number;
  /** A read asks one more replica when a peer takes longer than its p95; as long as that is not known, than this. Default 20 ms. */
  readonly speculateMs?: number;
  /** So many reads may, of all. Default 0.1. */
  readonly speculateRatio?: number;
  /** A read asks again when it has heard nothing for so long. Default 100 ms. */
  readonly rereadMs?: number;
  /** A write is sent again to who has said nothing for so long. Default 200 ms. */
  readonly resendMs?: number;
  /** After that long it is tried by the ring of then, and then after twice as long each time, up to STALE_RETRY_MAX_MS. Default 4 ms. */
  readonly staleRetryMs?: number;
  /** At most so often. Default 8 times. */
  readonly staleRetries?: number;
  /** u32: where the ids of its requests begin, by chance, another one for each start. Default 0. */
  readonly firstId?: number;
  /**
   * Planted bugs: idsBeginAgain, mintsAgain, contextNotRead, lateAnswerTaken, firstRecordTaken, purgedReadMixed, repairsAfterAnswer, repairsNobody, and those of quorums, speculation and forwards.
   */
  readonly mutants?: ReadonlySet<string>;
  /** Called by `begin`, which then starts nothing: `startBegun` is to be called in a turn of the coordinator's own, so that answers of replicas come to it and not to a gateway. */
  readonly later?: () => void;
}

/** A forwarded write is looked after so often; when no connection leads to who has it, so many times in a row, it is lost. A connection that was reset is there again by then. */
const LOST_LOOK_MS = 100;
const LOST_LOOKS = 3;
/** Mostly the ring is here within milliseconds: a request is not to wait longer for it than that takes. */
const STALE_RETRY_MS = 4;
const STALE_RETRY_MAX_MS = 64;

export class Coordinator {
  readonly #desk: RequestDesk;
  readonly #readSteps: ReadSteps;
  readonly #writeSteps: WriteSteps;
  readonly #shard: number;
  readonly #staleRetryMs: number;
  readonly #staleRetries: number;
  readonly #hasher = new Hasher();
  readonly #due: Uint16Array;
  readonly #later: (() => void) | undefined;
  /** Ids of requests that were begun and not started yet: the first `#begunCount`. */
  readonly #begun: number[] = [];
  #begunCount = 0;

  constructor(door: ReplicaDoor, options: CoordinatorOptions) {
    const { shard, capacity = 4_096, bytesMax = 64 * 1_024 * 1_024, mutants = new Set() } = options;
    this.#shard = shard;
    this.#staleRetryMs = options.staleRetryMs ?? STALE_RETRY_MS;
    this.#staleRetries = options.staleRetries ?? 8;
    this.#desk = new RequestDesk(door, capacity, bytesMax, options.speculateMs ?? 20, mutants);
    if (!mutants.has('idsBeginAgain')) this.#desk.table.startAt(options.firstId ?? 0);
    const events = { onStale: (slot: number) => this.#onStale(slot), onContextRead: (slot: number) => this.#onContextRead(slot) };
    const { speculateRatio = 0.1, rereadMs = 100, resendMs = 200 } = options;
    this.#readSteps = new ReadSteps(this.#desk, events, { shard, speculateRatio, retryMs: rereadMs, resendMs });
    this.#writeSteps = new WriteSteps(this.#desk, events, resendMs);
    this.#due = new Uint16Array(capacity);
    this.#later = options.later;
  }

  /** Requests under way: what the door needs to know of them. */
  get table(): RequestTable {
    return this.#desk.table;
  }

  /** Since its start. Cost: some hundred numbers are copied. */
  figures(): CoordinatorFigures {
    return this.#desk.counters.figures(this.#desk.table.used);
  }

  /** Copies what it needs; the answer may come within the call. `isForwarded`: came by FORWARD, and goes no further. */
  begin(request: StoreRequest, isForwarded = false): void {
    const { counters } = this.#desk;
    counters.begun(request.kind);
    if (isForwarded) counters.cameForwarded++;
    const topology = this.#desk.door.topology();
    if (topology === null) return this.#desk.refuse(request, LOADING, 'this node has no ring, or may not serve yet');
    const keyspace = topology.keyspace(request.keyspace.id);
    if (keyspace === undefined) return this.#desk.refuse(request, NO_KEYSPACE_FOUND, '');
    const fault = faultOfRequest(request, keyspace);
    if (fault !== undefined) return this.#desk.refuse(request, INVALID, fault);
    const nowMs = this.#desk.door.nowMs();
    if (request.deadlineMs <= nowMs) return this.#desk.refuse(request, TIMED_OUT, '');
    const { table } = this.#desk;
    const slot = table.take(request, nowMs);
    if (slot < 0)
      return this.#desk.refuse(request, OVERLOADED, slot === -1 ? `${table.capacity} requests are under way` : 'the request is too long');
    table.isForwarded[slot] = isForwarded ? 1 : 0;
    this.#hasher.hashPart(table.bufferOf(slot).bytes, 0, table.keyEnds[slot]!);
    table.high[slot] = this.#hasher.high;
    table.low[slot] = this.#hasher.low;
    if (request.kind === GET) this.#desk.reads.start(slot, 0, 0, false, 1);
    else this.#desk.writes.start(slot, 0, 0, 1, 1);
    table.phases[slot] = BEGUN;
    if (this.#later === undefined) return this.#startNow(slot);
    this.#begun[this.#begunCount++] = table.idOf(slot, 0);
    this.#later();
  }

  /** What was begun since the last time. */
  startBegun(): void {
    const { table } = this.#desk;
    // Why by index: what is answered on the way may begin more.
    for (let i = 0; i < this.#begunCount; i++) {
      const slot = table.slotOf(this.#begun[i]!);
      if (slot >= 0) this.#startNow(slot);
    }
    this.#begunCount = 0;
  }

  /** Answers all that is under way, as it stands. Nothing may be begun any more, and what replicas still say finds nobody. */
  close(): void {
    const { table } = this.#desk;
    for (let slot = 0; slot < table.capacity; slot++) {
      const phase = table.phases[slot];
      if (phase !== FREE && phase !== ANSWERED) this.#giveUp(slot, LOADING, 'the coordinator of this shard has stopped');
    }
  }

  /** What has to be done by now: deadlines, slow replicas, other rings. */
  wake(): void {
    const nowMs = this.#desk.door.nowMs();
    this.#desk.disarm();
    const count = this.#desk.table.due(nowMs, this.#due);
    for (let i = 0; i < count; i++) {
      const slot = this.#due[i]!;
      // Why: what was answered on the way may have freed it.
      if (this.#desk.table.wakeMs[slot]! > nowMs) continue;
      if (nowMs >= this.#desk.table.deadlineMs[slot]!) this.#giveUp(slot, TIMED_OUT, '');
      else this.#onSlow(slot, nowMs);
    }
    this.#desk.arm();
  }

  /** `bytes[start, end)`: a checked record, copied before anything else is done; empty: that replica has none. */
  onRecord(id: number, status: AnswerStatus, bytes: Uint8Array, start: number, end: number): void {
    this.#readSteps.onRecord(id, status, bytes, start, end);
  }

  onDigest(id: number, status: AnswerStatus, low: number, high: number): void {
    this.#readSteps.onDigest(id, status, low, high);
  }

  /** The record as minted, a view, copied before anything else is done; where `status` is not OK nothing was written. */
  onCoordinated(id: number, status: AnswerStatus, bytes: Uint8Array, start: number, end: number, message = ''): void {
    this.#writeSteps.onCoordinated(id, status, bytes, start, end, message);
  }

  /** That replica holds the record, as durably as asked; or why not. */
  onMerged(id: number, status: AnswerStatus): void {
    if (this.#desk.slotIn(id, REPAIRING) >= 0) this.#readSteps.onRepaired(id, status);
    else this.#writeSteps.onMerged(id, status);
  }

  onForwarded(id: number, answer: StoreAnswer): void {
    const slot = this.#desk.slotIn(id, FORWARDED);
    const { table } = this.#desk;
    // An answer that comes twice: who gave it is not asked any more, and the next one is asked once.
    if (slot < 0 || table.replicaOf(id) !== table.forwardedTo[slot]) return;
    if (answer.status === STALE_RING) return this.#onStale(slot);
    if (answer.status === LOADING) return this.#forward(slot, table.replicaOf(id) + 1);
    this.#desk.tell(slot, answer);
    this.#desk.end(slot);
  }

  #startNow(slot: number): void {
    const { table, door } = this.#desk;
    const topology = door.topology();
    this.#desk.wake(slot, table.deadlineMs[slot]!);
    if (topology === null) this.#onStale(slot);
    else this.#start(slot, topology);
  }

  #start(slot: number, topology: Topology): void {
    const { table } = this.#desk;
    const keyspace = topology.keyspace(table.keyspaces[slot]!);
    if (keyspace === undefined) return this.#desk.finish(slot, isMinted(table, slot) ? INDETERMINATE : NO_KEYSPACE_FOUND, '');
    const partition = topology.lists.partitionOf(table.high[slot]!);
    table.epochs[slot] = topology.ring.epoch;
    table.generationsOfRing[slot] = topology.ring.generation;
    table.changedAt[slot] = topology.ring.changedAt[partition]!;
    if (table.kinds[slot] === GET) return this.#readSteps.start(slot, topology, keyspace);
    const { read } = topology.lists.of(keyspace.n);
    const mayMint = isPrimary(read, partition, topology.self) && topology.isOn(this.#shard, partition);
    if (!mayMint && !isMinted(table, slot)) {
      const suspected = this.#desk.planRead(slot, topology, keyspace);
      const isOneReachable = suspected !== firstBits(table.replicaCounts[slot]!);
      const isAlone = !isOneReachable && this.#desk.standIns.isSloppy(keyspace) && this.#planAlone(slot, topology, keyspace);
      if (!isAlone) {
        if (table.isForwarded[slot] === 1)
          return this.#desk.finish(slot, STALE_RING, 'forwarded to a shard that has no primary replica of the key');
        if (!isOneReachable && !this.#desk.standIns.isSloppy(keyspace)) return this.#refuseAlone(slot, keyspace);
        return this.#forward(slot, 0);
      }
    }
    const isRead = table.readContextEnds[slot] !== 0;
    if (table.contextKinds[slot] === CONTEXT_READ && !isRead && !isMinted(table, slot) && !this.#desk.mutants.has('contextNotRead'))
      return this.#readSteps.start(slot, topology, keyspace);
    this.#writeSteps.start(slot, topology, keyspace);
  }

  /** No primary can be reached. Returns whether this shard is to mint in their place; else the replicas of the slot are those stand-ins that may, if there are any. */
  #planAlone(slot: number, topology: Topology, { n }: Keyspace): boolean {
    const { table, standIns } = this.#desk;
    const keyspaceLists = topology.lists.of(n);
    const partition = topology.lists.partitionOf(table.high[slot]!);
    // While data moves a new owner may be a stand-in of the old ones, and must not mint: it has not got what is there.
    if (keyspaceLists.isSplit[partition] === 1 || standIns.planAlone(slot, topology, n) === 0) return false;
    return table.members[slot * REPLICAS_MAX] === topology.self && topology.isOn(this.#shard, partition);
  }

  /** Why it is not forwarded all the same: nobody could say any more that nothing was written. */
  #refuseAlone(slot: number, { w }: Keyspace): void {
    const { table, writes } = this.#desk;
    const asked = table.w[slot]!;
    const needed = asked === 0 ? replicasNeeded(w, table.replicaCounts[slot]!) : asked;
    writes.start(slot, 0, 0, needed, needed);
    this.#desk.finish(slot, QUORUM_NOT_MET, 'no replica of the key can be reached');
  }

  #forward(slot: number, from: number): void {
    const { table } = this.#desk;
    const topology = this.#desk.topologyOf(slot);
    if (topology === null) return this.#onStale(slot);
    const partition = topology.lists.partitionOf(table.high[slot]!);
    table.phases[slot] = FORWARDED;
    table.lostLooks[slot] = 0;
    this.#desk.counters.forwarded++;
    this.#desk.wake(slot, Math.min(table.deadlineMs[slot]!, this.#desk.door.nowMs() + LOST_LOOK_MS));
    for (let i = from; i < table.replicaCounts[slot]!; i++) {
      const member = table.members[slot * REPLICAS_MAX + i]!;
      table.forwardedTo[slot] = i;
      if (this.#desk.door.forward(member, topology.shardOf(member, partition), table.idOf(slot, i), slot)) return;
    }
    this.#desk.finish(slot, from === 0 ? QUORUM_NOT_MET : LOADING, 'no replica of the key takes the request');
  }

  /** Nobody can say whether it was done by who is gone: better now than when its time is up, as all that its client has asked for since waits behind it. */
  #lookAfterForward(slot: number, nowMs: number): void {
    const { table, door } = this.#desk;
    const topology = this.#desk.topologyOf(slot);
    const deadlineMs = table.deadlineMs[slot]!;
    if (topology === null) return this.#desk.wake(slot, deadlineMs);
    const member = table.members[slot * REPLICAS_MAX + table.forwardedTo[slot]!]!;
    const isConnected = door.isConnected(member, topology.shardOf(member, topology.lists.partitionOf(table.high[slot]!)));
    table.lostLooks[slot] = isConnected ? 0 : table.lostLooks[slot]! + 1;
    if (table.lostLooks[slot] === LOST_LOOKS) return this.#giveUp(slot, INDETERMINATE, '');
    this.#desk.wake(slot, Math.min(deadlineMs, nowMs + LOST_LOOK_MS));
  }

  #onContextRead(slot: number): void {
    const { table, door } = this.#desk;
    const topology = door.topology();
    table.renew(slot);
    if (topology === null) this.#onStale(slot);
    else this.#start(slot, topology);
  }

  #onStale(slot: number): void {
    const { table } = this.#desk;
    this.#desk.counters.staleRings++;
    table.attempts[slot]!++;
    if (table.attempts[slot]! > this.#staleRetries) return this.#finishStale(slot);
    table.renew(slot);
    table.phases[slot] = STALE;
    if (!isMinted(table, slot) || this.#desk.mutants.has('mintsAgain')) this.#desk.merging.drop(slot);
    this.#desk.wake(slot, this.#desk.door.nowMs() + Math.min(STALE_RETRY_MAX_MS, this.#staleRetryMs * 2 ** (table.attempts[slot]! - 1)));
  }

  #finishStale(slot: number): void {
    if (isMinted(this.#desk.table, slot)) return this.#writeSteps.finish(slot);
    this.#desk.finish(slot, STALE_RING, 'the rings of this node and of its replicas differ');
  }

  #onSlow(slot: number, nowMs: number): void {
    const { table } = this.#desk;
    switch (table.phases[slot]) {
      case READING:
        return this.#readSteps.onSlow(slot, nowMs);
      case REPAIRING:
        return this.#readSteps.onRepairSlow(slot);
      case WRITING:
        return this.#writeSteps.onSlow(slot, nowMs);
      case STALE: {
        const topology = this.#desk.door.topology();
        this.#desk.wake(slot, table.deadlineMs[slot]!);
        if (topology === null) return this.#onStale(slot);
        return this.#start(slot, topology);
      }
      case FORWARDED:
        return this.#lookAfterForward(slot, nowMs);
      default:
        this.#desk.wake(slot, table.deadlineMs[slot]!);
    }
  }

  /** Ends it as it stands. `status`: of one of which nothing was written. */
  #giveUp(slot: number, status: AnswerStatus, message: string): void {
    switch (this.#desk.table.phases[slot]) {
      case COORDINATING:
      case WRITING:
        return this.#writeSteps.finish(slot);
      case FORWARDED:
        return this.#desk.finish(slot, INDETERMINATE, 'forwarded, and not answered');
      case STALE:
        return this.#finishStale(slot);
      default:
        return this.#desk.finish(slot, status, message);
    }
  }
}

/** ReadSteps: asks replicas for a record and digests until R are covered, merges, answers, and repairs. Also what a write with CONTEXT_READ reads before it. */
import { replicasNeeded } from '../ring/replicas-needed.ts';
import type { Keyspace } from '../ring/ring-state.ts';
import { liveSiblings } from '../version/newest.ts';
import type { ReadReply } from './quorum-read.ts';
import { firstBits, lowestBit, REPLICAS_MAX } from './replica-mask.ts';
import type { RequestDesk } from './request-desk.ts';
import { READING } from './request-phase.ts';
import { type AnswerStatus, GET, NOT_FOUND, OK, OVERLOADED, QUORUM_NOT_MET, STALE_RING } from './store-request.ts';
import type { Topology } from './topology.ts';

/** What steps leave to the coordinator. */
export interface StepEvents {
  /** The ring of this node and that of a replica differ. */
  onStale(slot: number): void;
  /** What the write supersedes was read. */
  onContextRead(slot: number): void;
}

export class ReadSteps {
  readonly #desk: RequestDesk;
  readonly #events: StepEvents;
  readonly #speculateMs: number;

  constructor(desk: RequestDesk, events: StepEvents, speculateMs: number) {
    this.#desk = desk;
    this.#events = events;
    this.#speculateMs = speculateMs;
  }

  /** `bytes[start, end)`: a checked record; empty: that replica has none. */
  onRecord(id: number, status: AnswerStatus, bytes: Uint8Array, start: number, end: number): void {
    const slot = this.#desk.slotIn(id, READING);
    if (slot < 0) return;
    const replica = this.#desk.table.replicaOf(id);
    const keyspace = this.#desk.keyspaceOf(slot);
    if (keyspace === undefined) return this.#events.onStale(slot);
    const isTaken = status === OK && this.#desk.merging.add(slot, bytes, start, end, keyspace.conflict === 'lww');
    if (isTaken) this.#desk.merging.digestOf(bytes, start, end);
    this.#addRead(slot, replica, isTaken ? 'record' : failedRead(status), this.#desk.merging.low, this.#desk.merging.high);
  }

  onDigest(id: number, status: AnswerStatus, low: number, high: number): void {
    const slot = this.#desk.slotIn(id, READING);
    if (slot >= 0) this.#addRead(slot, this.#desk.table.replicaOf(id), status === OK ? 'digest' : failedRead(status), low, high);
  }

  start(slot: number, topology: Topology, keyspace: Keyspace): void {
    const { table } = this.#desk;
    if (table.isLocal[slot] === 1) {
      if (topology.self < 0) return this.#desk.finish(slot, QUORUM_NOT_MET, 'this node is no member');
      table.members[slot * REPLICAS_MAX] = topology.self;
      table.replicaCounts[slot] = 1;
    } else {
      this.#desk.planRead(slot, topology, keyspace);
    }
    const count = table.replicaCounts[slot]!;
    const r = table.r[slot]!;
    const needed = table.isLocal[slot] === 1 ? 1 : r === 0 ? replicasNeeded(keyspace.r, count) : r;
    this.#desk.reads.start(slot, count, firstBits(count), false, needed);
    table.phases[slot] = READING;
    if (this.#desk.reads.enough(slot) === 'lost') return this.#desk.finish(slot, QUORUM_NOT_MET, 'the ring gives the key too few replicas');
    const id = table.idOf(slot, 0);
    for (let i = 0; i < needed; i++) this.#desk.reads.asked(slot, i, i === 0);
    for (let i = 0; i < needed && table.slotOf(id) === slot; i++) this.#sendRead(slot, i, i === 0);
    if (table.slotOf(id) === slot) this.#desk.wake(slot, this.#desk.door.nowMs() + this.#speculateMs);
  }

  #sendRead(slot: number, replica: number, forRecord: boolean): void {
    const topology = this.#desk.topologyOf(slot);
    const { table } = this.#desk;
    if (topology === null) return this.#addRead(slot, replica, 'stale', 0, 0);
    const member = table.members[slot * REPLICAS_MAX + replica]!;
    const shard = topology.shardOf(member, topology.lists.partitionOf(table.high[slot]!));
    if (!this.#desk.door.read(member, shard, table.idOf(slot, replica), slot, forRecord)) this.#addRead(slot, replica, 'failed', 0, 0);
  }

  #addRead(slot: number, replica: number, reply: ReadReply, low: number, high: number): void {
    const reads = this.#desk.reads;
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
        return this.#events.onStale(slot);
      case 'lost':
        return this.#desk.finish(slot, QUORUM_NOT_MET, '');
    }
  }

  #askWanted(slot: number): void {
    const id = this.#desk.table.idOf(slot, 0);
    for (let wanted = this.#desk.reads.wanted(slot); wanted !== 0; wanted &= wanted - 1) {
      const replica = lowestBit(wanted);
      this.#desk.reads.asked(slot, replica, true);
      this.#sendRead(slot, replica, true);
      if (this.#desk.slotIn(id, READING) < 0) return;
    }
  }

  #askNext(slot: number): void {
    const replica = this.#desk.reads.next(slot);
    if (replica < 0) return;
    const forRecord = this.#desk.reads.lacksRecord(slot);
    this.#desk.reads.asked(slot, replica, forRecord);
    this.#sendRead(slot, replica, forRecord);
  }

  /** Those who were asked and have said nothing. */
  #askAgain(slot: number): void {
    const id = this.#desk.table.idOf(slot, 0);
    for (let silent = this.#desk.reads.silent(slot); silent !== 0 && this.#desk.slotIn(id, READING) >= 0; silent &= silent - 1) {
      const replica = lowestBit(silent);
      const { reads } = this.#desk;
      this.#sendRead(slot, replica, reads.lacksRecord(slot) || reads.isAskedForRecord(slot, replica));
    }
  }

  #onRead(slot: number): void {
    const { table } = this.#desk;
    if (table.kinds[slot] !== GET) {
      if (!this.#desk.merging.becomeContext(slot)) return this.#desk.finish(slot, OVERLOADED, 'the records read are too long');
      return this.#events.onContextRead(slot);
    }
    const view = this.#desk.merging.view(slot, this.#desk.nextAnswer().record);
    const status = liveSiblings(view, this.#desk.door.wallMs()) === 0 ? NOT_FOUND : OK;
    this.#desk.merging.digest(view);
    const repairs = table.isLocal[slot] === 1 ? 0 : this.#desk.reads.repairs(slot, this.#desk.merging.low, this.#desk.merging.high);
    const isThere = view.entries > 0;
    this.#desk.say(slot, status, '');
    if (isThere) this.#repair(slot, repairs);
    this.#desk.end(slot);
  }

  #repair(slot: number, replicas: number): void {
    const topology = this.#desk.topologyOf(slot);
    if (topology === null) return;
    for (let rest = replicas; rest !== 0; rest &= rest - 1) this.#desk.sendRecord(slot, lowestBit(rest), topology);
  }

  /** One more replica is asked, or, when all have been, those again that have said nothing. */
  onSlow(slot: number, nowMs: number): void {
    this.#desk.wake(slot, nowMs + this.#speculateMs);
    if (this.#desk.reads.next(slot) < 0) this.#askAgain(slot);
    else this.#askNext(slot);
  }
}

function failedRead(status: AnswerStatus): ReadReply {
  return status === STALE_RING ? 'stale' : 'failed';
}

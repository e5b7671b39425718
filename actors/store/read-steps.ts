/**
 * ReadSteps: asks replicas for a record and digests until R are covered, merges, repairs, and answers. Also what a write with CONTEXT_READ reads before it.
 *
 * Replicas that differ are repaired behind the answer in `ap`. A read in `cp`, or a monotonic one, answers when R replicas hold what it answers: so one that begins then and asks a
 * majority too finds that or what superseded it. Where one has what another knows nothing of, who has it is asked once more before that. What R replicas agree in costs nothing more. Who holds a write may not have it on disk yet: a crash may take back what was read of
 * a write that nobody has acknowledged.
 */
import { majority, primariesNeeded, replicasNeeded } from '../ring/replicas-needed.ts';
import type { Keyspace } from '../ring/ring-state.ts';
import { liveSiblings } from '../version/newest.ts';
import type { RecordView } from '../version/record-view.ts';
import type { ReadReply } from './quorum-read.ts';
import { countBits, firstBits, lowestBit, REPLICAS_MAX } from './replica-mask.ts';
import type { RequestDesk } from './request-desk.ts';
import { READING, REPAIRING } from './request-phase.ts';
import { Speculation, type SpeculationOptions } from './speculation.ts';
import { type AnswerStatus, GET, NOT_FOUND, OK, OVERLOADED, QUORUM_NOT_MET, STALE_RING } from './store-request.ts';
import type { Topology } from './topology.ts';

/** What steps leave to the coordinator. */
export interface StepEvents {
  /** The ring of this node and that of a replica differ. */
  onStale(slot: number): void;
  /** What the write supersedes was read. */
  onContextRead(slot: number): void;
}

interface ReadOptions extends Omit<SpeculationOptions, 'mutants'> {
  /** Of this coordinator. */
  readonly shard: number;
  /** A repair that is waited for is sent again after so long. */
  readonly resendMs: number;
}

const SAMPLED = 4;
/** Who is taken to be down may be up, and is asked ten times: after 100 ms a read of all replicas was refused where all were well (simulator, seed 701776). */
const CUT_OFF_MS = 1_000;

export class ReadSteps {
  readonly #desk: RequestDesk;
  readonly #events: StepEvents;
  readonly #speculation: Speculation;
  readonly #resendMs: number;
  readonly #shard: number;

  constructor(desk: RequestDesk, events: StepEvents, options: ReadOptions) {
    this.#desk = desk;
    this.#events = events;
    this.#speculation = new Speculation(desk.table, desk.peers, { ...options, mutants: desk.mutants });
    this.#resendMs = options.resendMs;
    this.#shard = options.shard;
  }

  /** `bytes[start, end)`: a checked record; empty: that replica has none. */
  onRecord(id: number, status: AnswerStatus, bytes: Uint8Array, start: number, end: number): void {
    this.#hearProbe(id);
    const slot = this.#desk.slotIn(id, READING);
    if (slot < 0) return;
    const replica = this.#desk.table.replicaOf(id);
    const keyspace = this.#desk.keyspaceOf(slot);
    if (keyspace === undefined) return this.#events.onStale(slot);
    const isTaken = status === OK && this.#desk.merging.add(slot, bytes, start, end, keyspace.conflict === 'lww');
    if (!isTaken) return this.#addRead(slot, replica, failedRead(status), 0, 0);
    const { merging, reads } = this.#desk;
    const isSole = reads.isSole(slot, replica);
    if (!isSole) merging.digestOf(bytes, start, end);
    this.#hear(slot, replica);
    this.#addRead(slot, replica, 'record', isSole ? 0 : merging.low, isSole ? 0 : merging.high);
  }

  onDigest(id: number, status: AnswerStatus, low: number, high: number): void {
    this.#hearProbe(id);
    const slot = this.#desk.slotIn(id, READING);
    if (slot < 0) return;
    const replica = this.#desk.table.replicaOf(id);
    if (status === OK) this.#hear(slot, replica);
    this.#addRead(slot, replica, status === OK ? 'digest' : failedRead(status), low, high);
  }

  /** Of a blocking repair: that replica holds the record; or why not. */
  onRepaired(id: number, status: AnswerStatus): void {
    const slot = this.#desk.slotIn(id, REPAIRING);
    // Who has no room is sent it again, as who says nothing.
    if (slot < 0 || status === OVERLOADED) return;
    this.#desk.writes.addReply(
      slot,
      this.#desk.table.replicaOf(id),
      status === OK ? 'durable' : status === STALE_RING ? 'stale' : 'unknown',
    );
    this.#afterRepair(slot);
  }

  start(slot: number, topology: Topology, keyspace: Keyspace): void {
    const { table } = this.#desk;
    const nowMs = this.#desk.door.nowMs();
    const isAlone = table.isLocal[slot] === 1;
    let suspected = 0;
    if (isAlone) {
      if (topology.self < 0) return this.#desk.finish(slot, QUORUM_NOT_MET, 'this node is no member');
      table.members[slot * REPLICAS_MAX] = topology.self;
      table.replicaCounts[slot] = 1;
      table.clearStandIns(slot);
    } else {
      suspected = this.#desk.planRead(slot, topology, keyspace);
    }
    const primaries = table.replicaCounts[slot]!;
    const r = table.r[slot]!;
    const asked = isAlone ? 1 : r === 0 ? replicasNeeded(keyspace.r, primaries) : r;
    const needed = table.isMonotonic[slot] === 1 && !isAlone ? Math.max(asked, majority(primaries)) : asked;
    // A monotonic read is promised what only a majority of primaries can give; and where enough primaries can be reached they say more than stand-ins.
    const isShort = primaries - countBits(suspected) < needed;
    const isSloppy = isShort && table.isMonotonic[slot] === 0 && this.#desk.standIns.isSloppy(keyspace);
    if (isSloppy) this.#desk.counters.standIns += countBits(this.#desk.standIns.addAll(slot, topology, keyspace, suspected));
    const neededPrimaries = table.kinds[slot] === GET && !isAlone ? table.primaries[slot]! || primariesNeeded(keyspace.pr, primaries) : 0;
    this.#desk.reads.start(slot, table.replicaCounts[slot]!, firstBits(primaries), isSloppy, needed, neededPrimaries);
    table.phases[slot] = READING;
    if (this.#desk.reads.enough(slot) === 'lost') return this.#desk.finish(slot, QUORUM_NOT_MET, 'the ring gives the key too few replicas');
    // A write would not be begun after it: so whoever forwarded it is told in time, and knows that nothing was.
    if (isShort && !isSloppy && table.kinds[slot] !== GET)
      return this.#desk.finish(slot, QUORUM_NOT_MET, 'too few replicas can be reached');
    const id = table.idOf(slot, 0);
    const first = Math.max(needed, neededPrimaries);
    const isOwn = table.members[slot * REPLICAS_MAX] === topology.self;
    const lateMs = this.#speculation.asks(slot, firstBits(first) & ~(isOwn ? 1 : 0), nowMs);
    for (let i = 0; i < first; i++) this.#desk.reads.asked(slot, i, i === 0);
    if (!isAlone && this.#desk.slow !== 0) this.#probe(slot, this.#desk.slow & ~firstBits(first), nowMs);
    // Beside those who are suspected, so that none is waited for.
    const standIns = table.standIns[slot]!;
    for (let rest = standIns; rest !== 0; rest &= rest - 1) this.#desk.reads.asked(slot, lowestBit(rest), true);
    for (let i = 0; i < first && this.#desk.slotIn(id, READING) >= 0; i++) this.#sendRead(slot, i, i === 0);
    for (let rest = standIns; rest !== 0 && this.#desk.slotIn(id, READING) >= 0; rest &= rest - 1)
      this.#sendRead(slot, lowestBit(rest), true);
    if (this.#desk.slotIn(id, READING) >= 0) this.#desk.wake(slot, lateMs);
  }

  /** Of those who are slow, and are not asked by this read, one that it is time to ask again: beside the others, who are enough. */
  #probe(slot: number, slow: number, nowMs: number): void {
    const { table, peers, reads } = this.#desk;
    for (let rest = slow; rest !== 0; rest &= rest - 1) {
      const replica = lowestBit(rest);
      if (!peers.takeProbe(table.members[slot * REPLICAS_MAX + replica]!, table.idOf(slot, replica), nowMs)) continue;
      if (this.#send(slot, replica, false) === 'sent') reads.asked(slot, replica, false);
      return;
    }
  }

  #hearProbe(id: number): void {
    const { peers, door } = this.#desk;
    if (peers.isProbing) peers.probeAnswered(id, door.nowMs());
  }

  #sendRead(slot: number, replica: number, forRecord: boolean): void {
    const sent = this.#send(slot, replica, forRecord);
    if (sent !== 'sent') this.#addRead(slot, replica, sent, 0, 0);
  }

  #send(slot: number, replica: number, forRecord: boolean): 'sent' | 'failed' | 'stale' {
    const topology = this.#desk.topologyOf(slot);
    const { table } = this.#desk;
    if (topology === null) return 'stale';
    const member = table.members[slot * REPLICAS_MAX + replica]!;
    const shard = topology.shardOf(member, topology.lists.partitionOf(table.high[slot]!));
    return this.#desk.door.read(member, shard, table.idOf(slot, replica), slot, forRecord) ? 'sent' : 'failed';
  }

  #addRead(slot: number, replica: number, reply: ReadReply, low: number, high: number): void {
    const reads = this.#desk.reads;
    reads.addReply(slot, replica, reply, low, high);
    switch (reads.enough(slot)) {
      case 'met':
        return this.#onRead(slot);
      case 'mismatch':
        this.#desk.counters.digestMismatches++;
        return this.#askForRecords(slot, this.#desk.reads.wanted(slot));
      case 'waiting':
        if (reply !== 'record' && reply !== 'digest') this.#askNext(slot);
        return;
      case 'stale':
        return this.#events.onStale(slot);
      case 'lost':
        return this.#desk.finish(slot, QUORUM_NOT_MET, '');
      case 'overloaded':
        return this.#desk.finish(slot, OVERLOADED, 'its replicas have too much to do');
    }
  }

  #askForRecords(slot: number, replicas: number): void {
    const id = this.#desk.table.idOf(slot, 0);
    for (let rest = replicas; rest !== 0; rest &= rest - 1) {
      const replica = lowestBit(rest);
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

  /** Those who were asked and have said nothing, but the replica of this shard: no message to it is lost, and it has the call already. */
  #askAgain(slot: number): void {
    const { reads, table } = this.#desk;
    const id = table.idOf(slot, 0);
    const here = this.#memberHere(slot);
    for (let silent = reads.silent(slot); silent !== 0 && this.#desk.slotIn(id, READING) >= 0; silent &= silent - 1) {
      const replica = lowestBit(silent);
      if (table.members[slot * REPLICAS_MAX + replica] === here) continue;
      this.#sendRead(slot, replica, reads.lacksRecord(slot) || reads.isAskedForRecord(slot, replica));
    }
  }

  /** This node, if this shard has its replica of the key; else -1. */
  #memberHere(slot: number): number {
    const topology = this.#desk.topologyOf(slot);
    return topology?.isOn(this.#shard, topology.lists.partitionOf(this.#desk.table.high[slot]!)) === true ? topology.self : -1;
  }

  /** How long a peer has taken, when it is the first that it says. Of one read in four: a look at the clock costs as much as the rest of it. */
  #hear(slot: number, replica: number): void {
    const { table, reads, door } = this.#desk;
    if (slot % SAMPLED !== 0 || replica >= reads.needed(slot) || reads.hasReplied(slot, replica)) return;
    const topology = this.#desk.topologyOf(slot);
    if (topology === null || table.members[slot * REPLICAS_MAX + replica] === topology.self) return;
    this.#speculation.answered(slot, replica, door.nowMs());
  }

  #onRead(slot: number): void {
    const { table, merging } = this.#desk;
    if (table.kinds[slot] !== GET) {
      if (!merging.becomeContext(slot)) return this.#desk.finish(slot, OVERLOADED, 'the records read are too long');
      return this.#events.onContextRead(slot);
    }
    const view = merging.view(slot, this.#desk.nextAnswer().record);
    const repairs = view.entries === 0 || table.isLocal[slot] === 1 ? 0 : this.#repairsOf(slot, view);
    if (repairs !== 0) return this.#onDiffering(slot, repairs);
    this.#say(slot);
    this.#desk.end(slot);
  }

  /** `repairs`: primaries that have said something else than what merging gave. */
  #onDiffering(slot: number, repairs: number): void {
    const { reads, mutants } = this.#desk;
    const holders = reads.replied(slot) & ~repairs;
    // R that agree have seen what W have acknowledged, and no delete of it.
    const isAgreed = countBits(holders) >= reads.needed(slot);
    if (!isAgreed && reads.mayBeMixed(slot, holders) && !mutants.has('purgedReadMixed')) return this.#askHoldersAgain(slot);
    if (!isAgreed && this.#isBlocking(slot)) return this.#repairFirst(slot, holders, repairs);
    this.#say(slot);
    this.#repair(slot, repairs);
    this.#desk.end(slot);
  }

  /**
   * What one has said may be older than what another has: a delete of the first may have been purged in between, so that the second has nothing, or a write that knows neither. Who has something is asked
   * once more: no round of purging ends before every replica has the deletes that it purges (purge/README.md), so that it has them now, or what followed.
   */
  #askHoldersAgain(slot: number): void {
    const { table, reads, merging, door } = this.#desk;
    const topology = this.#desk.topologyOf(slot);
    if (topology === null) return this.#events.onStale(slot);
    this.#desk.counters.readsAskedAgain++;
    // Answers to what was asked before find nobody.
    table.renew(slot);
    merging.drop(slot);
    const holders = reads.again(slot);
    const id = table.idOf(slot, 0);
    const own = table.members[slot * REPLICAS_MAX] === topology.self ? 1 : 0;
    const lateMs = this.#speculation.asks(slot, holders & ~own, door.nowMs());
    this.#askForRecords(slot, holders);
    if (this.#desk.slotIn(id, READING) >= 0) this.#desk.wake(slot, lateMs);
  }

  /** `view`: what merging gave. */
  #repairsOf(slot: number, view: RecordView): number {
    const { merging, reads } = this.#desk;
    const only = reads.onlyRecord(slot);
    if (only >= 0) return reads.repairsAs(slot, only);
    merging.digest(view);
    return reads.repairs(slot, merging.low, merging.high);
  }

  /** Requires: the record of the slot is what is answered. */
  #say(slot: number): void {
    const view = this.#desk.merging.view(slot, this.#desk.nextAnswer().record);
    this.#desk.say(slot, liveSiblings(view, this.#desk.door.wallMs()) === 0 ? NOT_FOUND : OK, '');
  }

  #isBlocking(slot: number): boolean {
    if (this.#desk.mutants.has('repairsAfterAnswer')) return false;
    return this.#desk.table.isMonotonic[slot] === 1 || this.#desk.keyspaceOf(slot)?.mode === 'cp';
  }

  #repair(slot: number, replicas: number): void {
    const topology = this.#desk.topologyOf(slot);
    if (topology === null || this.#desk.mutants.has('repairsNobody')) return;
    for (let rest = replicas; rest !== 0; rest &= rest - 1) {
      this.#desk.counters.repairs++;
      this.#desk.sendRecord(slot, lowestBit(rest), topology);
    }
  }

  /** `holders` have said that they hold it. */
  #repairFirst(slot: number, holders: number, repairs: number): void {
    const { table, writes, reads, counters } = this.#desk;
    const all = firstBits(table.replicaCounts[slot]!);
    const needed = reads.needed(slot);
    writes.start(slot, all, all, needed, needed);
    for (let rest = holders; rest !== 0; rest &= rest - 1) writes.addReply(slot, lowestBit(rest), 'durable');
    table.phases[slot] = REPAIRING;
    counters.repairsAwaited += countBits(repairs);
    this.#sendRepairs(slot, repairs);
  }

  #sendRepairs(slot: number, replicas: number): void {
    const { table, writes, door } = this.#desk;
    const id = table.idOf(slot, 0);
    this.#desk.wake(slot, door.nowMs() + this.#resendMs);
    if (this.#desk.topologyOf(slot) === null) return this.#events.onStale(slot);
    for (let rest = replicas; rest !== 0; rest &= rest - 1) writes.sent(slot, lowestBit(rest));
    for (let rest = replicas; rest !== 0 && this.#desk.slotIn(id, REPAIRING) >= 0; rest &= rest - 1) this.#repair(slot, rest & -rest);
  }

  #afterRepair(slot: number): void {
    switch (this.#desk.writes.enough(slot)) {
      case 'met':
        this.#say(slot);
        return this.#desk.end(slot);
      case 'stale':
        return this.#events.onStale(slot);
      case 'lost':
        return this.#desk.finish(slot, QUORUM_NOT_MET, 'too few replicas take what others hold');
      case 'waiting':
        return;
    }
  }

  /** All that have not confirmed it, whether they were asked before or not. */
  onRepairSlow(slot: number): void {
    this.#sendRepairs(slot, firstBits(this.#desk.table.replicaCounts[slot]!) & ~this.#desk.writes.replied(slot));
  }

  /** When it is late one more replica is asked, if the budget has it; when messages seem to be lost one more, or those again that have said nothing. */
  onSlow(slot: number, nowMs: number): void {
    const { reads, counters } = this.#desk;
    const isLost = this.#speculation.isLost(slot, nowMs);
    if (this.#speculation.hasWaited(slot, nowMs, CUT_OFF_MS) && this.#isCutOff(slot))
      return this.#desk.finish(slot, QUORUM_NOT_MET, 'too few replicas can be reached');
    this.#desk.wake(slot, this.#speculation.wakeMs(slot, nowMs));
    this.#noteLate(slot, nowMs);
    if (isLost && reads.enough(slot) === 'met') return this.#onRead(slot);
    if (isLost) {
      counters.readRetries++;
      if (reads.next(slot) < 0) this.#askAgain(slot);
      else this.#askNext(slot);
    } else if (reads.next(slot) >= 0 && this.#speculation.maySpeculate()) {
      counters.speculativeReads++;
      this.#askNext(slot);
    }
  }

  /** Whether who has answered and who can be reached are too few together, and nobody may stand in for the others. */
  #isCutOff(slot: number): boolean {
    const { table, reads, door, standIns } = this.#desk;
    const topology = this.#desk.topologyOf(slot);
    const keyspace = this.#desk.keyspaceOf(slot);
    if (topology === null || keyspace === undefined || (standIns.isSloppy(keyspace) && table.isMonotonic[slot] === 0)) return false;
    let able = reads.replied(slot);
    for (let i = 0; i < table.replicaCounts[slot]!; i++) {
      const member = table.members[slot * REPLICAS_MAX + i]!;
      if (member === topology.self || door.isReachable(member)) able |= 1 << i;
    }
    return countBits(able) < reads.needed(slot);
  }

  #noteLate(slot: number, nowMs: number): void {
    const topology = this.#desk.topologyOf(slot);
    if (topology === null) return;
    for (let rest = this.#desk.reads.silent(slot); rest !== 0; rest &= rest - 1) {
      const member = this.#desk.table.members[slot * REPLICAS_MAX + lowestBit(rest)]!;
      if (member !== topology.self) this.#speculation.late(slot, member, nowMs);
    }
  }
}

function failedRead(status: AnswerStatus): ReadReply {
  if (status === STALE_RING) return 'stale';
  return status === OVERLOADED ? 'overloaded' : 'failed';
}

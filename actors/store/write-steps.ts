/** WriteSteps: has the record minted by the replica of this shard, sends it to all others, and waits for W of the old and of the new set. */
import { assert } from '../../runtime/errors.ts';
import { primariesNeeded, replicasNeeded } from '../ring/replicas-needed.ts';
import type { Keyspace } from '../ring/ring-state.ts';
import type { WriteReply } from './quorum-write.ts';
import type { StepEvents } from './read-steps.ts';
import { countBits, firstBits, lowestBit, REPLICAS_MAX } from './replica-mask.ts';
import type { RequestDesk } from './request-desk.ts';
import { COORDINATING, isMinted, WRITING } from './request-phase.ts';
import {
  type AnswerStatus,
  INDETERMINATE,
  INVALID,
  LOADING,
  NO_KEYSPACE_FOUND,
  OK,
  OVERLOADED,
  QUORUM_NOT_MET,
  STALE_RING,
} from './store-request.ts';
import { addPrimaries, placeOf, type Topology } from './topology.ts';

export class WriteSteps {
  readonly #desk: RequestDesk;
  readonly #events: StepEvents;
  readonly #resendMs: number;
  /** A planted bug. */
  readonly #writesWhereRead: boolean;

  constructor(desk: RequestDesk, events: StepEvents, resendMs: number) {
    this.#desk = desk;
    this.#events = events;
    this.#resendMs = resendMs;
    this.#writesWhereRead = desk.mutants.has('writtenWhereRead');
  }

  /** The record as minted, a view; where `status` is not OK nothing was written. */
  onCoordinated(id: number, status: AnswerStatus, bytes: Uint8Array, start: number, end: number, message = ''): void {
    const slot = this.#desk.slotIn(id, COORDINATING);
    if (slot < 0) return;
    const self = this.#desk.table.replicaOf(id);
    if (status !== OK) {
      this.#desk.writes.addReply(slot, self, 'refused');
      if (status === STALE_RING) return this.#events.onStale(slot);
      return this.#desk.finish(slot, status, message);
    }
    assert(end > start, 'coordinator: expected a record, found none');
    this.#desk.writes.held(slot);
    if (!this.#desk.merging.take(slot, bytes, start, end)) return this.#desk.finish(slot, INDETERMINATE, 'the merged record is too long');
    this.#desk.table.phases[slot] = WRITING;
    this.#keepOrphans(slot);
    this.#spread(slot, firstBits(this.#desk.table.replicaCounts[slot]!) & ~(1 << self));
  }

  /** That replica holds the record, as durably as asked; or why not. */
  onMerged(id: number, status: AnswerStatus): void {
    const slot = this.#desk.table.slotOf(id);
    if (slot < 0) return;
    const phase = this.#desk.table.phases[slot];
    if (phase !== WRITING && phase !== COORDINATING) return;
    const replica = this.#desk.table.replicaOf(id);
    if (status === OVERLOADED && this.#isSentAgain(slot, replica)) return;
    this.#desk.writes.addReply(slot, replica, writeReply(status));
    if (phase === WRITING) this.#afterWriteReply(slot);
  }

  /** As if it had said nothing: it will have room. Not a stand-in, which has as many hints as it takes, so that another one is found. */
  #isSentAgain(slot: number, replica: number): boolean {
    const { table } = this.#desk;
    if ((table.standIns[slot]! & (1 << replica)) !== 0) return false;
    return table.members[slot * REPLICAS_MAX + replica] !== this.#desk.topologyOf(slot)?.self;
  }

  start(slot: number, topology: Topology, keyspace: Keyspace): void {
    const { table } = this.#desk;
    const base = slot * REPLICAS_MAX;
    const partition = topology.lists.partitionOf(table.high[slot]!);
    const { writes, read } = topology.lists.of(keyspace.n);
    const [first, second] = this.#writesWhereRead ? [read, read] : writes;
    const firstMask = addPrimaries(first, partition, table.members, base, 0);
    const secondMask = addPrimaries(second, partition, table.members, base, countBits(firstMask));
    const count = countBits(firstMask | secondMask);
    table.replicaCounts[slot] = count;
    table.clearStandIns(slot);
    const w = table.w[slot]!;
    const neededFirst = w === 0 ? replicasNeeded(keyspace.w, first.primaries) : w;
    const neededSecond = w === 0 ? replicasNeeded(keyspace.w, second.primaries) : w;
    const least = table.primaries[slot]! || primariesNeeded(keyspace.pw, Math.min(first.primaries, second.primaries));
    if (!isMinted(table, slot)) this.#desk.writes.start(slot, firstMask, secondMask, neededFirst, neededSecond, least);
    else this.#desk.writes.restart(slot, firstMask, secondMask, neededFirst, neededSecond);
    const reachable = this.#reachable(slot, count, topology.self);
    const isSloppy = this.#desk.standIns.isSloppy(keyspace);
    const standIns = isSloppy ? this.#standIn(slot, topology, keyspace, firstBits(count) & ~reachable) : 0;
    if (isMinted(table, slot)) {
      table.phases[slot] = WRITING;
      this.#keepOrphans(slot);
      return this.#spread(slot, firstBits(table.replicaCounts[slot]));
    }
    table.phases[slot] = COORDINATING;
    const votes = reachable | standIns;
    if (
      countBits(votes & (firstMask | standIns)) < neededFirst ||
      countBits(votes & (secondMask | standIns)) < neededSecond ||
      countBits(reachable & firstMask) < least ||
      countBits(reachable & secondMask) < least
    ) {
      return this.#desk.finish(slot, QUORUM_NOT_MET, 'too few replicas can be reached');
    }
    const self = placeOf(table.members, base, table.replicaCounts[slot], topology.self);
    assert(self >= 0, 'coordinator: expected itself among the replicas that it writes to');
    this.#desk.writes.sent(slot, self);
    if (this.#desk.door.coordinate(table.idOf(slot, self), slot)) return;
    this.#desk.writes.addReply(slot, self, 'refused');
    this.#desk.finish(slot, OVERLOADED, 'this replica takes no more writes at present');
  }

  /** Stand-ins for those primaries; this node is one if it is none of the replicas yet: then it is to mint. Returns who they are. */
  #standIn(slot: number, topology: Topology, keyspace: Keyspace, owners: number): number {
    const { table, standIns, writes } = this.#desk;
    let added = 0;
    const count = table.replicaCounts[slot]!;
    if (owners !== 0 && !isMinted(table, slot) && placeOf(table.members, slot * REPLICAS_MAX, count, topology.self) < 0) {
      const owner = lowestBit(owners);
      table.covered[slot]! |= 1 << owner;
      added = 1 << table.addStandIn(slot, topology.self, owner);
      this.#desk.counters.mintedByStandIn++;
    }
    added |= standIns.addAll(slot, topology, keyspace, owners);
    for (let rest = added; rest !== 0; rest &= rest - 1) {
      const place = lowestBit(rest);
      writes.addStandIn(slot, place, table.owners[slot * REPLICAS_MAX + place]!);
    }
    this.#desk.counters.standIns += countBits(added);
    return added;
  }

  /** Stand-ins for those that say nothing or have failed, primaries or stand-ins of primaries themselves. Returns who they are. */
  #standInFor(slot: number, replicas: number): number {
    const topology = this.#desk.topologyOf(slot);
    const keyspace = this.#desk.keyspaceOf(slot);
    if (topology === null || keyspace === undefined || !this.#desk.standIns.isSloppy(keyspace)) return 0;
    const { table } = this.#desk;
    let owners = 0;
    for (let rest = replicas; rest !== 0; rest &= rest - 1) {
      const place = lowestBit(rest);
      const isStandIn = (table.standIns[slot]! & (1 << place)) !== 0;
      const owner = isStandIn ? table.owners[slot * REPLICAS_MAX + place]! : place;
      // Its stand-in has failed too, and another one may be found.
      if (isStandIn && table.isLastStandIn(slot, place)) table.covered[slot]! &= ~(1 << owner);
      owners |= 1 << owner;
    }
    const added = this.#standIn(slot, topology, keyspace, owners);
    this.#keepOrphans(slot);
    return added;
  }

  /**
   * For whom there is no stand-in this shard holds the write, which counts for nothing; not for who is only late: under too much load all are, and to hold, hand over and delete
   * what they will take anyway makes them later. Requires: the record is there.
   */
  #keepOrphans(slot: number): void {
    const { table, door, writes } = this.#desk;
    if (this.#desk.topologyOf(slot) === null) return;
    for (let rest = table.orphans[slot]!; rest !== 0; rest &= rest - 1) {
      const member = table.members[slot * REPLICAS_MAX + lowestBit(rest)]!;
      const isLate = door.isReachable(member) && (writes.failed(slot) & rest & -rest) === 0;
      if (isLate) table.covered[slot]! &= ~(rest & -rest);
      else door.keep(member, slot);
    }
    table.orphans[slot] = 0;
  }

  #reachable(slot: number, count: number, self: number): number {
    let mask = 0;
    for (let i = 0; i < count; i++) {
      const member = this.#desk.table.members[slot * REPLICAS_MAX + i]!;
      if (member === self || this.#desk.door.isReachable(member)) mask |= 1 << i;
    }
    return mask;
  }

  /** Also sees to what comes of it. After `waitMs` those who are silent are sent it again. */
  #spread(slot: number, replicas: number, waitMs = this.#resendMs): void {
    const id = this.#desk.table.idOf(slot, 0);
    this.#send(slot, replicas);
    if (this.#desk.slotIn(id, WRITING) < 0) return;
    this.#desk.wake(slot, this.#desk.door.nowMs() + waitMs);
    this.#afterWriteReply(slot);
  }

  #send(slot: number, replicas: number): void {
    const { writes, table } = this.#desk;
    const topology = this.#desk.topologyOf(slot);
    const id = table.idOf(slot, 0);
    for (let rest = replicas; rest !== 0 && table.slotOf(id) === slot; rest &= rest - 1) {
      const replica = lowestBit(rest);
      if (topology === null) {
        writes.addReply(slot, replica, 'stale');
      } else {
        writes.sent(slot, replica);
        // Why nothing is made of false: it is sent again while it is silent.
        this.#desk.sendRecord(slot, replica, topology);
      }
    }
  }

  #afterWriteReply(slot: number): void {
    switch (this.#desk.writes.enough(slot)) {
      case 'met':
        return this.#desk.finish(slot, OK, '');
      case 'stale':
        return this.#events.onStale(slot);
      case 'lost': {
        const added = this.#standInFor(slot, this.#desk.writes.failed(slot));
        if (added !== 0 && this.#desk.writes.enough(slot) === 'waiting') return this.#spread(slot, added);
        return this.finish(slot);
      }
      case 'waiting':
        return;
    }
  }

  /** As it stands. */
  finish(slot: number): void {
    switch (this.#desk.writes.answer(slot)) {
      case 'ok':
        return this.#desk.finish(slot, OK, '');
      case 'quorumNotMet':
        return this.#desk.finish(slot, QUORUM_NOT_MET, '');
      case 'indeterminate':
        return this.#desk.finish(slot, INDETERMINATE, '');
    }
  }

  /** Again to those who have said nothing, each time after twice as long: who is late, and has lost nothing, is not to be later for it. The replica that minted it has it. */
  onSlow(slot: number, nowMs: number): void {
    const { writes, table, counters } = this.#desk;
    const self = placeOf(table.members, slot * REPLICAS_MAX, table.replicaCounts[slot]!, this.#desk.topologyOf(slot)?.self ?? -1);
    const silent = self < 0 ? writes.silent(slot) : writes.silent(slot) & ~(1 << self);
    counters.writeRetries += countBits(silent);
    const waitMs = Math.max(this.#resendMs, nowMs - table.begunMs[slot]!);
    this.#spread(slot, silent | this.#standInFor(slot, silent | writes.failed(slot)), waitMs);
  }
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
    default:
      return 'unknown';
  }
}

/**
 * HintHandoff: hands the hints of a shard to those that they are for, once these can be reached, and deletes each when all of them have said that it is on their disks, and only if it
 * is still what was sent. No actor itself, and without doors of its own.
 *
 * ```
 *  tick --> a pass per owner that can be reached --> pages of its hints --> to the targets, as far as their windows have room
 *                                                                             | all have stored it     | one refuses, or says nothing
 *                                                                             v                        v
 *                                                                    forget, if unchanged       stays, for a later pass
 * ```
 * Behind each page it rests REST_PER_WORK times as long as it has worked in these turns since it last did, so that they are some eighth of its thread at most. The windows alone do not see to that: a target answers
 * quickly as long as it has time itself, however much that takes from others on its machine; and whoever comes back runs code that V8 has not compiled yet.
 *
 * A shard of a member that leaves gives what is for one that can't be reached to those of its primaries that can. A pass that hands nothing over is followed by longer and longer pauses, until who can be reached or the ring has changed.
 */
import type { Entry } from '../../storage/engine/api.ts';
import { restAfter } from '../repair/pace.ts';
import type { Id } from '../ring/ring-state.ts';
import { type AnswerStatus, OK } from '../store/store-request.ts';
import type { Topology } from '../store/topology.ts';
import { type HintKey, readHintKey } from './hint-key.ts';
import { heirsOf, targetsOf } from './hint-targets.ts';
import { SendWindow } from './send-window.ts';

export interface HandoffDoor {
  /** Null: no ring, or this node may not serve. */
  topology(): Topology | null;
  isReachable(member: number): boolean;
  /** For whom there are hints. */
  owners(): readonly Id[];
  /** The next hints of an owner, behind that key (undefined: its first ones), by `onPage`, within the call or later; none at the end. */
  read(owner: Id, after: Uint8Array | undefined): void;
  /** A record to a member's replica, to be on its disk; its answer comes by `onMerged`, or never. */
  send(member: number, shard: number, id: number, hint: HintKey, record: Uint8Array): void;
  /** Deletes a hint if it is still that record. */
  forget(entry: Entry): void;
  nowMs(): number;
  /** `wake` is to be called then. */
  wakeAt(owner: Id, ms: number): void;
}

export interface HandoffOptions {
  /** Who has said nothing for so long has failed. Default 2,000 ms. */
  readonly answerMs?: number;
  /** The first pause behind a pass that was of no use, and the longest. Default 500 ms and 30 s. */
  readonly pauseMs?: number;
  readonly pauseMsMax?: number;
  /** u32: where ids begin. Another one after each start, or a late answer to what was sent before it would be taken for one of now. Default 0. */
  readonly firstId?: number;
  /** Planted bugs: hintForgottenBeforeAck, removedOwnersHintDropped, leaverIsItsOwnHeir. */
  readonly mutants?: ReadonlySet<string>;
}

const REST_PER_WORK = 7;

interface Pass {
  readonly owner: Id;
  readonly epoch: number;
  /** Read, and not sent yet. */
  queue: Entry[];
  lastKey: Uint8Array | undefined;
  isReading: boolean;
  /** The next page is not read before; 0: what it has is not all sent yet. */
  restsUntilMs: number;
  isAtEnd: boolean;
  underWay: number;
  handed: number;
}

/** One hint on its way. */
interface Flight {
  readonly pass: Pass;
  readonly entry: Entry;
  left: number;
  hasFailed: boolean;
}

interface Sent {
  readonly flight: Flight;
  readonly target: Id;
  readonly sentMs: number;
}

interface Pause {
  readonly untilMs: number;
  readonly ms: number;
  /** The ring of then, and whether the owner could be reached. */
  readonly epoch: number;
  readonly wasReachable: boolean;
}

export class HintHandoff {
  readonly #door: HandoffDoor;
  readonly #answerMs: number;
  readonly #pauseMs: number;
  readonly #pauseMsMax: number;
  readonly #mutants: ReadonlySet<string> | undefined;
  readonly #passes = new Map<Id, Pass>();
  readonly #pauses = new Map<Id, Pause>();
  readonly #windows = new Map<Id, SendWindow>();
  /** By id, oldest first. */
  readonly #sent = new Map<number, Sent>();
  #lastId: number;
  /** On this thread, since the last rest. */
  #workedMs = 0;
  #workingSinceMs = 0;
  #restsUntilMs = Number.NEGATIVE_INFINITY;

  constructor(door: HandoffDoor, { answerMs = 2_000, pauseMs = 500, pauseMsMax = 30_000, firstId = 0, mutants }: HandoffOptions = {}) {
    this.#door = door;
    this.#answerMs = answerMs;
    this.#pauseMs = pauseMs;
    this.#pauseMsMax = pauseMsMax;
    this.#lastId = firstId;
    this.#mutants = mutants;
  }

  /** Messages on their way. */
  get underWay(): number {
    return this.#sent.size;
  }

  /** Now and then: gives up who says nothing, begins what can be begun. */
  tick(): void {
    const nowMs = this.#door.nowMs();
    for (const [id, { sentMs }] of this.#sent) {
      if (nowMs - sentMs < this.#answerMs) break;
      this.#end(id, false, nowMs);
    }
    const topology = this.#door.topology();
    if (topology === null) return;
    for (const owner of this.#door.owners()) this.#begin(owner, topology, nowMs);
    this.#pump();
  }

  /** The time has come that `wakeAt` was told. */
  wake(): void {
    this.#pump();
  }

  /** `entries` in order; none: there are no more. Null: they can't be read now. */
  onPage(owner: Id, entries: readonly Entry[] | null): void {
    const pass = this.#passes.get(owner);
    if (pass === undefined || !pass.isReading) return;
    pass.isReading = false;
    if (entries === null || entries.length === 0) pass.isAtEnd = true;
    else {
      pass.queue.push(...entries);
      pass.lastKey = entries.at(-1)!.key;
    }
    this.#pump();
  }

  /** Of ids that are not known any more too. */
  onMerged(id: number, status: AnswerStatus): void {
    const nowMs = this.#door.nowMs();
    this.#end(id, status === OK, nowMs);
    this.#pump(nowMs);
  }

  #begin(owner: Id, topology: Topology, nowMs: number): void {
    if (this.#passes.has(owner)) return;
    const { epoch } = topology.ring;
    const isReachable = this.#isReachable(owner, topology);
    const pause = this.#pauses.get(owner);
    const isSame = pause !== undefined && pause.epoch === epoch && pause.wasReachable === isReachable;
    // Who can't be reached gets nothing, but what is not its own any more: that only a new ring changes.
    if (isSame && (nowMs < pause.untilMs || !isReachable)) return;
    if (pause !== undefined && !isSame) this.#pauses.delete(owner);
    this.#passes.set(owner, {
      ...{ owner, epoch, queue: [], lastKey: undefined, isReading: false },
      ...{ restsUntilMs: 0, isAtEnd: false, underWay: 0, handed: 0 },
    });
  }

  /** Also who has left: its hints are others' now; and all, where this node leaves itself. */
  #isReachable(owner: Id, topology: Topology): boolean {
    if (isLeaving(topology)) return true;
    const index = topology.ring.members.findIndex(({ id }) => id === owner);
    return index < 0 || this.#door.isReachable(index);
  }

  /** `nowMs`: when this turn's work began. */
  #pump(nowMs = this.#door.nowMs()): void {
    const topology = this.#door.topology();
    if (topology === null) return;
    this.#workingSinceMs = nowMs;
    for (const pass of [...this.#passes.values()]) this.#run(pass, topology, nowMs);
    this.#noteWork();
  }

  #noteWork(): void {
    const nowMs = this.#door.nowMs();
    this.#workedMs += nowMs - this.#workingSinceMs;
    this.#workingSinceMs = nowMs;
  }

  #run(pass: Pass, topology: Topology, nowMs: number): void {
    let sent = 0;
    while (sent < pass.queue.length && this.#send(pass, pass.queue[sent]!, topology, nowMs)) sent++;
    pass.queue.splice(0, sent);
    if (pass.queue.length > 0 || pass.isReading) return;
    if (!pass.isAtEnd) {
      if (pass.restsUntilMs === 0) this.#rest(pass);
      if (nowMs < pass.restsUntilMs) return;
      pass.restsUntilMs = 0;
      pass.isReading = true;
      return this.#door.read(pass.owner, pass.lastKey);
    }
    if (pass.underWay === 0) this.#finish(pass, topology, nowMs);
  }

  /** From now on, or from when the rest of another pass ends. */
  #rest(pass: Pass): void {
    this.#noteWork();
    this.#restsUntilMs = Math.max(this.#restsUntilMs, this.#workingSinceMs) + restAfter(this.#workedMs, REST_PER_WORK);
    this.#workedMs = 0;
    pass.restsUntilMs = this.#restsUntilMs;
    if (pass.restsUntilMs > this.#workingSinceMs) this.#door.wakeAt(pass.owner, pass.restsUntilMs);
  }

  /** Returns false where it has to wait for answers. */
  #send(pass: Pass, entry: Entry, topology: Topology, nowMs: number): boolean {
    const hint = readHintKey(entry.key);
    if (hint === undefined) return true;
    let targets = targetsOf(topology, hint, this.#mutants);
    if (targets.length === 0) {
      pass.handed++;
      this.#door.forget(entry);
      return true;
    }
    if (!targets.every((member) => this.#door.isReachable(member))) {
      if (!isLeaving(topology)) return true;
      targets = heirsOf(topology, hint, (member) => this.#door.isReachable(member), this.#mutants);
      if (targets.length === 0) return true;
    }
    const windows = targets.map((member) => this.#windowOf(topology.member(member).id));
    if (!windows.every((window) => window.hasRoom(nowMs))) return false;
    const flight: Flight = { pass, entry, left: targets.length, hasFailed: false };
    pass.underWay++;
    const partition = topology.lists.partitionOf(hint.tokenHigh);
    for (const [i, member] of targets.entries()) {
      windows[i]!.sent();
      const id = this.#nextId();
      this.#sent.set(id, { flight, target: topology.member(member).id, sentMs: nowMs });
      this.#door.send(member, topology.shardOf(member, partition), id, hint, entry.value);
    }
    if (this.#mutants?.has('hintForgottenBeforeAck')) this.#door.forget(entry);
    return true;
  }

  #end(id: number, isStored: boolean, nowMs: number): void {
    const sent = this.#sent.get(id);
    if (sent === undefined) return;
    this.#sent.delete(id);
    const { flight, target, sentMs } = sent;
    const window = this.#windowOf(target);
    if (isStored) window.stored(sentMs, nowMs);
    else window.failed(sentMs, nowMs);
    flight.hasFailed ||= !isStored;
    if (--flight.left > 0) return;
    flight.pass.underWay--;
    if (flight.hasFailed) return;
    flight.pass.handed++;
    this.#door.forget(flight.entry);
  }

  #finish({ owner, epoch, handed }: Pass, topology: Topology, nowMs: number): void {
    this.#passes.delete(owner);
    const before = this.#pauses.get(owner);
    const ms = handed > 0 || before === undefined ? this.#pauseMs : Math.min(this.#pauseMsMax, before.ms * 2);
    this.#pauses.set(owner, { untilMs: nowMs + ms, ms, epoch, wasReachable: this.#isReachable(owner, topology) });
    if (!this.#door.owners().includes(owner)) this.#pauses.delete(owner);
  }

  #windowOf(target: Id): SendWindow {
    const window = this.#windows.get(target) ?? new SendWindow();
    this.#windows.set(target, window);
    return window;
  }

  #nextId(): number {
    this.#lastId = (this.#lastId + 1) >>> 0;
    return this.#lastId;
  }
}

function isLeaving(topology: Topology): boolean {
  return topology.self >= 0 && topology.member(topology.self).state === 'leaving';
}

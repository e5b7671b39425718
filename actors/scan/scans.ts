/**
 * Scans: puts pages together for the gateways of a shard, from `begin` to exactly one `scanned`. No actor itself, and without doors of its own.
 *
 * ```
 *   begin --> waiting --> leg: R replicas of the position's partition are asked for a page --> merged, as far as all are final
 *                          ^  ^   | one fails or is slow: the next is asked                      |
 *                          |  |   | one shows what may be gone: it is asked once more            |
 *                          |  |   | rings differ: after a while, by the ring of then             |
 *                          |  '---'                                                              v
 *                          '------- behind it, or in the next partition <--- not enough yet --- page --> scanned
 * ```
 * What was put together is answered also when it then comes to nothing: the next page says why. Keys that are deleted count as looked at, so that a keyspace full of tombstones
 * gives empty pages instead of holding anybody up. Partitions are read by the ring of the moment, and each replica checks that its own agrees: a position is good under any ring (T33).
 */
import { replicasNeeded } from '../ring/replicas-needed.ts';
import type { Keyspace } from '../ring/ring-state.ts';
import { firstHighOf, lastHighOf } from '../ring/token.ts';
import { lowestBit } from '../store/replica-mask.ts';
import {
  type AnswerStatus,
  AS_KEYSPACE,
  INVALID,
  LOADING,
  NO_KEYSPACE_FOUND,
  OK,
  OVERLOADED,
  QUORUM_NOT_MET,
  STALE_RING,
  TIMED_OUT,
} from '../store/store-request.ts';
import type { Topology } from '../store/topology.ts';
import { PageMerge } from './page-merge.ts';
import { type Page, ScanAsk } from './scan-frames.ts';
import { comparePositions, NO_KEY } from './scan-position.ts';
import { ScanAnswer, type ScanDoor, type ScanRequest } from './scan-request.ts';
import { copyOfPage, Leg, RUN_BYTES_MAX, ScanRun } from './scan-run.ts';

/** The way to replicas. What comes of `ask` is told by `onPage`, later, once or never. */
export interface ScanReplicaDoor {
  /** Null: no ring, or this node may not serve. The same object as long as the ring is the same. */
  topology(): Topology | null;
  isReachable(member: number): boolean;
  /** Returns false where surely nothing was sent. */
  ask(member: number, shard: number, id: number, ask: ScanAsk): boolean;
  nowMs(): number;
  /** Milliseconds since 1970, for expiry. */
  wallMs(): number;
  /** `Scans.wake` is to be called then; a later time said before is void. */
  wakeAt(ms: number): void;
  /** `Scans.startWaiting` is to be called in a turn of its own. */
  later(): void;
}

export interface ScansOptions {
  /** Under way at the same time; more wait. Default 16. */
  readonly runsMax?: number;
  /** One more is OVERLOADED. Default 1,024. */
  readonly waitingMax?: number;
  /** A leg that takes longer asks one more replica, or all again; then after twice that, and so on. Default 50 ms. */
  readonly speculateMs?: number;
  /** After that long a leg is tried by the ring of then, at most so often. Default 25 ms, 8 times. */
  readonly staleRetryMs?: number;
  readonly staleRetries?: number;
  /** u32: where the ids of what it asks begin, by chance, another one for each start: pages that an earlier one has asked for still come. Default 0. */
  readonly firstId?: number;
  /** Planted bugs: tombstoneShown, farthestPageCounts, boundIgnored, lastReplicaWins, purgedScanMixed (page-merge.ts), oneReplicaIsEnough, partitionSkipped, groupCut. */
  readonly mutants?: ReadonlySet<string>;
}

interface Asked {
  readonly run: ScanRun;
  readonly leg: Leg;
  /** Place in the leg's members. */
  readonly place: number;
  /** 0: for its first page; else of the leg. */
  readonly round: number;
}

/** Of a page: keys looked at, and partitions reached into. */
const LOOKED_MIN = 1_024;
const LEGS_MAX = 64;
/** For so long a replica that was late is asked last. */
const LATE_MS = 1_000;
/** Asked of a replica at once. */
const LEG_KEYS_MIN = 16;
const LEG_KEYS_MIN_OF_PREFIX = 256;
const LEG_KEYS_MAX = 1_024;
const LEG_BYTES_MIN = 4_096;
/** Keys that one cursor may stand for; more were made to collide. */
const GROUP_KEYS_MAX = 65_536;

export class Scans implements ScanDoor {
  readonly #door: ScanReplicaDoor;
  readonly #options: Required<ScansOptions>;
  readonly #merge: PageMerge;
  readonly #ask = new ScanAsk();
  readonly #answer = new ScanAnswer();
  readonly #runs = new Set<ScanRun>();
  readonly #asked = new Map<number, Asked>();
  #waiting: ScanRun[] = [];
  /** By member: until then it is asked last. */
  readonly #lateUntilMs = new Map<number, number>();
  #ids: number;

  constructor(door: ScanReplicaDoor, options: ScansOptions = {}) {
    const defaults = {
      runsMax: 16,
      waitingMax: 1_024,
      speculateMs: 50,
      staleRetryMs: 25,
      staleRetries: 8,
      firstId: 0,
      mutants: new Set<string>(),
    };
    this.#door = door;
    this.#options = { ...defaults, ...options };
    this.#ids = this.#options.firstId;
    this.#merge = new PageMerge(this.#options.mutants);
  }

  /** Under way, and waiting. */
  get pending(): number {
    return this.#runs.size + this.#waiting.length;
  }

  begin(request: ScanRequest): void {
    this.#waiting.push(new ScanRun(request));
    this.#door.later();
  }

  startWaiting(): void {
    const { runsMax, waitingMax } = this.#options;
    const nowMs = this.#door.nowMs();
    while (this.#runs.size < runsMax && this.#waiting.length > 0) {
      const run = this.#waiting.shift()!;
      this.#runs.add(run);
      if (run.deadlineMs <= nowMs) this.#stop(run, TIMED_OUT, '');
      else this.#startLeg(run);
    }
    for (const run of this.#waiting.splice(waitingMax)) this.#stop(run, OVERLOADED, `${waitingMax} scans of this shard wait`);
    this.#arm();
  }

  /** What a replica says; `page` is a view, null where `status` is not OK. */
  onPage(id: number, status: AnswerStatus, page: Page | null): void {
    const asked = this.#asked.get(id);
    if (asked === undefined) return;
    const { run, leg, place, round } = asked;
    this.#asked.delete(id);
    if (run.leg !== leg || !leg.waitsFor(place, round)) return;
    // Who has too much to do has not failed: it has said its first page, and is asked again as who says nothing.
    if (round !== 0 && status === OVERLOADED) return;
    if (page === null || !isOfLeg(page, run, leg)) {
      this.#failed(run, leg, place, status === STALE_RING);
    } else {
      leg.take(place, round, copyOfPage(page));
      if (leg.isReady) this.#finishLeg(run, leg);
    }
    this.#arm();
  }

  /** What has to be done by now: deadlines, slow replicas, other rings. */
  wake(): void {
    const nowMs = this.#door.nowMs();
    for (const run of [...this.#runs]) {
      if (run.wakeMs > nowMs) continue;
      if (run.deadlineMs <= nowMs) this.#stop(run, TIMED_OUT, '');
      else if (run.leg === null) this.#startLeg(run);
      else this.#onSlow(run, run.leg, nowMs);
    }
    const late = this.#waiting.filter(({ deadlineMs }) => deadlineMs <= nowMs);
    this.#waiting = this.#waiting.filter((run) => !late.includes(run));
    for (const run of late) this.#stop(run, TIMED_OUT, '');
    this.#arm();
  }

  /** Answers all as LOADING, or with what they have. Nothing may be begun any more. */
  close(): void {
    for (const run of [...this.#runs, ...this.#waiting.splice(0)]) this.#stop(run, LOADING, 'scans of this shard are stopped');
  }

  #startLeg(run: ScanRun): void {
    const topology = this.#door.topology();
    const { position } = run;
    if (topology === null) return this.#stop(run, LOADING, 'this node has no ring, or may not serve yet');
    const keyspace = topology.keyspace(run.keyspaceId);
    if (keyspace === undefined) return this.#stop(run, NO_KEYSPACE_FOUND, '');
    const partition = topology.lists.partitionOf(position!.high);
    const members = this.#replicasOf(topology, keyspace, partition);
    const needed = run.r === AS_KEYSPACE ? replicasNeeded(keyspace.r, members.length) : run.r;
    const leg = new Leg(
      topology,
      members,
      partition,
      this.#options.mutants.has('oneReplicaIsEnough') ? 1 : needed,
      this.#options.speculateMs,
    );
    run.leg = leg;
    run.legs++;
    run.wakeMs = Math.min(run.deadlineMs, this.#door.nowMs() + this.#options.speculateMs);
    if (leg.isLost) return this.#stop(run, QUORUM_NOT_MET, 'the ring gives the partition too few replicas');
    for (let place = 0; place < leg.needed && run.leg === leg; place++) this.#send(run, leg, place);
  }

  /** Primaries that reads go to: this node first, suspected ones and those that were late a moment ago last. */
  #replicasOf({ self, lists }: Topology, { n }: Keyspace, partition: number): readonly number[] {
    const { members, stride, primaries } = lists.of(n).read;
    const all = [...members.subarray(partition * stride, partition * stride + primaries)];
    const nowMs = this.#door.nowMs();
    const isPrompt = (member: number): boolean => this.#door.isReachable(member) && (this.#lateUntilMs.get(member) ?? 0) <= nowMs;
    const rank = (member: number): number => (member === self ? 0 : isPrompt(member) ? 1 : 2);
    return all.sort((a, b) => rank(a) - rank(b));
  }

  #send(run: ScanRun, leg: Leg, place: number, round = 0): void {
    const { topology, partition } = leg;
    leg.asked |= 1 << place;
    if (round !== 0) leg.askedAgain |= 1 << place;
    // Its members and its partition are of a ring that was.
    if (this.#door.topology() !== topology) return this.#failed(run, leg, place, true);
    const { position, out } = run;
    const { ring, lists } = topology;
    const last = lastHighOf(partition, lists.partitions);
    const ask = this.#ask;
    ask.keyspace = run.keyspaceId;
    ask.tokenHigh = position!.high;
    ask.tokenLow = position!.low;
    ask.key = position!.key;
    ask.changedAt = ring.changedAt[partition]!;
    ask.generation = ring.generation;
    ask.option = run.wish;
    ask.prefix = run.prefix;
    ask.lastHigh = last;
    ask.lastLow = 0xffff_ffff;
    // Why one more: with it the end of a group is seen, and seldom has a key to be taken back alone.
    const least = run.prefix.length === 0 ? LEG_KEYS_MIN : LEG_KEYS_MIN_OF_PREFIX;
    ask.keysMax = between(run.keysMax - run.keys + 1, least, LEG_KEYS_MAX);
    ask.bytesMax = Math.max(LEG_BYTES_MIN, run.bytesMax - out.length);
    const id = this.#nextId();
    this.#asked.set(id, { run, leg, place, round });
    const member = leg.members[place]!;
    if (this.#door.ask(member, topology.shardOf(member, partition), id, ask)) return;
    this.#asked.delete(id);
    this.#failed(run, leg, place, false);
  }

  #failed(run: ScanRun, leg: Leg, place: number, isStale: boolean): void {
    leg.fail(place);
    leg.isStale ||= isStale;
    if (!leg.isLost) {
      if (leg.isReady) this.#finishLeg(run, leg);
      else if (leg.next >= 0) this.#send(run, leg, leg.next);
      return;
    }
    if (!leg.isStale) return this.#stop(run, QUORUM_NOT_MET, '');
    if (++run.attempts > this.#options.staleRetries)
      return this.#stop(run, STALE_RING, 'the rings of this node and of its replicas differ');
    this.#forget(run);
    run.leg = null;
    run.wakeMs = Math.min(run.deadlineMs, this.#door.nowMs() + this.#options.staleRetryMs);
  }

  #onSlow(run: ScanRun, leg: Leg, nowMs: number): void {
    // Why doubled: a page that takes long is not to be made again and again.
    leg.patienceMs *= 2;
    // So that a dead replica which nobody suspects yet does not hold up every partition anew.
    for (let rest = leg.silent; rest !== 0; rest &= rest - 1) this.#lateUntilMs.set(leg.members[lowestBit(rest)]!, nowMs + LATE_MS);
    run.wakeMs = Math.min(run.deadlineMs, nowMs + leg.patienceMs);
    // Without one of those who say nothing the second time, where others are enough.
    if (leg.silentAgain !== 0 && leg.received > leg.needed) {
      leg.drop(lowestBit(leg.silentAgain));
      return this.#finishLeg(run, leg);
    }
    if (leg.next >= 0) return this.#send(run, leg, leg.next);
    const { round } = leg;
    for (let rest = leg.silentAgain; rest !== 0 && run.leg === leg && leg.round === round; rest &= rest - 1)
      this.#send(run, leg, lowestBit(rest), round);
    // Also those who said nothing before: with one of them a silent one is not needed.
    for (let place = 0; place < leg.members.length && run.leg === leg; place++)
      if (leg.pages[place] === undefined && (leg.failed & (1 << place)) === 0) this.#send(run, leg, place);
  }

  #finishLeg(run: ScanRun, leg: Leg): void {
    const { topology, round, said } = leg;
    const start = run.out.length;
    const { covered, keys, looked, isFull, unsure } = this.#merge.merge(said, run.out, {
      needed: leg.needed,
      isLww: topology.keyspace(run.keyspaceId)!.conflict === 'lww',
      wallMs: this.#door.wallMs(),
    });
    if (unsure !== 0) {
      run.out.length = start;
      run.wakeMs = Math.min(run.deadlineMs, this.#door.nowMs() + leg.patienceMs);
      for (let rest = unsure; rest !== 0 && run.leg === leg && leg.round === round; rest &= rest - 1)
        this.#send(run, leg, said[lowestBit(rest)]!.place, round);
      return;
    }
    this.#forget(run);
    run.keys += keys;
    run.looked += looked;
    run.attempts = 0;
    if (covered === null) run.position = this.#behind(leg.partition, topology);
    else if (covered !== undefined) run.position = covered;
    if (isFull) return this.#stop(run, INVALID, `the next key is longer than a page may be (${RUN_BYTES_MAX} bytes)`);
    if (run.position === null || !this.#isEnough(run)) return run.position === null ? this.#finish(run) : this.#startLeg(run);
    if (this.#options.mutants.has('groupCut') || run.cutToGroup()) return this.#finish(run);
    if (run.looked > GROUP_KEYS_MAX)
      return this.#stop(run, INVALID, `more than ${GROUP_KEYS_MAX} keys have one cursor: they were made to collide`);
    this.#startLeg(run);
  }

  /** Where the next partition begins; null: there is none. */
  #behind(partition: number, { lists }: Topology): ScanRun['position'] {
    const next = partition + (this.#options.mutants.has('partitionSkipped') && partition === 1 ? 2 : 1);
    return next >= lists.partitions ? null : { high: firstHighOf(next, lists.partitions), low: 0, key: NO_KEY };
  }

  #isEnough({ keys, keysMax, looked, legs, out, bytesMax }: ScanRun): boolean {
    return keys >= keysMax || looked >= Math.max(LOOKED_MIN, keysMax) || legs >= LEGS_MAX || out.length >= bytesMax;
  }

  /** It goes no further: what there is is answered, or, where there is nothing, why. */
  #stop(run: ScanRun, status: AnswerStatus, message: string): void {
    if (run.hasMoved && run.cutToGroup()) return this.#finish(run);
    const answer = this.#answer;
    run.out.clear();
    run.keys = 0;
    answer.status = status;
    answer.message = message;
    this.#tell(run);
  }

  #finish(run: ScanRun): void {
    this.#answer.status = OK;
    this.#answer.message = '';
    this.#tell(run);
  }

  #tell(run: ScanRun): void {
    const answer = this.#answer;
    answer.entries.open(run.out.bytes, 0, run.out.length);
    answer.keys = run.keys;
    answer.next = run.position;
    answer.received = run.leg?.received ?? 0;
    answer.needed = run.leg?.needed ?? 0;
    this.#forget(run);
    run.leg = null;
    this.#runs.delete(run);
    run.sink.scanned(run.token, answer);
    if (this.#waiting.length > 0) this.#door.later();
  }

  /** What its present leg has asked for and not heard. */
  #forget(run: ScanRun): void {
    for (const [id, asked] of this.#asked) if (asked.run === run) this.#asked.delete(id);
  }

  #nextId(): number {
    this.#ids = this.#ids === 0xffff_ffff ? 1 : this.#ids + 1;
    return this.#ids;
  }

  #arm(): void {
    let atMs = Number.POSITIVE_INFINITY;
    for (const { wakeMs } of this.#runs) atMs = Math.min(atMs, wakeMs);
    for (const { deadlineMs } of this.#waiting) atMs = Math.min(atMs, deadlineMs);
    if (atMs !== Number.POSITIVE_INFINITY) this.#door.wakeAt(atMs);
  }
}

/** Whether it goes on from where it was asked, within the partition: else the scan would go in circles, or leave keys out. */
function isOfLeg({ covered }: Page, { position }: ScanRun, { topology, partition }: Leg): boolean {
  if (covered === null) return true;
  return comparePositions(covered, position!) > 0 && topology.lists.partitionOf(covered.high) === partition;
}

function between(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value));
}

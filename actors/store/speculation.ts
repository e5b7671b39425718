/**
 * Speculation: when a read asks one more replica than it needs, and how often it may. A read is late when all whom it waits for have had the time in which 95 of 100 answers of the
 * slowest of them come; that one more is asked then is worth it while few are late, and makes matters worse when all are: so it is paid from a budget that reads fill.
 * Who has said nothing for `retryMs` is taken to have lost the message; that is made good without a budget.
 */
import type { PeerTimes } from './peer-times.ts';
import { lowestBit, REPLICAS_MAX } from './replica-mask.ts';
import type { RequestTable } from './request-table.ts';

/** A timer per millisecond would cost more than it saves. */
const LATE_MIN_MS = 2;
/** Saved up, at most: so many late reads at once. */
const SAVED_MAX = 16;

export interface SpeculationOptions {
  /** Of reads. */
  readonly speculateRatio: number;
  readonly retryMs: number;
  /** Planted bugs: speculationUnbounded. */
  readonly mutants?: ReadonlySet<string>;
}

export class Speculation {
  readonly #retryMs: number;
  readonly #table: RequestTable;
  readonly #peers: PeerTimes;
  readonly #ratio: number;
  readonly #mutants: ReadonlySet<string> | undefined;
  readonly #askedMs: Float64Array;
  #saved = SAVED_MAX;

  constructor(table: RequestTable, peers: PeerTimes, { speculateRatio, retryMs, mutants }: SpeculationOptions) {
    this.#table = table;
    this.#peers = peers;
    this.#ratio = speculateRatio;
    this.#retryMs = retryMs;
    this.#mutants = mutants;
    this.#askedMs = new Float64Array(table.capacity);
  }

  /** A read asks its first replicas. Returns when it is late. `others`: those that are peers, a mask. */
  asks(slot: number, others: number, nowMs: number): number {
    this.#saved = Math.min(SAVED_MAX, this.#saved + this.#ratio);
    this.#askedMs[slot] = nowMs;
    let lateMs = others === 0 ? this.#retryMs : LATE_MIN_MS;
    for (let rest = others; rest !== 0; rest &= rest - 1) lateMs = Math.max(lateMs, this.#peers.p95Ms(this.#memberOf(slot, rest)));
    return nowMs + Math.min(lateMs, this.#retryMs);
  }

  /** One of those that were asked first has answered, for the first time. */
  answered(slot: number, replica: number, nowMs: number): void {
    this.#peers.answered(this.#table.members[slot * REPLICAS_MAX + replica]!, nowMs - this.#askedMs[slot]!, nowMs);
  }

  /** One that the read waits for, when it is late. */
  late(slot: number, member: number, nowMs: number): void {
    this.#peers.late(member, nowMs - this.#askedMs[slot]!, nowMs);
  }

  /** Whether one more may be asked for a read that is late; then it is paid. */
  maySpeculate(): boolean {
    if (this.#mutants?.has('speculationUnbounded')) return true;
    if (this.#saved < 1) return false;
    this.#saved--;
    return true;
  }

  /** Messages that a read has sent first are taken to be lost. */
  isLost(slot: number, nowMs: number): boolean {
    return this.hasWaited(slot, nowMs, this.#retryMs);
  }

  /** Since its replicas were asked first. Why a sum: `wakeMs` is one, and a difference may fall short of `ms` at that very moment. */
  hasWaited(slot: number, nowMs: number, ms: number): boolean {
    return nowMs >= this.#askedMs[slot]! + ms;
  }

  /**
   * When a read that is late is looked at again. Before its messages count as lost after twice as long each time, since the longer it waits the more it says of those it waits for, and the budget may be
   * filled by then. After that every `retryMs`: twice as long each time, too, was too seldom where several messages in a row are lost (simulator, seed 500201).
   */
  wakeMs(slot: number, nowMs: number): number {
    if (this.isLost(slot, nowMs)) return nowMs + this.#retryMs;
    const askedMs = this.#askedMs[slot]!;
    return Math.min(nowMs + Math.max(LATE_MIN_MS, nowMs - askedMs), askedMs + this.#retryMs);
  }

  #memberOf(slot: number, rest: number): number {
    return this.#table.members[slot * REPLICAS_MAX + lowestBit(rest)]!;
  }
}

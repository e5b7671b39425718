/**
 * PurgeRound: how a purge floor of a partition is made, at the one of its replicas that leads it: a pure core. Its driver asks what it says and tells it what is answered.
 *
 * ```
 *  collected:  F = all that dead records of this replica have seen
 *      |
 *   check      every member: none of its writes is held for others (hints), and its ring is ours: no data moves, nobody is excluded
 *      |
 *   compare    every two replicas: an exchange that began after all that is complete, both ways
 *      |
 *   install    every replica: F is on its disk, and in force
 *      |
 *   sweep      every replica: may delete what is dead and covered by F
 * ```
 * Why it is safe. A dot that F covers was minted before F was collected, as an actor mints its dots in their order. So when all have passed the check its write was on a replica, or what
 * superseded it was: it was made there, or handed over. After the comparisons each replica has it. Floors and what came by the exchanges are on all disks before the first one deletes.
 * A member that does not answer, and is not removed, holds up the round: it may have what nobody else knows of [DESIGN 6] (T7).
 *
 * No clock is needed for it. What expires is dead by the earliest of the clocks of all members, less a grace.
 */
import type { Id } from '../ring/ring-state.ts';

export interface RoundPeer {
  readonly id: Id;
  /** Of that member, that has the partition. */
  readonly shard: number;
}

export type PurgeStage = 'check' | 'compare' | 'install' | 'sweep';

export interface PurgeQuestion {
  readonly stage: PurgeStage;
  readonly to: RoundPeer;
  /** compare: with whom. */
  readonly peers: readonly RoundPeer[];
}

export interface PurgeRoundOptions {
  readonly members: readonly RoundPeer[];
  /** Of the partition; distinct members. */
  readonly replicas: readonly RoundPeer[];
  /** Planted bugs: membersUnasked, purgedUncompared, purgedBeforeInstalled. */
  readonly mutants?: ReadonlySet<string> | undefined;
}

const STAGES: readonly PurgeStage[] = ['check', 'compare', 'install', 'sweep'];

export class PurgeRound {
  readonly #options: PurgeRoundOptions;
  #at = -1;
  /** Of this stage, that have yet to be answered. */
  #open = new Set<Id>();
  #wallMs = Number.POSITIVE_INFINITY;

  constructor(options: PurgeRoundOptions) {
    this.#options = options;
  }

  /** Undefined: it is over. */
  get stage(): PurgeStage | undefined {
    return STAGES[this.#at];
  }

  /** Milliseconds since 1970: no clock of a member was behind it when it was asked. */
  get wallMs(): number {
    return this.#wallMs;
  }

  /** The questions of the next stage that has any; none: it is over. Requires: all of this one are answered. */
  next(): readonly PurgeQuestion[] {
    while (this.#at < STAGES.length) {
      this.#at++;
      const stage = this.stage;
      const questions = stage === undefined ? [] : this.#questionsOf(stage);
      this.#open = new Set(questions.map(({ to }) => to.id));
      if (questions.length > 0) return questions;
    }
    return [];
  }

  /** As asked of that member in that stage. Returns whether all of the stage are answered. An answer to another one, or a second one, is ignored. */
  answered(stage: PurgeStage, from: Id, wallMs: number): boolean {
    if (stage !== this.stage || !this.#open.delete(from)) return false;
    if (stage === 'check') this.#wallMs = Math.min(this.#wallMs, wallMs);
    return this.#open.size === 0;
  }

  #questionsOf(stage: PurgeStage): readonly PurgeQuestion[] {
    const { members, replicas, mutants } = this.#options;
    const isLeft =
      (stage === 'compare' && mutants?.has('purgedUncompared')) || (stage === 'install' && mutants?.has('purgedBeforeInstalled'));
    if (isLeft) return [];
    if (stage === 'check') {
      const asked = mutants?.has('membersUnasked') ? replicas : members;
      return asked.map((to) => ({ stage, to, peers: [] }));
    }
    if (stage === 'compare') return replicas.slice(0, -1).map((to, i) => ({ stage, to, peers: replicas.slice(i + 1) }));
    return replicas.map((to) => ({ stage, to, peers: [] }));
  }
}

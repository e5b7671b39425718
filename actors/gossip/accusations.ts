/**
 * Accusations: who says of whom that it can't be reached, and what label follows. An accusation counts only against the very life (boot and
 * incarnation) that it names, and one per accuser. Members accuse only whom they have observed and probed themselves: two that heard the same rumour are
 * not two witnesses.
 */
import type { Accusation, Heartbeat } from '../gossip-protocol.ts';
import type { Id } from '../ring/ring-state.ts';
import { compareLives } from './member-table.ts';
import type { Observers } from './observers.ts';

/** Independent accusers that make a label. */
const ACCUSERS_NEEDED = 2;

const NOBODY: readonly Id[] = [];

export class Accusations {
  /** By accused, then accuser. Only valid ones; none is empty. */
  readonly #all = new Map<Id, Map<Id, Accusation>>();
  readonly #mutants: ReadonlySet<string>;

  constructor(mutants: ReadonlySet<string>) {
    this.#mutants = mutants;
  }

  get accused(): Iterable<Id> {
    return this.#all.keys();
  }

  /**
   * `beat`: the newest of the accused. Returns true when it is new and counts. One against an earlier life is void; one against a later
   * life than is known waits until its sender has sent the heartbeat that it knows.
   */
  add(accusation: Accusation, beat: Heartbeat): boolean {
    const { accused, accuser } = accusation;
    if (accused === accuser) return false;
    const order = compareLives(accusation, beat);
    if (order > 0 || (order < 0 && !this.#mutants.has('staleIncarnationAccepted'))) return false;
    let accusers = this.#all.get(accused);
    if (accusers?.has(accuser) === true) return false;
    if (accusers === undefined) {
      accusers = new Map();
      this.#all.set(accused, accusers);
    }
    accusers.set(accuser, accusation);
    return true;
  }

  /** A newer life of somebody is known: what was said of earlier ones is void. Returns true when that changed something. */
  refute(beat: Heartbeat): boolean {
    if (this.#mutants.has('downChangesNothingUndone')) return false;
    const accusers = this.#all.get(beat.id);
    if (accusers === undefined) return false;
    let isChanged = false;
    for (const accusation of accusers.values()) {
      if (compareLives(accusation, beat) < 0) isChanged = accusers.delete(accusation.accuser) || isChanged;
    }
    if (accusers.size === 0) this.#all.delete(beat.id);
    return isChanged;
  }

  /** Drops what concerns those who are no members any more. */
  setMembers(isMember: (id: Id) => boolean): void {
    for (const [accused, accusers] of this.#all) {
      for (const accuser of accusers.keys()) if (!isMember(accuser)) accusers.delete(accuser);
      if (accusers.size === 0 || !isMember(accused)) this.#all.delete(accused);
    }
  }

  /** Sorted. */
  accusersOf(accused: Id): readonly Id[] {
    const accusers = this.#all.get(accused);
    return accusers === undefined ? NOBODY : [...accusers.keys()].sort();
  }

  isAccusedBy(accused: Id, accuser: Id): boolean {
    return this.#all.get(accused)?.has(accuser) === true;
  }

  against(accused: Id): readonly Accusation[] {
    return [...(this.#all.get(accused)?.values() ?? [])];
  }

  /**
   * Who is down, as seen by `self`. Two accusers make one down; fewer where no more can be: of those that observe it, the ones that are
   * down, or that `self` can't reach itself, are not waited for. `self` is never down to itself.
   */
  down(observers: Observers, self: Id): ReadonlySet<Id> {
    const down = new Set<Id>();
    const waiting = new Set<Id>([...this.#all.keys()].filter((id) => id !== self));
    // Each one that goes down may be one less to wait for.
    for (let before = -1; before !== down.size; ) {
      before = down.size;
      for (const id of waiting) {
        const possible = observers.observersOf(id).filter((other) => !down.has(other) && !this.isAccusedBy(other, self));
        if (!isEnough(this.#all.get(id)!.size, possible.length, this.#mutants)) continue;
        down.add(id);
        waiting.delete(id);
      }
    }
    return down;
  }
}

/** Whether `accusers` make a member down of whom there could be `possible`. */
export function isEnough(accusers: number, possible: number, mutants: ReadonlySet<string>): boolean {
  if (mutants.has('oneAccuserIsEnough')) return accusers >= 1;
  return accusers >= Math.min(ACCUSERS_NEEDED, Math.max(1, possible));
}

/**
 * Registering: the way of a start from unconfirmed to confirmed. It tells the members of its ring who it is, until so many voters have it on disk
 * that any majority has one of them, other than itself: of two starts that claim one id, an original and its copy, the older or the later one is refused there.
 *
 * With one of three voters down for long a voter that starts anew has only one other to tell. Having waited `graceMs` it then counts itself too: a copy that
 * starts in that time, and reaches only the voter that is down here, is found out only when it is told (they go on registering).
 * What no registering sees: a copy of the directory taken and put back within one start (boot n), which then starts as boot n + 1.
 */
import { majority } from '../ring/replicas-needed.ts';
import type { Id, Member, RingState } from '../ring/ring-state.ts';
import { voters as votersOf } from '../ring/voters.ts';

export class Registering {
  readonly #self: Id;
  #answered: ReadonlySet<Id> = new Set();
  #isConfirmed = false;

  constructor(self: Id) {
    this.#self = self;
  }

  get isConfirmed(): boolean {
    return this.#isConfirmed;
  }

  /** Whom to tell now: unconfirmed all that have not answered, then the voters, from time to time, so that a newer start of this id is heard of. */
  targets(ring: RingState): readonly Member[] {
    const others = (this.#isConfirmed ? votersOf(ring) : ring.members).filter(({ id }) => id !== this.#self);
    return this.#isConfirmed ? others : others.filter(({ id }) => !this.#answered.has(id));
  }

  /** `id` has it on disk. */
  registered(id: Id, ring: RingState, isPatient: boolean): void {
    this.#answered = new Set([...this.#answered, id]);
    this.check(ring, isPatient);
  }

  /** The ring has changed, one more answered, or time has passed. `isPatient`: it has waited long enough. Once confirmed, always. */
  check(ring: RingState, isPatient: boolean): void {
    const voters = votersOf(ring);
    const others = voters.filter(({ id }) => this.#answered.has(id)).length;
    if (ring.members.some(({ id }) => id === this.#self) && others >= this.#needed(voters, isPatient)) this.#isConfirmed = true;
  }

  /** Of voters other than itself. */
  #needed(voters: readonly Member[], isPatient: boolean): number {
    const most = majority(voters.length);
    if (!voters.some(({ id }) => id === this.#self)) return most;
    return isPatient ? most - 1 : Math.min(voters.length - 1, voters.length - most + 1);
  }
}

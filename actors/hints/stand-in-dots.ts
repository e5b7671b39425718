/**
 * StandInDots: the dots of writes that a stand-in mints, where no primary can be reached. What a stand-in holds for an owner is a vnode of its own, whose incarnation ends when it
 * gives anything away: a vector that says n of an actor is to mean that all its dots up to n of that key are held or superseded, and a stand-in that has handed a hint back does not
 * hold its dots any more. So the next dot is of another actor. Nothing of it is on disk: after a start all are new.
 */
import type { Random } from '../../runtime/doors.ts';
import type { Id } from '../ring/ring-state.ts';
import { newIncarnation } from '../version/incarnation.ts';

/** Where a replica takes its dots from. */
export interface Dots {
  /** 16 bytes. */
  readonly incarnation: Uint8Array;
  /** The next one; 0: none is ready. */
  counter(): number;
  reincarnate(reason: string): void;
}

export class StandInDots {
  readonly #random: Random;
  readonly #mutants: ReadonlySet<string> | undefined;
  readonly #byOwner = new Map<Id, OwnerDots>();

  /** Planted bug: standInDotsKept. */
  constructor(random: Random, mutants?: ReadonlySet<string>) {
    this.#random = random;
    this.#mutants = mutants;
  }

  /** For what is held for `owner`. */
  of(owner: Id): Dots {
    const dots = this.#byOwner.get(owner) ?? new OwnerDots(this.#random);
    this.#byOwner.set(owner, dots);
    return dots;
  }

  /** Something held for `owner` is given away. */
  retire(owner: Id): void {
    if (!this.#mutants?.has('standInDotsKept')) this.#byOwner.delete(owner);
  }
}

class OwnerDots implements Dots {
  readonly #random: Random;
  #incarnation: Uint8Array;
  #last = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#incarnation = newIncarnation(random);
  }

  get incarnation(): Uint8Array {
    return this.#incarnation;
  }

  counter(): number {
    return ++this.#last;
  }

  reincarnate(): void {
    this.#incarnation = newIncarnation(this.#random);
    this.#last = 0;
  }
}

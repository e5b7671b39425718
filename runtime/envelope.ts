/** Envelope: a queued entry that becomes its message only when its turn comes, or turns out to be no longer wanted. */
import type { Cell } from './cell.ts';

export abstract class Envelope {
  /** False: `open` would give SKIP, and nobody misses it. */
  abstract get isWanted(): boolean;
  /** The message, or SKIP. */
  abstract open(): unknown;
}

export const SKIP: unique symbol = Symbol('skip');

/** The outcome of an ask, a job or a file call, as the message its actor makes of it. */
export class Completion<T> extends Envelope {
  readonly #cell: Cell;
  /** The instance that began it: it means nothing to the one that a restart made. */
  readonly #restarts: number;
  readonly #value: T;
  readonly #then: (value: T) => unknown;

  constructor(cell: Cell, restarts: number, value: T, then: (value: T) => unknown) {
    super();
    this.#cell = cell;
    this.#restarts = restarts;
    this.#value = value;
    this.#then = then;
  }

  get isWanted(): boolean {
    return this.#cell.restarts === this.#restarts;
  }

  open(): unknown {
    return this.isWanted ? this.#then(this.#value) : SKIP;
  }
}

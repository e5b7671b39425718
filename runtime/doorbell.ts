/** Doorbell: how what happens outside of turns, many times over, calls its actor once. */
import type { Cell } from './cell.ts';
import { Envelope, SKIP } from './envelope.ts';
import { RESPONSE } from './lanes.ts';

/** One object for all of its calls: ringing allocates nothing. */
export class Doorbell extends Envelope {
  readonly #cell: Cell;
  /** The instance that hung it up. */
  readonly #restarts: number;
  readonly #message: unknown;
  /** It lies in the mailbox. */
  #isWaiting = false;

  constructor(cell: Cell, message: unknown) {
    super();
    this.#cell = cell;
    this.#restarts = cell.restarts;
    this.#message = message;
  }

  get isWanted(): boolean {
    return this.#cell.restarts === this.#restarts;
  }

  open(): unknown {
    this.#isWaiting = false;
    return this.isWanted ? this.#message : SKIP;
  }

  readonly ring = (): void => {
    if (this.#isWaiting || !this.isWanted) return;
    this.#isWaiting = true;
    this.#cell.pushEnvelope(this, RESPONSE);
  };
}

/** The loop door, real: runs the runtime of one thread from Node's event loop. */
import type { Clock, Loop } from '../doors.ts';

/** The longest delay Node's timers take; a later moment is waited for in several steps. */
export const TIMER_DELAY_MS_MAX = 2 ** 31 - 1;

export interface RealLoopOptions {
  readonly clock: Clock;
  /** Called once per wake-up, never within `wake` or `wakeAt`. */
  readonly run: () => void;
  /**
   * True: the process stays alive until `close`, also with nothing to do. False: neither idleness nor an armed timer keeps it alive;
   * what does is up to sockets and ports.
   */
  readonly keepAlive: boolean;
}

export class RealLoop implements Loop {
  readonly #clock: Clock;
  readonly #run: () => void;
  readonly #keepAlive: boolean;
  #immediate: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The moment `#timer` was armed for. */
  #armedFor = Infinity;
  /** The moment asked for, never before `#armedFor`: an earlier one arms anew, a later one is found out when the timer fires. */
  #wantedAt = Infinity;
  #closed = false;

  constructor(options: RealLoopOptions) {
    this.#clock = options.clock;
    this.#run = options.run;
    this.#keepAlive = options.keepAlive;
    if (this.#keepAlive) this.#arm();
  }

  wake(): void {
    if (this.#immediate !== undefined || this.#closed) return;
    // After the poll phase: all input that is already waiting is read before the run, and one run flushes for all of it.
    this.#immediate = setImmediate(this.#onImmediate);
  }

  wakeAt(atMs: number): void {
    this.#wantedAt = atMs;
    if (atMs < this.#armedFor && !this.#closed) this.#arm();
  }

  /** If a run is waiting for its turn, runs it now: for input that ended a sleep, behind which nothing else can be waiting for long. */
  runWaiting(): void {
    if (this.#immediate === undefined) return;
    clearImmediate(this.#immediate);
    this.#onImmediate();
  }

  /** Nothing runs after this. */
  close(): void {
    this.#closed = true;
    if (this.#immediate !== undefined) clearImmediate(this.#immediate);
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#immediate = undefined;
    this.#timer = undefined;
  }

  readonly #onImmediate = (): void => {
    this.#immediate = undefined;
    this.#run();
  };

  readonly #onTimer = (): void => {
    this.#timer = undefined;
    this.#armedFor = Infinity;
    if (this.#wantedAt <= this.#clock.now()) {
      this.#wantedAt = Infinity;
      this.#run();
    }
    // Not when the run itself has armed it or closed the loop.
    if (this.#timer === undefined && !this.#closed && (this.#keepAlive || this.#wantedAt < Infinity)) this.#arm();
  };

  #arm(): void {
    const now = this.#clock.now();
    if (this.#wantedAt <= now) {
      this.#wantedAt = Infinity;
      this.wake();
      return;
    }
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    // Rounded up, since Node rounds down and would come too early.
    const delayMs = Math.min(Math.ceil(this.#wantedAt - now), TIMER_DELAY_MS_MAX);
    this.#armedFor = Math.min(this.#wantedAt, now + delayMs);
    this.#timer = setTimeout(this.#onTimer, delayMs);
    if (!this.#keepAlive) this.#timer.unref();
  }
}

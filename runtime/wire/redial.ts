/** Redial: when a link may try to connect again, after how many failures in a row. */
import type { Random } from '../doors.ts';
import type { TaskHandle, Tasks } from '../link.ts';
import { backoffDelayMs } from './backoff.ts';
import type { TcpLimits } from './tcp-limits.ts';

export interface RedialOptions {
  readonly tasks: Tasks;
  readonly random: Random;
  readonly limits: TcpLimits;
}

export class Redial {
  /** In a row. */
  failures = 0;
  readonly #options: RedialOptions;
  readonly #wake: () => void;
  #dueAt = Number.NEGATIVE_INFINITY;
  #timer: TaskHandle | null = null;

  /** `wake` is called when a try that `isDue` has put off may start. */
  constructor(options: RedialOptions, wake: () => void) {
    this.#options = options;
    this.#wake = wake;
  }

  /** Whether a try may start now; if not, `wake` will be called. */
  isDue(): boolean {
    if (this.#timer !== null) return false;
    const { tasks } = this.#options;
    const waitMs = this.#dueAt - tasks.now();
    if (waitMs <= 0) return true;
    this.#timer = tasks.after(waitMs, () => {
      this.#timer = null;
      this.#wake();
    });
    return false;
  }

  /** A try came to nothing, or its connection is gone. */
  failed(): void {
    const { tasks, random, limits } = this.#options;
    this.cancel();
    this.#dueAt = tasks.now() + backoffDelayMs(this.failures, limits.backoff, random);
    this.failures++;
  }

  /** Nothing stands against a try any more. */
  clear(): void {
    this.cancel();
    this.failures = 0;
    this.#dueAt = Number.NEGATIVE_INFINITY;
  }

  cancel(): void {
    if (this.#timer !== null) this.#options.tasks.cancel(this.#timer);
    this.#timer = null;
  }
}

/**
 * Timers for what an actor owns and is no actor itself (a storage engine), on the loop of its shard: so what turns have given it to do, and what they
 * send, leaves in one run.
 */
import type { Timers } from './doors.ts';
import type { Tasks } from './link.ts';

export class ShardTimers implements Timers {
  readonly #tasks: Tasks;
  readonly #wake: () => void;
  #waiting: (() => void)[] = [];
  #spare: (() => void)[] = [];

  /** `wake`: sees to it that `run` is called soon. */
  constructor(tasks: Tasks, wake: () => void) {
    this.#tasks = tasks;
    this.#wake = wake;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Runs `task` behind the turns of the present run, or of the next one. */
  soon(task: () => void): void {
    this.#waiting.push(task);
    if (this.#waiting.length === 1) this.#wake();
  }

  after(afterMs: number, task: () => void): () => void {
    if (afterMs === Number.POSITIVE_INFINITY) return () => undefined;
    const handle = this.#tasks.after(Math.max(0, afterMs), task);
    return () => this.#tasks.cancel(handle);
  }

  /** Runs what waits; what comes to it meanwhile waits for the next time. */
  run(): void {
    if (this.#waiting.length === 0) return;
    const due = this.#waiting;
    this.#waiting = this.#spare;
    for (let i = 0; i < due.length; i++) due[i]!();
    due.length = 0;
    this.#spare = due;
  }
}

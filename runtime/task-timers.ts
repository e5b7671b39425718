/** Timers for an engine that an actor owns: on the timers of its thread, so that they come due within its runs and in its virtual time. */
import type { Timers } from './doors.ts';
import type { Tasks } from './link.ts';

export class TaskTimers implements Timers {
  readonly #tasks: Tasks;

  constructor(tasks: Tasks) {
    this.#tasks = tasks;
  }

  soon(task: () => void): void {
    this.#tasks.after(0, task);
  }

  after(afterMs: number, task: () => void): () => void {
    const tasks = this.#tasks;
    const handle = tasks.after(afterMs, task);
    return () => tasks.cancel(handle);
  }
}

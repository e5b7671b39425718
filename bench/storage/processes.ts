/** Starts the process of a measurement and takes its answer. */
import { type ChildProcess, fork } from 'node:child_process';
import type { Answer, Measured, Task } from './task.ts';

const TIMEOUT_MS = 180_000;

export class Processes {
  readonly #running = new Set<ChildProcess>();

  /** Errors: what the measurement failed with. */
  async measure(task: Task): Promise<readonly Measured[]> {
    if (task.work === 'kill') await this.#run({ ...task, work: 'kill-fill' }, 'SIGKILL');
    const answer = await this.#run(task, undefined);
    if (!answer.ok) throw new Error(answer.message);
    return answer.measured;
  }

  /** Whether the contender can be measured here. */
  describe(contender: string): Promise<Answer> {
    const task: Task = { work: 'describe', contender, dir: '', keys: 0, ms: 0, memtableBytes: 0 };
    return this.#run(task, undefined).catch((error): Answer => ({ ok: false, message: String(error) }));
  }

  killAll(): void {
    for (const child of this.#running) child.kill('SIGKILL');
  }

  #run(task: Task, expectedSignal: NodeJS.Signals | undefined): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const file = new URL('./child.js', import.meta.url);
      const child = fork(file, [JSON.stringify(task)], { execArgv: ['--expose-gc'] });
      this.#running.add(child);
      let answer: Answer | undefined;
      const overdue = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
      child.on('message', (message) => {
        answer = message as Answer;
      });
      child.on('error', reject);
      child.on('exit', (code, signal) => {
        clearTimeout(overdue);
        this.#running.delete(child);
        if (answer !== undefined) resolve(answer);
        else if (signal !== null && signal === expectedSignal) resolve({ ok: true, measured: [] });
        else reject(new Error(`${task.work} of ${task.contender} ended with ${signal ?? code} and no answer`));
      });
    });
  }
}

/** The bench's side of a generator in a thread. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { FromGenerator, GeneratorOutcome, GeneratorSettings, Task, ToGenerator } from './task.ts';

export class GeneratorThread {
  readonly #worker: Worker;

  /** Resolves when it has connected. Errors: why not. */
  static async start(settings: GeneratorSettings): Promise<GeneratorThread> {
    const thread = new GeneratorThread(new Worker(new URL('./generator-worker.js', import.meta.url), { workerData: settings }));
    const answer = await thread.#heard();
    if (answer.type === 'failed') throw new Error(answer.message);
    return thread;
  }

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /** One at a time. Errors: the target is gone, or has been silent for too long. */
  async run(task: Task): Promise<GeneratorOutcome> {
    this.#tell({ type: 'run', task });
    const answer = await this.#heard();
    if (answer.type === 'ran') return answer.outcome;
    throw new Error(answer.type === 'failed' ? answer.message : `generator: expected an outcome, got ${answer.type}`);
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  /** Closes what it has open, then ends. */
  async close(): Promise<void> {
    const ended = once(this.#worker, 'exit');
    this.#tell({ type: 'close' });
    await ended;
  }

  #tell(message: ToGenerator): void {
    this.#worker.postMessage(message);
  }

  /** `once` rejects when the thread fails. */
  async #heard(): Promise<FromGenerator> {
    const [message] = (await once(this.#worker, 'message')) as [FromGenerator];
    return message;
  }
}

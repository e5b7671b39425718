/** The bench's side of a load in a thread of its own. One question at a time. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { LoadSettings, ReadBack } from './load.ts';
import type { FromLoad, ToLoad } from './load-worker.ts';
import type { SampleSet } from './samples.ts';

export class LoadThread {
  readonly #worker: Worker;

  /** Resolves when its clients are connected. Errors: why they are not. */
  static async open(settings: LoadSettings): Promise<LoadThread> {
    const thread = new LoadThread(new Worker(new URL('./load-worker.js', import.meta.url), { workerData: settings }));
    await thread.#heard();
    return thread;
  }

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  async fill(): Promise<void> {
    await this.#ask('fill');
  }

  async start(): Promise<void> {
    await this.#ask('start');
  }

  async stop(): Promise<SampleSet> {
    const answer = await this.#ask('stop');
    if (answer.type !== 'samples') throw new Error(`load: expected samples, got ${answer.type}`);
    return answer.samples;
  }

  async readBack(): Promise<ReadBack> {
    const answer = await this.#ask('readBack');
    if (answer.type !== 'readBack') throw new Error(`load: expected what was read back, got ${answer.type}`);
    return answer.readBack;
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #ask(what: ToLoad): Promise<FromLoad> {
    this.#worker.postMessage(what);
    return this.#heard();
  }

  /** `once` rejects when the thread fails. */
  async #heard(): Promise<FromLoad> {
    const [message] = (await once(this.#worker, 'message')) as [FromLoad];
    if (message.type === 'failed') throw new Error(message.message);
    return message;
  }
}

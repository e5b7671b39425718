/**
 * One thread of the job pool: a piscina of one, started with its first job, and ended when it has had none for long. A piscina of many would start
 * threads as they are needed too, but one that dies then leaves the tasks that wait for it.
 */
import { Piscina } from 'piscina';
import type { JobOutcome } from './jobs.ts';
import type { PoolTask, PoolWorkerData } from './pool-protocol.ts';
import { TIMER_DELAY_MS_MAX } from './real/loop.ts';
import { moduleUrl } from './real/modules.ts';

/** Steps of the thread's scheduling priority (Linux): pool threads give way to shards. */
const NICE_INCREMENT = 10;

export interface PoolThreadOptions {
  readonly workerData: PoolWorkerData;
  /** After so long without a job the thread ends; more than `TIMER_DELAY_MS_MAX`: never. */
  readonly idleMs: number;
  /** MiB of the collector's young generation at most; undefined: as Node.js has it. */
  readonly youngMibMax: number | undefined;
  /** The thread died without a job; it is replaced. */
  readonly onDied: (error: unknown) => void;
}

export class PoolThread {
  readonly #options: PoolThreadOptions;
  #piscina: Piscina<PoolTask, JobOutcome> | undefined;
  #idle: NodeJS.Timeout | undefined;
  /** Of those that were ended: when the last is gone. */
  #ended: Promise<void> = Promise.resolve();

  constructor(options: PoolThreadOptions) {
    this.#options = options;
  }

  /** Requires: no job runs. Rejects when the task can't be cloned, or the thread has ended; `signal` ends it. */
  run(task: PoolTask, signal: AbortSignal): Promise<JobOutcome> {
    clearTimeout(this.#idle);
    this.#piscina ??= this.#start();
    return this.#piscina.run(task, { signal });
  }

  /** The job has ended. */
  rest(): void {
    const { idleMs } = this.#options;
    if (idleMs <= TIMER_DELAY_MS_MAX) this.#idle = setTimeout(() => this.#end(), idleMs).unref();
  }

  /** Resolves when the thread has ended, and those before it. */
  close(): Promise<void> {
    this.#end();
    return this.#ended;
  }

  #start(): Piscina<PoolTask, JobOutcome> {
    const { workerData, youngMibMax, onDied } = this.#options;
    const piscina = new Piscina<PoolTask, JobOutcome>({
      filename: moduleUrl('runtime/pool-worker').href,
      name: 'runJob',
      minThreads: 1,
      maxThreads: 1,
      // So the end of a thread is the end of one job.
      concurrentTasksPerWorker: 1,
      maxQueue: 1,
      atomics: 'disabled',
      recordTiming: false,
      niceIncrement: process.platform === 'linux' ? NICE_INCREMENT : 0,
      workerData,
      ...(youngMibMax !== undefined && { resourceLimits: { maxYoungGenerationSizeMb: youngMibMax } }),
    });
    // It died without a job; piscina has replaced it.
    piscina.on('error', onDied);
    return piscina;
  }

  #end(): void {
    clearTimeout(this.#idle);
    const piscina = this.#piscina;
    this.#piscina = undefined;
    if (piscina === undefined) return;
    const before = this.#ended;
    this.#ended = piscina.destroy().then(() => before);
  }
}

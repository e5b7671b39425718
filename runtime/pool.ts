/**
 * The job runner of a node, real: a piscina pool of threads, owned by one thread of the process (the others reach it
 * through `pool-remote.ts`).
 *
 * ```
 * run -> waiting (JobQueue, bounded) -> running (one job per pool thread) -> done
 * ```
 *
 * Jobs wait here and not in piscina's own queue: a task with an abort signal bypasses the task queue it is given as well as its bound
 * (it goes to an internal first-in-first-out list), so neither priority nor bound would hold. Piscina gets a job only when a
 * thread is free. Threads are started as they are needed, each of them a piscina of its own (`PoolThread`).
 */
import type { Log } from './doors.ts';
import { errorMessage, invalidArgument } from './errors.ts';
import { JobQueue } from './job-queue.ts';
import type { JobFailure } from './job-table.ts';
import { jobFailure } from './job-table.ts';
import type { JobOptions, JobOutcome, JobRunner, RunningJob } from './jobs.ts';
import { JOB_CANCEL, JOB_DEADLINE, JOB_GO } from './pool-protocol.ts';
import { PoolThread } from './pool-thread.ts';
import { TIMER_DELAY_MS_MAX } from './real/loop.ts';

const GRACE_MS = 1_000;

export interface PoolOptions {
  /** URLs of modules; each export that is a job can be run by its name. */
  readonly modules: readonly string[];
  /** Threads at most; each is started when a job finds no other that is free. At least 1. */
  readonly threads: number;
  /** A thread that has had no job for so long ends. Default: it never does. */
  readonly idleMs?: number;
  /** MiB of the collector's young generation in each thread at most. Default: as Node.js has it. */
  readonly youngMibMax?: number;
  /** Jobs that may wait for a thread; more are refused as OVERLOADED. */
  readonly queueMax: number;
  /** How long a job may go on without a yield, after its deadline or `close`, before its thread is ended. Default 1000. */
  readonly graceMs?: number;
  readonly log: Log;
}

interface Job {
  readonly name: string;
  readonly input: unknown;
  readonly done: (outcome: JobOutcome) => void;
  state: 'waiting' | 'running' | 'done';
  /** Of a running job: its slot in the control array. */
  slot: number;
  /** Of a running job: ends its thread. */
  kill: AbortController | undefined;
  timer: NodeJS.Timeout | undefined;
}

export class PiscinaJobRunner implements JobRunner {
  readonly #options: PoolOptions;
  readonly #graceMs: number;
  /** By slot. */
  readonly #threads: readonly PoolThread[];
  readonly #control: Int32Array;
  /** The one that was in use last is used first. */
  readonly #freeSlots: number[];
  readonly #waiting = new JobQueue<Job>();
  readonly #running = new Set<Job>();
  #closed = false;
  #onIdle: (() => void) | undefined;

  constructor(options: PoolOptions) {
    if (!(Number.isInteger(options.threads) && options.threads >= 1)) {
      throw invalidArgument(`pool: expected threads >= 1, got ${options.threads}`);
    }
    if (!(options.queueMax >= 0)) throw invalidArgument(`pool: expected queueMax >= 0, got ${options.queueMax}`);
    this.#options = options;
    this.#graceMs = options.graceMs ?? GRACE_MS;
    this.#control = new Int32Array(new SharedArrayBuffer(options.threads * Int32Array.BYTES_PER_ELEMENT));
    this.#freeSlots = Array.from({ length: options.threads }, (_, slot) => slot);
    const thread = {
      workerData: { modules: options.modules, control: this.#control },
      idleMs: options.idleMs ?? Number.POSITIVE_INFINITY,
      youngMibMax: options.youngMibMax,
      onDied: (error: unknown) => options.log.error('jobThreadDied', { error }),
    };
    this.#threads = this.#freeSlots.map(() => new PoolThread(thread));
  }

  run(name: string, input: unknown, options: JobOptions, done: (outcome: JobOutcome) => void): RunningJob {
    const job: Job = { name, input, done, state: 'waiting', slot: -1, kill: undefined, timer: undefined };
    const refusal = this.#refusal(options.timeoutMs);
    if (refusal !== undefined) {
      setImmediate(() => this.#settle(job, refusal));
    } else {
      this.#armTimer(job, options.timeoutMs, () => this.#onDeadline(job));
      this.#waiting.push(job, options.priority ?? 0);
      this.#dispatch();
    }
    return { cancel: () => this.#cancel(job) };
  }

  /** Cancels everything; resolves when all threads have ended, at the latest soon after `graceMs`. */
  async close(): Promise<void> {
    this.#closed = true;
    for (let job = this.#waiting.shift(); job !== undefined; job = this.#waiting.shift()) this.#settle(job, CLOSED);
    for (const job of this.#running) Atomics.store(this.#control, job.slot, JOB_CANCEL);
    if (this.#running.size > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
        setTimeout(resolve, this.#graceMs).unref();
      });
    }
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }

  #refusal(timeoutMs: number): JobFailure | undefined {
    if (this.#closed) return CLOSED;
    if (!(timeoutMs > 0)) return jobFailure('DEADLINE_EXCEEDED', 'the deadline had passed before the job was queued');
    if (this.#freeSlots.length === 0 && this.#waiting.size >= this.#options.queueMax) {
      return jobFailure('OVERLOADED', `${this.#waiting.size} jobs are waiting`);
    }
    return undefined;
  }

  #dispatch(): void {
    while (this.#freeSlots.length > 0) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      this.#start(job, this.#freeSlots.pop() as number);
    }
  }

  #start(job: Job, slot: number): void {
    job.state = 'running';
    job.slot = slot;
    job.kill = new AbortController();
    this.#running.add(job);
    Atomics.store(this.#control, slot, JOB_GO);
    this.#threads[slot]!.run({ name: job.name, input: job.input, slot }, job.kill.signal).then(
      (outcome) => this.#settle(job, outcome),
      (error: unknown) => this.#onRejected(job, error),
    );
  }

  /** The job's input or outcome can't be cloned, or its thread has ended. */
  #onRejected(job: Job, error: unknown): void {
    if (job.kill?.signal.aborted === true) {
      this.#options.log.warn('jobKilled', { job: job.name, graceMs: this.#graceMs });
      this.#settle(job, jobFailure('DEADLINE_EXCEEDED', `it did not yield for ${this.#graceMs} ms, so its thread was ended`));
    } else if (this.#closed) {
      this.#settle(job, CLOSED);
    } else {
      this.#options.log.warn('jobThreadFailed', { job: job.name, error });
      this.#settle(job, jobFailure('JOB_FAILED', errorMessage(error)));
    }
  }

  #cancel(job: Job): void {
    if (job.state === 'running') {
      // An expired job stays expired.
      Atomics.compareExchange(this.#control, job.slot, JOB_GO, JOB_CANCEL);
    } else if (this.#waiting.remove(job)) {
      clearTimeout(job.timer);
      setImmediate(() => this.#settle(job, jobFailure('JOB_CANCELLED', 'cancelled before it began')));
    }
  }

  #onDeadline(job: Job): void {
    if (job.state === 'waiting') {
      this.#waiting.remove(job);
      this.#settle(job, jobFailure('DEADLINE_EXCEEDED', 'no thread was free before the deadline'));
      return;
    }
    Atomics.compareExchange(this.#control, job.slot, JOB_GO, JOB_DEADLINE);
    this.#armTimer(job, this.#graceMs, () => job.kill?.abort());
  }

  #armTimer(job: Job, delayMs: number, onTime: () => void): void {
    // Longer ones, and Infinity, are no deadline at all. What keeps the process alive is the running job, not its timer.
    if (delayMs <= TIMER_DELAY_MS_MAX) job.timer = setTimeout(onTime, delayMs).unref();
  }

  #settle(job: Job, outcome: JobOutcome): void {
    if (job.state === 'done') return;
    clearTimeout(job.timer);
    if (job.state === 'running') {
      this.#running.delete(job);
      this.#freeSlots.push(job.slot);
      this.#threads[job.slot]!.rest();
    }
    job.state = 'done';
    if (!this.#closed) this.#dispatch();
    else if (this.#running.size === 0) this.#onIdle?.();
    job.done(outcome);
  }
}

const CLOSED: JobFailure = jobFailure('JOB_CANCELLED', 'the pool is closed');

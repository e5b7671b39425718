/**
 * The job runner of a simulated node: jobs are events on the virtual clock.
 *
 * ```
 * thread 1   |segment|segment|..........|segment| done          each segment, from yield to yield, costs virtual time;
 * thread 2        |segment|segment| done                        between two is a point of cancellation and of crash
 * ```
 */
import type { Clock, Random } from '../doors.ts';
import { errorMessage } from '../errors.ts';
import type { SyncFileSystem } from '../files.ts';
import { JobQueue } from '../job-queue.ts';
import type { JobFailure, JobTable } from '../job-table.ts';
import { jobFailure } from '../job-table.ts';
import type { JobDoors, JobOptions, JobOutcome, JobRunner, RunningJob } from '../jobs.ts';
import type { CostRange, Schedule } from './schedule.ts';
import { PowerLossError } from './sim-disk.ts';

const SEGMENT_COST: CostRange = { minUs: 500, maxUs: 5_000 };

export interface SimJobsOptions {
  readonly schedule: Schedule;
  readonly random: Random;
  readonly jobs: JobTable;
  /** Given to the jobs. */
  readonly files: SyncFileSystem;
  readonly clock: Clock;
  /** Jobs that run at a time. */
  readonly threads: number;
  /** Jobs that may wait for a thread; more are refused as OVERLOADED. */
  readonly queueMax: number;
  /** Virtual time from one yield to the next. Default 0.5 to 5 ms. */
  readonly segmentCost?: CostRange;
  /** Asked before each segment of a job, numbered from 0: true ends its thread there. May also crash the whole node. */
  readonly crashAt?: (name: string, segment: number) => boolean;
}

interface Job {
  readonly name: string;
  readonly input: unknown;
  readonly done: (outcome: JobOutcome) => void;
  state: 'waiting' | 'running' | 'done';
  steps: Generator<undefined, unknown, undefined> | undefined;
  segment: number;
  /** What the present segment has paused. */
  pausedMs: number;
  /** Why it is to stop at its next yield. */
  stop: JobFailure | undefined;
}

export class SimJobRunner implements JobRunner {
  readonly #options: Required<Omit<SimJobsOptions, 'crashAt'>> & Pick<SimJobsOptions, 'crashAt'>;
  #waiting = new JobQueue<Job>();
  #running = 0;
  #generation = 0;

  constructor(options: SimJobsOptions) {
    this.#options = { segmentCost: SEGMENT_COST, ...options };
  }

  run(name: string, input: unknown, options: JobOptions, done: (outcome: JobOutcome) => void): RunningJob {
    const job: Job = { name, input, done, state: 'waiting', steps: undefined, segment: 0, pausedMs: 0, stop: undefined };
    const refusal = this.#refusal(options.timeoutMs);
    if (refusal !== undefined) {
      this.#later(0, () => this.#settle(job, refusal));
    } else {
      if (options.timeoutMs < Infinity) this.#later(options.timeoutMs, () => this.#onDeadline(job));
      this.#waiting.push(job, options.priority ?? 0);
      // Later, since a job's first segment must not run within this call.
      this.#later(0, () => this.#dispatch());
    }
    return { cancel: () => this.#cancel(job) };
  }

  /** The node crashes: nothing of its jobs is ever heard of again. */
  crash(): void {
    this.#generation++;
    this.#waiting = new JobQueue();
    this.#running = 0;
  }

  #refusal(timeoutMs: number): JobFailure | undefined {
    if (!(timeoutMs > 0)) return jobFailure('DEADLINE_EXCEEDED', 'the deadline had passed before the job was queued');
    const { threads, queueMax } = this.#options;
    if (this.#waiting.size + this.#running >= threads + queueMax) {
      return jobFailure('OVERLOADED', `${this.#waiting.size} jobs are waiting`);
    }
    return undefined;
  }

  #dispatch(): void {
    while (this.#running < this.#options.threads) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      job.state = 'running';
      this.#running++;
      this.#start(job);
    }
  }

  #start(job: Job): void {
    const definition = this.#options.jobs.get(job.name);
    if (definition === undefined) {
      this.#end(job, jobFailure('NOT_DEFINED', `no job is named ${job.name}`));
      return;
    }
    try {
      job.steps = definition.run(structuredClone(job.input) as never, this.#doorsOf(job));
    } catch (error) {
      this.#end(job, jobFailure('JOB_FAILED', errorMessage(error)));
      return;
    }
    this.#step(job);
  }

  /** At a yield, or at the start. */
  #step(job: Job): void {
    const generation = this.#generation;
    const crashed = this.#options.crashAt?.(job.name, job.segment) === true;
    if (generation !== this.#generation) return;
    const outcome = crashed ? jobFailure('JOB_FAILED', 'its thread ended') : this.#advance(job);
    if (generation !== this.#generation) return;
    job.segment++;
    if (outcome !== undefined) this.#end(job, outcome);
    else this.#later(this.#segmentMs(job), () => this.#step(job));
  }

  /** Runs one segment. Returns undefined when the job goes on after it. */
  #advance(job: Job): JobOutcome | undefined {
    try {
      if (job.stop !== undefined) {
        job.steps?.return(undefined);
        return job.stop;
      }
      const step = job.steps?.next();
      return step?.done === true ? { ok: true, value: structuredClone(step.value) } : undefined;
    } catch (error) {
      if (error instanceof PowerLossError) {
        this.crash();
        return undefined;
      }
      return jobFailure('JOB_FAILED', errorMessage(error));
    }
  }

  /** The last segment costs time too; its thread is free after it. */
  #end(job: Job, outcome: JobOutcome): void {
    this.#later(this.#segmentMs(job), () => {
      this.#running--;
      this.#dispatch();
      this.#settle(job, outcome);
    });
  }

  #cancel(job: Job): void {
    const cancelled = jobFailure('JOB_CANCELLED', 'cancelled');
    if (job.state === 'running') job.stop ??= cancelled;
    else if (this.#waiting.remove(job)) this.#later(0, () => this.#settle(job, cancelled));
  }

  #onDeadline(job: Job): void {
    const expired = jobFailure('DEADLINE_EXCEEDED', 'stopped at its deadline');
    if (job.state === 'running') job.stop ??= expired;
    else if (this.#waiting.remove(job)) this.#settle(job, expired);
  }

  #settle(job: Job, outcome: JobOutcome): void {
    job.state = 'done';
    job.done(outcome);
  }

  /** Within a segment the job's clock shows its own pauses, which the world's time has yet to make up for. */
  #doorsOf(job: Job): JobDoors {
    const { files, clock } = this.#options;
    return {
      files,
      clock: { now: () => clock.now() + job.pausedMs, wall: () => clock.wall() + Math.floor(job.pausedMs) },
      giveWay: () => undefined,
      pause: (ms) => {
        if (ms > 0) job.pausedMs += ms;
      },
    };
  }

  /** Time of the segment that the job has just run, with its pauses. */
  #segmentMs(job: Job): number {
    const { minUs, maxUs } = this.#options.segmentCost;
    const { pausedMs } = job;
    job.pausedMs = 0;
    return pausedMs + (minUs + this.#options.random.below(maxUs - minUs + 1)) / 1_000;
  }

  /** Not when the node has crashed in between. */
  #later(afterMs: number, task: () => void): void {
    const generation = this.#generation;
    this.#options.schedule(afterMs, () => {
      if (generation === this.#generation) task();
    });
  }
}

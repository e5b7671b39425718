/**
 * Who may run which work of flush and compaction, and when. An engine asks for a turn and says what it would do only when its turn comes, since by
 * then something else may be due.
 */
import type { JobOptions, JobOutcome, JobRunner, RunningJob } from '../../runtime/jobs.ts';

/** The more urgent first: writers wait for a flush, readers for level 0. */
export const FLUSH = 2;
export const LEVEL_0 = 1;
export const OTHER = 0;
export type WorkClass = typeof FLUSH | typeof LEVEL_0 | typeof OTHER;

export interface ScheduledJob {
  readonly job: string;
  readonly input: unknown;
}

export interface WorkOwner {
  /** The turn has come: what to run; undefined: nothing any more, and the request is over. Must not throw. */
  begin(): ScheduledJob | undefined;
  /** The job that `begin` gave has ended. Called once, later. Must not throw. */
  ended(outcome: JobOutcome): void;
}

export interface WorkTicket {
  /** Changes the score of a request whose turn has not come. */
  rescore(score: number): void;
  /** Before its turn: the request is over, nothing is called any more. Later: the job is cancelled at its next yield, and `ended` is told. */
  cancel(): void;
}

/** Of an engine, for whoever shares the machine between engines. */
export interface EngineLoad {
  /** Bytes that clients wrote and read, per second, of late. */
  readonly foregroundBytesPerSecond: number;
  readonly debtBytes: number;
  /** Of foreground operations, p99 of late; 0: unknown. */
  readonly latencyMs: number;
}

export interface CompactionScheduler {
  /** Asks for a turn. `score`: the higher goes first within the class. Nothing of the owner is called within this call. */
  submit(workClass: WorkClass, score: number, owner: WorkOwner): WorkTicket;
  /** Over shared memory: KiB per second that a merge may read, for its input; 0: no limit. Flushes are not held back. */
  readonly throttle: Int32Array;
  /** Told every second or so by the engine of this name (its directory). */
  report(engine: string, load: EngineLoad): void;
  /** The engine is closed. */
  forget(engine: string): void;
}

export interface JobSchedulerOptions {
  readonly jobs: JobRunner;
  /** Runs a task once, soon, never within the call. */
  readonly soon: (task: () => void) => void;
  /** Merges at a time. Default 1. */
  readonly mergesMax?: number;
  /** Flushes at a time, beside the merges. Default 1. */
  readonly flushesMax?: number;
}

interface Request {
  readonly workClass: WorkClass;
  readonly owner: WorkOwner;
  score: number;
  state: 'waiting' | 'running' | 'over';
  running: RunningJob | undefined;
}

/** The scheduler of one engine, or of a few of one thread: no rate, no more than so many jobs at a time. */
export class JobScheduler implements CompactionScheduler {
  readonly throttle = new Int32Array(new SharedArrayBuffer(4));
  readonly #options: JobSchedulerOptions;
  readonly #waiting: Request[] = [];
  #flushes = 0;
  #merges = 0;
  #woken = false;

  constructor(options: JobSchedulerOptions) {
    this.#options = options;
  }

  submit(workClass: WorkClass, score: number, owner: WorkOwner): WorkTicket {
    const request: Request = { workClass, score, owner, state: 'waiting', running: undefined };
    this.#waiting.push(request);
    this.#wake();
    return {
      rescore: (to) => {
        request.score = to;
      },
      cancel: () => {
        if (request.state === 'waiting') {
          request.state = 'over';
          this.#waiting.splice(this.#waiting.indexOf(request), 1);
        } else request.running?.cancel();
      },
    };
  }

  report(): void {
    // One engine alone has nobody to yield to but its own foreground, which the number of jobs bounds.
  }

  forget(): void {
    // Nothing was noted.
  }

  #wake(): void {
    if (this.#woken) return;
    this.#woken = true;
    this.#options.soon(() => {
      this.#woken = false;
      for (let request = this.#next(); request !== undefined; request = this.#next()) this.#start(request);
    });
  }

  #next(): Request | undefined {
    const { flushesMax = 1, mergesMax = 1 } = this.#options;
    const free = (request: Request): boolean => (request.workClass === FLUSH ? this.#flushes < flushesMax : this.#merges < mergesMax);
    const best = mostUrgent(this.#waiting.filter(free));
    if (best !== undefined) this.#waiting.splice(this.#waiting.indexOf(best), 1);
    return best;
  }

  #start(request: Request): void {
    request.state = 'running';
    const scheduled = request.owner.begin();
    if (scheduled === undefined) {
      request.state = 'over';
      return;
    }
    this.#count(request, 1);
    request.running = this.#options.jobs.run(scheduled.job, scheduled.input, jobOptions(request.workClass), (outcome) => {
      request.state = 'over';
      this.#count(request, -1);
      this.#wake();
      request.owner.ended(outcome);
    });
  }

  #count(request: Request, by: number): void {
    if (request.workClass === FLUSH) this.#flushes += by;
    else this.#merges += by;
  }
}

/** The pool's jobs need a deadline; a merge has none, so it gets the latest there is: 24 days. */
const JOB_TIMEOUT_MS = 2 ** 31;

export function jobOptions(workClass: WorkClass): JobOptions {
  return { priority: workClass, timeoutMs: JOB_TIMEOUT_MS - 1 };
}

/** Of equals the first. */
export function mostUrgent<T extends { readonly workClass: WorkClass; readonly score: number }>(requests: readonly T[]): T | undefined {
  let best: T | undefined;
  for (const request of requests) {
    if (best === undefined || request.workClass > best.workClass) best = request;
    else if (request.workClass === best.workClass && request.score > best.score) best = request;
  }
  return best;
}

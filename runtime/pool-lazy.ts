/** The job pool of a node, started with its first job: most programs that embed actors never run one. */
import type { JobOptions, JobOutcome, JobRunner, RunningJob } from './jobs.ts';

interface ClosableRunner extends JobRunner {
  close(): Promise<void>;
}

export class LazyJobRunner implements JobRunner {
  readonly #open: () => ClosableRunner;
  #runner: ClosableRunner | null = null;
  #isClosed = false;

  constructor(open: () => ClosableRunner) {
    this.#open = open;
  }

  run(name: string, input: unknown, options: JobOptions, done: (outcome: JobOutcome) => void): RunningJob {
    if (this.#isClosed) {
      setImmediate(done, { ok: false, code: 'JOB_CANCELLED', message: 'the system is stopping' } satisfies JobOutcome);
      return { cancel: () => undefined };
    }
    this.#runner ??= this.#open();
    return this.#runner.run(name, input, options, done);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#runner?.close();
  }
}

/** A job runner whose jobs end when the test says so. */
import type { JobOptions, JobOutcome, JobRunner, RunningJob } from '../../../runtime/jobs.ts';
import { FLUSH, type WorkClass, type WorkOwner } from '../../../storage/compaction/scheduler.ts';

export class ManualJobs implements JobRunner {
  readonly running: { readonly name: string; readonly priority: number; readonly end: (outcome: JobOutcome) => void }[] = [];

  run(name: string, _: unknown, options: JobOptions, done: (outcome: JobOutcome) => void): RunningJob {
    const job = {
      name,
      priority: options.priority ?? 0,
      end: (outcome: JobOutcome) => {
        this.running.splice(this.running.indexOf(job), 1);
        done(outcome);
      },
    };
    this.running.push(job);
    return { cancel: () => job.end({ ok: false, code: 'JOB_CANCELLED', message: 'cancelled' }) };
  }

  get names(): string[] {
    return this.running.map(({ name }) => name);
  }

  end(name: string): void {
    this.running.find((job) => job.name === name)?.end({ ok: true, value: name });
  }
}

/** Wants one job run, and notes what it is told. */
export class Owner implements WorkOwner {
  readonly name: string;
  readonly workClass: WorkClass;
  wants = true;
  begun = 0;
  readonly outcomes: string[] = [];

  constructor(name: string, workClass: WorkClass = FLUSH) {
    this.name = name;
    this.workClass = workClass;
  }
  begin(): { readonly job: string; readonly input: unknown } | undefined {
    this.begun++;
    return this.wants ? { job: this.name, input: undefined } : undefined;
  }
  ended(outcome: JobOutcome): void {
    this.outcomes.push(outcome.ok ? 'ok' : outcome.code);
  }
}

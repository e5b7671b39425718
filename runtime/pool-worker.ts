/** Entry file of a thread of the job pool: loads the job modules once and runs one job at a time. */
import { workerData } from 'node:worker_threads';
import { Courtesy } from './courtesy.ts';
import { errorMessage } from './errors.ts';
import type { AnyJob, JobTable } from './job-table.ts';
import { collectJobs, jobFailure } from './job-table.ts';
import type { JobDoors, JobOutcome } from './jobs.ts';
import type { PoolTask, PoolWorkerData } from './pool-protocol.ts';
import { JOB_CANCEL, JOB_GO } from './pool-protocol.ts';
import { realClock } from './real/clock.ts';
import { RunnableThreads } from './real/runnable-threads.ts';
import { RealSyncFiles } from './real/sync-files.ts';

const { modules, control } = workerData as PoolWorkerData;
/** Never changes and is never woken: what waits for it waits for its time to pass. */
const pauseCell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
function pause(ms: number): void {
  // Atomics.wait takes NaN for ever.
  if (ms > 0) Atomics.wait(pauseCell, 0, 0, ms);
}
const clock = realClock();
const courtesy = new Courtesy({ clock, machine: new RunnableThreads(), pause });
const doors: JobDoors = {
  files: new RealSyncFiles(),
  clock,
  pause: (ms) => {
    pause(ms);
    if (ms > 0) courtesy.rested();
  },
  giveWay: () => courtesy.giveWay(),
};

/**
 * Begun at load, so that the first job doesn't wait for it. Why no top-level await: piscina first tries `require`, which would
 * fail on it and load this file twice.
 */
const loading: Promise<JobTable | Error> = loadJobs();

/** Called by piscina for each task. Resolves also when the job fails: a rejection would say that the pool itself is broken. */
export async function runJob(task: PoolTask): Promise<JobOutcome> {
  const table = await loading;
  if (table instanceof Error) return jobFailure('JOB_FAILED', `a job module can't be loaded: ${table.message}`);
  const job = table.get(task.name);
  if (job === undefined) return jobFailure('NOT_DEFINED', `no job is named ${task.name}`);
  try {
    return runSteps(job, task);
  } catch (error) {
    return jobFailure('JOB_FAILED', errorMessage(error));
  }
}

function runSteps(job: AnyJob, task: PoolTask): JobOutcome {
  const steps = job.run(task.input as never, doors);
  for (;;) {
    const stop = Atomics.load(control, task.slot);
    if (stop !== JOB_GO) {
      // Lets the job clean up in its `finally` blocks.
      steps.return(undefined);
      return stop === JOB_CANCEL ? jobFailure('JOB_CANCELLED', 'cancelled') : jobFailure('DEADLINE_EXCEEDED', 'stopped at its deadline');
    }
    const step = steps.next();
    if (step.done === true) return { ok: true, value: step.value };
  }
}

async function loadJobs(): Promise<JobTable | Error> {
  const table = new Map<string, AnyJob>();
  try {
    for (const url of modules) collectJobs((await import(url)) as Record<string, unknown>, table);
    return table;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

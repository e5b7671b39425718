/** What every `JobRunner` must do: run on the pool, on a shard's way to it, and on their simulated twin. */
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext, type MacroDeclarationOptions } from 'ava';
import type { JobOptions, JobOutcome, JobRunner, RunningJob } from '../../runtime/jobs.ts';
import { CLEANED_UP, cells, OPEN, STARTED } from './pool-jobs.ts';

export interface RunnerLimits {
  readonly threads: number;
  readonly queueMax: number;
}
/** Makes a runner that knows the jobs of `pool-jobs.ts`, and ends it with the test. */
export type MakeRunner = (t: ExecutionContext, limits: RunnerLimits) => JobRunner;

const OPTIONS: JobOptions = { timeoutMs: 60_000 };

export interface Started extends RunningJob {
  readonly outcome: Promise<JobOutcome>;
  /** How often `done` was called. */
  calls: number;
}

export function start(runner: JobRunner, name: string, input: unknown, options: Partial<JobOptions> = {}): Started {
  let settle: (outcome: JobOutcome) => void = () => undefined;
  const outcome = new Promise<JobOutcome>((resolve) => {
    settle = resolve;
  });
  const job = runner.run(name, input, { ...OPTIONS, ...options }, (result) => {
    started.calls++;
    settle(result);
  });
  const started: Started = { outcome, calls: 0, cancel: () => job.cancel() };
  return started;
}

export async function codeOf(job: Started): Promise<string> {
  const outcome = await job.outcome;
  return outcome.ok ? 'ok' : outcome.code;
}

/** Lets the loop turn until `condition` holds; a test that waits in vain times out. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(setImmediate);
}

/** Resolves when all jobs started before are in the runner's hands: one on a shard's way to the pool is a message for a while. Requires: no thread free. */
async function allQueued(runner: JobRunner): Promise<void> {
  const last = start(runner, 'echo', undefined, { priority: Number.NEGATIVE_INFINITY });
  last.cancel();
  await last.outcome;
}

/** A job that holds a thread until `open`. */
export async function startGate(
  runner: JobRunner,
  options: Partial<JobOptions> = {},
): Promise<Started & { open(): void; cells: Int32Array }> {
  const shared = cells();
  const job = start(runner, 'gate', shared, options);
  await until(() => Atomics.load(shared, STARTED) === 1);
  return Object.assign(job, { cells: shared, open: () => Atomics.store(shared, OPEN, 1) });
}

type Check = (t: ExecutionContext, make: (limits: RunnerLimits) => JobRunner) => Promise<void>;

const contract: Readonly<Record<string, Check>> = {
  'a job gives its value, cloned on the way there and back': async (t, make) => {
    const runner = make({ threads: 1, queueMax: 1 });
    const input = { when: new Date(5), map: new Map([['a', [1n, undefined]]]), bytes: new Uint8Array([1, 2]) };
    const outcome = await start(runner, 'echo', input).outcome;
    t.deepEqual(outcome, { ok: true, value: input });
    const list = [1, 2, 3];
    t.deepEqual(await start(runner, 'append', { list }).outcome, { ok: true, value: [1, 2, 3, 4] });
    t.deepEqual(list, [1, 2, 3]);
  },

  'a job is given files, a clock and pauses': async (t, make) => {
    const runner = make({ threads: 1, queueMax: 1 });
    const outcome = await start(runner, 'touch', join(tmpdir(), `dynactor-job-${randomUUID()}`)).outcome;
    t.like(outcome, { ok: true, value: { text: 'touched' } });
    const { pausedMs } = (outcome as { readonly value: { readonly pausedMs: number } }).value;
    // Timers of systems end a little early or late; that they end is the point.
    t.true(pausedMs >= 15, String(pausedMs));
  },

  'shared memory is shared': async (t, make) => {
    const runner = make({ threads: 2, queueMax: 10 });
    const shared = cells();
    const jobs = Array.from({ length: 10 }, () => start(runner, 'add', { cells: shared, amount: 3 }));
    for (const job of jobs) t.is(await codeOf(job), 'ok');
    t.is(Atomics.load(shared, 3), 30);
  },

  'failures of a job are outcomes, and the runner goes on': async (t, make) => {
    const runner = make({ threads: 1, queueMax: 10 });
    t.deepEqual(await start(runner, 'broken', 'no luck').outcome, { ok: false, code: 'JOB_FAILED', message: 'no luck' });
    t.is(await codeOf(start(runner, 'none', 1)), 'NOT_DEFINED');
    t.is(await codeOf(start(runner, 'uncloneable', undefined)), 'JOB_FAILED');
    t.is(await codeOf(start(runner, 'echo', () => 1)), 'JOB_FAILED');
    t.deepEqual(await start(runner, 'echo', 'alive').outcome, { ok: true, value: 'alive' });
  },

  'a running job is cancelled at its next yield, and cleans up': async (t, make) => {
    const runner = make({ threads: 1, queueMax: 1 });
    const gate = await startGate(runner);
    gate.cancel();
    gate.cancel();
    t.is(await codeOf(gate), 'JOB_CANCELLED');
    t.is(Atomics.load(gate.cells, CLEANED_UP), 1);
    t.is(await codeOf(start(runner, 'echo', 1)), 'ok');
  },

  'a waiting job is cancelled at once, and never begins': async (t, make) => {
    const runner = make({ threads: 1, queueMax: 1 });
    const gate = await startGate(runner);
    const shared = cells();
    const waiting = start(runner, 'gate', shared);
    waiting.cancel();
    t.is(await codeOf(waiting), 'JOB_CANCELLED');
    const next = start(runner, 'echo', 'in its place');
    gate.open();
    t.is(await codeOf(next), 'ok');
    t.is(Atomics.load(shared, STARTED), 0);
  },

  'a cancel after the outcome does nothing, also to later jobs': async (t, make) => {
    const runner = make({ threads: 1, queueMax: 1 });
    const first = start(runner, 'echo', 1);
    t.is(await codeOf(first), 'ok');
    const gate = await startGate(runner);
    first.cancel();
    gate.open();
    t.deepEqual(await gate.outcome, { ok: true, value: 'opened' });
  },

  'a running job is stopped at its deadline': async (t, make) => {
    const runner = make({ threads: 1, queueMax: 1 });
    let began = 0;
    // A thread that is still starting may be too late for the first ones.
    for (let timeoutMs = 50; began === 0; timeoutMs *= 2) {
      const shared = cells();
      t.is(await codeOf(start(runner, 'gate', shared, { timeoutMs })), 'DEADLINE_EXCEEDED');
      began = Atomics.load(shared, STARTED);
      t.is(Atomics.load(shared, CLEANED_UP), began);
    }
    t.is(await codeOf(start(runner, 'echo', 1)), 'ok');
  },

  'a waiting job gives up at its deadline': async (t, make) => {
    const runner = make({ threads: 1, queueMax: 2 });
    const gate = await startGate(runner);
    const shared = cells();
    t.is(await codeOf(start(runner, 'gate', shared, { timeoutMs: 20 })), 'DEADLINE_EXCEEDED');
    t.is(await codeOf(start(runner, 'gate', shared, { timeoutMs: 0 })), 'DEADLINE_EXCEEDED');
    t.is(await codeOf(start(runner, 'gate', shared, { timeoutMs: Number.NaN })), 'DEADLINE_EXCEEDED');
    const patient = start(runner, 'echo', 1, { timeoutMs: Number.POSITIVE_INFINITY });
    gate.open();
    t.is(await codeOf(gate), 'ok');
    t.is(await codeOf(patient), 'ok');
    t.is(Atomics.load(shared, STARTED), 0);
  },

  'more jobs than threads and queue are refused, until there is room': async (t, make) => {
    const runner = make({ threads: 2, queueMax: 3 });
    const gates = [await startGate(runner), await startGate(runner)];
    const waiting = [1, 2, 3].map((i) => start(runner, 'echo', i));
    t.is(await codeOf(start(runner, 'echo', 4)), 'OVERLOADED');
    for (const gate of gates) gate.open();
    for (const job of [...gates, ...waiting]) t.is(await codeOf(job), 'ok');
    t.is(await codeOf(start(runner, 'echo', 5)), 'ok');
  },

  'of those waiting the higher priority goes first, then the earlier': async (t, make) => {
    const runner = make({ threads: 1, queueMax: 10 });
    const gate = await startGate(runner);
    const order: string[] = [];
    const jobs = ['a0', 'b5', 'c1', 'd5', 'e-1', 'f0', 'g5'].map((name) => {
      const job = start(runner, 'echo', name, { priority: Number(name.slice(1)) });
      return job.outcome.then(() => order.push(name));
    });
    await allQueued(runner);
    gate.open();
    await Promise.all(jobs);
    t.deepEqual(order, ['b5', 'd5', 'g5', 'c1', 'a0', 'f0', 'e-1']);
  },

  'every job gets one outcome, later than the call': async (t, make) => {
    const runner = make({ threads: 2, queueMax: 40 });
    const names = ['echo', 'count', 'broken', 'none'];
    const jobs: Started[] = [];
    for (let i = 0; i < 60; i++) {
      const job = start(runner, names[i % names.length] as string, i, i % 7 === 0 ? { timeoutMs: 0 } : {});
      t.is(job.calls, 0);
      if (i % 5 === 0) job.cancel();
      t.is(job.calls, 0);
      jobs.push(job);
    }
    await Promise.all(jobs.map((job) => job.outcome));
    for (const job of jobs) job.cancel();
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
    t.deepEqual(
      jobs.map((job) => job.calls),
      jobs.map(() => 1),
    );
  },
};

/** Registers the suite under `subject`; `serial` where each test starts threads. */
export function testJobRunnerContract(subject: string, make: MakeRunner, serial = false): void {
  const macro = test.macro({
    exec: (t: ExecutionContext, behaviour: string) => contract[behaviour]?.(t, (limits) => make(t, limits)) ?? t.fail(behaviour),
    title: (_, behaviour: string) => `${subject}: ${behaviour}`,
  } satisfies MacroDeclarationOptions<[string]>);
  for (const behaviour of Object.keys(contract)) (serial ? test.serial : test)(macro, behaviour);
}

import test, { type ExecutionContext } from 'ava';
import { PiscinaJobRunner, type PoolOptions } from '../../runtime/pool.ts';
import { codeOf, start, startGate, testJobRunnerContract, until } from './job-runner-contract.ts';
import { cells, OPEN, poolJobsUrl, STARTED } from './pool-jobs.ts';
import { clashUrl } from './pool-jobs-clash.ts';
import { RecordingLog } from './recording-log.ts';

function openPool(t: ExecutionContext, options: Partial<PoolOptions> = {}): PiscinaJobRunner {
  const pool = new PiscinaJobRunner({ modules: [poolJobsUrl], threads: 1, queueMax: 10, log: new RecordingLog(), ...options });
  t.teardown(() => pool.close());
  return pool;
}

testJobRunnerContract('pool', (t, limits) => openPool(t, limits), true);

test.serial('pool: a job that never yields again costs only its own thread, after deadline and grace', async (t) => {
  const log = new RecordingLog();
  const pool = openPool(t, { threads: 2, graceMs: 50, log });
  const gate = await startGate(pool);
  // Long enough for a thread that is still starting on a busy machine: a job that never began is no reason to end one.
  const stuck = start(pool, 'stuck', cells(), { timeoutMs: 3000 });
  const waiting = start(pool, 'echo', 'waiting');
  t.is(await codeOf(stuck), 'DEADLINE_EXCEEDED');
  t.is(await codeOf(waiting), 'ok');
  gate.open();
  t.deepEqual(await gate.outcome, { ok: true, value: 'opened' });
  t.deepEqual(
    log.lines.map(({ level, event, fields }) => [level, event, fields.job]),
    [['warn', 'jobKilled', 'stuck']],
  );
  // Both threads are there again.
  const gates = [await startGate(pool), await startGate(pool)];
  for (const g of gates) g.open();
});

test.serial('pool: a cancel never ends a thread', async (t) => {
  const log = new RecordingLog();
  const pool = openPool(t, { threads: 2, graceMs: 1, log });
  const shared = cells();
  const cancelled = start(pool, 'stuck', shared);
  await until(() => Atomics.load(shared, STARTED) === 1);
  cancelled.cancel();
  // The other thread has started: else the deadline may pass before there is one to end.
  t.deepEqual(await start(pool, 'echo', 1).outcome, { ok: true, value: 1 });
  // By the time this one's thread is ended, the cancelled one's grace would have been over too.
  t.is(await codeOf(start(pool, 'stuck', cells(), { timeoutMs: 500 })), 'DEADLINE_EXCEEDED');
  t.is(cancelled.calls, 0);
  Atomics.store(shared, OPEN, 1);
  Atomics.notify(shared, OPEN);
  t.deepEqual(await cancelled.outcome, { ok: true, value: 'opened' });
  t.is(log.lines.length, 1);
});

test.serial('pool: a job that ends its thread fails, and another thread takes the next job', async (t) => {
  const pool = openPool(t);
  const exit = start(pool, 'exit', 3);
  const next = start(pool, 'echo', 'next');
  t.deepEqual(await exit.outcome, { ok: false, code: 'JOB_FAILED', message: 'worker exited with code: 3' });
  t.deepEqual(await next.outcome, { ok: true, value: 'next' });
});

test.serial('pool: jobs fail with the reason, when a module can not be loaded', async (t) => {
  const pool = openPool(t, { modules: [poolJobsUrl, 'file:///none/such.js'] });
  const outcome = await start(pool, 'echo', 1).outcome;
  t.like(outcome, { ok: false, code: 'JOB_FAILED' });
  t.regex(outcome.ok ? '' : outcome.message, /can't be loaded: .*such\.js/);
});

test.serial('pool: jobs fail with the reason, when two modules define one name', async (t) => {
  const pool = openPool(t, { modules: [poolJobsUrl, clashUrl] });
  t.deepEqual(await start(pool, 'echo', 1).outcome, {
    ok: false,
    code: 'JOB_FAILED',
    message: "a job module can't be loaded: jobs: two definitions are named echo",
  });
});

test.serial('pool: close cancels what runs and what waits, and refuses what comes', async (t) => {
  const pool = openPool(t);
  const gate = await startGate(pool);
  const waiting = start(pool, 'echo', 1);
  const closed = pool.close();
  const late = start(pool, 'echo', 2);
  for (const job of [gate, waiting, late]) t.is(await codeOf(job), 'JOB_CANCELLED');
  await closed;
  t.is(await codeOf(start(pool, 'echo', 3)), 'JOB_CANCELLED');
});

test.serial('pool: close ends a thread that does not yield, after the grace', async (t) => {
  const pool = openPool(t, { graceMs: 10 });
  const shared = cells();
  const stuck = start(pool, 'stuck', shared);
  await until(() => Atomics.load(shared, STARTED) === 1);
  await pool.close();
  t.is(await codeOf(stuck), 'JOB_CANCELLED');
});

interface Whereabouts {
  readonly threadId: number;
  readonly youngMib: number;
}

async function whereabouts(pool: PiscinaJobRunner): Promise<Whereabouts> {
  const outcome = await start(pool, 'whereabouts', undefined).outcome;
  if (!outcome.ok) throw new Error(outcome.message);
  return outcome.value as Whereabouts;
}

test.serial('pool: a second thread is there only when the first is busy', async (t) => {
  const pool = openPool(t, { threads: 2 });
  const first = await whereabouts(pool);
  t.is((await whereabouts(pool)).threadId, first.threadId);
  const gate = await startGate(pool);
  const second = await whereabouts(pool);
  t.not(second.threadId, first.threadId);
  gate.open();
  await gate.outcome;
  // The one that was in use last.
  t.is((await whereabouts(pool)).threadId, first.threadId);
});

test.serial('pool: a thread without a job for long ends, and the next job has a fresh one', async (t) => {
  const idleMs = 1;
  const pool = openPool(t, { threads: 1, idleMs });
  const first = await whereabouts(pool);
  // Timers of one length fire in the order they were set: then the thread's own has fired too.
  await new Promise((resolve) => setTimeout(resolve, idleMs));
  t.not((await whereabouts(pool)).threadId, first.threadId);
});

test.serial('pool: the young generation of its threads is as large as it is told', async (t) => {
  t.is((await whereabouts(openPool(t, { youngMibMax: 2 }))).youngMib, 2);
});

test.serial('pool: options that make no pool are refused', (t) => {
  const log = new RecordingLog();
  for (const threads of [0, -1, 1.5, Number.NaN]) {
    t.throws(() => new PiscinaJobRunner({ modules: [], threads, queueMax: 1, log }), { code: 'INVALID_ARGUMENT' });
  }
  t.throws(() => new PiscinaJobRunner({ modules: [], threads: 1, queueMax: -1, log }), { code: 'INVALID_ARGUMENT' });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import { PiscinaJobRunner } from '../../../runtime/pool.ts';
import { RunnableThreads } from '../../../runtime/real/runnable-threads.ts';
import { start } from '../job-runner-contract.ts';
import { poolJobsUrl } from '../pool-jobs.ts';
import { RecordingLog } from '../recording-log.ts';

function fileOf(t: ExecutionContext, content: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'dynactor-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const path = join(dir, 'loadavg');
  writeFileSync(path, content);
  return path;
}

test('runnable threads: a machine is crowded, when more of them want to run than it has processors, now and not before', (t) => {
  const path = fileOf(t, '0.52 0.58 0.59 4/467 11206\n');
  t.true(new RunnableThreads(path, 3).isCrowded);
  t.false(new RunnableThreads(path, 4).isCrowded);
  const kept = new RunnableThreads(path, 12);
  t.false(kept.isCrowded);
  writeFileSync(path, '10.52 0.58 0.59 13/467 11206\n');
  t.true(kept.isCrowded);
  kept.close();
  kept.close();
  t.false(kept.isCrowded);
});

test('runnable threads: a machine is not crowded, when nobody says so', (t) => {
  for (const content of ['', '0.52 0.58 0.59', '0.52 0.58 0.59 99', '0.52 0.58 0.59 99 1', '0.52 0.58 0.59 x/467', '9/9', ' '.repeat(100)])
    t.false(new RunnableThreads(fileOf(t, content), 0).isCrowded, content);
  t.false(new RunnableThreads(join(tmpdir(), 'dynactor-none', 'loadavg'), 0).isCrowded);
});

/** As many threads as the machine has processors, at work until the test ends. */
async function crowd(t: ExecutionContext): Promise<void> {
  const cell = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  t.teardown(() => Atomics.store(cell, 0, 1));
  const code =
    "const { workerData, parentPort } = require('node:worker_threads'); parentPort.postMessage(0); while (Atomics.load(workerData, 0) === 0);";
  for (let i = 0; i < cpus().length; i++) {
    const worker = new Worker(code, { eval: true, workerData: cell });
    await new Promise((began) => worker.once('message', began));
  }
}

// Elsewhere nobody says how many threads want to run; and a large machine is not to be filled for a test.
const few = process.platform === 'linux' && cpus().length <= 16 ? test : test.skip;

few('runnable threads: a job of the pool steps back between its steps, when the machine is crowded', async (t) => {
  const pool = new PiscinaJobRunner({ modules: [poolJobsUrl], threads: 1, queueMax: 1, log: new RecordingLog() });
  t.teardown(() => pool.close());
  t.deepEqual(await start(pool, 'echo', 1).outcome, { ok: true, value: 1 });
  await crowd(t);
  const worked = await start(pool, 'work', { steps: 40, workMs: 1.5, pauseMs: 0 }).outcome;
  t.true(worked.ok && (worked.value as number) > 20, JSON.stringify(worked));
  // Each pause is a sleep, and nothing was done that is stepped back for.
  const paused = await start(pool, 'work', { steps: 40, workMs: 0, pauseMs: 3 }).outcome;
  t.true(paused.ok && (paused.value as number) >= 40 && (paused.value as number) < 60, JSON.stringify(paused));
});

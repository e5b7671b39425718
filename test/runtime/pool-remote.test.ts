import { MessageChannel, Worker } from 'node:worker_threads';
import test, { type ExecutionContext } from 'ava';
import type { JobRunner } from '../../runtime/jobs.ts';
import { PiscinaJobRunner } from '../../runtime/pool.ts';
import { RemoteJobRunner, serveJobs } from '../../runtime/pool-remote.ts';
import { codeOf, type RunnerLimits, start, startGate, testJobRunnerContract, until } from './job-runner-contract.ts';
import { CLEANED_UP, cells, poolJobsUrl, STARTED } from './pool-jobs.ts';
import { RecordingLog } from './recording-log.ts';

const PENDING_MAX = 1_000;

function openPool(t: ExecutionContext, limits: RunnerLimits): PiscinaJobRunner {
  const pool = new PiscinaJobRunner({ modules: [poolJobsUrl], log: new RecordingLog(), ...limits });
  t.teardown(() => pool.close());
  return pool;
}

function connect(t: ExecutionContext, runner: JobRunner, pendingMax: number): RemoteJobRunner {
  const { port1, port2 } = new MessageChannel();
  serveJobs(port1, runner);
  const remote = new RemoteJobRunner(port2, pendingMax);
  t.teardown(() => remote.close());
  return remote;
}

testJobRunnerContract('remote pool', (t, limits) => connect(t, openPool(t, limits), PENDING_MAX), true);

test.serial('remote pool: more pending jobs than agreed are refused', async (t) => {
  const remote = connect(t, openPool(t, { threads: 1, queueMax: 10 }), 2);
  const gate = await startGate(remote);
  const waiting = start(remote, 'echo', 1);
  t.is(await codeOf(start(remote, 'echo', 2)), 'OVERLOADED');
  gate.open();
  t.is(await codeOf(waiting), 'ok');
  t.is(await codeOf(start(remote, 'echo', 3)), 'ok');
});

test.serial('remote pool: pending jobs fail here and are cancelled there, when the port closes', async (t) => {
  const pool = openPool(t, { threads: 1, queueMax: 10 });
  const remote = connect(t, pool, PENDING_MAX);
  const gate = await startGate(remote);
  const waiting = start(remote, 'echo', 1);
  remote.close();
  t.is(await codeOf(gate), 'JOB_FAILED');
  t.is(await codeOf(waiting), 'JOB_FAILED');
  t.is(await codeOf(start(remote, 'echo', 2)), 'JOB_FAILED');
  await until(() => Atomics.load(gate.cells, CLEANED_UP) === 1);
  // The pool's only thread is free again, for others.
  t.is(await codeOf(start(connect(t, pool, PENDING_MAX), 'echo', 3)), 'ok');
  t.deepEqual([gate.calls, waiting.calls], [1, 1]);
});

test.serial('remote pool: jobs of a thread that dies are cancelled', async (t) => {
  const pool = openPool(t, { threads: 1, queueMax: 10 });
  const { port1, port2 } = new MessageChannel();
  serveJobs(port1, pool);
  const shared = cells();
  const request = { type: 'run', id: 0, name: 'gate', input: shared, priority: 0, timeoutMs: 60_000 };
  const shard = new Worker('const { port, request } = require("node:worker_threads").workerData; port.postMessage(request); port.ref();', {
    eval: true,
    workerData: { port: port2, request },
    transferList: [port2],
  });
  await until(() => Atomics.load(shared, STARTED) === 1);
  await shard.terminate();
  await until(() => Atomics.load(shared, CLEANED_UP) === 1);
  t.is(await codeOf(start(pool, 'echo', 1)), 'ok');
});

test.serial('remote pool: jobs of two shards share the threads', async (t) => {
  const pool = openPool(t, { threads: 1, queueMax: 1 });
  const [a, b] = [connect(t, pool, PENDING_MAX), connect(t, pool, PENDING_MAX)];
  const gate = await startGate(a);
  const waiting = start(b, 'echo', 1);
  gate.open();
  t.is(await codeOf(waiting), 'ok');
});

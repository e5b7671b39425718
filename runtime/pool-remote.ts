/**
 * The job runner of a shard: there is one pool per node, and its thread serves the others over a MessagePort each.
 *
 * ```
 * shard: RemoteJobRunner  -- run, cancel -->  serveJobs: PiscinaJobRunner
 *                         <--   outcome  --
 * ```
 */
import type { MessagePort } from 'node:worker_threads';
import { errorMessage } from './errors.ts';
import { jobFailure } from './job-table.ts';
import type { JobOptions, JobOutcome, JobRunner, RunningJob } from './jobs.ts';
import type { JobReply, JobRequest } from './pool-protocol.ts';

type Done = (outcome: JobOutcome) => void;

export class RemoteJobRunner implements JobRunner {
  readonly #port: MessagePort;
  readonly #pendingMax: number;
  readonly #pending = new Map<number, Done>();
  #nextId = 0;
  #closed = false;

  /** Requires: the other end of `port` is served by `serveJobs`. `pendingMax`: jobs without outcome at most; more are refused as OVERLOADED. */
  constructor(port: MessagePort, pendingMax: number) {
    this.#port = port;
    this.#pendingMax = pendingMax;
    port.on('message', (reply: JobReply) => this.#onReply(reply));
    port.on('close', () => this.#onClose());
    // Only a job that is pending keeps the thread alive.
    port.unref();
  }

  run(name: string, input: unknown, options: JobOptions, done: Done): RunningJob {
    if (this.#closed) return refuse(done, jobFailure('JOB_FAILED', 'the thread of the pool is gone'));
    if (this.#pending.size >= this.#pendingMax) {
      return refuse(done, jobFailure('OVERLOADED', `${this.#pending.size} jobs of this thread are pending`));
    }
    const id = this.#nextId++;
    try {
      this.#send({ type: 'run', id, name, input, priority: options.priority ?? 0, timeoutMs: options.timeoutMs });
    } catch (error) {
      return refuse(done, jobFailure('JOB_FAILED', errorMessage(error)));
    }
    if (this.#pending.size === 0) this.#port.ref();
    this.#pending.set(id, done);
    return { cancel: () => this.#cancel(id) };
  }

  /** Jobs that are pending fail. */
  close(): void {
    this.#port.close();
  }

  #cancel(id: number): void {
    if (this.#pending.has(id)) this.#send({ type: 'cancel', id });
  }

  #send(request: JobRequest): void {
    this.#port.postMessage(request);
  }

  #onReply(reply: JobReply): void {
    const done = this.#pending.get(reply.id);
    // Unknown: it has failed already, since the port was closing.
    if (done === undefined) return;
    this.#pending.delete(reply.id);
    if (this.#pending.size === 0) this.#port.unref();
    done(reply.outcome);
  }

  #onClose(): void {
    this.#closed = true;
    const lost = [...this.#pending.values()];
    this.#pending.clear();
    for (const done of lost) done(jobFailure('JOB_FAILED', 'the thread of the pool is gone'));
  }
}

/** Runs the jobs that come over `port`. When the port closes, which it does with the thread at its other end, they are cancelled. */
export function serveJobs(port: MessagePort, runner: JobRunner): void {
  const running = new Map<number, RunningJob>();
  let closed = false;
  port.on('message', (request: JobRequest) => {
    if (request.type === 'cancel') {
      running.get(request.id)?.cancel();
      return;
    }
    const { id, name, input, priority, timeoutMs } = request;
    const job = runner.run(name, input, { priority, timeoutMs }, (outcome) => {
      running.delete(id);
      if (!closed) port.postMessage({ id, outcome } satisfies JobReply);
    });
    running.set(id, job);
  });
  port.on('close', () => {
    closed = true;
    for (const job of running.values()) job.cancel();
  });
  port.unref();
}

function refuse(done: Done, outcome: JobOutcome): RunningJob {
  setImmediate(done, outcome);
  return { cancel: doNothing };
}

/** Nothing was begun. */
function doNothing(): void {}

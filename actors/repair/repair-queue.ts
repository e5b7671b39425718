/** RepairQueue: partitions that are to be compared with a peer, each once however often it was asked for, and the jobs that wait for them. Pure bookkeeping. */
import type { Direction } from './exchange.ts';
import type { RunOutcome } from './exchange-run.ts';
import type { Peer } from './peer-asks.ts';

export interface RepairTask {
  readonly keyspace: number;
  readonly partition: number;
  readonly peer: Peer;
  readonly direction: Direction;
  /** Who is told of it. */
  readonly jobs: RepairJob[];
}

/** How far a repair that somebody asked for has come on one shard. Plain data. */
export interface RepairProgress {
  readonly jobId: string;
  readonly state: 'running' | 'done' | 'cancelled';
  /** Exchanges: one per partition and other replica of it. */
  readonly total: number;
  readonly done: number;
  /** Of those done: what differs in them could not be found, or not all of it be repaired. */
  readonly incomplete: number;
  readonly differing: number;
  readonly pushed: number;
  readonly pulled: number;
  readonly unconfirmed: number;
  readonly failed: number;
  readonly valueBytes: number;
  /** The last reason for what is incomplete; empty: none. */
  readonly fault: string;
}

export class RepairJob {
  readonly id: string;
  state: RepairProgress['state'] = 'running';
  total = 0;
  done = 0;
  incomplete = 0;
  differing = 0;
  pushed = 0;
  pulled = 0;
  unconfirmed = 0;
  failed = 0;
  valueBytes = 0;
  fault = '';

  constructor(id: string) {
    this.id = id;
  }

  progress(): RepairProgress {
    const { id, state, total, done, incomplete, differing, pushed, pulled, unconfirmed, failed, valueBytes, fault } = this;
    return { jobId: id, state, total, done, incomplete, differing, pushed, pulled, unconfirmed, failed, valueBytes, fault };
  }
}

/** Jobs that are remembered when they are over. */
const JOBS_MAX = 64;

export class RepairQueue {
  readonly #tasks = new Map<string, RepairTask>();
  readonly #jobs = new Map<string, RepairJob>();

  get waiting(): number {
    return this.#tasks.size;
  }

  job(id: string): RepairJob | undefined {
    return this.#jobs.get(id);
  }

  /** Remembers a new one, in the place of the oldest that is over. Returns undefined when there is one of that id. */
  begin(id: string): RepairJob | undefined {
    if (this.#jobs.has(id)) return undefined;
    if (this.#jobs.size >= JOBS_MAX) {
      const [oldest] = [...this.#jobs.values()].filter(({ state }) => state !== 'running');
      if (oldest !== undefined) this.#jobs.delete(oldest.id);
    }
    const job = new RepairJob(id);
    this.#jobs.set(id, job);
    return job;
  }

  add(task: Omit<RepairTask, 'jobs'>, job?: RepairJob): void {
    const { keyspace, partition, peer, direction } = task;
    const name = `${keyspace}/${partition}/${peer.id}/${direction}`;
    const known = this.#tasks.get(name) ?? { ...task, jobs: [] };
    this.#tasks.set(name, known);
    if (job === undefined) return;
    known.jobs.push(job);
    job.total++;
  }

  /** All of the job that have been added are all there are of it. */
  added(job: RepairJob): void {
    if (job.done === job.total && job.state === 'running') job.state = 'done';
  }

  /** Takes out the first one, and at most `most` in all that go with it: of its keyspace, peer and direction; by partition. */
  take(most: number): readonly RepairTask[] {
    const taken: RepairTask[] = [];
    let first: RepairTask | undefined;
    for (const [name, task] of this.#tasks) {
      first ??= task;
      const { keyspace, peer, direction } = task;
      if (keyspace !== first.keyspace || direction !== first.direction || peer.id !== first.peer.id || peer.shard !== first.peer.shard)
        continue;
      taken.push(task);
      this.#tasks.delete(name);
      if (taken.length >= most) break;
    }
    return taken.sort((a, b) => a.partition - b.partition);
  }

  /** Of a task that was taken out. `isDone`: nothing is left to repair in it, as far as its direction goes. */
  ended({ jobs }: RepairTask, { differing, pushed, pulled, unconfirmed, failed, valueBytes, fault }: RunOutcome, isDone: boolean): void {
    for (const job of jobs) {
      job.done++;
      if (!isDone) job.incomplete++;
      if (fault !== undefined) job.fault = fault;
      job.differing += differing;
      job.pushed += pushed;
      job.pulled += pulled;
      job.unconfirmed += unconfirmed;
      job.failed += failed;
      job.valueBytes += valueBytes;
      this.added(job);
    }
  }

  /** What waits of it is left out, unless others wait for it too. What runs goes on. */
  cancel(job: RepairJob): void {
    if (job.state !== 'running') return;
    job.state = 'cancelled';
    for (const [name, task] of [...this.#tasks]) {
      const at = task.jobs.indexOf(job);
      if (at < 0) continue;
      task.jobs.splice(at, 1);
      if (task.jobs.length === 0) this.#tasks.delete(name);
    }
  }
}

/** Of tasks that end before an exchange begins. */
export function outcomeOf(fault: string | undefined): RunOutcome {
  return { differing: 0, pushed: 0, pulled: 0, unconfirmed: 0, failed: 0, valueBytes: 0, fault };
}

/**
 * The scheduler that the engines of a shard are given, when CompactionActor schedules for the whole node: it starts their jobs when a turn is granted.
 * Its agent is the address that the actor talks to; the desk outlives a restart of the agent.
 */
import type { JobOutcome, JobRunner, RunningJob } from '../runtime/jobs.ts';
import type { Ref } from '../runtime/ref.ts';
import {
  type CompactionScheduler,
  type EngineLoad,
  jobOptions,
  type WorkClass,
  type WorkOwner,
  type WorkTicket,
} from '../storage/compaction/scheduler.ts';
import { sumOf } from './compaction-actor.ts';
import type { CompactionAgentMessage, CompactionMessage, WorkRequest } from './compaction-protocol.ts';

interface Entry {
  readonly requestId: number;
  readonly workClass: WorkClass;
  readonly owner: WorkOwner;
  score: number;
  state: 'waiting' | 'running';
  job: RunningJob | undefined;
}

interface Ends {
  readonly actor: Ref<CompactionMessage>;
  readonly agent: Ref<CompactionAgentMessage>;
}

export class CompactionDesk implements CompactionScheduler {
  readonly throttle = new Int32Array(new SharedArrayBuffer(4));
  readonly #jobs: JobRunner;
  readonly #entries = new Map<number, Entry>();
  readonly #loads = new Map<string, EngineLoad>();
  #ends: Ends | undefined;
  #lastId = 0;

  constructor(jobs: JobRunner) {
    this.#jobs = jobs;
  }

  submit(workClass: WorkClass, score: number, owner: WorkOwner): WorkTicket {
    const requestId = ++this.#lastId;
    const entry: Entry = { requestId, workClass, owner, score, state: 'waiting', job: undefined };
    this.#entries.set(requestId, entry);
    this.#tell(({ agent }) => ({ type: 'request', agent, request: requestOf(entry) }));
    return {
      rescore: (to) => {
        if (entry.state !== 'waiting' || entry.score === to) return;
        entry.score = to;
        this.#tell(({ agent }) => ({ type: 'rescore', agent, requestId, score: to }));
      },
      cancel: () => {
        if (entry.state === 'running') entry.job?.cancel();
        else this.#over(entry);
      },
    };
  }

  report(engine: string, load: EngineLoad): void {
    this.#loads.set(engine, load);
  }

  forget(engine: string): void {
    this.#loads.delete(engine);
  }

  /** By the agent, when it starts. */
  connect(actor: Ref<CompactionMessage>, agent: Ref<CompactionAgentMessage>): void {
    this.#ends = { actor, agent };
    this.tellState();
  }

  /** By the agent, every second. */
  tellState(): void {
    const entries = [...this.#entries.values()];
    const waiting = entries.filter(({ state }) => state === 'waiting').map(requestOf);
    const running = entries.filter(({ state }) => state === 'running').map(requestOf);
    this.#tell(({ agent }) => ({ type: 'state', agent, waiting, running, load: sumOf([...this.#loads.values()]) }));
  }

  /** By the agent. A turn for what doesn't wait (any more) is given back, unless it was granted twice. */
  granted(requestId: number): void {
    const entry = this.#entries.get(requestId);
    if (entry === undefined) this.#tell(({ agent }) => ({ type: 'released', agent, requestId }));
    if (entry?.state !== 'waiting') return;
    entry.state = 'running';
    const scheduled = entry.owner.begin();
    if (scheduled === undefined) this.#over(entry);
    else entry.job = this.#jobs.run(scheduled.job, scheduled.input, jobOptions(entry.workClass), (outcome) => this.#ended(entry, outcome));
  }

  #ended(entry: Entry, outcome: JobOutcome): void {
    this.#over(entry);
    entry.owner.ended(outcome);
  }

  #over({ requestId }: Entry): void {
    if (this.#entries.delete(requestId)) this.#tell(({ agent }) => ({ type: 'released', agent, requestId }));
  }

  #tell(make: (ends: Ends) => CompactionMessage): void {
    // What is not sent, or refused, is said again by the next state.
    if (this.#ends !== undefined) this.#ends.actor.tell(make(this.#ends));
  }
}

function requestOf({ requestId, workClass, score }: Entry): WorkRequest {
  return { requestId, workClass, score };
}

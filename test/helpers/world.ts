/**
 * World: shards under a clock and loops that only the test moves, joined by `MemoryNetwork`. `settle` runs everything that is ready, until
 * nothing is; `advance` does the same over a span of time. Nothing here waits.
 */
import type { Clock, Doors, Loop } from '../../runtime/doors.ts';
import { BugError } from '../../runtime/errors.ts';
import type { FileSystem } from '../../runtime/files.ts';
import type { JobOptions, JobOutcome, JobRunner } from '../../runtime/jobs.ts';
import { SeededRandom } from '../../runtime/random.ts';
import type { RuntimeTuning } from '../../runtime/runtime-options.ts';
import { ShardRuntime } from '../../runtime/shard-runtime.ts';
import type { Network } from '../../runtime/wire/network.ts';
import { RecordingLog } from '../runtime/recording-log.ts';
import type { Driver, Step } from './driver.ts';
import { MemoryNetwork } from './memory-network.ts';

const STEPS_MAX = 100_000;

export class ManualClock implements Clock {
  ms = 0;

  now(): number {
    return this.ms;
  }

  wall(): number {
    return this.ms;
  }
}

export class ManualLoop implements Loop {
  isAwake = false;
  wakeAtMs = Number.POSITIVE_INFINITY;
  wakes = 0;

  wake(): void {
    this.isAwake = true;
    this.wakes++;
  }

  wakeAt(atMs: number): void {
    this.wakeAtMs = atMs;
  }
}

/** Jobs that the test finishes by hand. */
export class ManualJobs implements JobRunner {
  readonly started: {
    readonly name: string;
    readonly input: unknown;
    readonly done: (outcome: JobOutcome) => void;
    isCancelled: boolean;
  }[] = [];

  run(name: string, input: unknown, _options: JobOptions, done: (outcome: JobOutcome) => void): { cancel(): void } {
    const job = { name, input, done, isCancelled: false };
    this.started.push(job);
    return {
      cancel() {
        job.isCancelled = true;
      },
    };
  }
}

export interface ShardSetup {
  readonly node?: string;
  readonly shard?: number;
  readonly boot?: number;
  readonly tuning?: RuntimeTuning;
  readonly seed?: number;
  readonly mutants?: readonly string[];
}

export interface Shard {
  readonly runtime: ShardRuntime;
  readonly loop: ManualLoop;
  readonly log: RecordingLog;
  readonly jobs: ManualJobs;
}

export class World {
  readonly clock = new ManualClock();
  readonly network = new MemoryNetwork();
  readonly shards: Shard[] = [];

  shard(setup: ShardSetup = {}): Shard {
    const { node = 'a', shard = 0, boot = 1, tuning, seed = 1, mutants = [] } = setup;
    const loop = new ManualLoop();
    const log = new RecordingLog();
    const jobs = new ManualJobs();
    const random = new SeededRandom(seed);
    const doors: Doors = { clock: this.clock, random, log, loop, files: {} as FileSystem, jobs, network: {} as Network };
    const runtime = new ShardRuntime({ place: { node, shard }, boot, doors, tuning, mutants: new Set(mutants) });
    runtime.useTransport(this.network.transport(runtime));
    const made = { runtime, loop, log, jobs };
    this.shards.push(made);
    return made;
  }

  /** The thread is no more: nothing of it runs or is delivered again. */
  remove(shard: Shard): void {
    this.shards.splice(this.shards.indexOf(shard), 1);
    this.network.remove(shard.runtime);
  }

  /** Runs what is ready now, until nothing is. */
  settle(): void {
    for (let steps = 0; ; steps++) {
      if (steps > STEPS_MAX) throw new BugError(`not quiet after ${STEPS_MAX} steps`);
      const ready = this.shards.find(({ loop }) => loop.isAwake || loop.wakeAtMs <= this.clock.ms);
      if (ready !== undefined) this.run(ready);
      else if (!this.network.deliver()) return;
    }
  }

  /** One run of one shard. */
  run({ loop, runtime }: Shard): void {
    loop.isAwake = false;
    if (loop.wakeAtMs <= this.clock.ms) loop.wakeAtMs = Number.POSITIVE_INFINITY;
    runtime.run();
  }

  /** Runs one step in the turn of `driver`, and what follows from it. */
  turn(driver: Driver, step: Step): void {
    if (!driver.post(step)) throw new BugError('the step was refused');
    this.settle();
  }

  advance(ms: number): void {
    const until = this.clock.ms + ms;
    for (;;) {
      this.settle();
      const next = Math.min(...this.shards.map(({ loop }) => loop.wakeAtMs));
      if (next > until) break;
      this.clock.ms = Math.max(next, this.clock.ms);
    }
    this.clock.ms = until;
    this.settle();
  }
}

/**
 * An engine over simulated doors: one life of a process on a simulated disk. Nothing here waits: `until` runs events of the virtual clock. A later life
 * is another `SimLife` on the same disk, or on a clone.
 */
import type { Clock } from '../../../runtime/doors.ts';
import { type AnyJob, collectJobs } from '../../../runtime/job-table.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import type { CostRange } from '../../../runtime/simulation/schedule.ts';
import { PowerLossError, SimDisk } from '../../../runtime/simulation/sim-disk.ts';
import { SimFiles } from '../../../runtime/simulation/sim-files.ts';
import { SimJobRunner } from '../../../runtime/simulation/sim-jobs.ts';
import { SimSyncFiles } from '../../../runtime/simulation/sim-sync-files.ts';
import { SimTimers } from '../../../runtime/simulation/sim-timers.ts';
import { type Entry, LATER } from '../../../storage/engine/api.ts';
import { Engine } from '../../../storage/engine/engine.ts';
import type { EngineDoors, EngineOptions } from '../../../storage/engine/options.ts';
import type { StorageDone, StorageError, StorageResult } from '../../../storage/errors.ts';
import { merge } from '../../../storage/jobs.ts';
import { RecordingLog } from '../../runtime/recording-log.ts';
import { VirtualSchedule } from '../../runtime/simulation/virtual-schedule.ts';

export const DIR = '/data/db';

/** So small that a handful of writes flushes, compacts and rolls. The log is written by calls that take their time, so that a crash can come between. */
export const SMALL: EngineOptions = {
  inlineWrites: false,
  memtableBytes: 16 << 10,
  memtablesMax: 2,
  cacheBytes: 64 << 10,
  blockBytes: 512,
  tableBytes: 16 << 10,
  levelBytes: 64 << 10,
  manifestBytes: 1 << 10,
};

/** What a call to the disk takes. Slow ones end after timers of the engine that most often find them ended. */
export const QUICK: CostRange = { minUs: 20, maxUs: 200 };
export const SLOW: CostRange = { minUs: 20, maxUs: 120_000 };

/** More than anything here takes that ends at all. */
const EVENTS_MAX = 50_000;

/** Something never ended: its callback was lost, or it tries again for ever. */
export class HangError extends Error {}

/** An empty disk with the parent of `DIR` on it. */
export function emptyDisk(): SimDisk {
  const disk = new SimDisk();
  disk.makeDirectory('/data');
  return disk;
}

export class SimLife {
  readonly disk: SimDisk;
  readonly log = new RecordingLog();
  readonly doors: EngineDoors;
  readonly #virtual = new VirtualSchedule();
  readonly #generation: number;

  /** Lives of one disk need different seeds, or files of one have the uids of another. */
  constructor(disk: SimDisk, seed: number | string, cost: CostRange = QUICK) {
    this.disk = disk;
    this.#generation = disk.generation;
    const random = new SeededRandom(seed);
    const { schedule } = this.#virtual;
    const clock: Clock = { now: () => this.#virtual.nowMs, wall: () => Math.floor(this.#virtual.nowMs) };
    const jobs = new Map<string, AnyJob>();
    collectJobs({ merge }, jobs);
    this.doors = {
      clock,
      random: random.fork('engine'),
      log: this.log,
      timers: new SimTimers(schedule),
      files: new SimFiles({ disk, schedule, random: random.fork('files'), cost }),
      jobs: new SimJobRunner({
        schedule,
        random: random.fork('jobs'),
        jobs,
        files: new SimSyncFiles(disk),
        clock,
        threads: 2,
        queueMax: 16,
      }),
    };
  }

  get nowMs(): number {
    return this.#virtual.nowMs;
  }

  /** Runs events until `isDone`. Throws HangError; PowerLossError when the machine lost power, by a fault or in another life. */
  until(isDone: () => boolean, what: string): void {
    for (let events = 0; !isDone(); events++) {
      this.disk.checkPower(this.#generation);
      if (events === EVENTS_MAX) throw new HangError(`${what}: not done after ${events} events`);
      if (!this.#virtual.step()) {
        this.disk.checkPower(this.#generation);
        throw new HangError(`${what}: nothing left to happen`);
      }
    }
    this.disk.checkPower(this.#generation);
  }

  /** Runs what happens in the next `ms`. */
  run(ms: number): void {
    let isOver = false;
    this.#virtual.schedule(ms, () => {
      isOver = true;
    });
    this.until(() => isOver, `${ms} ms`);
  }

  /** Begins a call and runs until it has called back. */
  call(what: string, begin: (done: (error: StorageError | undefined) => void) => void): StorageError | undefined {
    const outcomes: (StorageError | undefined)[] = [];
    begin((error) => outcomes.push(error));
    this.until(() => outcomes.length > 0, what);
    return outcomes[0];
  }

  result<T>(what: string, begin: (done: StorageDone<T>) => void): StorageResult<T> {
    const results: StorageResult<T>[] = [];
    begin((result) => results.push(result));
    this.until(() => results.length > 0, what);
    return results[0] as StorageResult<T>;
  }

  tryOpen(options: EngineOptions = {}, dir = DIR): StorageResult<Engine> {
    return this.result('open', (done) => Engine.open(dir, { ...SMALL, ...options }, this.doors, done));
  }

  /** Throws what it fails with. */
  open(options: EngineOptions = {}, dir = DIR): Engine {
    return resultOf(this.tryOpen(options, dir));
  }

  /** All entries, in order. Throws what reading fails with. */
  entries(engine: Engine): readonly Entry[] {
    const iterator = engine.iterator({});
    const all: Entry[] = [];
    for (;;) {
      let entries: readonly Entry[] | typeof LATER = LATER;
      const later = this.result<readonly Entry[]>('iterator', (done) => {
        entries = iterator.next(1_000, 1 << 20, done);
        if (entries !== LATER) done({ ok: true, value: entries });
      });
      const next = resultOf(later);
      if (next.length === 0) break;
      all.push(...next);
    }
    iterator.close();
    return all;
  }

  /** Throws what reading fails with. */
  get(engine: Engine, key: string): Uint8Array | undefined {
    return resultOf(
      this.result<Uint8Array | undefined>('get', (done) => {
        const value = engine.get(Buffer.from(key), undefined, done);
        if (value !== LATER) done({ ok: true, value });
      }),
    );
  }
}

export function resultOf<T>(result: StorageResult<T>): T {
  if (!result.ok) throw result.error;
  return result.value;
}

/** What `run` gives, or `undefined` when the power went. */
export function unlessPowerLoss<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof PowerLossError) return undefined;
    throw error;
  }
}

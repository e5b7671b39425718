/** Worlds that an engine can be opened in: the real disk, clock and job pool, and simulated ones, in which a process can be killed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '../../../runtime/doors.ts';
import type { OpenFile } from '../../../runtime/files.ts';
import { type AnyJob, collectJobs } from '../../../runtime/job-table.ts';
import { PiscinaJobRunner } from '../../../runtime/pool.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import { realClock } from '../../../runtime/real/clock.ts';
import { RealFiles } from '../../../runtime/real/files.ts';
import { RealTimers } from '../../../runtime/real/timers.ts';
import { KEEP_ALL } from '../../../runtime/simulation/crash-models.ts';
import type { Schedule } from '../../../runtime/simulation/schedule.ts';
import { SimDisk } from '../../../runtime/simulation/sim-disk.ts';
import { SimFiles, type SimFilesOptions } from '../../../runtime/simulation/sim-files.ts';
import { SimJobRunner } from '../../../runtime/simulation/sim-jobs.ts';
import { SimSyncFiles } from '../../../runtime/simulation/sim-sync-files.ts';
import { SimTimers } from '../../../runtime/simulation/sim-timers.ts';
import { Engine } from '../../../storage/engine/engine.ts';
import type { EngineDoors, EngineOptions } from '../../../storage/engine/options.ts';
import type { StorageResult } from '../../../storage/errors.ts';
import * as jobs from '../../../storage/jobs.ts';
import { VirtualSchedule } from '../../runtime/simulation/virtual-schedule.ts';

export interface World {
  /** An existing directory, for databases. */
  readonly root: string;
  readonly doors: EngineDoors;
  /** Lets things happen until it is so. Throws when nothing is left that could make it so. */
  until(isSo: () => boolean): Promise<void>;
  /** The process is killed; what it has written stays. Undefined: not in this world. */
  readonly kill: (() => void) | undefined;
  /** Paths of files that are open; undefined: not known in this world. */
  readonly openFiles: readonly string[] | undefined;
  end(): void;
}

export const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => SILENT };

const STEPS_MAX = 50_000;
const JOB_TABLE = new Map<string, AnyJob>();
collectJobs(jobs, JOB_TABLE);

export class SimWorld implements World {
  readonly root = '/data';
  readonly disk: SimDisk;
  readonly virtual = new VirtualSchedule();
  readonly doors: EngineDoors;
  readonly #jobs: SimJobRunner;
  #kills = 0;
  /** By an engine, not by jobs, since the last kill. */
  readonly #open = new Set<OpenFile>();

  /** `cost`: of each file call, in virtual time; `latency`: as of SimFiles. */
  constructor(seed: string, options: { readonly disk?: SimDisk } & Pick<SimFilesOptions, 'cost' | 'latency'> = {}) {
    const { disk = new SimDisk(), ...costs } = options;
    const random = new SeededRandom(seed);
    const schedule: Schedule = (afterMs, task) => {
      const { virtual } = this;
      const kills = this.#kills;
      virtual.schedule(afterMs, () => {
        if (kills === this.#kills) task();
      });
    };
    const clock = { now: () => this.virtual.nowMs, wall: () => Math.floor(this.virtual.nowMs) };
    if (options.disk === undefined) disk.makeDirectory(this.root);
    this.disk = disk;
    this.#jobs = new SimJobRunner({ schedule, random, jobs: JOB_TABLE, files: new SimSyncFiles(disk), clock, threads: 2, queueMax: 100 });
    const files = this.#counted(new SimFiles({ disk, schedule, random, ...costs }));
    this.doors = { clock, random, log: SILENT, timers: new SimTimers(schedule), files, jobs: this.#jobs };
  }

  async until(isSo: () => boolean): Promise<void> {
    this.run(isSo);
  }

  run(isSo: () => boolean): void {
    for (let steps = 0; !isSo(); steps++) {
      if (steps > STEPS_MAX || !this.virtual.step()) throw new Error(`hang: not so after ${steps} events`);
    }
  }

  get openFiles(): readonly string[] {
    return Array.from(this.#open, ({ path }) => path);
  }

  /** As `until`, at once. */
  open(dir: string, options: EngineOptions): StorageResult<Engine> {
    let result: StorageResult<Engine> | undefined;
    Engine.open(dir, options, this.doors, (opened) => {
      result = opened;
    });
    this.run(() => result !== undefined);
    return result!;
  }

  readonly kill = (): void => {
    this.#kills++;
    this.#open.clear();
    this.#jobs.crash();
    this.disk.crash(KEEP_ALL);
  };

  end(): void {}

  #counted(files: SimFiles): SimFiles {
    const open = files.open.bind(files);
    files.open = (path, mode, done) =>
      open(path, mode, (opened) => {
        if (opened.ok) this.#count(opened.value);
        done(opened);
      });
    return files;
  }

  #count(file: OpenFile): void {
    const close = file.close.bind(file);
    this.#open.add(file);
    file.close = (done) =>
      close((closed) => {
        if (closed.ok) this.#open.delete(file);
        done(closed);
      });
  }
}

/** Nothing has happened for so long: it hangs. */
const PATIENCE_MS = 20_000;

export class RealWorld implements World {
  readonly root: string;
  readonly doors: EngineDoors;
  readonly kill = undefined;
  readonly openFiles = undefined;

  constructor(seed: string, pool: PiscinaJobRunner) {
    this.root = mkdtempSync(join(tmpdir(), 'dynactor-engine-'));
    this.doors = {
      clock: realClock(),
      random: new SeededRandom(seed),
      log: SILENT,
      timers: new RealTimers(),
      files: new RealFiles(),
      jobs: pool,
    };
  }

  async until(isSo: () => boolean): Promise<void> {
    const begunMs = performance.now();
    while (!isSo()) {
      if (performance.now() - begunMs > PATIENCE_MS) throw new Error(`hang: not so after ${PATIENCE_MS} ms`);
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  end(): void {
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
  }
}

export function realPool(): PiscinaJobRunner {
  const module = new URL('../../../storage/jobs.js', import.meta.url).href;
  return new PiscinaJobRunner({ modules: [module], threads: 1, queueMax: 100, log: SILENT });
}

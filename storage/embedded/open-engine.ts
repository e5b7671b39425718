/** Opens an engine on the real file system, clock and job pool: for programs that embed it. */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Log } from '../../runtime/doors.ts';
import { PiscinaJobRunner } from '../../runtime/pool.ts';
import { LazyJobRunner } from '../../runtime/pool-lazy.ts';
import { SeededRandom } from '../../runtime/random.ts';
import { realClock } from '../../runtime/real/clock.ts';
import { RealFiles } from '../../runtime/real/files.ts';
import { absolutePath } from '../../runtime/real/host.ts';
import { openLog } from '../../runtime/real/log.ts';
import { moduleUrl } from '../../runtime/real/modules.ts';
import { RealTimers } from '../../runtime/real/timers.ts';
import type { EngineApi } from '../engine/api.ts';
import { Engine } from '../engine/engine.ts';
import { type EngineOptions, memoryBytesMax } from '../engine/options.ts';
import { StorageError } from '../errors.ts';
import { completed, done } from './completion.ts';

const MIB = 1024 * 1024;
const JOB_THREADS = 2;
/** Below this budget of memory one thread is enough, and each costs some 25 MiB of its own (bench:storage, memory). */
const SMALL_BUDGET_BYTES = 64 * MIB;
/** Of the collector's young generation in a thread then: 8 MiB less, for merges that take a tenth longer. */
const SMALL_YOUNG_MIB = 2;
/** A thread starts again in 0.1 s or so. */
const JOB_THREAD_IDLE_MS = 10_000;
const JOB_QUEUE_MAX = 1_024;

export interface OpenOptions extends EngineOptions {
  /** Threads that flush and compact, at most; each is there while it is needed. Default 2; 1 where memtables and cache have less than 64 MiB. */
  readonly jobThreads?: number;
  /** Default: warnings and errors as JSON lines on stderr. */
  readonly log?: Log;
  /** Another way to come by an engine. Default: on the real disk, by the options here. */
  readonly openEngine?: OpenEngine;
}

/** An engine and what it stands on. */
export interface OpenedEngine {
  readonly engine: EngineApi;
  /** Closes the engine, then what was opened for it. Called once. */
  close(): Promise<void>;
}

/** Rejects with StorageError. `dir` is as the program gave it. */
export type OpenEngine = (dir: string, options: Omit<OpenOptions, 'openEngine'>) => Promise<OpenedEngine>;

/** Opens the engine in `dir`, relative to the working directory; the directories above it are made, when it may be made itself. */
export async function openEngine(dir: string, options: OpenOptions): Promise<OpenedEngine> {
  if (typeof dir !== 'string' || dir === '') throw new StorageError('INVALID_ARGUMENT', `dir: expected a path, got ${JSON.stringify(dir)}`);
  const { openEngine: other, ...given } = options;
  return other === undefined ? openReal(dir, given) : other(dir, given);
}

async function openReal(dir: string, options: Omit<OpenOptions, 'openEngine'>): Promise<OpenedEngine> {
  const { jobThreads, log: givenLog, ...engineOptions } = options;
  const clock = realClock();
  const log = givenLog ?? openLog({ clock, level: 'warn' });
  const isSmall = memoryBytesMax(engineOptions) < SMALL_BUDGET_BYTES;
  const pool = {
    modules: [moduleUrl('storage/jobs').href],
    threads: jobThreads ?? (isSmall ? 1 : JOB_THREADS),
    queueMax: JOB_QUEUE_MAX,
    idleMs: JOB_THREAD_IDLE_MS,
    ...(isSmall && { youngMibMax: SMALL_YOUNG_MIB }),
  };
  const jobs = new LazyJobRunner(() => new PiscinaJobRunner({ ...pool, log }));
  const random = new SeededRandom(globalThis.crypto.getRandomValues(new Uint32Array(4)).join('.'));
  const doors = { clock, random, log, timers: new RealTimers(), files: new RealFiles(), jobs };
  const path = absolutePath(dir);
  try {
    if (options.createIfMissing !== false && options.readOnly !== true) await makeParents(path);
    const engine = await completed<EngineApi>((opened) => Engine.open(path, engineOptions, doors, opened));
    return {
      engine,
      close: async () => {
        try {
          await done((closed) => engine.close(closed));
        } finally {
          await jobs.close();
        }
      },
    };
  } catch (error) {
    await jobs.close();
    throw error;
  }
}

async function makeParents(path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
  } catch (error) {
    throw new StorageError('IO', `${path}: the directory above it can't be made`, { cause: error });
  }
}

/**
 * The file system door, simulated: each call takes effect and completes after a random virtual time, so calls on the same file overtake each
 * other as they do in a real thread pool.
 */
import type { Random } from '../doors.ts';
import type { FileDone, FileLock, FileResult, FileStat, FileSystem, OpenFile, OpenMode } from '../files.ts';
import { FileError } from '../files.ts';
import type { DiskOperation } from './disk-faults.ts';
import { type Distribution, sampleUs } from './distribution.ts';
import type { CostRange, Schedule } from './schedule.ts';
import type { SimDisk } from './sim-disk.ts';
import { checkPath, PowerLossError } from './sim-disk.ts';
import { DiskCalls } from './sim-disk-calls.ts';
import type { DiskHandle } from './sim-disk-handle.ts';

const COST: CostRange = { minUs: 20, maxUs: 200 };

export interface SimFilesOptions {
  /** The machine's; shared by the doors of its threads. */
  readonly disk: SimDisk;
  /** Of the thread whose door this is: completions run there. */
  readonly schedule: Schedule;
  readonly random: Random;
  /** Virtual time of each call. Default 20 to 200 us. */
  readonly cost?: CostRange;
  /** Asked for each call; what it gives is its virtual time in place of `cost`. A slow disk, a sync of 30 seconds. */
  readonly latency?: (operation: DiskOperation, path: string) => Distribution | undefined;
  /** Whether the thread whose door this is still runs: a lock of a dead one is none. Default: it does. */
  readonly isAlive?: () => boolean;
}

export class SimFiles implements FileSystem {
  readonly #disk: DiskCalls;
  readonly #calls: Calls;
  readonly #isAlive: () => boolean;

  constructor(options: SimFilesOptions) {
    this.#disk = new DiskCalls(options.disk);
    this.#calls = new Calls(options);
    this.#isAlive = options.isAlive ?? (() => true);
  }

  open(path: string, mode: OpenMode, done: FileDone<OpenFile>): void {
    checkPath(path);
    this.#calls.begin<OpenFile>('open', path, done, () => new SimOpenFile(this.#calls, this.#disk.open(path, mode)));
  }

  syncDir(path: string, done: FileDone<void>): void {
    checkPath(path);
    this.#calls.begin('syncDir', path, done, this.#disk.beginSyncDir(path));
  }

  rename(from: string, to: string, done: FileDone<void>): void {
    checkPath(from);
    checkPath(to);
    this.#calls.begin('rename', from, done, () => this.#disk.rename(from, to));
  }

  unlink(path: string, done: FileDone<void>): void {
    checkPath(path);
    this.#calls.begin('unlink', path, done, () => this.#disk.unlink(path));
  }

  mkdir(path: string, done: FileDone<void>): void {
    checkPath(path);
    this.#calls.begin('mkdir', path, done, () => this.#disk.mkdir(path));
  }

  readdir(path: string, done: FileDone<readonly string[]>): void {
    checkPath(path);
    this.#calls.begin('readdir', path, done, () => this.#disk.readdir(path));
  }

  stat(path: string, done: FileDone<FileStat>): void {
    checkPath(path);
    this.#calls.begin('stat', path, done, () => this.#disk.stat(path));
  }

  link(from: string, to: string, done: FileDone<void>): void {
    checkPath(from);
    checkPath(to);
    this.#calls.begin('link', from, done, () => this.#disk.link(from, to));
  }

  lock(path: string, done: FileDone<FileLock>): void {
    checkPath(path);
    this.#calls.begin<FileLock>('lock', path, done, () => {
      const release = this.#disk.lock(path, this.#isAlive);
      return { release: (released) => this.#calls.begin('unlink', path, released, release) };
    });
  }
}

class SimOpenFile implements OpenFile {
  readonly path: string;
  readonly #calls: Calls;
  readonly #handle: DiskHandle;
  #inFlight = 0;
  #closed = false;
  #close: (() => void) | undefined;

  constructor(calls: Calls, handle: DiskHandle) {
    this.path = handle.path;
    this.#calls = calls;
    this.#handle = handle;
  }

  pread(into: Uint8Array, position: number, done: FileDone<number>): void {
    this.#begin('pread', done, () => this.#handle.pread(into, position));
  }

  preadNow(into: Uint8Array, position: number): number {
    if (this.#closed) throw new FileError('EBADF', 'pread', this.path);
    return this.#handle.pread(into, position);
  }

  pwrite(buffers: readonly Uint8Array[], position: number, done: FileDone<void>): void {
    this.#begin('pwrite', done, () => this.#handle.pwrite(buffers, position));
  }

  pwriteNow(bytes: Uint8Array, position: number): void {
    if (this.#closed) throw new FileError('EBADF', 'pwrite', this.path);
    this.#handle.pwrite([bytes], position);
  }

  datasync(done: FileDone<void>): void {
    this.#begin('datasync', done, this.#handle.beginSync());
  }

  truncate(length: number, done: FileDone<void>): void {
    this.#begin('truncate', done, () => this.#handle.truncate(length));
  }

  close(done: FileDone<void>): void {
    const wasClosed = this.#closed;
    this.#closed = true;
    const close = () =>
      this.#calls.begin(undefined, this.path, done, () => {
        this.#handle.close();
        if (wasClosed) throw new FileError('EBADF', 'close', this.path);
      });
    if (wasClosed || this.#inFlight === 0) close();
    else this.#close = close;
  }

  #begin<T>(operation: DiskOperation, done: FileDone<T>, effect: () => T): void {
    const wasClosed = this.#closed;
    if (!wasClosed) this.#inFlight++;
    this.#calls.begin(operation, this.path, done, () => {
      if (wasClosed) throw new FileError('EBADF', operation, this.path);
      this.#inFlight--;
      if (this.#inFlight === 0) this.#close?.();
      return effect();
    });
  }
}

/** What a door and its files have in common: how long a call takes, and that a crash silences it. */
class Calls {
  readonly #disk: SimDisk;
  readonly #schedule: Schedule;
  readonly #random: Random;
  readonly #cost: CostRange;
  readonly #latency: SimFilesOptions['latency'];

  constructor(options: SimFilesOptions) {
    this.#disk = options.disk;
    this.#schedule = options.schedule;
    this.#random = options.random;
    this.#cost = options.cost ?? COST;
    this.#latency = options.latency;
  }

  /** Runs `effect`, which may throw a FileError, after the time of a call, and tells `done` what came of it. */
  begin<T>(operation: DiskOperation | undefined, path: string, done: FileDone<T>, effect: () => T): void {
    const { generation } = this.#disk;
    this.#schedule(this.#costUs(operation, path) / 1_000, () => {
      if (generation !== this.#disk.generation) return;
      const result = attempt(effect);
      if (result !== undefined) done(result);
    });
  }

  #costUs(operation: DiskOperation | undefined, path: string): number {
    const latency = operation && this.#latency?.(operation, path);
    const slowness = Math.max(1, ...this.#disk.slowed);
    if (latency !== undefined) return sampleUs(latency, this.#random) * slowness;
    const { minUs, maxUs } = this.#cost;
    return (minUs + this.#random.below(maxUs - minUs + 1)) * slowness;
  }
}

/** Undefined: never ends, since the power went. */
function attempt<T>(effect: () => T): FileResult<T> | undefined {
  try {
    return { ok: true, value: effect() };
  } catch (error) {
    if (error instanceof FileError) return { ok: false, error };
    if (error instanceof PowerLossError) return undefined;
    throw error;
  }
}

/**
 * The file system door, simulated: each call takes effect and completes after a random virtual time, so calls on the same file overtake each
 * other as they do in a real thread pool.
 */
import type { Random } from '../doors.ts';
import type { FileDone, FileResult, FileStat, FileSystem, OpenFile, OpenMode } from '../files.ts';
import { FileError } from '../files.ts';
import type { CostRange, Schedule } from './schedule.ts';
import type { SimDisk } from './sim-disk.ts';
import { checkPath, SimDirectory, SimFile } from './sim-disk.ts';

const COST: CostRange = { minUs: 20, maxUs: 200 };

export interface SimFilesOptions {
  /** The machine's; shared by the doors of its threads. */
  readonly disk: SimDisk;
  /** Of the thread whose door this is: completions run there. */
  readonly schedule: Schedule;
  readonly random: Random;
  /** Virtual time of each call. Default 20 to 200 us. */
  readonly cost?: CostRange;
}

export class SimFiles implements FileSystem {
  readonly #disk: SimDisk;
  readonly #calls: Calls;

  constructor(options: SimFilesOptions) {
    this.#disk = options.disk;
    this.#calls = new Calls(options);
  }

  open(path: string, mode: OpenMode, done: FileDone<OpenFile>): void {
    checkPath(path);
    this.#calls.begin(done, () => {
      const { directory, name, node } = this.#disk.entry('open', path);
      if (node?.kind === 'file') {
        if (mode === 'createNew') throw new FileError('EEXIST', 'open', path);
        return new SimOpenFile(this.#calls, path, node, mode !== 'read');
      }
      if (node !== undefined) throw new FileError('EISDIR', 'open', path);
      if (mode === 'read' || mode === 'readWrite') throw new FileError('ENOENT', 'open', path);
      const file = new SimFile();
      directory.now.set(name, file);
      return new SimOpenFile(this.#calls, path, file, true);
    });
  }

  syncDir(path: string, done: FileDone<void>): void {
    checkPath(path);
    // What becomes durable is what was there when the sync began.
    const end = attempt(() => this.#directory('syncDir', path).beginSync());
    this.#calls.begin(done, () => {
      if (!end.ok) throw end.error;
      end.value();
    });
  }

  rename(from: string, to: string, done: FileDone<void>): void {
    checkPath(from);
    checkPath(to);
    this.#calls.begin(done, () => {
      const source = this.#disk.entry('rename', from);
      const target = this.#disk.entry('rename', to);
      if (source.node === undefined) throw new FileError('ENOENT', 'rename', from);
      if (source.node === target.node) return;
      if (source.node.kind === 'directory' && to.startsWith(`${from}/`)) throw new FileError('EINVAL', 'rename', from);
      if (target.node !== undefined) {
        const code = whyNotReplaced(source.node, target.node);
        if (code !== undefined) throw new FileError(code, 'rename', from);
      }
      source.directory.now.delete(source.name);
      target.directory.now.set(target.name, source.node);
    });
  }

  unlink(path: string, done: FileDone<void>): void {
    checkPath(path);
    this.#calls.begin(done, () => {
      const { directory, name, node } = this.#disk.entry('unlink', path);
      if (node === undefined) throw new FileError('ENOENT', 'unlink', path);
      if (node.kind === 'directory') throw new FileError('EISDIR', 'unlink', path);
      directory.now.delete(name);
    });
  }

  mkdir(path: string, done: FileDone<void>): void {
    checkPath(path);
    this.#calls.begin(done, () => {
      const { directory, name, node } = this.#disk.entry('mkdir', path);
      if (node !== undefined) throw new FileError('EEXIST', 'mkdir', path);
      directory.now.set(name, new SimDirectory());
    });
  }

  readdir(path: string, done: FileDone<readonly string[]>): void {
    checkPath(path);
    this.#calls.begin(done, () => [...this.#directory('readdir', path).now.keys()].sort());
  }

  stat(path: string, done: FileDone<FileStat>): void {
    checkPath(path);
    this.#calls.begin<FileStat>(done, () => {
      const node = this.#disk.find('stat', path);
      return node.kind === 'file' ? { kind: 'file', size: node.now.length } : { kind: 'directory', size: 0 };
    });
  }

  #directory(operation: string, path: string): SimDirectory {
    const node = this.#disk.find(operation, path);
    if (node.kind !== 'directory') throw new FileError('ENOTDIR', operation, path);
    return node;
  }
}

class SimOpenFile implements OpenFile {
  readonly path: string;
  readonly #calls: Calls;
  readonly #file: SimFile;
  readonly #writable: boolean;
  #inFlight = 0;
  #closed = false;
  #close: (() => void) | undefined;

  constructor(calls: Calls, path: string, file: SimFile, writable: boolean) {
    this.path = path;
    this.#calls = calls;
    this.#file = file;
    this.#writable = writable;
  }

  pread(into: Uint8Array, position: number, done: FileDone<number>): void {
    this.#begin('pread', done, () => this.#file.now.read(into, position));
  }

  pwrite(buffers: readonly Uint8Array[], position: number, done: FileDone<void>): void {
    this.#begin('pwrite', done, () => {
      if (!this.#writable) throw new FileError('EBADF', 'pwrite', this.path);
      this.#file.write(buffers, position);
    });
  }

  datasync(done: FileDone<void>): void {
    const end = this.#file.beginSync();
    this.#begin('datasync', done, () => {
      end();
    });
  }

  truncate(length: number, done: FileDone<void>): void {
    this.#begin('truncate', done, () => {
      if (!this.#writable) throw new FileError('EINVAL', 'truncate', this.path);
      this.#file.truncate(length);
    });
  }

  close(done: FileDone<void>): void {
    const wasClosed = this.#closed;
    this.#closed = true;
    const close = () =>
      this.#calls.begin(done, () => {
        if (wasClosed) throw new FileError('EBADF', 'close', this.path);
      });
    if (wasClosed || this.#inFlight === 0) close();
    else this.#close = close;
  }

  #begin<T>(operation: string, done: FileDone<T>, effect: () => T): void {
    const wasClosed = this.#closed;
    if (!wasClosed) this.#inFlight++;
    this.#calls.begin(done, () => {
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

  constructor(options: SimFilesOptions) {
    this.#disk = options.disk;
    this.#schedule = options.schedule;
    this.#random = options.random;
    this.#cost = options.cost ?? COST;
  }

  /** Runs `effect`, which may throw a FileError, after the time of a call, and tells `done` what came of it. */
  begin<T>(done: FileDone<T>, effect: () => T): void {
    const { minUs, maxUs } = this.#cost;
    const { generation } = this.#disk;
    this.#schedule((minUs + this.#random.below(maxUs - minUs + 1)) / 1_000, () => {
      if (generation !== this.#disk.generation) return;
      done(attempt(effect));
    });
  }
}

function attempt<T>(effect: () => T): FileResult<T> {
  try {
    return { ok: true, value: effect() };
  } catch (error) {
    if (error instanceof FileError) return { ok: false, error };
    throw error;
  }
}

function whyNotReplaced(source: SimFile | SimDirectory, target: SimFile | SimDirectory): string | undefined {
  if (target.kind === 'file') return source.kind === 'directory' ? 'ENOTDIR' : undefined;
  if (source.kind === 'file') return 'EISDIR';
  return target.now.size > 0 ? 'ENOTEMPTY' : undefined;
}

/** The file system door over the synchronous one of a simulated disk: what it does is done at once, and told a microtask later. */
import type { FileDone, FileLock, FileStat, FileSystem, OpenFile, OpenMode, SyncFile } from '../../../runtime/files.ts';
import { FileError } from '../../../runtime/files.ts';
import type { SimDisk } from '../../../runtime/simulation/sim-disk.ts';
import { SimSyncFiles } from '../../../runtime/simulation/sim-sync-files.ts';

export class PromisedFiles implements FileSystem {
  readonly #files: SimSyncFiles;
  readonly #locks = new Set<string>();

  constructor(disk: SimDisk) {
    this.#files = new SimSyncFiles(disk);
  }

  open(path: string, mode: OpenMode, done: FileDone<OpenFile>): void {
    tell(done, () => new PromisedFile(this.#files.open(path, mode)));
  }
  syncDir(path: string, done: FileDone<void>): void {
    tell(done, () => this.#files.syncDir(path));
  }
  rename(from: string, to: string, done: FileDone<void>): void {
    tell(done, () => this.#files.rename(from, to));
  }
  unlink(path: string, done: FileDone<void>): void {
    tell(done, () => this.#files.unlink(path));
  }
  mkdir(path: string, done: FileDone<void>): void {
    tell(done, () => this.#files.mkdir(path));
  }
  readdir(path: string, done: FileDone<readonly string[]>): void {
    tell(done, () => this.#files.readdir(path));
  }
  stat(path: string, done: FileDone<FileStat>): void {
    tell(done, () => this.#files.stat(path));
  }
  link(from: string, to: string, done: FileDone<void>): void {
    tell(done, () => this.#files.link(from, to));
  }
  lock(path: string, done: FileDone<FileLock>): void {
    tell(done, () => {
      if (this.#locks.has(path)) throw new FileError('ELOCKED', 'lock', path);
      this.#locks.add(path);
      return { release: (released) => tell(released, () => void this.#locks.delete(path)) };
    });
  }
}

class PromisedFile implements OpenFile {
  readonly #file: SyncFile;

  constructor(file: SyncFile) {
    this.#file = file;
  }

  get path(): string {
    return this.#file.path;
  }
  pread(into: Uint8Array, position: number, done: FileDone<number>): void {
    tell(done, () => this.#file.pread(into, position));
  }
  preadNow(into: Uint8Array, position: number): number {
    return this.#file.pread(into, position);
  }
  pwrite(buffers: readonly Uint8Array[], position: number, done: FileDone<void>): void {
    tell(done, () => this.#file.pwrite(buffers, position));
  }
  pwriteNow(bytes: Uint8Array, position: number): void {
    this.#file.pwrite([bytes], position);
  }
  datasync(done: FileDone<void>): void {
    tell(done, () => this.#file.datasync());
  }
  truncate(length: number, done: FileDone<void>): void {
    tell(done, () => this.#file.truncate(length));
  }
  close(done: FileDone<void>): void {
    tell(done, () => this.#file.close());
  }
}

/** Never, when the machine has lost power: what calls then throw is no FileError. */
function tell<T>(done: FileDone<T>, call: () => T): void {
  try {
    const value = call();
    queueMicrotask(() => done({ ok: true, value }));
  } catch (error) {
    if (error instanceof FileError) queueMicrotask(() => done({ ok: false, error }));
  }
}

/** The file system door in synchronous form, real: for threads of the job pool. */
import * as fs from 'node:fs';
import type { FileStat, OpenMode, SyncFile, SyncFileSystem } from '../files.ts';
import { FileError } from '../files.ts';
import { errorOf, FILE_PERMISSIONS, OPEN_FLAGS, readWhole, writeWhole } from './file-calls.ts';

export class RealSyncFiles implements SyncFileSystem {
  open(path: string, mode: OpenMode): SyncFile {
    return new RealSyncFile(
      path,
      run('open', path, () => fs.openSync(path, OPEN_FLAGS[mode], FILE_PERMISSIONS)),
    );
  }

  syncDir(path: string): void {
    // As in `files.ts`: a directory can't be opened there.
    if (process.platform === 'win32') return;
    run('syncDir', path, () => {
      const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
      try {
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
    });
  }

  rename(from: string, to: string): void {
    run('rename', from, () => fs.renameSync(from, to));
  }

  unlink(path: string): void {
    run('unlink', path, () => fs.unlinkSync(path));
  }

  mkdir(path: string): void {
    run('mkdir', path, () => fs.mkdirSync(path));
  }

  readdir(path: string): readonly string[] {
    return run('readdir', path, () => fs.readdirSync(path)).sort();
  }

  stat(path: string): FileStat {
    const stats = run('stat', path, () => fs.statSync(path));
    return { kind: stats.isDirectory() ? 'directory' : 'file', size: stats.size };
  }

  link(from: string, to: string): void {
    run('link', from, () => fs.linkSync(from, to));
  }
}

class RealSyncFile implements SyncFile {
  readonly path: string;
  readonly #fd: number;
  #closed = false;

  constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  pread(into: Uint8Array, position: number): number {
    this.#check('pread');
    return readWhole(this.#fd, into, position, this.path);
  }

  pwrite(buffers: readonly Uint8Array[], position: number): void {
    this.#check('pwrite');
    writeWhole(this.#fd, buffers, position, this.path);
  }

  datasync(): void {
    this.#check('datasync');
    run('datasync', this.path, () => fs.fdatasyncSync(this.#fd));
  }

  truncate(length: number): void {
    this.#check('truncate');
    run('truncate', this.path, () => fs.ftruncateSync(this.#fd, length));
  }

  close(): void {
    this.#check('close');
    this.#closed = true;
    run('close', this.path, () => fs.closeSync(this.#fd));
  }

  /** The descriptor's number may be another file's by now. */
  #check(operation: string): void {
    if (this.#closed) throw new FileError('EBADF', operation, this.path);
  }
}

function run<T>(operation: string, path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw errorOf(error as NodeJS.ErrnoException, operation, path);
  }
}

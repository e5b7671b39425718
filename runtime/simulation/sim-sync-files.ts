/**
 * The file system door in synchronous form, simulated, for jobs: each call takes effect at once, and no virtual time passes. Throws
 * PowerLossError when the machine has lost power.
 */
import type { FileStat, OpenMode, SyncFile, SyncFileSystem } from '../files.ts';
import { FileError } from '../files.ts';
import { checkPath, type SimDisk } from './sim-disk.ts';
import { DiskCalls } from './sim-disk-calls.ts';
import type { DiskHandle } from './sim-disk-handle.ts';

export class SimSyncFiles implements SyncFileSystem {
  readonly #disk: DiskCalls;

  constructor(disk: SimDisk) {
    this.#disk = new DiskCalls(disk);
  }

  open(path: string, mode: OpenMode): SyncFile {
    checkPath(path);
    return new SimSyncFile(this.#disk.open(path, mode));
  }

  syncDir(path: string): void {
    checkPath(path);
    this.#disk.beginSyncDir(path)();
  }

  rename(from: string, to: string): void {
    checkPath(from);
    checkPath(to);
    this.#disk.rename(from, to);
  }

  unlink(path: string): void {
    checkPath(path);
    this.#disk.unlink(path);
  }

  mkdir(path: string): void {
    checkPath(path);
    this.#disk.mkdir(path);
  }

  readdir(path: string): readonly string[] {
    checkPath(path);
    return this.#disk.readdir(path);
  }

  stat(path: string): FileStat {
    checkPath(path);
    return this.#disk.stat(path);
  }

  link(from: string, to: string): void {
    checkPath(from);
    checkPath(to);
    this.#disk.link(from, to);
  }
}

class SimSyncFile implements SyncFile {
  readonly path: string;
  readonly #handle: DiskHandle;
  #closed = false;

  constructor(handle: DiskHandle) {
    this.path = handle.path;
    this.#handle = handle;
  }

  pread(into: Uint8Array, position: number): number {
    return this.#open('pread').pread(into, position);
  }

  pwrite(buffers: readonly Uint8Array[], position: number): void {
    this.#open('pwrite').pwrite(buffers, position);
  }

  datasync(): void {
    this.#open('datasync').beginSync()();
  }

  truncate(length: number): void {
    this.#open('truncate').truncate(length);
  }

  close(): void {
    this.#open('close').close();
    this.#closed = true;
  }

  #open(operation: string): DiskHandle {
    if (this.#closed) throw new FileError('EBADF', operation, this.path);
    return this.#handle;
  }
}

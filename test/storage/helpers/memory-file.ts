/** Files for tests of storage: in memory, in both forms, with what a test wants to know and to do to them. */
import type { FileDone, FileResult, OpenFile, SyncFile } from '../../../runtime/files.ts';
import { FileError } from '../../../runtime/files.ts';

/** A file in memory. Asynchronous reads end when `settle` is called. */
export class MemoryFile implements SyncFile {
  readonly path: string;
  bytes: Buffer = Buffer.alloc(0);
  synced = 0;
  reads = 0;

  constructor(path = '/tables/1.sst', bytes: Buffer = Buffer.alloc(0)) {
    this.path = path;
    this.bytes = bytes;
  }

  pread(into: Uint8Array, position: number): number {
    this.reads++;
    return this.bytes.copy(into, 0, position, Math.min(this.bytes.length, position + into.length));
  }

  pwrite(buffers: readonly Uint8Array[], position: number): void {
    this.bytes = Buffer.concat([this.bytes.subarray(0, position), ...buffers]);
  }

  datasync(): void {
    this.synced = this.bytes.length;
  }

  truncate(length: number): void {
    this.bytes = this.bytes.subarray(0, length);
  }

  close(): void {
    this.synced = -1;
  }
}

export class MemoryOpenFile implements OpenFile {
  readonly path: string;
  readonly file: MemoryFile;
  /** Reads that have begun and not ended. */
  readonly waiting: (() => void)[] = [];
  reads = 0;
  inlineReads = 0;
  closed = false;
  /** Fails reads from now on. */
  failing: FileError | undefined;

  constructor(file: MemoryFile) {
    this.path = file.path;
    this.file = file;
  }

  pread(into: Uint8Array, position: number, done: FileDone<number>): void {
    this.reads++;
    this.waiting.push(() => done(this.failing === undefined ? { ok: true, value: this.file.pread(into, position) } : this.#failure()));
  }

  preadNow(into: Uint8Array, position: number): number {
    this.inlineReads++;
    if (this.failing !== undefined) throw this.failing;
    return this.file.pread(into, position);
  }

  close(done: FileDone<void>): void {
    this.closed = true;
    this.waiting.push(() => done({ ok: true, value: undefined }));
  }

  /** Ends what has begun, and what begins meanwhile. */
  settle(): void {
    for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) next();
  }

  pwrite(): void {
    throw new FileError('EBADF', 'pwrite', this.path);
  }

  pwriteNow(): void {
    throw new FileError('EBADF', 'pwrite', this.path);
  }

  datasync(): void {
    throw new FileError('EBADF', 'datasync', this.path);
  }

  truncate(): void {
    throw new FileError('EBADF', 'truncate', this.path);
  }

  #failure(): FileResult<number> {
    return { ok: false, error: this.failing as FileError };
  }
}

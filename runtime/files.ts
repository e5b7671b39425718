/**
 * The file system door. Every call takes a completion that is called once, later, never within the call, and must not throw;
 * the context of an actor turns it into a message.
 *
 * Paths are absolute, '/'-separated and normalised. Calls on the same file are not ordered among each other: who needs an order
 * waits for the completion. Buffers belong to the file system from the call to the completion.
 *
 * Durability: file content is on disk after `datasync`, as far as it had been written (and completed) when that was called. The names
 * in a directory, new, renamed or removed, are on disk after `syncDir` of it, likewise. The rest a crash may undo.
 */

export type OpenMode =
  /** Must exist; can't be written. */
  | 'read'
  /** Must exist. */
  | 'readWrite'
  /** For reading and writing; made empty when absent. */
  | 'create'
  /** For reading and writing; EEXIST when present. */
  | 'createNew'
  /** Must exist. For reading and writing; a write completes when what it wrote is on disk, as if `datasync` had followed it: one call for both. */
  | 'readWriteSynced';

/** A failure of the environment, with the operating system's code: ENOENT, EEXIST, ENOTDIR, EISDIR, EIO, ENOSPC, EBADF, ... */
export class FileError extends Error {
  readonly code: string;
  readonly operation: string;
  readonly path: string;

  constructor(code: string, operation: string, path: string, options?: ErrorOptions) {
    super(`${operation} ${path}: ${code}`, options);
    this.name = 'FileError';
    this.code = code;
    this.operation = operation;
    this.path = path;
  }
}

export type FileResult<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: FileError };
export type FileDone<T> = (result: FileResult<T>) => void;

export interface FileStat {
  readonly kind: 'file' | 'directory';
  /** Bytes; of no meaning for a directory. */
  readonly size: number;
}

export interface FileSystem {
  /** Requires: `path` is no directory. Errors: ENOENT, EEXIST (`createNew`), ENOTDIR. */
  open(path: string, mode: OpenMode, done: FileDone<OpenFile>): void;
  /** Makes the names in this directory durable. */
  syncDir(path: string, done: FileDone<void>): void;
  /** Replaces `to` when it exists. Atomic for who looks; durable after `syncDir` of both directories. */
  rename(from: string, to: string, done: FileDone<void>): void;
  /** Removes a file's name; open files stay usable. */
  unlink(path: string, done: FileDone<void>): void;
  /** Makes one directory. Errors: EEXIST; ENOENT when the parent is missing. */
  mkdir(path: string, done: FileDone<void>): void;
  /** Names in a directory, sorted by UTF-16 units. */
  readdir(path: string, done: FileDone<readonly string[]>): void;
  stat(path: string, done: FileDone<FileStat>): void;
  /** Gives the file at `from` the second name `to`. Durable after `syncDir`. Errors: EEXIST; EPERM and ENOTSUP where the disk has no such links. */
  link(from: string, to: string, done: FileDone<void>): void;
  /**
   * Makes the file at `path` when absent and holds it for this process, until `release` or the end of the process. A lock that a dead
   * process left behind is no lock. Errors: ELOCKED when another holds it, also one of this process.
   */
  lock(path: string, done: FileDone<FileLock>): void;
}

export interface FileLock {
  release(done: FileDone<void>): void;
}

export interface OpenFile {
  readonly path: string;
  /** Fills `into` from `position` on. Gives the bytes read: fewer than asked only at the end of the file. */
  pread(into: Uint8Array, position: number, done: FileDone<number>): void;
  /**
   * As `pread`, but at once, on the caller's thread. For reads that most likely need no disk (the page cache has them), where handing over to
   * another thread costs more than the read; who calls it watches how long it takes. Throws FileError.
   */
  preadNow(into: Uint8Array, position: number): number;
  /** Writes all buffers, one after the other, from `position` on. After an error any part of them may have been written. */
  pwrite(buffers: readonly Uint8Array[], position: number, done: FileDone<void>): void;
  /**
   * As `pwrite` of one buffer, but at once, on the caller's thread. For writes that the page cache takes, where handing over to another thread costs more than
   * the write; who calls it watches how long it takes. Throws FileError.
   */
  pwriteNow(bytes: Uint8Array, position: number): void;
  datasync(done: FileDone<void>): void;
  /** Cuts the file, or extends it with zeros, to `length`. */
  truncate(length: number, done: FileDone<void>): void;
  /** Calls begun before end first; later ones fail with EBADF. */
  close(done: FileDone<void>): void;
}

/**
 * The same in synchronous form, for jobs of the pool: never on a thread that serves. All throw FileError. Semantics, modes, errors and
 * durability as above.
 */
export interface SyncFileSystem {
  open(path: string, mode: OpenMode): SyncFile;
  syncDir(path: string): void;
  rename(from: string, to: string): void;
  unlink(path: string): void;
  mkdir(path: string): void;
  readdir(path: string): readonly string[];
  stat(path: string): FileStat;
  link(from: string, to: string): void;
}

export interface SyncFile {
  readonly path: string;
  pread(into: Uint8Array, position: number): number;
  pwrite(buffers: readonly Uint8Array[], position: number): void;
  datasync(): void;
  truncate(length: number): void;
  close(): void;
}

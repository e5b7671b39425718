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
  | 'createNew';

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
}

export interface OpenFile {
  readonly path: string;
  /** Fills `into` from `position` on. Gives the bytes read: fewer than asked only at the end of the file. */
  pread(into: Uint8Array, position: number, done: FileDone<number>): void;
  /** Writes all buffers, one after the other, from `position` on. After an error any part of them may have been written. */
  pwrite(buffers: readonly Uint8Array[], position: number, done: FileDone<void>): void;
  datasync(done: FileDone<void>): void;
  /** Cuts the file, or extends it with zeros, to `length`. */
  truncate(length: number, done: FileDone<void>): void;
  /** Calls begun before end first; later ones fail with EBADF. */
  close(done: FileDone<void>): void;
}

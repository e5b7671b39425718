/** The file system door, real: `node:fs` in its asynchronous form, so calls run on libuv's thread pool. */
import * as fs from 'node:fs';
import { assert } from '../errors.ts';
import type { FileDone, FileLock, FileResult, FileStat, FileSystem, OpenFile, OpenMode } from '../files.ts';
import { FileError } from '../files.ts';
import { errorOf, FILE_PERMISSIONS, OPEN_FLAGS, readWhole, skipBytes, writeWhole } from './file-calls.ts';
import { lockFile } from './file-lock.ts';

const DONE: FileResult<void> = { ok: true, value: undefined };

export class RealFiles implements FileSystem {
  open(path: string, mode: OpenMode, done: FileDone<OpenFile>): void {
    fs.open(path, OPEN_FLAGS[mode], FILE_PERMISSIONS, (error, fd) => {
      if (error) done(failed(error, 'open', path));
      else done({ ok: true, value: new RealFile(path, fd) });
    });
  }

  syncDir(path: string, done: FileDone<void>): void {
    // Windows neither has nor needs it: a directory can't be opened there.
    if (process.platform === 'win32') {
      setImmediate(done, DONE);
      return;
    }
    fs.open(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY, (openError, fd) => {
      if (openError) {
        done(failed(openError, 'syncDir', path));
        return;
      }
      fs.fsync(fd, (syncError) => {
        fs.close(fd, (closeError) => finish(syncError ?? closeError, 'syncDir', path, done));
      });
    });
  }

  rename(from: string, to: string, done: FileDone<void>): void {
    fs.rename(from, to, (error) => finish(error, 'rename', from, done));
  }

  unlink(path: string, done: FileDone<void>): void {
    fs.unlink(path, (error) => finish(error, 'unlink', path, done));
  }

  mkdir(path: string, done: FileDone<void>): void {
    fs.mkdir(path, (error) => finish(error, 'mkdir', path, done));
  }

  readdir(path: string, done: FileDone<readonly string[]>): void {
    fs.readdir(path, (error, names) => {
      if (error) done(failed(error, 'readdir', path));
      else done({ ok: true, value: names.sort() });
    });
  }

  stat(path: string, done: FileDone<FileStat>): void {
    fs.stat(path, (error, stats) => {
      if (error) done(failed(error, 'stat', path));
      else done({ ok: true, value: { kind: stats.isDirectory() ? 'directory' : 'file', size: stats.size } });
    });
  }

  link(from: string, to: string, done: FileDone<void>): void {
    fs.link(from, to, (error) => finish(error, 'link', from, done));
  }

  lock(path: string, done: FileDone<FileLock>): void {
    lockFile(path, (error, held) => {
      if (held === undefined) done(failed(error ?? {}, 'lock', path));
      else done({ ok: true, value: { release: (released) => held.release((e) => finish(e, 'release', path, released)) } });
    });
  }
}

class RealFile implements OpenFile {
  readonly path: string;
  readonly #fd: number;
  #inFlight = 0;
  #closed = false;
  /** Waits for the calls in flight, so that the descriptor's number is not given to another file under them. */
  #close: (() => void) | undefined;

  constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  pread(into: Uint8Array, position: number, done: FileDone<number>): void {
    if (this.#closed) {
      setImmediate(() => done(this.#badHandle('pread')));
      return;
    }
    let filled = 0;
    const onRead = (error: NodeJS.ErrnoException | null, count: number): void => {
      filled += error ? 0 : count;
      if (!error && count > 0 && filled < into.length) {
        fs.read(this.#fd, into, filled, into.length - filled, position + filled, onRead);
        return;
      }
      this.#ended();
      if (error) done(failed(error, 'pread', this.path));
      else done({ ok: true, value: filled });
    };
    fs.read(this.#fd, into, 0, into.length, position, onRead);
    this.#inFlight++;
  }

  preadNow(into: Uint8Array, position: number): number {
    if (this.#closed) throw new FileError('EBADF', 'pread', this.path);
    return readWhole(this.#fd, into, position, this.path);
  }

  pwrite(buffers: readonly Uint8Array[], position: number, done: FileDone<void>): void {
    if (this.#closed) {
      setImmediate(() => done(this.#badHandle('pwrite')));
      return;
    }
    let rest = buffers;
    let at = position;
    const onWritten = (error: NodeJS.ErrnoException | null, count: number): void => {
      if (!error) {
        // Nothing taken and no reason given: not to be tried for ever.
        at += count;
        rest = skipBytes(rest, count);
        if (rest.length > 0 && count > 0) {
          fs.writev(this.#fd, rest, at, onWritten);
          return;
        }
      }
      this.#ended();
      if (!error && rest.length > 0) done({ ok: false, error: new FileError('EIO', 'pwrite', this.path) });
      else finish(error, 'pwrite', this.path, done);
    };
    // An empty list is no call to the system, but still a completion later.
    if (skipBytes(buffers, 0).length === 0) setImmediate(onWritten, null, 0);
    else fs.writev(this.#fd, buffers, position, onWritten);
    this.#inFlight++;
  }

  pwriteNow(bytes: Uint8Array, position: number): void {
    if (this.#closed) throw new FileError('EBADF', 'pwrite', this.path);
    writeWhole(this.#fd, [bytes], position, this.path);
  }

  datasync(done: FileDone<void>): void {
    if (this.#closed) {
      setImmediate(() => done(this.#badHandle('datasync')));
      return;
    }
    fs.fdatasync(this.#fd, (error) => {
      this.#ended();
      finish(error, 'datasync', this.path, done);
    });
    this.#inFlight++;
  }

  truncate(length: number, done: FileDone<void>): void {
    if (this.#closed) {
      setImmediate(() => done(this.#badHandle('truncate')));
      return;
    }
    fs.ftruncate(this.#fd, length, (error) => {
      this.#ended();
      finish(error, 'truncate', this.path, done);
    });
    this.#inFlight++;
  }

  close(done: FileDone<void>): void {
    if (this.#closed) {
      setImmediate(() => done(this.#badHandle('close')));
      return;
    }
    this.#closed = true;
    const close = () => fs.close(this.#fd, (error) => finish(error, 'close', this.path, done));
    if (this.#inFlight === 0) close();
    else this.#close = close;
  }

  #ended(): void {
    this.#inFlight--;
    assert(this.#inFlight >= 0, 'file: more completions than calls');
    if (this.#inFlight === 0) this.#close?.();
  }

  #badHandle(operation: string): FileResult<never> {
    return { ok: false, error: new FileError('EBADF', operation, this.path) };
  }
}

function finish(
  error: { readonly code?: string | undefined } | null | undefined,
  operation: string,
  path: string,
  done: FileDone<void>,
): void {
  done(error ? failed(error, operation, path) : DONE);
}

function failed(error: { readonly code?: string | undefined }, operation: string, path: string): FileResult<never> {
  return { ok: false, error: errorOf(error, operation, path) };
}

/** Small sequences of file calls that opening, checkpoints and repairs share. */
import type { FileError, FileSystem, OpenFile } from '../../runtime/files.ts';
import { type StorageDone, StorageError, type StorageResult } from '../errors.ts';
import type { WriteDone } from './api.ts';

export function ioError(what: string, cause: FileError): StorageError {
  return new StorageError('IO', `${what}: ${cause.message}`, { cause });
}

/** The directory of a path, which is absolute and not the root. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** The whole file. Errors: IO; INVALID_ARGUMENT when it has more than `bytesMax`. */
export function readWhole(files: FileSystem, path: string, bytesMax: number, done: StorageDone<Buffer>): void {
  files.stat(path, (stat) => {
    if (!stat.ok) return done({ ok: false, error: ioError('read', stat.error) });
    const { size } = stat.value;
    if (size > bytesMax) {
      const message = `${path}: expected at most ${bytesMax} bytes, found ${size}`;
      return done({ ok: false, error: new StorageError('INVALID_ARGUMENT', message) });
    }
    readInto(files, path, Buffer.alloc(size), done);
  });
}

/** Fills `into` from the beginning of the file; gives what of it was read. */
export function readInto(files: FileSystem, path: string, into: Buffer, done: StorageDone<Buffer>): void {
  files.open(path, 'read', (opened) => {
    if (!opened.ok) return done({ ok: false, error: ioError('read', opened.error) });
    const file = opened.value;
    file.pread(into, 0, (read) => {
      file.close(() => {
        if (read.ok) done({ ok: true, value: read.value === into.length ? into : into.subarray(0, read.value) });
        else done({ ok: false, error: ioError('read', read.error) });
      });
    });
  });
}

/** Makes what the file holds durable. */
export function syncFile(files: FileSystem, path: string, done: WriteDone): void {
  files.open(path, 'readWrite', (opened) => {
    if (!opened.ok) return done(ioError('sync', opened.error));
    const file: OpenFile = opened.value;
    file.datasync((synced) => file.close(() => done(synced.ok ? undefined : ioError('sync', synced.error))));
  });
}

/** Runs `step` for each item, `atOnce` of them at a time, until all ended or one failed; the values are in the order of the items. */
export function forEach<T, R>(
  items: readonly T[],
  atOnce: number,
  step: (item: T, done: StorageDone<R>) => void,
  done: StorageDone<readonly R[]>,
): void {
  const values = new Array<R>(items.length);
  let next = 0;
  let running = 0;
  let failure: StorageResult<never> | undefined;
  const pump = (): void => {
    while (failure === undefined && running < atOnce && next < items.length) {
      const index = next++;
      running++;
      step(items[index]!, (result) => {
        running--;
        if (result.ok) values[index] = result.value;
        else failure ??= result;
        pump();
      });
    }
    if (running === 0 && (failure !== undefined || next === items.length)) {
      const ended = failure ?? ({ ok: true, value: values } as const);
      // Once: what ends later finds nothing running.
      running = -1;
      done(ended);
    }
  };
  pump();
}

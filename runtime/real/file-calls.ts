/** What the asynchronous and the synchronous form of the real file system door share. */
import * as fs from 'node:fs';
import type { OpenMode } from '../files.ts';
import { FileError } from '../files.ts';

const { O_CREAT, O_DSYNC, O_EXCL, O_RDONLY, O_RDWR } = fs.constants;

export const FILE_PERMISSIONS = 0o644;

export const OPEN_FLAGS: Readonly<Record<OpenMode, number>> = {
  read: O_RDONLY,
  readWrite: O_RDWR,
  create: O_RDWR | O_CREAT,
  createNew: O_RDWR | O_CREAT | O_EXCL,
  readWriteSynced: O_RDWR | O_DSYNC,
};

/** Fills `into` from `position` on. Returns the bytes read: fewer than asked only at the end of the file. Throws FileError. */
export function readWhole(fd: number, into: Uint8Array, position: number, path: string): number {
  let filled = 0;
  try {
    while (filled < into.length) {
      const count = fs.readSync(fd, into, filled, into.length - filled, position + filled);
      if (count === 0) break;
      filled += count;
    }
  } catch (error) {
    throw errorOf(error as NodeJS.ErrnoException, 'pread', path);
  }
  return filled;
}

/** Writes all buffers, one after the other, from `position` on. Throws FileError, when any part of them may have been written. */
export function writeWhole(fd: number, buffers: readonly Uint8Array[], position: number, path: string): void {
  let rest = skipBytes(buffers, 0);
  let at = position;
  while (rest.length > 0) {
    const count = writeSome(fd, rest, at, path);
    // Nothing taken and no reason given: not to be tried for ever.
    if (count === 0) throw new FileError('EIO', 'pwrite', path);
    at += count;
    rest = skipBytes(rest, count);
  }
}

function writeSome(fd: number, buffers: readonly Uint8Array[], position: number, path: string): number {
  try {
    const only = buffers.length === 1 ? buffers[0] : undefined;
    return only === undefined ? fs.writevSync(fd, buffers, position) : fs.writeSync(fd, only, 0, only.length, position);
  } catch (error) {
    throw errorOf(error as NodeJS.ErrnoException, 'pwrite', path);
  }
}

/** What is left of `buffers` after the first `count` bytes; empty buffers at its head are dropped. */
export function skipBytes(buffers: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let skip = count;
  for (let i = 0; i < buffers.length; i++) {
    const buffer = buffers[i] as Uint8Array;
    if (buffer.length > skip) return skip === 0 ? buffers.slice(i) : [buffer.subarray(skip), ...buffers.slice(i + 1)];
    skip -= buffer.length;
  }
  return [];
}

export function errorOf(error: { readonly code?: string | undefined }, operation: string, path: string): FileError {
  return new FileError(error.code ?? 'EIO', operation, path, { cause: error });
}

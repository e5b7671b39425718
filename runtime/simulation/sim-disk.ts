/**
 * The disk of a simulated machine. It outlives crashes; the file system doors of the machine's threads (`sim-files.ts`, `sim-sync-files.ts`)
 * are views of it.
 *
 * A crash is, unless told otherwise, the worst that the contract of `files.ts` allows: everything that was not synced is lost.
 */

import { invalidArgument } from '../errors.ts';
import { FileError } from '../files.ts';
import { type EditCounter, SimDirectory, type SimNode } from './sim-inode.ts';

/** The place of a name, which may be free. */
export interface Entry {
  readonly directory: SimDirectory;
  readonly name: string;
  readonly node: SimNode | undefined;
}

/** Who holds a lock. */
export interface LockHolder {
  readonly isAlive: () => boolean;
}

export class SimDisk {
  readonly counter: EditCounter = { edits: 0 };
  readonly root = new SimDirectory(this.counter);
  /** By path. Not on the disk: a crash ends all holders. */
  readonly locks = new Map<string, LockHolder>();
  #generation = 0;

  /** Rises with each crash: what was begun in an earlier one is never heard of again. */
  get generation(): number {
    return this.#generation;
  }

  /** The machine loses power: open files are gone, and all that was not durable. */
  crash(): void {
    this.#generation++;
    this.locks.clear();
    const seen = new Set<SimNode>();
    const restart = (node: SimNode): void => {
      if (seen.has(node)) return;
      seen.add(node);
      node.restart();
      if (node.kind === 'directory') for (const child of node.now.values()) restart(child);
    };
    restart(this.root);
  }

  /** Makes a directory and those above it, durable at once: for setting a stage. */
  makeDirectory(path: string): void {
    checkPath(path);
    let directory = this.root;
    for (const name of path.slice(1).split('/')) {
      const known = directory.now.get(name);
      if (known?.kind === 'file') throw new FileError('ENOTDIR', 'mkdir', path);
      const next = known ?? new SimDirectory(this.counter);
      directory.now.set(name, next);
      directory.durable.set(name, next);
      directory = next;
    }
  }

  /** Errors: ENOENT, ENOTDIR, of the directories on the way; EBUSY for the root. */
  entry(operation: string, path: string): Entry {
    const names = path.slice(1).split('/');
    const name = names.pop() ?? '';
    if (name === '') throw new FileError('EBUSY', operation, path);
    let directory = this.root;
    for (const step of names) {
      const next = directory.now.get(step);
      if (next === undefined) throw new FileError('ENOENT', operation, path);
      if (next.kind !== 'directory') throw new FileError('ENOTDIR', operation, path);
      directory = next;
    }
    return { directory, name, node: directory.now.get(name) };
  }

  /** Errors: ENOENT, ENOTDIR. */
  find(operation: string, path: string): SimNode {
    if (path === '/') return this.root;
    const { node } = this.entry(operation, path);
    if (node === undefined) throw new FileError('ENOENT', operation, path);
    return node;
  }
}

/** Throws INVALID_ARGUMENT. Stricter than a real file system: what isn't normalised is a mistake of the caller. */
export function checkPath(path: string): void {
  if (path === '/') return;
  const names = path.slice(1).split('/');
  if (!path.startsWith('/') || names.some((name) => name === '' || name === '.' || name === '..')) {
    throw invalidArgument(`path: expected an absolute normalised one, got ${JSON.stringify(path)}`);
  }
}

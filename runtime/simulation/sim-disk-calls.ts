/**
 * DiskCalls: what each call does to a simulated disk, at once, and the faults that it meets. The asynchronous and the synchronous door are made
 * of it. All throw FileError, and PowerLossError when the machine is off or was meanwhile.
 */
import type { FileStat, OpenMode } from '../files.ts';
import { FileError } from '../files.ts';
import type { DiskFault, DiskOperation } from './disk-faults.ts';
import type { SimDisk } from './sim-disk.ts';
import { diskCall, endSync } from './sim-disk-call.ts';
import { DiskHandle } from './sim-disk-handle.ts';
import { SimDirectory, SimFile, type SimNode } from './sim-inode.ts';

export class DiskCalls {
  readonly disk: SimDisk;

  constructor(disk: SimDisk) {
    this.disk = disk;
  }

  open(path: string, mode: OpenMode): DiskHandle {
    return this.#call('open', path, () => {
      const { directory, name, node } = this.disk.entry('open', path);
      if (node?.kind === 'file') {
        if (mode === 'createNew') throw new FileError('EEXIST', 'open', path);
        return new DiskHandle(this.disk, path, node, mode);
      }
      if (node !== undefined) throw new FileError('EISDIR', 'open', path);
      if (mode !== 'create' && mode !== 'createNew') throw new FileError('ENOENT', 'open', path);
      this.#takeSpace('open', path);
      const file = new SimFile(this.disk.counter);
      directory.edit([[name, file]]);
      return new DiskHandle(this.disk, path, file, mode);
    });
  }

  /** Returns what ends the sync. What becomes durable is what was there when the sync began. */
  beginSyncDir(path: string): () => void {
    const until = this.disk.counter.edits;
    let directory: SimDirectory | undefined;
    let failure: unknown;
    try {
      directory = this.#directory('syncDir', path);
    } catch (error) {
      failure = error;
    }
    return () =>
      this.#call('syncDir', path, (fault) => {
        if (directory === undefined) throw failure;
        endSync(directory, until, fault, 'syncDir', path);
      });
  }

  rename(from: string, to: string): void {
    this.#call('rename', from, () => this.#rename(from, to));
  }

  unlink(path: string): void {
    this.#call('unlink', path, () => this.#unlink(path));
  }

  mkdir(path: string): void {
    this.#call('mkdir', path, () => {
      const { directory, name, node } = this.disk.entry('mkdir', path);
      if (node !== undefined) throw new FileError('EEXIST', 'mkdir', path);
      this.#takeSpace('mkdir', path);
      directory.edit([[name, new SimDirectory(this.disk.counter)]]);
    });
  }

  readdir(path: string): readonly string[] {
    return this.#call('readdir', path, () => [...this.#directory('readdir', path).now.keys()].sort());
  }

  stat(path: string): FileStat {
    return this.#call('stat', path, () => {
      const node = this.disk.find('stat', path);
      return node.kind === 'file' ? { kind: 'file', size: node.now.length } : { kind: 'directory', size: 0 };
    });
  }

  link(from: string, to: string): void {
    this.#call('link', from, () => {
      // As Linux: the old name is looked up whole before the new one is looked at.
      const source = this.disk.entry('link', from);
      if (source.node === undefined) throw new FileError('ENOENT', 'link', from);
      const target = this.disk.entry('link', to);
      if (target.node !== undefined) throw new FileError('EEXIST', 'link', from);
      if (source.node.kind === 'directory') throw new FileError('EPERM', 'link', from);
      this.#takeSpace('link', from);
      target.directory.edit([[target.name, source.node]]);
    });
  }

  /** Returns what releases it. */
  lock(path: string, isAlive: () => boolean): () => void {
    return this.#call('lock', path, () => {
      const { directory, name, node } = this.disk.entry('lock', path);
      if (node?.kind === 'directory') throw new FileError('EISDIR', 'lock', path);
      const { locks } = this.disk;
      if (locks.get(path)?.isAlive() === true) throw new FileError('ELOCKED', 'lock', path);
      if (node === undefined) {
        this.#takeSpace('lock', path);
        directory.edit([[name, new SimFile(this.disk.counter)]]);
      }
      const holder = { isAlive };
      locks.set(path, holder);
      return () => {
        if (locks.get(path) !== holder) throw new FileError('EBADF', 'release', path);
        locks.delete(path);
        this.#unlink(path);
      };
    });
  }

  #rename(from: string, to: string): void {
    const source = this.disk.entry('rename', from);
    const target = this.disk.entry('rename', to);
    if (source.node === undefined) throw new FileError('ENOENT', 'rename', from);
    if (source.node === target.node) return;
    if (source.node.kind === 'directory' && to.startsWith(`${from}/`)) throw new FileError('EINVAL', 'rename', from);
    // Before anything else is said of the two, whatever they are.
    if (from.startsWith(`${to}/`)) throw new FileError('ENOTEMPTY', 'rename', from);
    if (target.node !== undefined) {
      const code = whyNotReplaced(source.node, target.node);
      if (code !== undefined) throw new FileError(code, 'rename', from);
    }
    const gone = [source.name, undefined] as const;
    const come = [target.name, source.node] as const;
    if (source.directory === target.directory) {
      source.directory.edit([gone, come]);
    } else {
      // A crash may keep either: the name is then in both directories, or in none.
      target.directory.edit([come]);
      source.directory.edit([gone]);
    }
  }

  #unlink(path: string): void {
    const { directory, name, node } = this.disk.entry('unlink', path);
    if (node === undefined) throw new FileError('ENOENT', 'unlink', path);
    if (node.kind === 'directory') throw new FileError('EISDIR', 'unlink', path);
    directory.edit([[name, undefined]]);
  }

  #directory(operation: string, path: string): SimDirectory {
    const node = this.disk.find(operation, path);
    if (node.kind !== 'directory') throw new FileError('ENOTDIR', operation, path);
    return node;
  }

  /** A new name takes no bytes here, but a full disk has no room for it. */
  #takeSpace(operation: string, path: string): void {
    const { disk } = this;
    if (disk.budgetBytes < Infinity && disk.usedBytes() >= disk.budgetBytes) throw new FileError('ENOSPC', operation, path);
  }

  #call<T>(operation: DiskOperation, path: string, effect: (fault: DiskFault | undefined) => T): T {
    return diskCall(this.disk, this.disk.generation, operation, path, 0, 0, effect);
  }
}

function whyNotReplaced(source: SimNode, target: SimNode): string | undefined {
  if (target.kind === 'file') return source.kind === 'directory' ? 'ENOTDIR' : undefined;
  if (source.kind === 'file') return 'EISDIR';
  return target.now.size > 0 ? 'ENOTEMPTY' : undefined;
}

/** DiskCalls: what each call does to a simulated disk, at once. The asynchronous and the synchronous door are made of it. All throw FileError. */
import type { FileStat, OpenMode } from '../files.ts';
import { FileError } from '../files.ts';
import type { SimDisk } from './sim-disk.ts';
import { SimDirectory, SimFile, type SimNode } from './sim-inode.ts';

export class DiskCalls {
  readonly disk: SimDisk;

  constructor(disk: SimDisk) {
    this.disk = disk;
  }

  open(path: string, mode: OpenMode): DiskHandle {
    const { directory, name, node } = this.disk.entry('open', path);
    if (node?.kind === 'file') {
      if (mode === 'createNew') throw new FileError('EEXIST', 'open', path);
      return new DiskHandle(path, node, mode);
    }
    if (node !== undefined) throw new FileError('EISDIR', 'open', path);
    if (mode !== 'create' && mode !== 'createNew') throw new FileError('ENOENT', 'open', path);
    const file = new SimFile(this.disk.counter);
    directory.edit([[name, file]]);
    return new DiskHandle(path, file, mode);
  }

  /** Returns what ends the sync. */
  beginSyncDir(path: string): () => void {
    return this.#directory('syncDir', path).beginSync();
  }

  rename(from: string, to: string): void {
    const source = this.disk.entry('rename', from);
    const target = this.disk.entry('rename', to);
    if (source.node === undefined) throw new FileError('ENOENT', 'rename', from);
    if (source.node === target.node) return;
    if (source.node.kind === 'directory' && to.startsWith(`${from}/`)) throw new FileError('EINVAL', 'rename', from);
    if (target.node !== undefined) {
      const code = whyNotReplaced(source.node, target.node);
      if (code !== undefined) throw new FileError(code, 'rename', from);
    }
    const gone = [source.name, undefined] as const;
    const come = [target.name, source.node] as const;
    if (source.directory === target.directory) {
      source.directory.edit([gone, come]);
    } else {
      target.directory.edit([come]);
      source.directory.edit([gone]);
    }
  }

  unlink(path: string): void {
    const { directory, name, node } = this.disk.entry('unlink', path);
    if (node === undefined) throw new FileError('ENOENT', 'unlink', path);
    if (node.kind === 'directory') throw new FileError('EISDIR', 'unlink', path);
    directory.edit([[name, undefined]]);
  }

  mkdir(path: string): void {
    const { directory, name, node } = this.disk.entry('mkdir', path);
    if (node !== undefined) throw new FileError('EEXIST', 'mkdir', path);
    directory.edit([[name, new SimDirectory(this.disk.counter)]]);
  }

  readdir(path: string): readonly string[] {
    return [...this.#directory('readdir', path).now.keys()].sort();
  }

  stat(path: string): FileStat {
    const node = this.disk.find('stat', path);
    return node.kind === 'file' ? { kind: 'file', size: node.now.length } : { kind: 'directory', size: 0 };
  }

  link(from: string, to: string): void {
    const source = this.disk.entry('link', from);
    const target = this.disk.entry('link', to);
    if (source.node === undefined) throw new FileError('ENOENT', 'link', from);
    if (target.node !== undefined) throw new FileError('EEXIST', 'link', from);
    if (source.node.kind === 'directory') throw new FileError('EPERM', 'link', from);
    target.directory.edit([[target.name, source.node]]);
  }

  /** Returns what releases it. */
  lock(path: string, isAlive: () => boolean): () => void {
    const { directory, name, node } = this.disk.entry('lock', path);
    if (node?.kind === 'directory') throw new FileError('EISDIR', 'lock', path);
    const { locks } = this.disk;
    if (locks.get(path)?.isAlive() === true) throw new FileError('ELOCKED', 'lock', path);
    if (node === undefined) directory.edit([[name, new SimFile(this.disk.counter)]]);
    const holder = { isAlive };
    locks.set(path, holder);
    return () => {
      if (locks.get(path) !== holder) throw new FileError('EBADF', 'release', path);
      locks.delete(path);
      this.unlink(path);
    };
  }

  #directory(operation: string, path: string): SimDirectory {
    const node = this.disk.find(operation, path);
    if (node.kind !== 'directory') throw new FileError('ENOTDIR', operation, path);
    return node;
  }
}

/** A file opened in some mode. */
export class DiskHandle {
  readonly path: string;
  readonly #file: SimFile;
  readonly #mode: OpenMode;

  constructor(path: string, file: SimFile, mode: OpenMode) {
    this.path = path;
    this.#file = file;
    this.#mode = mode;
  }

  pread(into: Uint8Array, position: number): number {
    return this.#file.now.read(into, position);
  }

  pwrite(buffers: readonly Uint8Array[], position: number): void {
    if (this.#mode === 'read') throw new FileError('EBADF', 'pwrite', this.path);
    this.#file.write(buffers, position);
    if (this.#mode === 'readWriteSynced') this.beginSync()();
  }

  /** Returns what ends the sync. */
  beginSync(): () => void {
    return this.#file.beginSync();
  }

  truncate(length: number): void {
    if (this.#mode === 'read') throw new FileError('EINVAL', 'truncate', this.path);
    this.#file.truncate(length);
  }
}

function whyNotReplaced(source: SimNode, target: SimNode): string | undefined {
  if (target.kind === 'file') return source.kind === 'directory' ? 'ENOTDIR' : undefined;
  if (source.kind === 'file') return 'EISDIR';
  return target.now.size > 0 ? 'ENOTEMPTY' : undefined;
}

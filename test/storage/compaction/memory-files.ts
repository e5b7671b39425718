/** Doors of a job over files in memory: no disk, a clock that moves by pauses only, and failures where the test asks for them. */
import { FileError, type FileStat, type OpenMode, type SyncFile, type SyncFileSystem } from '../../../runtime/files.ts';
import type { JobDoors } from '../../../runtime/jobs.ts';

export class MemoryFiles implements SyncFileSystem {
  readonly files = new Map<string, Uint8Array>();
  readonly syncedDirs: string[] = [];
  /** Paths whose content was synced, as it was. */
  readonly synced = new Map<string, Uint8Array>();
  /** Called before each call; throws to make it fail. */
  before: (operation: string, path: string) => void = () => undefined;
  openCount = 0;

  open(path: string, mode: OpenMode): SyncFile {
    this.before('open', path);
    const present = this.files.has(path);
    if (mode === 'createNew' && present) throw new FileError('EEXIST', 'open', path);
    if (!present && mode !== 'createNew' && mode !== 'create') throw new FileError('ENOENT', 'open', path);
    if (!present) this.files.set(path, new Uint8Array(0));
    this.openCount++;
    return new MemoryFile(this, path);
  }
  syncDir(path: string): void {
    this.before('syncDir', path);
    this.syncedDirs.push(path);
  }
  rename(from: string, to: string): void {
    this.files.set(to, this.content('rename', from));
    this.files.delete(from);
  }
  unlink(path: string): void {
    this.before('unlink', path);
    if (!this.files.delete(path)) throw new FileError('ENOENT', 'unlink', path);
  }
  mkdir(path: string): void {
    this.before('mkdir', path);
  }
  readdir(path: string): readonly string[] {
    return [...this.files.keys()]
      .filter((name) => name.startsWith(`${path}/`))
      .map((name) => name.slice(path.length + 1))
      .sort();
  }
  stat(path: string): FileStat {
    return { kind: 'file', size: this.content('stat', path).length };
  }
  link(from: string, to: string): void {
    this.files.set(to, this.content('link', from));
  }

  content(operation: string, path: string): Uint8Array {
    this.before(operation, path);
    const bytes = this.files.get(path);
    if (bytes === undefined) throw new FileError('ENOENT', operation, path);
    return bytes;
  }
}

class MemoryFile implements SyncFile {
  readonly path: string;
  readonly #files: MemoryFiles;

  constructor(files: MemoryFiles, path: string) {
    this.#files = files;
    this.path = path;
  }

  pread(into: Uint8Array, position: number): number {
    const part = this.#files.content('pread', this.path).subarray(position, position + into.length);
    into.set(part);
    return part.length;
  }
  pwrite(buffers: readonly Uint8Array[], position: number): void {
    const old = this.#files.content('pwrite', this.path);
    const added = Buffer.concat(buffers);
    const length = Math.max(old.length, position + added.length);
    let { buffer } = old;
    if (length > buffer.byteLength) {
      buffer = new ArrayBuffer(2 * length);
      new Uint8Array(buffer).set(old);
    }
    const bytes = new Uint8Array(buffer, 0, length);
    bytes.set(added, position);
    this.#files.files.set(this.path, bytes);
  }
  datasync(): void {
    this.#files.synced.set(this.path, this.#files.content('datasync', this.path));
  }
  truncate(length: number): void {
    const bytes = new Uint8Array(length);
    bytes.set(this.#files.content('truncate', this.path).subarray(0, length));
    this.#files.files.set(this.path, bytes);
  }
  close(): void {
    this.#files.openCount--;
  }
}

export class MemoryDoors implements JobDoors {
  readonly files = new MemoryFiles();
  nowMs = 0;
  readonly pauses: number[] = [];
  /** How often a job has let others go first. */
  gaveWay = 0;
  readonly clock = { now: () => this.nowMs, wall: () => 0 };

  pause(ms: number): void {
    this.pauses.push(ms);
    this.nowMs += ms;
  }

  giveWay(): void {
    this.gaveWay++;
  }
}

/** For what uses no door. */
export const idleDoors: JobDoors = new MemoryDoors();

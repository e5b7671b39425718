/** A file system in memory whose calls end when the test says so, in the order they were made; it knows what a crash leaves. */
import type { Timers } from '../../runtime/doors.ts';
import {
  type FileDone,
  FileError,
  type FileLock,
  type FileStat,
  type FileSystem,
  type OpenFile,
  type OpenMode,
} from '../../runtime/files.ts';

interface Node {
  path: string;
  now: Buffer;
  durable: Buffer;
}

interface Call {
  readonly name: string;
  readonly end: (error: FileError | undefined) => void;
}

export class FakeFiles implements FileSystem {
  readonly nodes = new Map<string, Node>();
  #durableNames = new Map<string, Node>();
  readonly pending: Call[] = [];
  /** All calls so far: `operation name`; with `!` where the handle writes synced. */
  readonly history: string[] = [];
  /** Calls that fail: code by a prefix of the history's line; each counts once. */
  readonly failures = new Map<string, string>();

  /** What the disk holds after a loss of power: content and names that were synced. */
  crash(): FakeFiles {
    const after = new FakeFiles();
    for (const [path, { durable }] of this.#durableNames) after.put(path, durable);
    return after;
  }

  put(path: string, bytes: Buffer): void {
    const node = { path, now: Buffer.from(bytes), durable: Buffer.from(bytes) };
    this.nodes.set(path, node);
    this.#durableNames.set(path, node);
  }

  content(path: string): Buffer {
    const node = this.nodes.get(path);
    if (node === undefined) throw new Error(`no file ${path}`);
    return node.now;
  }

  names(): string[] {
    return [...this.nodes.keys()].map((path) => path.slice(path.lastIndexOf('/') + 1)).sort();
  }

  /** Ends a call, by default the oldest. Returns false where there is none. */
  step(which = 0): boolean {
    const [call] = this.pending.splice(which, 1);
    if (call === undefined) return false;
    call.end(this.#failureOf(call.name));
    return true;
  }

  #failureOf(name: string): FileError | undefined {
    const failing = [...this.failures].find(([prefix]) => name.startsWith(prefix));
    if (failing === undefined) return undefined;
    this.failures.delete(failing[0]);
    return new FileError(failing[1], name, '');
  }

  /** One that has ended when it returns. Throws FileError, when it fails. */
  callNow(name: string): void {
    this.history.push(name);
    const failure = this.#failureOf(name);
    if (failure !== undefined) throw failure;
  }

  call<T>(name: string, done: FileDone<T>, act: () => T): void {
    this.history.push(name);
    this.pending.push({
      name,
      end: (error) => {
        if (error !== undefined) return done({ ok: false, error });
        let value: T;
        try {
          value = act();
        } catch (thrown) {
          if (!(thrown instanceof FileError)) throw thrown;
          return done({ ok: false, error: thrown });
        }
        done({ ok: true, value });
      },
    });
  }

  open(path: string, mode: OpenMode, done: FileDone<OpenFile>): void {
    this.call(`open ${short(path)}`, done, () => {
      let node = this.nodes.get(path);
      if (node !== undefined && mode === 'createNew') throw new FileError('EEXIST', 'open', path);
      if (node === undefined && mode !== 'create' && mode !== 'createNew') throw new FileError('ENOENT', 'open', path);
      node ??= { path, now: Buffer.alloc(0), durable: Buffer.alloc(0) };
      this.nodes.set(path, node);
      return new FakeFile(this, node, mode === 'readWriteSynced');
    });
  }

  syncDir(path: string, done: FileDone<void>): void {
    this.call(`syncDir ${short(path)}`, done, () => {
      this.#durableNames = new Map(this.nodes);
    });
  }

  rename(from: string, to: string, done: FileDone<void>): void {
    this.call(`rename ${short(from)} ${short(to)}`, done, () => {
      const node = this.#node('rename', from);
      this.nodes.delete(from);
      this.nodes.set(to, node);
      node.path = to;
    });
  }

  unlink(path: string, done: FileDone<void>): void {
    this.call(`unlink ${short(path)}`, done, () => {
      this.#node('unlink', path);
      this.nodes.delete(path);
    });
  }

  mkdir(path: string, done: FileDone<void>): void {
    this.call(`mkdir ${short(path)}`, done, () => undefined);
  }

  readdir(path: string, done: FileDone<readonly string[]>): void {
    this.call(`readdir ${short(path)}`, done, () => this.names());
  }

  stat(path: string, done: FileDone<FileStat>): void {
    this.call(`stat ${short(path)}`, done, (): FileStat => ({ kind: 'file', size: this.#node('stat', path).now.length }));
  }

  link(from: string, to: string, done: FileDone<void>): void {
    this.call(`link ${short(from)}`, done, () => {
      this.nodes.set(to, this.#node('link', from));
    });
  }

  lock(path: string, done: FileDone<FileLock>): void {
    this.call(`lock ${short(path)}`, done, () => ({ release: (released) => this.call('release', released, () => undefined) }));
  }

  #node(operation: string, path: string): Node {
    const node = this.nodes.get(path);
    if (node === undefined) throw new FileError('ENOENT', operation, path);
    return node;
  }
}

class FakeFile implements OpenFile {
  readonly #files: FakeFiles;
  readonly #node: Node;
  readonly #synced: boolean;

  constructor(files: FakeFiles, node: Node, synced: boolean) {
    this.#files = files;
    this.#node = node;
    this.#synced = synced;
  }

  /** Of now: a renamed file goes by its new name. */
  get path(): string {
    return this.#node.path;
  }

  pread(into: Uint8Array, position: number, done: FileDone<number>): void {
    this.#files.call(`pread ${short(this.path)}`, done, () => this.preadNow(into, position));
  }

  preadNow(into: Uint8Array, position: number): number {
    const part = this.#node.now.subarray(position, position + into.length);
    into.set(part);
    return part.length;
  }

  pwrite(buffers: readonly Uint8Array[], position: number, done: FileDone<void>): void {
    const name = `${this.#synced ? 'pwrite!' : 'pwrite'} ${short(this.path)} ${position}`;
    this.#files.call(name, done, () => this.#write(Buffer.concat(buffers), position));
  }

  pwriteNow(bytes: Uint8Array, position: number): void {
    this.#files.callNow(`pwriteNow ${short(this.path)} ${position}`);
    this.#write(bytes, position);
  }

  #write(bytes: Uint8Array, position: number): void {
    const node = this.#node;
    node.now = written(node.now, bytes, position);
    if (this.#synced) node.durable = written(node.durable, bytes, position);
  }

  datasync(done: FileDone<void>): void {
    const { now } = this.#node;
    this.#files.call(`datasync ${short(this.path)}`, done, () => {
      this.#node.durable = now;
    });
  }

  truncate(length: number, done: FileDone<void>): void {
    this.#files.call(`truncate ${short(this.path)}`, done, () => {
      this.#node.now = written(this.#node.now.subarray(0, length), Buffer.alloc(0), length);
    });
  }

  close(done: FileDone<void>): void {
    this.#files.call(`close ${short(this.path)}`, done, () => undefined);
  }
}

/** Timers whose time the test moves. */
export class FakeTimers implements Timers {
  #now = 0;
  #soon: (() => void)[] = [];
  #later: { readonly at: number; readonly task: () => void }[] = [];

  soon(task: () => void): void {
    this.#soon.push(task);
  }

  after(afterMs: number, task: () => void): () => void {
    const timer = { at: this.#now + afterMs, task };
    this.#later.push(timer);
    return () => {
      this.#later = this.#later.filter((other) => other !== timer);
    };
  }

  /** Returns false where there was nothing to run. */
  runSoon(): boolean {
    const tasks = this.#soon;
    this.#soon = [];
    for (const task of tasks) task();
    return tasks.length > 0;
  }

  advance(ms: number): void {
    this.#now += ms;
    const due = this.#later.filter(({ at }) => at <= this.#now);
    this.#later = this.#later.filter(({ at }) => at > this.#now);
    for (const { task } of due) task();
  }
}

function written(before: Buffer, bytes: Uint8Array, position: number): Buffer {
  const after = Buffer.alloc(Math.max(before.length, position + bytes.length));
  before.copy(after);
  after.set(bytes, position);
  return after;
}

function short(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

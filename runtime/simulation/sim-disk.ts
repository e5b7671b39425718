/**
 * The disk of a simulated machine: what its files and directories hold now, and what of it is durable. It outlives crashes; the
 * file system doors of the machine's threads (`sim-files.ts`) are views of it.
 *
 * ```
 * SimFile       now: bytes     durable: bytes    pending: edits, oldest first, that are not in `durable` yet
 * SimDirectory  now: names     durable: names
 * ```
 *
 * A crash is the worst that the contract of `files.ts` allows: everything that was not synced is lost.
 */

import { invalidArgument } from '../errors.ts';
import { FileError } from '../files.ts';

type Node = SimFile | SimDirectory;

interface Edit {
  readonly sequence: number;
  readonly apply: (bytes: Bytes) => void;
}

/** The place of a name, which may be free. */
export interface Entry {
  readonly directory: SimDirectory;
  readonly name: string;
  readonly node: Node | undefined;
}

export class SimDisk {
  readonly root = new SimDirectory();
  #generation = 0;

  /** Rises with each crash: what was begun in an earlier one is never heard of again. */
  get generation(): number {
    return this.#generation;
  }

  /** The machine loses power: open files are gone, and all that was not durable. */
  crash(): void {
    this.#generation++;
    this.root.crash();
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
  find(operation: string, path: string): Node {
    if (path === '/') return this.root;
    const { node } = this.entry(operation, path);
    if (node === undefined) throw new FileError('ENOENT', operation, path);
    return node;
  }
}

export class SimDirectory {
  readonly kind = 'directory';
  readonly now = new Map<string, Node>();
  #durable: ReadonlyMap<string, Node> = new Map();
  #begunSyncs = 0;
  #endedSync = 0;

  /** Returns what ends the sync: names as they are now become durable then. */
  beginSync(): () => void {
    const names = new Map(this.now);
    const sync = ++this.#begunSyncs;
    return () => {
      if (sync <= this.#endedSync) return;
      this.#endedSync = sync;
      this.#durable = names;
    };
  }

  crash(): void {
    this.now.clear();
    for (const [name, node] of this.#durable) {
      this.now.set(name, node);
      node.crash();
    }
  }
}

export class SimFile {
  readonly kind = 'file';
  readonly now = new Bytes();
  readonly #durable = new Bytes();
  #pending: Edit[] = [];
  #edits = 0;

  write(buffers: readonly Uint8Array[], position: number): void {
    const bytes = Buffer.concat(buffers);
    this.#edit((target) => target.write(bytes, position));
  }

  truncate(length: number): void {
    this.#edit((target) => target.truncate(length));
  }

  /** Returns what ends the sync: edits made until now become durable then. */
  beginSync(): () => void {
    const until = this.#edits;
    return () => {
      while (this.#pending[0] !== undefined && this.#pending[0].sequence <= until) this.#pending.shift()?.apply(this.#durable);
    };
  }

  crash(): void {
    this.#pending = [];
    this.now.copyFrom(this.#durable);
  }

  #edit(apply: (bytes: Bytes) => void): void {
    apply(this.now);
    this.#pending.push({ sequence: ++this.#edits, apply });
  }
}

/** A file's content. */
class Bytes {
  length = 0;
  /** Zero from `length` on. */
  #bytes = Buffer.alloc(0);

  /** Returns the bytes copied. */
  read(into: Uint8Array, position: number): number {
    const count = Math.max(0, Math.min(into.length, this.length - position));
    into.set(this.#bytes.subarray(position, position + count));
    return count;
  }

  write(bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return;
    this.#extend(position + bytes.length);
    this.#bytes.set(bytes, position);
  }

  truncate(length: number): void {
    if (length < this.length) this.#bytes.fill(0, length, this.length);
    this.#extend(length);
    this.length = length;
  }

  copyFrom(other: Bytes): void {
    this.truncate(0);
    this.write(other.#bytes.subarray(0, other.length), 0);
  }

  #extend(length: number): void {
    if (length > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(length, this.#bytes.length * 2));
      this.#bytes.copy(grown);
      this.#bytes = grown;
    }
    this.length = Math.max(this.length, length);
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

/**
 * The disk of a simulated machine. It outlives crashes; the file system doors of the machine's threads (`sim-files.ts`, `sim-sync-files.ts`)
 * are views of it.
 *
 * A crash is, unless a model says otherwise, the plainest that the contract of `files.ts` allows: everything that was not synced is lost.
 *
 * To go through all crashes at a point: let a fault `powerLoss` stop the machine there, and for each of `allCrashModels(disk.pending())`
 * take a `clone`, `crash` it with the model, and recover on it.
 */

import { invalidArgument } from '../errors.ts';
import { FileError } from '../files.ts';
import { applySurvival, type CrashModel, LOSE_ALL, type PendingEdit } from './crash-models.ts';
import type { FaultHook } from './disk-faults.ts';
import { type EditCounter, type FileEdit, type NamesEdit, SimDirectory, type SimFile, type SimNode } from './sim-inode.ts';
import { cloneTree, walkTree } from './sim-tree.ts';

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

/** Ends whatever was running on the machine: thrown by calls that can't just never complete. No code that a test tests may catch it. */
export class PowerLossError extends Error {
  constructor() {
    super('the machine lost power');
    this.name = 'PowerLossError';
  }
}

interface PendingOf {
  readonly node: SimNode;
  readonly edit: FileEdit | NamesEdit;
  readonly told: PendingEdit;
}

export class SimDisk {
  readonly counter: EditCounter;
  readonly root: SimDirectory;
  /** By path. Not on the disk: a crash ends all holders. */
  readonly locks = new Map<string, LockHolder>();
  /** Asked before each call. */
  onCall: FaultHook | undefined;
  /** Bytes that all files together may have; beyond it ENOSPC. May be changed at any time, to less than is used too. */
  budgetBytes = Infinity;
  /** Factors on the time of each call through the asynchronous door, of which the greatest counts: a slow disk. */
  readonly slowed: number[] = [];
  #calls = 0;
  #generation = 0;
  #isOff = false;

  constructor(root?: SimDirectory, counter: EditCounter = { edits: 0 }) {
    this.counter = counter;
    this.root = root ?? new SimDirectory(counter);
  }

  /** Calls that took effect, or failed, so far. */
  get calls(): number {
    return this.#calls;
  }

  /** Rises with each crash: what was begun in an earlier one is never heard of again. */
  get generation(): number {
    return this.#generation;
  }

  /** Without power: from `powerOff` to `crash`. */
  get isOff(): boolean {
    return this.#isOff;
  }

  /** Nothing ends any more, and nothing is lost yet. */
  powerOff(): void {
    this.#generation++;
    this.#isOff = true;
    this.locks.clear();
  }

  /** The machine loses power, if it hasn't yet, and gets it again: open files are gone, and what was not durable, as far as `model` says so. */
  crash(model: CrashModel = LOSE_ALL): void {
    this.powerOff();
    this.#isOff = false;
    for (const { node, edit, told } of this.#pendingEdits()) applySurvival(node, edit, model.survivalOf(told));
    walkTree(this.root, (node) => node.restart());
  }

  /** Edits that are not durable, oldest first. Of files without a name that was or will be there only what a name still reaches. */
  pending(): readonly PendingEdit[] {
    return this.#pendingEdits().map(({ told }) => told);
  }

  /** A disk of its own with the same content, durable and not. Without what is open, locked, or injected. Cost: no content is copied until written. */
  clone(): SimDisk {
    const counter = { ...this.counter };
    const copy = new SimDisk(cloneTree(this.root, counter), counter);
    copy.budgetBytes = this.budgetBytes;
    copy.#isOff = this.#isOff;
    return copy;
  }

  /** Bytes of all files that have a name now. */
  usedBytes(): number {
    const files = new Set<SimFile>();
    const collect = (node: SimNode): void => {
      if (node.kind === 'file') files.add(node);
      else node.now.forEach(collect);
    };
    collect(this.root);
    return [...files].reduce((sum, file) => sum + file.now.length, 0);
  }

  /** Bit rot: flips a bit of what is stored. Errors: ENOENT, EISDIR, EINVAL when the file is shorter. */
  flipBit(path: string, byte: number, bit: number): void {
    const node = this.find('flipBit', path);
    if (node.kind === 'directory') throw new FileError('EISDIR', 'flipBit', path);
    if (byte >= node.now.length) throw new FileError('EINVAL', 'flipBit', path);
    node.flip(byte, bit);
  }

  /** The number of the next call. Throws PowerLossError as `checkPower`. */
  countCall(generation: number): number {
    this.checkPower(generation);
    return ++this.#calls;
  }

  /** Throws PowerLossError when the machine is off, or was since `generation`. */
  checkPower(generation: number): void {
    if (this.#isOff || generation !== this.#generation) throw new PowerLossError();
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

  #pendingEdits(): readonly PendingOf[] {
    const found: { readonly node: SimNode; readonly path: string; readonly edit: FileEdit | NamesEdit }[] = [];
    walkTree(this.root, (node, path) => {
      for (const edit of node.pending) found.push({ node, path, edit });
    });
    found.sort((a, b) => a.edit.sequence - b.edit.sequence);
    return found.map(({ node, path, edit }, index) => ({ node, edit, told: tell(edit, path, index) }));
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

function tell(edit: FileEdit | NamesEdit, path: string, index: number): PendingEdit {
  const { kind } = edit;
  if (kind === 'write') return { index, kind, path, offset: edit.offset, length: edit.bytes.length };
  return { index, kind, path, offset: kind === 'truncate' ? edit.length : 0, length: 0 };
}

/** Throws INVALID_ARGUMENT. Stricter than a real file system: what isn't normalised is a mistake of the caller. */
export function checkPath(path: string): void {
  if (path === '/') return;
  const names = path.slice(1).split('/');
  if (!path.startsWith('/') || names.some((name) => name === '' || name === '.' || name === '..')) {
    throw invalidArgument(`path: expected an absolute normalised one, got ${JSON.stringify(path)}`);
  }
}

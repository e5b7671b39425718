/**
 * What a simulated disk is made of: files and directories, each with what it holds now, what of it is durable, and the edits between the two.
 *
 * ```
 * SimFile       now: bytes     durable: bytes    pending: edits, oldest first, that are not in `durable` yet
 * SimDirectory  now: names     durable: names    pending: likewise
 * ```
 */
import { SimBytes } from './sim-bytes.ts';

export type SimNode = SimFile | SimDirectory;

/** Numbers the edits of a disk in the order in which they took effect. */
export interface EditCounter {
  edits: number;
}

export type FileEdit =
  | { readonly sequence: number; readonly kind: 'write'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly sequence: number; readonly kind: 'truncate'; readonly length: number };

/** Names that change together; undefined: the name goes. */
export interface NamesEdit {
  readonly sequence: number;
  readonly kind: 'names';
  readonly changes: readonly (readonly [name: string, node: SimNode | undefined])[];
}

export class SimDirectory {
  readonly kind = 'directory';
  readonly now = new Map<string, SimNode>();
  readonly durable = new Map<string, SimNode>();
  pending: NamesEdit[] = [];
  readonly #counter: EditCounter;

  constructor(counter: EditCounter) {
    this.#counter = counter;
  }

  /** Changes names, all at once also to a crash. */
  edit(changes: NamesEdit['changes']): void {
    const edit: NamesEdit = { sequence: ++this.#counter.edits, kind: 'names', changes };
    applyNames(this.now, edit);
    this.pending.push(edit);
  }

  /** Edits up to a number become durable. */
  sync(until: number): void {
    for (const edit of this.takePending(until)) applyNames(this.durable, edit);
  }

  /** Takes out the pending edits up to a number. */
  takePending(until: number): readonly NamesEdit[] {
    const taken = this.pending.filter((edit) => edit.sequence <= until);
    this.pending = this.pending.filter((edit) => edit.sequence > until);
    return taken;
  }

  /** Now is what is durable. */
  restart(): void {
    this.pending = [];
    this.now.clear();
    for (const [name, node] of this.durable) this.now.set(name, node);
  }
}

export class SimFile {
  readonly kind = 'file';
  readonly now = new SimBytes();
  readonly durable = new SimBytes();
  pending: FileEdit[] = [];
  readonly #counter: EditCounter;

  constructor(counter: EditCounter) {
    this.#counter = counter;
  }

  write(buffers: readonly Uint8Array[], position: number): void {
    const bytes = Buffer.concat(buffers);
    this.#edit({ sequence: ++this.#counter.edits, kind: 'write', offset: position, bytes });
  }

  truncate(length: number): void {
    this.#edit({ sequence: ++this.#counter.edits, kind: 'truncate', length });
  }

  /** Edits up to a number become durable. */
  sync(until: number): void {
    for (const edit of this.takePending(until)) applyToFile(this.durable, edit);
  }

  /** Takes out the pending edits up to a number. */
  takePending(until: number): readonly FileEdit[] {
    const taken = this.pending.filter((edit) => edit.sequence <= until);
    this.pending = this.pending.filter((edit) => edit.sequence > until);
    return taken;
  }

  /** Now is what is durable. */
  restart(): void {
    this.pending = [];
    this.now.copyFrom(this.durable);
  }

  /** Flips a bit in what is there, durable or not. Requires: before the end. */
  flip(byte: number, bit: number): void {
    this.now.flip(byte, bit);
    // What is still on its way is right, and will overwrite it.
    if (byte < this.durable.length) this.durable.flip(byte, bit);
  }

  #edit(edit: FileEdit): void {
    applyToFile(this.now, edit);
    this.pending.push(edit);
  }
}

export function applyToFile(bytes: SimBytes, edit: FileEdit): void {
  if (edit.kind === 'write') bytes.write(edit.bytes, edit.offset);
  else bytes.truncate(edit.length);
}

export function applyNames(names: Map<string, SimNode>, edit: NamesEdit): void {
  for (const [name, node] of edit.changes) {
    if (node === undefined) names.delete(name);
    else names.set(name, node);
  }
}

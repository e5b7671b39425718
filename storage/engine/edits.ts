/**
 * Changes of the set of tables, one after the other: manifest first, then what readers see. A change whose edit failed is tried again until it
 * succeeds, since whether it is on disk can't be known before.
 */
import type { Log, Timers } from '../../runtime/doors.ts';
import type { StorageError } from '../errors.ts';
import type { Change, ManifestWriter } from '../manifest/manifest-writer.ts';
import type { VersionState } from '../manifest/version-state.ts';
import type { TableReader } from '../table/table-reader.ts';
import { closeTables, type OpenTable } from './open-table.ts';
import type { Versions } from './versions.ts';

const RETRY_MS = 200;

interface Edit {
  /** Called when its turn has come. Undefined: it has become idle. */
  readonly change: () => Omit<Change, 'kind' | 'options'>;
  readonly opened: readonly OpenTable[];
  readonly done: () => void;
}

export interface EditsContext {
  readonly manifest: ManifestWriter;
  readonly versions: Versions;
  readonly timers: Timers;
  readonly log: Log;
  /** An attempt failed, and will be repeated: who waits for the change should not wait for that. */
  readonly onFailed: (error: StorageError) => void;
  /** Planted bug: installBeforeEdit. */
  readonly mutants: ReadonlySet<string>;
}

export class Edits {
  readonly #context: EditsContext;
  readonly #queue: Edit[] = [];
  #busy = false;
  /** Why the last attempt failed; undefined once one succeeded. */
  error: StorageError | undefined;
  #closing: (() => void) | undefined;
  #cancelRetry: (() => void) | undefined;

  constructor(context: EditsContext) {
    this.#context = context;
  }

  /** `opened`: readers of the tables that `change` adds. `done` is called when it is on disk and readers see it; never after `close`. */
  add(change: Edit['change'], opened: readonly OpenTable[], done: () => void): void {
    this.#queue.push({ change, opened, done });
    this.#pump();
  }

  /** Ends the manifest once the edit under way has ended; later ones are given up, and their tables closed. */
  close(done: () => void): void {
    this.#closing = done;
    this.#cancelRetry?.();
    if (!this.#busy) this.#end(done);
  }

  #end(done: () => void): void {
    const given = this.#queue.splice(0).flatMap(({ opened }) => opened.filter(({ reader }) => !this.#isUsed(reader)));
    closeTables(given, () => {
      // The manifest says what was decided; whether an edit that failed is in it shows when it is read. Its file is closed already.
      if (this.error !== undefined) return done();
      this.#context.manifest.close((result) => {
        if (!result.ok) this.#context.log.warn('manifestNotClosed', { error: result.error });
        done();
      });
    });
  }

  /** A table that was to be moved is still open for readers. */
  #isUsed(reader: TableReader): boolean {
    for (const table of this.#context.versions.tables) if (table.reader === reader) return true;
    return false;
  }

  #pump(): void {
    const edit = this.#queue[0];
    if (this.#busy || edit === undefined || this.#closing !== undefined) return;
    this.#busy = true;
    const change: Change = { kind: 'change', ...edit.change(), options: '' };
    const isEarly = this.#context.mutants.has('installBeforeEdit');
    const install = (state: VersionState): void => {
      this.#context.versions.install(state, edit.opened);
      edit.done();
    };
    if (isEarly) install(this.#context.manifest.state.apply({ ...change, nextFileNumber: this.#context.manifest.nextNumber() }));
    this.#context.manifest.append(change, (result) => {
      this.#busy = false;
      if (result.ok) {
        this.#queue.shift();
        this.error = undefined;
        if (!isEarly) install(result.value);
      } else {
        this.#context.log.error('manifestFailed', { error: result.error });
        this.error = result.error;
        this.#context.onFailed(result.error);
        this.#cancelRetry = this.#context.timers.after(RETRY_MS, () => this.#pump());
      }
      if (this.#closing !== undefined) this.#end(this.#closing);
      else if (result.ok) this.#pump();
    });
  }
}

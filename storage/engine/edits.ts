/**
 * Changes of the set of tables, one after the other: manifest first, then what readers see. A change whose edit failed is tried again until it
 * succeeds, since whether it is on disk can't be known before.
 */
import type { Log, Timers } from '../../runtime/doors.ts';
import type { Change, ManifestWriter } from '../manifest/manifest-writer.ts';
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

export class Edits {
  readonly #manifest: ManifestWriter;
  readonly #versions: Versions;
  readonly #timers: Timers;
  readonly #log: Log;
  readonly #queue: Edit[] = [];
  #busy = false;
  #closing: (() => void) | undefined;
  #cancelRetry: (() => void) | undefined;

  constructor(manifest: ManifestWriter, versions: Versions, timers: Timers, log: Log) {
    this.#manifest = manifest;
    this.#versions = versions;
    this.#timers = timers;
    this.#log = log;
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
    if (this.#queue.length === 0) {
      this.#manifest.close((result) => {
        if (!result.ok) this.#log.warn('manifestNotClosed', { error: result.error });
        done();
      });
      return;
    }
    // The manifest says what was decided; whether the edit that failed is in it shows when it is read.
    const given = this.#queue.splice(0).flatMap(({ opened }) => opened.filter(({ reader }) => !this.#isUsed(reader)));
    closeTables(given, () => done());
  }

  /** A table that was to be moved is still open for readers. */
  #isUsed(reader: TableReader): boolean {
    for (const table of this.#versions.tables) if (table.reader === reader) return true;
    return false;
  }

  #pump(): void {
    const edit = this.#queue[0];
    if (this.#busy || edit === undefined || this.#closing !== undefined) return;
    this.#busy = true;
    this.#manifest.append({ kind: 'change', ...edit.change(), options: '' }, (result) => {
      this.#busy = false;
      if (result.ok) {
        this.#queue.shift();
        this.#versions.install(result.value, edit.opened);
        edit.done();
      } else {
        this.#log.error('manifestFailed', { error: result.error });
        this.#cancelRetry = this.#timers.after(RETRY_MS, () => this.#pump());
      }
      if (this.#closing !== undefined) this.#end(this.#closing);
      else if (result.ok) this.#pump();
    });
  }
}

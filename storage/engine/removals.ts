/** Removes files that the database doesn't need any more. What can't be removed now is removed at the next start. */
import type { Log } from '../../runtime/doors.ts';
import type { FileSystem } from '../../runtime/files.ts';

export interface RemovalsContext {
  readonly files: FileSystem;
  readonly dir: string;
  readonly log: Log;
  /** Around each call: whoever opens the directory next must find it as it stays. */
  readonly begin: () => void;
  readonly end: () => void;
}

export class Removals {
  readonly #context: RemovalsContext;
  #isClosed = false;

  constructor(context: RemovalsContext) {
    this.#context = context;
  }

  /** `ended` is called once, later, whether or not it could be removed. */
  remove(path: string, ended: () => void = () => undefined): void {
    this.#remove(path, () => undefined, ended);
  }

  /**
   * One after the other, each gone for good before the next is touched: for segments of the log that are left out, newest first. One that is there must
   * find the one that it follows.
   */
  removeInTurn(paths: readonly string[]): void {
    const [path, ...others] = paths;
    if (path === undefined || this.#isClosed) return;
    this.#remove(path, () => {
      if (others.length === 0 || this.#isClosed) return;
      const { files, dir, begin, end } = this.#context;
      begin();
      files.syncDir(dir, (synced) => {
        if (synced.ok) this.removeInTurn(others);
        end();
      });
    });
  }

  /** Begins nothing any more. */
  close(): void {
    this.#isClosed = true;
  }

  /** `next` is called when it is gone. */
  #remove(path: string, next: () => void, ended: () => void = () => undefined): void {
    const { files, log, begin, end } = this.#context;
    begin();
    files.unlink(path, (result) => {
      if (result.ok || result.error.code === 'ENOENT') next();
      else log.warn('fileNotRemoved', { path, error: result.error });
      ended();
      end();
    });
  }
}

/**
 * Files that are taken out of a database: they get a second name in its folder `lost/` before the new manifest counts, and lose the old one after. So a
 * crash between leaves either the database as it was or the repaired one, and each file in one place at least.
 */
import { FileError, type SyncFileSystem } from '../../runtime/files.ts';
import { CURRENT_NAME } from '../manifest/file-names.ts';
import { storageError } from '../table/table-parts.ts';

export const LOST_NAME = 'lost';
const NAMES_MAX = 1_000;

export class LostFiles {
  readonly #files: SyncFileSystem;
  readonly #dir: string;
  readonly #linked: string[] = [];
  /** Where the disk has no links. */
  readonly #moves: { readonly from: string; readonly to: string }[] = [];

  constructor(files: SyncFileSystem, dir: string) {
    this.#files = files;
    this.#dir = dir;
  }

  /** Names them in `lost/`. Durability: the names are on disk. Errors: IO. */
  link(names: readonly string[]): void {
    if (names.length === 0) return;
    const lost = `${this.#dir}/${LOST_NAME}`;
    try {
      quietly('EEXIST', () => this.#files.mkdir(lost));
      const taken = new Set(this.#files.readdir(lost));
      for (const name of names) this.#link(name, freeName(name, taken));
      this.#files.syncDir(lost);
      this.#files.syncDir(this.#dir);
    } catch (error) {
      throw storageError(error);
    }
  }

  /** Takes their old names away. Errors: IO. */
  unlink(): void {
    try {
      for (const path of this.#linked) this.#files.unlink(path);
      for (const { from, to } of this.#moves) this.#files.rename(from, to);
      if (this.#moves.length > 0) this.#files.syncDir(`${this.#dir}/${LOST_NAME}`);
      this.#files.syncDir(this.#dir);
    } catch (error) {
      throw storageError(error);
    }
  }

  #link(name: string, as: string): void {
    const from = `${this.#dir}/${name}`;
    const to = `${this.#dir}/${LOST_NAME}/${as}`;
    try {
      this.#files.link(from, to);
      // The new one takes its name.
      if (name !== CURRENT_NAME) this.#linked.push(from);
    } catch (error) {
      if (!(error instanceof FileError) || (error.code !== 'EPERM' && error.code !== 'ENOTSUP')) throw error;
      if (name !== CURRENT_NAME) this.#moves.push({ from, to });
    }
  }
}

/** An earlier repair may have put a file of this name there. */
function freeName(name: string, taken: Set<string>): string {
  for (let i = 1; i < NAMES_MAX; i++) {
    const free = i === 1 ? name : `${name}.${i}`;
    if (taken.has(free)) continue;
    taken.add(free);
    return free;
  }
  throw new FileError('EEXIST', 'link', name);
}

function quietly(code: string, call: () => void): void {
  try {
    call();
  } catch (error) {
    if (!(error instanceof FileError) || error.code !== code) throw error;
  }
}

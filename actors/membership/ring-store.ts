/**
 * RingStore: the directory with the ring files of a RingActor. Each state is a file of its own, with a higher number than all before:
 *
 * ```
 * ring-7.new -> datasync -> rename ring-7 -> syncDir -> unlink ring-6
 * ```
 * The highest number counts. A crash leaves whole files and `.new` ones, which are nothing: so damage in a file under its right name is rot, and is reported.
 * Why numbers: a call of an earlier instance of the actor that is still under way can't put an old state in the place of a newer one.
 */
import type { FileDone, FileError, FileSystem } from '../../runtime/files.ts';
import { ioError, parentOf, readWhole } from '../../storage/engine/file-steps.ts';
import { type StorageDone, StorageError } from '../../storage/errors.ts';
import { decodeRingFile, encodeRingFile, RING_FILE_BYTES_MAX, type StoredRing } from './ring-file.ts';

const NAME = /^ring-([1-9][0-9]{0,9})$/;
const TEMPORARY = /^ring-[0-9]+\.new$/;

/** Told outside of any turn, as the completions of `files` are. */
export class RingStore {
  readonly #files: FileSystem;
  readonly #directory: string;
  /** The file that counts; 0: none. */
  #current: number;
  #next: number;

  /** By `openRingStore`. */
  constructor(files: FileSystem, directory: string, current: number) {
    this.#files = files;
    this.#directory = directory;
    this.#current = current;
    // One number is left out: an earlier instance of the actor may still be about to take it.
    this.#next = current + 2;
  }

  /**
   * Requires: no other write of this store is under way. Durability: on disk when it gives ok. After an error the state on disk is this one or that of before.
   */
  write(state: StoredRing, done: FileDone<void>): void {
    const number = this.#next++;
    const path = `${this.#directory}/ring-${number}`;
    const files = this.#files;
    const bytes = encodeRingFile(state, number);
    const failed = (error: FileError): void => files.unlink(`${path}.new`, () => done({ ok: false, error }));
    files.open(`${path}.new`, 'createNew', (opened) => {
      if (!opened.ok) return failed(opened.error);
      const file = opened.value;
      file.pwrite([bytes], 0, (written) => {
        if (!written.ok) return file.close(() => failed(written.error));
        file.datasync((synced) =>
          file.close(() => {
            if (!synced.ok) return failed(synced.error);
            files.rename(`${path}.new`, path, (renamed) => {
              if (!renamed.ok) return failed(renamed.error);
              files.syncDir(this.#directory, (named) => {
                if (!named.ok) return done(named);
                const old = this.#current;
                this.#current = number;
                // Whether it could be removed doesn't matter: it is never read again.
                if (old === 0) done({ ok: true, value: undefined });
                else files.unlink(`${this.#directory}/ring-${old}`, () => done({ ok: true, value: undefined }));
              });
            });
          }),
        );
      });
    });
  }
}

export interface OpenedRingStore {
  readonly store: RingStore;
  /** Null: the directory has none yet. */
  readonly state: StoredRing | null;
}

/** Makes the directory where it is missing; its parent must be there. Errors: IO, CORRUPTION, UNKNOWN_FORMAT. */
export function openRingStore(files: FileSystem, directory: string, done: StorageDone<OpenedRingStore>): void {
  makeDirectory(files, directory, (made) => {
    if (made !== undefined) return done({ ok: false, error: ioError('ring state', made) });
    // What is read is answered for: a name that a process which has died since gave must not be lost by the next power cut.
    files.syncDir(directory, (named) => {
      if (!named.ok) return done({ ok: false, error: ioError('ring state', named.error) });
      readNewest(files, directory, done);
    });
  });
}

function readNewest(files: FileSystem, directory: string, done: StorageDone<OpenedRingStore>): void {
  files.readdir(directory, (listed) => {
    if (!listed.ok) return done({ ok: false, error: ioError('ring state', listed.error) });
    const numbers = listed.value.flatMap((name) => NAME.exec(name)?.slice(1).map(Number) ?? []).sort((a, b) => b - a);
    const [current = 0, ...old] = numbers;
    const useless = [...listed.value.filter((name) => TEMPORARY.test(name)), ...old.map((number) => `ring-${number}`)];
    // Whether they can be removed doesn't matter.
    for (const name of useless) files.unlink(`${directory}/${name}`, () => undefined);
    const store = new RingStore(files, directory, current);
    if (current === 0) return done({ ok: true, value: { store, state: null } });
    const path = `${directory}/ring-${current}`;
    readWhole(files, path, RING_FILE_BYTES_MAX, (read) => {
      if (!read.ok) return done(read);
      try {
        done({ ok: true, value: { store, state: decodeRingFile(read.value, path, current) } });
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        done({ ok: false, error });
      }
    });
  });
}

function makeDirectory(files: FileSystem, directory: string, done: (error: FileError | undefined) => void): void {
  files.mkdir(directory, (made) => {
    if (!made.ok && made.error.code !== 'EEXIST') return done(made.error);
    // Also when it was there: who made it may not have got this far.
    files.syncDir(parentOf(directory), (named) => done(named.ok ? undefined : named.error));
  });
}
